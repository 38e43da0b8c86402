"""Predict the rows of a file.

    retrace predict price listings.tsv -o prices.parquet     raw rows, where the world reads them
    retrace predict fraud payments.parquet -o scores.csv     rows of the clean table, no outcomes
    retrace predict fraud payments.jsonl -o scores.csv       rows as the API takes them
    retrace predict price listings.tsv -o prices.csv --store URL    and keep each in the store

The rows of OUT are those of the file, in its order: key, answer, and `refused`, which says why a
row has none. Started again after a kill, it goes on where it was. With history, a row sees what the
clean table says was known at its time, with --store what the store knows by now.
"""

import argparse
import hashlib
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems import parts
from problems.answered import FORMS, Ask, answered, write_in_order
from problems.asked import in_parts, parts_of_groups
from problems.contract import Problem
from problems.parts import find_problem
from problems.predict import Predictor, predict
from problems.row_columns import RefusedRow
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame, to_frame
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, read_table, write_json, write_table
from retrace.fit.bundle import Bundle

AT_ONCE = 50_000
STORED_AT_ONCE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem")
    parser.add_argument("file", type=lambda text: Path(text).absolute())
    parser.add_argument("-o", "--out", required=True, type=lambda text: Path(text).absolute())
    parser.add_argument("--store", help="keep each prediction there: SQLite or PostgreSQL by URL")


def run(args: argparse.Namespace) -> int:
    if args.out.suffix not in FORMS:
        raise RetraceError(f"-o {args.out.name}: expected a name that ends in {' or '.join(FORMS)}")
    problem = find_problem(args.problem)
    if not args.file.is_file():
        raise RetraceError(f"{args.file} is no file.")
    written = args.out.with_name(args.out.name + ".parts")
    bundle = Bundle.load(paths.bundle(problem.name))
    places: dict[Path, NDArray[np.int64]] = {}
    n_rows = 0
    ask = stored(problem, args.store) if args.store else in_memory(problem, bundle)
    for part in in_parts(problem, args.file, AT_ONCE):
        if not places:
            begin(written, args.file, bundle)
        path = written / f"{part.number:06}.parquet"
        places[path] = part.places
        if not path.exists():
            write_table(answered(problem, part.rows, ask), path)
        n_rows += len(part.places)
        if sys.stderr.isatty():
            print(f"\r{n_rows:,} rows", end="", file=sys.stderr)
    refused = write_in_order([*places], [*places.values()], args.out)
    shutil.rmtree(written)
    print(f"{args.out.name}: {n_rows:,} rows, {refused:,} of them refused")
    return 0


def in_memory(problem: Problem, bundle: Bundle) -> Ask:
    """Return what asks the model. With history, rows see what the clean table says was known at
    their time; without that table, what is known at the end of the data."""
    past_path, state_path = paths.clean(problem.world), paths.state(problem.name) / "state.parquet"
    if parts.features(problem.world).history is None or past_path.exists():
        past = read_table(past_path) if past_path.exists() and problem.time else None
        return lambda rows: predict(problem, bundle, rows, past=past)
    predictor = Predictor.of(problem, bundle, read_table(state_path))
    return lambda rows: to_frame(predictor.answer(from_frame(rows)), rows.index)


def stored(problem: Problem, url: str) -> Ask:
    """Return what asks as the server does, and keeps each prediction."""
    from serving.model import Served
    from serving.settings import serving_params
    from store import log
    from store.database import Store
    from store.loader import Loader, insert_predictions, row_of

    store = Store(url)
    store.upgrade()
    served = Served.load(problem, store, Loader(store, log.FOLDER), params=serving_params())
    served.begin()
    request = uuid.uuid4().hex

    def ask(rows: pd.DataFrame) -> pd.DataFrame:
        arrays = from_frame(rows)
        found: dict[int, dict[str, Any]] = {}

        def answer(here: NDArray[np.int64]) -> None:
            asked = [to_json(arrays, place) for place in here.tolist()]
            try:
                answers = served.answer(asked, request)
            except RefusedRow as error:  # the others are answered
                parts = together(problem, rows.iloc[here], max(len(here) // 2, 1))
                if len(parts) == 1:
                    parts = together(problem, rows.iloc[here], 1)
                if len(parts) > 1:
                    for part in parts:
                        answer(here[part])
                    return
                reason = {"refused": f"{error.column}: {error.reason}"}
                found.update(dict.fromkeys(here.tolist(), reason))
                return
            lines = (log.parse(one.line) for one in answers)
            with store.writing() as connection:
                insert_predictions(store, connection, [row_of(line) for line in lines if line])
            found.update(zip(here.tolist(), (_plain(one.said) for one in answers), strict=True))

        for here in together(problem, rows, STORED_AT_ONCE):
            if len(here):
                answer(here)
        table = pd.DataFrame([found[place] for place in range(len(rows))], index=rows.index)
        return table.assign(refused=table["refused"].fillna("")) if "refused" in table else table

    return ask


def together(problem: Problem, rows: pd.DataFrame, most: int) -> list[NDArray[np.int64]]:
    """Return the places of rows in parts of about so many; rows that look at each other are in
    one."""
    if problem.group:
        group = rows.groupby(list(problem.group), sort=False, dropna=False).ngroup().to_numpy()
    else:
        group = np.arange(len(rows))
    part = parts_of_groups(group, most)
    order = np.argsort(part, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(part[order])) + 1)


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in ("decision", "problem")}


def begin(folder: Path, source: Path, bundle: Bundle) -> None:
    """Make the folder of finished parts; parts of another file or model are no use."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    wanted = {"file": digest, "model": bundle.fingerprint, "rows": AT_ONCE}
    note = folder / "of.json"
    if note.exists() and read_json(note) == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(wanted, note)
