"""Five weeks of five problems as watch may have found them, put together by hand."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd

from monitoring.daily import Fold
from monitoring.summary import RULE, Alarm, Benefit, Between, ColumnDrift, Slice, Summary
from monitoring.well import Action, ProblemDay
from retrace.base.tables import Column, Table
from retrace.judge.metrics import key_of
from tests.online.watched import DAY, alarm, summary

AT = pd.Timestamp("2026-11-30T08:00", tz="Europe/Oslo")
TODAY = int(AT.normalize().value // 1000)
CHARGED: dict[str, Any] = {
    "metric": "mae",
    "metric_words": "mean absolute error",
    "unit": "seconds",
}
RANKED: dict[str, Any] = {"metric": "average_precision", "metric_words": "average precision",
          "unit": "probability", "higher_is_better": True}  # fmt: skip


def day(problem: str, ago: int, rng: np.random.Generator, **more: Any) -> Summary:
    """A day that ended `ago` days before today; outcomes of the last days are open in part."""
    level = more.pop("level", 0.5)
    noise = 1 + 0.04 * rng.normal()
    share = min(1.0, max(0.0, (ago - 1) / 5))
    metric = more.get("metric", "rmsle")
    value = level * noise
    key = key_of(metric, more.get("unit", "USD"))
    loss = value * value if metric == "rmsle" else value
    n = int(2400 * (1 + 0.05 * rng.normal()))
    known: dict[str, Any] = {
        "problem": problem, "start": TODAY - (ago + 1) * DAY, "end": TODAY - ago * DAY,
        "n_answers": n, "n_sampled": n, "n_known": int(n * share), "n_all_known": int(n * share),
        "is_mature": share >= 0.8,
        "by_hour": (n // 24,) * 24, "usual": (100.0,) * 24,
        "loss": Between(loss, 0.92 * loss, 1.08 * loss) if share else None,
        "figures": {key: value, RULE + key: level * 1.3} if share else {},
        "expected_metric": level * (1 + 0.01 * rng.normal()),
        "benefit": benefit(n * share) if share else None,
    }  # fmt: skip
    return summary(**{**known, **more})


def benefit(n: float) -> Benefit:
    fields = Benefit.__struct_fields__
    known: dict[str, Any] = {
        "currency": "EUR",
        "cost": 3.0,
        "rule_cost": 4.0,
        "saved_in_all": 0.8 * n,
    }
    between = Between(0.8, 0.7, 0.9)
    known |= {"saved": 0.8, "between": between} if "between" in fields else {"saved": between}
    return Benefit(**known)


def drift(rng: np.random.Generator) -> tuple[ColumnDrift, ...]:
    names = ("description_words", "hours_since_the_last_one", "region", "amount", "device_age",
             "weekday", "history_of_this_customer_days", "n_items")  # fmt: skip
    found = []
    for place, name in enumerate(names):
        before = rng.dirichlet(np.full(10, 6.0))
        now = rng.dirichlet(400 * before / (1 + 3 * (place == 0)))
        psi = float(((now - before) * np.log(now / before)).sum())
        found.append(
            ColumnDrift(
                name, psi, 0.01, 0.3 / (place + 1), psi * 0.3 / (place + 1), 0.01,
                0.05 if place == 2 else 0.01, 0.04 if place == 2 else 0.0, tuple(before.tolist()),
                tuple(now.tolist()), tuple(f"bin {n}" for n in range(10)),
            )
        )  # fmt: skip
    return tuple(found)


def slices(level: float) -> tuple[Slice, ...]:
    return tuple(
        Slice("region", name, 400 + 10 * place, level * (1 + gap), level,
              Between(level * gap, level * (gap - 0.1), level * (gap + 0.1)), gap > 0.3)
        for place, (name, gap) in enumerate(
            (("the far north of the county", 0.4), ("centre", 0.08), ("west", -0.02))
        )
    )  # fmt: skip


def weeks_of(days: list[Summary], rng: np.random.Generator) -> list[Summary]:
    """Weeks that end with each seventh of the days."""
    found = []
    for last in range(len(days) - 1, 5, -7):
        these = days[last - 6 : last + 1]
        n, known = (sum(getattr(one, name) for one in these) for name in ("n_sampled", "n_known"))
        of = next((one for one in reversed(these) if one.figures), these[-1])
        found.append(
            msgspec.structs.replace(
                these[-1], kind="week", start=these[0].start, n_answers=n, n_sampled=n,
                n_known=known, is_mature=known >= 0.8 * n, figures=of.figures, loss=of.loss,
                drift=drift(rng),
                slices=slices(of.loss.value) if of.loss else (),
            )
        )  # fmt: skip
    return found[::-1]


def problem(name: str, n_days: int = 35, **more: Any) -> ProblemDay:
    rng = np.random.default_rng(len(name))
    days = [day(name, ago, rng, **more) for ago in range(n_days - 1, -1, -1)]
    return ProblemDay(name, days, weeks_of(days, rng))


def without_outcomes(name: str) -> ProblemDay:
    """A problem of which no outcome has come."""
    nothing: dict[str, Any] = {
        "n_known": 0,
        "is_mature": False,
        "n_all_known": 0,
        "loss": None,
        "figures": {},
        "benefit": None,
    }
    nothing |= {"coverage": None, "calibration": None, "slices": (), "delay_days": ()}
    found = problem(name, **nothing)
    weeks = [msgspec.structs.replace(one, slices=()) for one in found.weeks]
    return ProblemDay(name, found.days, weeks)


def two_versions(name: str) -> ProblemDay:
    """The day before yesterday has two versions; a challenger in shadow runs beside."""
    found = problem(name, 20, level=110.0, **CHARGED)
    old, new = found.days[:18], found.days[18:]
    both = msgspec.structs.replace(found.days[17], version="v2", n_answers=300)
    new = [msgspec.structs.replace(one, version="v2") for one in new]
    shadow = [
        msgspec.structs.replace(one, version="v3", arm="wide", role="challenger")
        for one in (found.days[-1], found.weeks[-1])
    ]
    return ProblemDay(name, [*old, both, *new, shadow[0]], [*found.weeks, shadow[1]])


def half_a_day_missing(name: str) -> ProblemDay:
    found = problem(name, level=0.8, **RANKED)
    hours = (100,) * 12 + (0,) * 12
    last = msgspec.structs.replace(found.days[-1], by_hour=hours, n_answers=1200)
    return ProblemDay(name, [*found.days[:-1], last], found.weeks)


def everything() -> tuple[list[ProblemDay], list[Alarm], list[Fold]]:
    """One problem of each kind, with alarms and sections."""
    problems = [
        problem("second_hand_prices"), two_versions("time_at_the_door"),
        half_a_day_missing("card_fraud"), without_outcomes("order_completion"),
        ProblemDay("order_stuck"),
    ]  # fmt: skip
    now = int(AT.value // 1000)
    alarms = [
        alarm("volume", id="7f3a91c2", problem="card_fraud", subject="answers",
              words="no answer from 12:00 to 24:00, where 1,200 are usual",
              to_do="Does the source still send? `retrace status` shows the servers.",
              raised_at=now - DAY // 4),
        alarm(id="0c2291aa", problem="second_hand_prices", subject="description_words",
              words="description_words has moved: PSI 0.31, and it has 30 % of the gain",
              to_do="Look at the source first. If the world has changed, `retrace retrain`.",
              state="acknowledged", by="Kari", raised_at=now - 6 * DAY),
        alarm("bias", id="11111111", problem="time_at_the_door", words="the far north is worse",
              state="closed", by="its cause is gone", raised_at=now - 9 * DAY,
              closed_at=now - DAY // 2, is_true=True),
    ]  # fmt: skip
    return problems, alarms, [open_list(), rollouts()]


def open_list() -> Fold:
    frame = pd.DataFrame(
        {
            "case": [f"A-{n:05d}" for n in range(5)],
            "complete": ["Tue 1 Dec", "Wed 2 Dec", "Thu 3 Dec", "Fri 4 Dec", "Mon 7 Dec"],
            "risk": [1.0, 0.83, 0.6, 0.41, 0.2],
            "saves": [41.5, 30.25, 20.0, 9.5, 2.25],
            "reason": ["no event for 9.0 days after “credit check”, usual are 4"] * 5,
        }
    )  # fmt: skip
    columns = {
        "case": Column("case", kind="text"), "complete": Column("complete", kind="text"),
        "risk": Column("risk of getting stuck", kind="share"),
        "saves": Column("looking saves", "EUR", "money"), "reason": Column("why", kind="text"),
    }  # fmt: skip
    table = Table(frame, "The first of them", columns)
    asks = Action("Look at 37 open cases, the first is A-00000.", "orders: 431 are open", "open")
    return Fold("Orders", "431 open, 37 worth looking at", (), (table,), (asks,))


def rollouts() -> Fold:
    return Fold("Rollouts", "1 challenger", ("wide of time_at_the_door: go on; 412 pairs.",))
