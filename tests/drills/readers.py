"""What reads from outside, for `tests.drills.fuzz`: each makes a case, reads it, checks the rows.

A reader is prepared in an empty folder and then called for each case.
"""

import csv
import gzip
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

import stages  # noqa: F401  pins what must be pinned before NumPy computes
from commands import __main__ as command_line
from problems import parts
from problems.orders.ingest import IngestSettings, read_log, snapshots
from problems.orders.ingest.olist import EVENTS, TABLES
from problems.parts import find_problem
from problems.predict import predict
from retrace.base.errors import RetraceError
from retrace.base.params import read_key, read_params
from retrace.checks.screens import screen
from retrace.fit.boosters import booster_from_text
from retrace.fit.bundle import Bundle
from retrace.raw import read_raw
from retrace.raw.values import as_integer, as_number, as_text, clean_text
from tests.conftest import ROOT
from tests.data.clean import limits
from tests.drills.bad_data import simulate
from tests.drills.fuzz import Reader, Rng, cell, mutated
from tests.drills.reception import PARAMS
from workflow.validate import check_schema, roles, run_checks

COLUMNS = ("id", "text", "number")


class LostRows(AssertionError):
    """Rows in are not rows out plus rows quarantined."""


def delimited(folder: Path) -> Reader:
    """Tables as CSV and TSV, plain or gzipped, with damaged bytes; all lines must be somewhere."""
    base = b"id\ttext\tnumber\n" + b"".join(b"%d\tsome text\t%d.5\n" % (i, i) for i in range(6))
    quoted = b'id,text,number\n1,"a, b",1\n2,"x ""y""\nz",2\n3,plain,3\n'

    def read(rng: Rng, folder: Path) -> None:
        kind = int(rng.integers(0, 3))
        data = mutated(quoted if kind == 1 else base, rng)
        name = "t.csv" if kind == 1 else "t.tsv"
        if kind == 2:
            name, data = "t.tsv.gz", gzip.compress(data, 1)
            data = mutated(data, rng) if rng.random() < 0.5 else data
        path = folder / name
        path.write_bytes(data)
        table = read_raw(path, COLUMNS[:1], COLUMNS[1:])
        if kind == 0 and b'"' not in data and b"\n" in data:
            lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
            most = sum(bool(line.removesuffix(b"\r")) for line in lines) - 1
            least = sum(bool(line.strip(b" \r\x0b\x0c")) for line in lines) - 1
            if not least <= table.rows_in <= most:
                raise LostRows(f"{table.rows_in} of {least} to {most}")

    return read


def tables(folder: Path) -> Reader:
    """Tables with hostile values as a spreadsheet writes them; every row comes back as it was."""

    def read(rng: Rng, folder: Path) -> None:
        rows = [[cell(rng, "some text") for _ in COLUMNS] for _ in range(int(rng.integers(1, 8)))]
        rows = [[str(i), *row[1:]] for i, row in enumerate(rows)]
        rows = [[value.replace("\r", " ") for value in row] for row in rows]
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([COLUMNS, *rows])
        (folder / "t.csv").write_text(text.getvalue(), encoding="utf-8", errors="replace")
        table = read_raw(folder / "t.csv", COLUMNS)
        if table.rows_in != len(rows):
            raise LostRows(f"{table.rows_in} of {len(rows)}")

    return read


def parquet(folder: Path) -> Reader:
    """Parquet files with damaged bytes."""
    frame = pd.DataFrame({"id": range(50), "text": ["some text"] * 50, "number": [1.5] * 50})
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), sink, compression="zstd")

    def read(rng: Rng, folder: Path) -> None:
        (folder / "t.parquet").write_bytes(mutated(sink.getvalue(), rng))
        read_raw(folder / "t.parquet", COLUMNS[:1], COLUMNS[1:])

    return read


def values(folder: Path) -> Reader:
    """Columns of hostile values as text, numbers and whole numbers: one for each, in order."""

    def read(rng: Rng, folder: Path) -> None:
        column = pd.Series(
            [cell(rng, "-12.5") for _ in range(20)], dtype=rng.choice(["str", object])
        )
        for look in (as_text, clean_text, as_number, as_integer):
            if len(look(column)) != len(column):
                raise LostRows(look.__name__)

    return read


def world(name: str, table: str, group: str | None = None) -> Callable[[Path], Reader]:
    """A world's whole ingest and validate, with hostile values in one raw table.

    group: a column, of whose first three values all rows are taken; else the first rows are.
    """

    def prepare(folder: Path) -> Reader:
        ingest = parts.reader(name)
        settings = ingest.settings(**PARAMS[name]["ingest"])
        made = simulate(name, "short", 1).raw
        whole = made[table]
        first = whole[whole[group].isin(whole[group].unique()[:3])] if group else whole.head(12)
        usual = first.astype("str").fillna("")
        others = {file: frame for file, frame in made.items() if file != table}
        source = folder / name
        source.mkdir()
        for file, frame in others.items():
            frame.head(3000).to_parquet(source / file)
        stem = table.split(".")[0]

        def read(rng: Rng, folder: Path) -> None:
            frame = usual.copy()
            for _ in range(int(rng.integers(1, 10))):
                row, column = int(rng.integers(0, len(frame))), int(rng.integers(0, frame.shape[1]))
                frame.iat[row, column] = cell(rng, frame.iat[row, column])
            if rng.random() < 0.1:
                frame = frame.drop(columns=str(rng.choice(list(frame))))
            if rng.random() < 0.5:
                path = source / f"{stem}.csv"
                frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL, errors="replace")
            else:
                path = source / f"{stem}.parquet"
                frame.to_parquet(path)
            try:
                found = ingest.ingest(source, settings)
            finally:
                path.unlink()
            if found.rows_in != len(frame):
                raise LostRows(f"{found.rows_in} of {len(frame)}")
            used = found.figures["events"] if name == "orders" else len(found.clean)
            if used + len(found.rejected) != len(frame):
                raise LostRows(f"{used} used and {len(found.rejected)} rejected of {len(frame)}")
            validate(name, found.clean)

        return read

    return prepare


def validate(name: str, rows: pd.DataFrame) -> None:
    if len(rows):
        schema, checks = parts.world(name), limits(name)
        check_schema(schema, rows, 2)
        run_checks(rows, checks.listed(), schema)
        screen(rows, checks.screens, roles(schema))


def olist(folder: Path) -> Reader:
    """Olist's tables with hostile values; every order is in the log, or rejected."""
    settings = IngestSettings(
        **PARAMS["orders"]["ingest"] | {"format": "olist", "completion": ["delivered"]}
    )
    usual = {name: _olist_table(columns) for name, columns in TABLES.items()}

    def read(rng: Rng, folder: Path) -> None:
        tables = {name: table.copy() for name, table in usual.items()}
        for _ in range(int(rng.integers(1, 12))):
            table = tables[str(rng.choice(list(tables)))]
            row, column = int(rng.integers(0, len(table))), int(rng.integers(0, table.shape[1]))
            if table.columns[column] != "order_id":
                table.iat[row, column] = cell(rng, table.iat[row, column])
        for name, table in tables.items():
            kept = table.iloc[:, 1:] if rng.random() < 0.02 else table
            path = folder / f"{name}.csv"
            kept.to_csv(path, index=False, quoting=csv.QUOTE_ALL, errors="replace")
        log = read_log(folder, settings)
        known = {*log.log.case_ids, *log.rejected["case_id"]}
        if lost := set(usual["orders"]["order_id"]) - known:
            raise LostRows(f"{len(lost)} of {len(usual['orders'])} orders")
        validate("orders", snapshots(log.log, settings)[0])

    return read


def _olist_table(columns: list[str], rows: int = 8) -> pd.DataFrame:
    """Return a table whose keys fit those of the others; each event is a day after the last."""
    days = {name: day for day, name in enumerate([*EVENTS.values(), "order_estimated"])}

    def value(name: str, row: int) -> str:
        if name.endswith(("_at", "timestamp", "_date")):
            day = pd.Timestamp("2017-03-01") + pd.Timedelta(3 * row + days.get(name, 9), unit="D")
            return str(day + pd.Timedelta(9, unit="h"))
        if name.endswith(("_id", "_unique_id")):
            return f"{name.removesuffix('_id')}_{row}"
        return "delivered" if name == "order_status" else str(10 + row)

    return pd.DataFrame({name: [value(name, row) for row in range(rows)] for name in columns})


def params(folder: Path) -> Reader:
    """params.yaml with damaged bytes, read as the stages do."""
    models = {
        **{(w, s): find(w).settings for w in ("price", "fraud", "service_time", "orders")
           for s, find in (("simulate", parts.simulator), ("ingest", parts.reader),
                           ("features", parts.features))},
    }  # fmt: skip
    sections = {}
    for (name, section), model in models.items():
        if section in PARAMS[name]:
            text = yaml.safe_dump({name: {section: PARAMS[name][section]}}, sort_keys=False)
            sections[f"{name}.{section}"] = (text.encode(), model)

    def read(rng: Rng, folder: Path) -> None:
        key = str(rng.choice(list(sections)))
        text, model = sections[key]
        (folder / "params.yaml").write_bytes(mutated(text, rng))
        read_params(model, key, folder / "params.yaml")
        read_key(mutated(key.encode(), rng).decode(errors="replace"), folder / "params.yaml")

    return read


def bundle(folder: Path) -> Reader:
    """A bundle with damaged files whose fingerprint was made to fit, loaded and used."""
    from retrace.fit.bundle_files import bundle_fingerprint
    from tests.drills.harm import Bench

    name = "price"
    made = simulate(name, "short", 1)
    raw = folder / "raw"
    raw.mkdir()
    made.raw["train.tsv"].to_csv(raw / "train.tsv", sep="\t", index=False)
    clean = parts.reader(name).ingest(raw, parts.reader(name).settings(**PARAMS[name]["ingest"]))
    bench = Bench.of(name, clean.clean, "short", folder / "project")
    bench.errors(clean.clean)
    good, bad = bench.folder / "models" / name, folder / "bundle"
    files = sorted(path.relative_to(good) for path in good.rglob("*") if path.is_file())
    rows = clean.clean.head(3).drop(columns="price_usd")
    os.chdir(bench.folder)
    problem = find_problem(name)

    def read(rng: Rng, folder: Path) -> None:
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(good, bad)
        path = bad / files[int(rng.integers(0, len(files)))]
        data = path.read_bytes()
        if path.suffix == ".json" and rng.random() < 0.7:
            path.write_text(json.dumps(_other(json.loads(data), rng)))
        else:
            path.write_bytes(mutated(data, rng))
        if path.name != "bundle.json":
            about = json.loads((bad / "bundle.json").read_text())
            about["fingerprint"] = bundle_fingerprint(bad)
            (bad / "bundle.json").write_text(json.dumps(about))
        predict(problem, Bundle.load(bad), rows, num_threads=1)

    return read


def _other(value: Any, rng: Rng) -> Any:
    """Put something else somewhere into a JSON value."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = str(rng.choice(list(value)))
        if rng.random() < 0.1:
            return {other: item for other, item in value.items() if other != key}
        return {**value, key: _other(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = int(rng.integers(0, len(value)))
        return [*value[:at], _other(value[at], rng), *value[at + 1 :]]
    choices: list[Any] = [
        None,
        True,
        -1,
        0,
        2**70,
        1.5,
        float("nan"),
        float("inf"),
        "",
        "x",
        [],
        {},
    ]
    return choices[int(rng.integers(0, len(choices)))]


def models(folder: Path) -> Reader:
    """A model's text with damaged bytes: whatever passes the check, LightGBM must survive."""
    import lightgbm as lgb

    rng = np.random.default_rng(1)
    x = pd.DataFrame(rng.random((300, 5)), columns=[f"c{i}" for i in range(5)])
    x["c4"] = (x["c4"] * 8).astype(int)
    settings = {"verbosity": -1, "num_leaves": 6, "min_data_in_leaf": 5, "min_data_per_group": 5}
    data = lgb.Dataset(x, x["c0"] + (x["c4"] % 3), categorical_feature=["c4"])
    text = lgb.train({**settings, "objective": "regression"}, data, 4).model_to_string().encode()
    head = text.index(b"end of trees") + 20

    def read(rng: Rng, folder: Path) -> None:
        damaged = mutated(text[:head], rng) if rng.random() < 0.9 else mutated(text, rng)
        if rng.random() < 0.7:
            damaged = _with_sizes(damaged)
        booster = booster_from_text(damaged.decode(errors="replace"), "point.txt", 5)
        booster.predict(x.head(20), raw_score=True, num_threads=1)

    return read


def _with_sizes(text: bytes) -> bytes:
    """Make `tree_sizes` fit, as someone would who wants the text to be read."""
    head, _, rest = text.partition(b"\nTree=0\n")
    trees, end, tail = rest.partition(b"\nend of trees")
    blocks = (b"Tree=0\n" + trees + b"\n").split(b"\nTree=")
    sizes = [len(blocks[0]) + 1, *(len(block) + 6 for block in blocks[1:])]
    sizes[-1] -= 1
    lines = [
        b"tree_sizes=" + b" ".join(b"%d" % n for n in sizes)
        if line.startswith(b"tree_sizes")
        else line
        for line in head.split(b"\n")
    ]
    return b"\n".join(lines) + b"\nTree=0\n" + trees + end + tail


def command(folder: Path) -> Reader:
    """The `retrace` command with words of all kinds, in a folder with no data and no models."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    os.chdir(folder)
    for name in ("doctor", "storage"):  # these start processes; what they parse is what is tried
        __import__(f"commands.{name}").__dict__[name].run = lambda args: 0
    words = [
        *command_line.SUBCOMMANDS, "price", "fraud", "start", "stop", "--trials", "--seed",
        "--keep", "--help", "-h", "--", "-", "", "1", "-1", "nan", "9" * 30, "../..", "/", "*",
        "price.train", "--trials=1e9", "--seed=", "a" * 10_000,
    ]  # fmt: skip

    def read(rng: Rng, folder: Path) -> None:
        chosen = [str(rng.choice(words)) for _ in range(int(rng.integers(0, 6)))]
        if chosen and rng.random() < 0.3:
            at = int(rng.integers(0, len(chosen)))
            chosen[at] = (
                mutated(chosen[at].encode(), rng).decode(errors="replace").replace("\0", "")
            )
        try:
            status = command_line.main(chosen)
        except SystemExit as stop:
            status = int(stop.code or 0) if not isinstance(stop.code, str) else 1
        if status not in (0, 1, 2):
            raise RetraceError(f"status {status}")

    return read


READERS: dict[str, Callable[[Path], Reader]] = {
    "delimited": delimited,
    "tables": tables,
    "values": values,
    "parquet": parquet,
    "price": world("price", "train.tsv"),
    "fraud": world("fraud", "transactions.parquet"),
    "service_time": world("service_time", "stops.parquet"),
    "orders": world("orders", "events.parquet", group="case_id"),
    "olist": olist,
    "params": params,
    "bundle": bundle,
    "models": models,
    "command": command,
}
