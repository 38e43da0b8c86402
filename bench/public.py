"""Public data sets through the stages, by parameters alone.

    python -m bench public                           which there are, and where their rows come from
    python -m bench public sepsis sepsis.csv         ingest, validate, featurize, train and evaluate
    python -m bench public olist orders.csv order_items.csv customers.csv products.csv sellers.csv
    python -m bench public handbook                  draws its rows itself

Each runs in a temporary copy of the project. The figures are those of the test windows, and stand
in RESULTS.md.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.clone import change_params, command, copy_project, run_stage
from bench.results import Rows, write

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Public:
    """A public data set: where its rows come from, and what params.yaml must say.

    world, problems : whose stages run
    params : merged into params.yaml, but for `worlds.<world>.source`
    protocols : by name what differs, where the same rows are judged in several ways; the first one
        is what the others are held against
    new : what `retrace new` is told beside name and file, where the project has no such problem
    draw : a module of bench that writes the rows into a folder, where they are drawn and not given
    commands : further modules of bench to run, each with its arguments; `SOURCE` is the rows
    """

    about: str
    world: str
    problems: tuple[str, ...]
    params: Params = field(default_factory=dict)
    protocols: Mapping[str, Params] = field(default_factory=lambda: {"": {}})
    new: tuple[str, ...] = ()
    draw: str | None = None
    commands: tuple[tuple[str, ...], ...] = ()


ORDERS = ("order_completion", "order_stuck")
BARE = {"orders": {"features": {"history": False, "load": False}}}
OF_LOGS = {"": {}, "without history and load": BARE}


def log(zone: str, **ingest: Any) -> Params:
    """Return what an event log needs whose cases end by themselves, with local times of a zone."""
    ingest = {"completion": [], "withdrawal": [], "sla_days": None, "time_zone": zone, **ingest}
    own = {"features": {"time_zone": zone}, "evaluate": {"time_zone": zone}}
    return {"orders": {"ingest": ingest, **own}}


def week(start: int, train: int, valid: int = 0, calibration: int = 0) -> Params:
    """Return the Handbook's windows: the test is the week from day 129 on, labels take a week."""
    days = {
        "start": start, "train": train, "valid": valid, "calibration": calibration,
        "delay": 7, "test": 7, "drop_known": "customer_id", "drop_known_days": 7,
    }  # fmt: skip
    shares = {"train": 0.7, "valid": 0.15, "calibration": 0.1, "test": 0.05}
    return {"fraud": {"split": {"by": "days", "days": days, **shares}}}


HANDBOOK_NAMES = {
    "transaction_id": "TRANSACTION_ID", "at": "TX_DATETIME", "customer_id": "CUSTOMER_ID",
    "terminal_id": "TERMINAL_ID", "amount": "TX_AMOUNT", "is_fraud": "TX_FRAUD",
}  # fmt: skip
SETS = {
    "mercari": Public(
        "train.tsv of the Mercari Price Suggestion Challenge (Kaggle)",
        "price",
        ("price",),
        protocols={"": {}, "without nets": {"price": {"text": {"nets": 0}}}},
        commands=(("bench.crossval", "price", "SOURCE"),),
    ),
    "bikes": Public(
        "hour.csv of Bike Sharing (UCI)",
        "bikes",
        ("bikes",),
        new=(
            *("--target", "count", "--metric", "mae", "--unit", "bikes", "--yes"),
            *("--time", "dateday+hour", "--zone", "America/New_York"),
        ),
    ),
    "sepsis": Public(
        "Sepsis Cases (4TU), .xes, or .csv as pandas writes it",
        "orders",
        ORDERS,
        log("Europe/Amsterdam"),
        protocols=OF_LOGS,
    ),
    "roadtraffic": Public(
        "Road Traffic Fine Management Process (4TU), .xes",
        "orders",
        ORDERS,
        log("Europe/Rome"),
        protocols=OF_LOGS,
    ),
    "olist": Public(
        "the tables of the Brazilian E-Commerce Public Dataset by Olist (Kaggle)",
        "orders",
        ORDERS,
        log("America/Sao_Paulo", format="olist", completion=["delivered"]),
        protocols=OF_LOGS,
    ),
    "handbook": Public(
        "the Fraud Detection Handbook's payments, drawn by its published procedure",
        "fraud",
        ("fraud",),
        {"fraud": {"ingest": {"columns": HANDBOOK_NAMES, "label_delay_days": 7, "currency": None}}},
        protocols={
            "7 days of training": week(115, 7),
            "all 122 days": week(0, 101, valid=14, calibration=7),
        },
        draw="bench.handbook",
    ),
}


def measure(name: str, files: Sequence[Path]) -> Rows:
    """Run a set's stages in a copy of the project, and return its figures."""
    public = SETS[name]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        copy_project(project)
        source = bring(project, name, public, files)
        if public.new:
            words = ("-m", "commands", "new", public.world, str(source), *public.new)
            command(project, sys.executable, *words)
        change_params(project, public.params)
        change_params(project, {"worlds": {public.world: {"source": str(source)}}})
        rows = ingested(project, public)
        for protocol, changes in public.protocols.items():
            change_params(project, changes)
            for problem in public.problems:
                rows += judged(project, problem, protocol, project / f"first-{problem}.parquet")
            rows += [run(project, words, source, protocol) for words in public.commands]
    return rows


def bring(project: Path, name: str, public: Public, files: Sequence[Path]) -> Path:
    """Put the rows into the copy; return what `source` is there."""
    folder = Path("data/external") / name
    (project / folder).mkdir(parents=True)
    for file in files:
        shutil.copy2(file, project / folder / file.name)
    if public.draw and not files:
        command(project, sys.executable, "-m", public.draw, str(folder))
    found = sorted(path.name for path in (project / folder).iterdir())
    if not found:
        sys.exit(f"{name} needs its files: {public.about}.")
    return folder if len(found) > 1 else folder / found[0]


def ingested(project: Path, public: Public) -> Rows:
    seconds = stages(project, ("ingest", "validate"), public.world)
    counts = json.loads((project / f"metrics/ingest/{public.world}.json").read_text())
    checks = json.loads((project / f"metrics/validation/{public.world}.json").read_text())
    return [
        (
            "`ingest` and `validate`",
            f"{sum(seconds):.0f} s",
            f"{counts['rows_in']:,} rows, {counts['rows_quarantined']:,} in quarantine; "
            f"{checks['failed']} of {checks['checks']} checks failed{failed(checks)}",
        )
    ]


def failed(checks: Mapping[str, Any]) -> str:
    found = [one for one in checks["results"] if not one["passed"]]
    said = ", ".join(f"{one['check']} of {one['column']} ({one['found']})" for one in found)
    return f": {said}" if said else ""


def judged(project: Path, problem: str, protocol: str, first: Path) -> Rows:
    """Fit and judge a problem; say its figures, its interval and, where `first` has the predictions
    of the first protocol, the difference to them."""
    seconds = stages(project, ("featurize", "train", "evaluate"), problem)
    figures = json.loads((project / f"metrics/{problem}.json").read_text())
    card = json.loads((project / f"models/{problem}/card.json").read_text())
    valid = "".join(
        f" ({name} {figures.pop(name):.4g})" for name in [*figures] if name.startswith("valid_")
    )
    (key, value), *others = figures.items()
    said = ", ".join(f"{name} {figure:.4g}" for name, figure in others)
    rounds = ", ".join(f"{name} {count}" for name, count in card["rounds"].items())
    counts = ", ".join(f"{name} {card['rows'][name]:,}" for name in ("train", "fitted"))
    title = f"`{problem}`" + (f", {protocol}" if protocol else "")
    rows: Rows = [
        (
            title,
            f"{key} {value:.4g}{valid}",
            f"{said}; rows {counts}; rounds {rounds}; train {seconds[1]:.0f} of "
            f"{sum(seconds):.0f} s",
        )
    ]
    predictions = project / f"data/predictions/{problem}.parquet"
    if first.exists():
        words = (sys.executable, "-m", "bench.against", problem, str(first))
        said = command(project, *words)[2].splitlines()[-1]
        return [*rows, (f"{title}, against the first", *said.rsplit(" on ", 1))]
    shutil.copy2(predictions, first)
    if "lower" in card["rounds"]:
        said = command(project, sys.executable, "-m", "bench.intervals", problem)[2]
        rows.append(tuple(said.splitlines()[-1].split(" | ")))
    return rows


def stages(project: Path, names: Sequence[str], of: str) -> list[float]:
    """Run stages of a problem or world one after the other; return the seconds of each."""
    return [run_stage(project, name, of)[0] for name in names]


def run(project: Path, words: Sequence[str], source: Path, protocol: str) -> tuple[str, ...]:
    module, *given = (str(source) if word == "SOURCE" else word for word in words)
    seconds, _, printed = command(project, sys.executable, "-m", module, *given)
    said = f"`{' '.join(words)}`" + (f", {protocol}" if protocol else "")
    return said, printed.splitlines()[-1], f"{seconds:.0f} s"


def title(name: str) -> str:
    return f"Public data: {name}"


def main(words: Sequence[str], order: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench public",
        description="\n".join(f"{name:12} {one.about}" for name, one in SETS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("set", choices=list(SETS))
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = parser.parse_args(words or ["--help"])
    rows = measure(options.set, [path.resolve() for path in options.files])
    write(title(options.set), rows, [*order, *map(title, SETS)])
    print("\n".join(" | ".join(row) for row in rows), flush=True)
