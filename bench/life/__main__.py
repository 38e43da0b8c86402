"""Play a life and write reports/life.html: see the package."""

import argparse
import contextlib
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import stages  # noqa: F401  (before NumPy: pins its instructions)

# isort: split
import pandas as pd

from bench.life import fates
from bench.life.course import LifeCourse, simulate
from bench.life.page import page, summary
from bench.life.place import LifePlace, copied, prepare
from bench.life.play import Life, Played
from bench.life.told import lines
from bench.results import machine
from experiments.cycle.status import DONE, KEPT
from problems.parts import find_problem
from retrace.base.files import replacing
from retrace.base.tables import Column, Table
from store.database import Store
from tests.online.replay import stored_ids
from workflow.replay.models import QUICK

NAME, CURRENCY = "fraud", "EUR"
START, END = pd.Timestamp("2025-03-08", tz="UTC"), pd.Timestamp("2025-09-06", tz="UTC")
FORTNIGHT = pd.Timedelta(days=14)
# 400 payments a day and one in fifty a fraud, so that a fortnight has a hundred; fraudsters change
# their ways every ten weeks. The first model has ten weeks to learn from.
COURSE = {
    "fraud": {
        "simulate": {"transactions": 110_000, "months": 9.0, "fraud_rate": 0.02,
                     "change_months": 2.4, "seed": 11},
        "split": {"days": {"train": 34, "valid": 10, "calibration": 7, "delay": 1, "test": 12}},
        "train": QUICK,
        "evaluate": {"slice_min_rows": 200},
    },
    "cycle": {"every_days": 14.0, "least_new_labels": 1_000_000},
}  # fmt: skip
PAGE = Path("reports/life.html")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.life")
    parser.add_argument("--kept", type=Path, help="a folder for the copies that it plays in")
    options = parser.parse_args()
    top = options.kept or Path(tempfile.mkdtemp(prefix="life-"))
    began = time.monotonic()
    try:
        world = find_problem(NAME).world
        copied(top / "course", world, {"fraud": COURSE["fraud"]})
        course = simulate(top / "course", NAME)
        place = LifePlace(top, NAME)
        prepare(place, course.problem, course.rows, START, COURSE)
        life = Life(place, course.problem, course.rows)
        played = life.play(START, END)
        with contextlib.chdir(place.home):
            text = told(course, played, life, time.monotonic() - began)
        with replacing(PAGE) as partial:
            partial.write_text(text, "utf-8")
        print(f"{PAGE} ({time.monotonic() - began:.0f} s)")
    finally:
        if options.kept is None:
            shutil.rmtree(top, ignore_errors=True)
    return 0


def told(course: LifeCourse, played: Played, life: Life, seconds: float) -> str:
    """Return the page, and print its table."""
    scored = fates.scored_of(course, played)
    at = scored[fates.LOOP].set_index("name")[str(course.problem.time)]
    fortnights = START + (at - START) // FORTNIGHT * FORTNIGHT
    months = fates.by_period(course, scored, at.dt.strftime("%Y-%m"))
    happened = fates.happened(course, played, Store(life.server.store))
    table = summary(lines(months, happened, CURRENCY))
    print(table.frame.to_string(index=False))
    for one in happened:
        print(f"{one.at:%Y-%m-%d} {one.kind:7} {one.words}")
    loop = months[months["fate"] == fates.LOOP]["balanced_accuracy"]
    alone = months[months["fate"] == fates.ALONE]["balanced_accuracy"]
    headline = (
        f"Left alone, balanced accuracy fell to {alone.min():.0%}; the full loop had "
        f"{loop.iloc[1:].min():.0%} to {loop.iloc[1:].max():.0%} from the second month on."
    )
    return page(
        NAME, fates.by_period(course, scored, fortnights), table, by_month(months), happened,
        headline, notes(played, life, seconds),
    )  # fmt: skip


def by_month(months: pd.DataFrame) -> Table:
    columns = {
        "at": Column("month", kind="text"),
        "fate": Column("fate", kind="text"),
        "balanced_accuracy": Column("balanced accuracy", kind="share"),
        "recall": Column("frauds found", kind="share"),
        "false_positive_rate": Column("genuine payments with an alert", kind="share"),
        "at_equal_recall": Column("the same at the recall of the model left alone", kind="share"),
        "cost": Column("cost", CURRENCY, "money"),
        "rows": Column("payments", kind="count"),
    }
    return Table(months[[*columns]], "By month", columns)


def notes(played: Played, life: Life, seconds: float) -> list[str]:
    """Say how it was played, and what was lost."""
    stored = Counter(stored_ids(life.server))
    ids = [one[3] for one in played.answers]
    lost, doubled = sum(one not in stored for one in ids), sum(n > 1 for n in stored.values())
    statuses = Counter(week.status for week in played.weeks)
    return [
        f"{len(ids):,} payments were asked about one after the other, in {played.n_requests:,} "
        f"requests to a real server on one SQLite store: {lost} answers lost, {doubled} doubled, "
        f"{played.n_again} requests asked again; {played.n_held} records were held on arrival, and "
        "let in at the end of their week.",
        f"At the end of each of {len(played.weeks)} weeks `retrace watch` and `retrace cycle` ran "
        f"as of that moment ({statuses[DONE]} times exit status 0, {statuses[KEPT]} times a model "
        "was made and not taken). New labels are those of the store, as `retrace export` has them. "
        "The gate judges a new model on the newest labelled payments.",
        "Left alone, and by calendar (each month without a gate), are the replay's models on the "
        "same payments: they answered nobody. `python -m bench.life` makes this page; "
        f"{seconds / 60:.0f} minutes here. {machine()}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
