"""Choose what the model sees and how, the rule that somebody might use, slices, and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from experiments.new.question import CATEGORIES, Question
from experiments.new.traps import MOST_ROWS, Floats, shared, told
from problems.defaults import RULE_BANDS, RULE_VALUES
from retrace.checks.columns import groups, is_text

ROOM = 0.04  # of the coverage of a 90 % interval, as the gate has it
SLICES, SLICE_VALUES = 4, 20
RULE_GAIN = 0.02  # of the target's variance, that a second column must tell beyond the first
TEXT_TELLS, TEXT_ROWS = 0.01, 6000  # share of the variance; rows that show it
SMALL, LARGE, HUGE = 3000, 100_000, 500_000  # rows; of the last trees need no line to start from
GAIN_OF_CLASSES = 0.003  # of the loss in 50 rounds; a round is a tree a class
STARTED_CLASSES = 20  # with more, a column a class is much for what a line tells
LATE_DAYS = 1.0  # from which outcomes are known late
MONTHS, WEEKS = 9, 10  # the least span that is replayed


@dataclass(frozen=True)
class Chosen:
    """The columns of the problem by use, most telling first; names of the clean table.

    `dates` are times beside the time of prediction, of which the days until then are used.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    target_encoded: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()  # what is used of the time of prediction
    rule: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    backtest: dict[str, Any] | None = None
    unused: tuple[str, ...] = ()


def choose(
    clean: pd.DataFrame,
    question: Question,
    columns: Mapping[str, str],
    target: Floats,
    left_out: set[str],
    zone: str,
) -> Chosen:
    """Choose from a clean table's columns, whose sorts `columns` has by name.

    target : of `traps.numbers`, of the rows that have one
    """
    rows = clean[clean[question.target].notna()]
    step = -(-len(rows) // MOST_ROWS)
    rows, target = rows.iloc[::step], target[::step]
    tells = {
        name: told(target, rows[name])
        for name, sort in columns.items()
        if sort not in ("time", "text") and name not in left_out
    }
    names = [*sorted(tells, key=lambda name: -tells[name]), *(n for n in columns if n not in tells)]
    many = {n for n in names if columns[n] == "words" and rows[n].nunique() > CATEGORIES}
    encoded = question.task != "multiclass"
    words = [n for n in names if columns[n] == "words" and not (n in many and encoded)]
    texts = [n for n in names if columns[n] == "text"]
    useful = [n for n in texts if encoded and _text_tells(rows[n], target[:, 0]) > TEXT_TELLS]
    return Chosen(
        numeric=tuple(n for n in names if columns[n] in ("number", "whole", "flag")),
        categorical=tuple(words),
        target_encoded=tuple(n for n in names if n in many) if encoded else (),
        texts=tuple(useful),
        dates=tuple(n for n in names if columns[n] == "time" and n != question.time),
        calendar=() if question.time is None else _calendar(clean[question.time], zone),
        rule=_rule(rows, target, tells),
        slices=tuple(_slices(rows, tells, many)),
        settings=_settings(clean, question),
        backtest=_backtest(clean, question),
        unused=tuple(n for n in texts if n not in useful),
    )


def _text_tells(texts: pd.Series, target: NDArray[np.float64]) -> float:
    """Return the share of the target's variance that a linear model of the words tells, on rows
    that it was fitted without: a text that tells nothing is noise to start from."""
    step = -(-len(texts) // TEXT_ROWS)
    model = make_pipeline(HashingVectorizer(n_features=2**16), Ridge())
    return float(
        cross_val_score(
            model,
            texts[::step],
            target[::step],
            cv=KFold(3, shuffle=True, random_state=1),
            scoring="r2",
        ).mean()
    )


def _calendar(times: pd.Series, zone: str) -> tuple[str, ...]:
    """Return the parts of a time that differ: a day has no hour, a year no month."""
    local = times.dropna().dt.tz_convert(zone).dt
    parts = {
        "hour": local.hour, "weekday": local.day_of_week, "month": local.month,
        "year_day": local.day_of_year,
    }  # fmt: skip
    return ("day", *(name for name, values in parts.items() if values.nunique() > 1))


def _rule(rows: pd.DataFrame, target: Floats, tells: Mapping[str, float]) -> tuple[str, ...]:
    """Return one column, or two, by whose groups the target differs most."""
    best = sorted(tells, key=lambda name: -tells[name])[:8]
    codes = {name: _codes(rows[name]) for name in best}

    def share(*names: str) -> float:
        joined = sum(codes[n] * 1000**i for i, n in enumerate(names))
        return shared(target, pd.factorize(joined)[0])

    if not best:
        return ()
    alone = {name: share(name) for name in best}
    first = max(best, key=lambda name: alone[name])
    pairs = {name: share(first, name) for name in best if name != first}
    second = max(pairs, key=lambda name: pairs[name], default=None)
    if second is not None and pairs[second] > alone[first] + RULE_GAIN:
        return (first, second)
    return (first,)


def _codes(column: pd.Series) -> NDArray[np.int64]:
    """Number the groups that `problems.defaults.by` makes of a column."""
    if is_text(column):
        return groups(column, RULE_VALUES)
    if column.nunique() <= RULE_VALUES:
        return pd.factorize(column)[0].astype(np.int64) + 1
    return groups(column, RULE_BANDS)


def _slices(rows: pd.DataFrame, tells: Mapping[str, float], many: set[str]) -> list[str]:
    names = sorted(tells, key=lambda name: -tells[name])
    few = [n for n in names if n not in many and 2 <= rows[n].nunique() <= SLICE_VALUES]
    others = [n for n in names if n not in few and n not in many and not is_text(rows[n])]
    return [*few, *others][:SLICES]


def _settings(clean: pd.DataFrame, question: Question) -> dict[str, dict[str, Any]]:
    """Return what differs from the defaults for a table of this size."""
    n = int(clean[question.target].notna().sum())
    found: dict[str, dict[str, Any]] = {}
    if _late_days(clean, question) > LATE_DAYS:
        found["split"] = {"mature_share": 0.98}
    share = 0.1 if question.time or n >= SMALL else 0.2
    room = round(3 * (0.9 * 0.1 / (share * n)) ** 0.5, 2)
    if question.task == "regression" and room > ROOM:  # of few rows, chance is wider
        found["gate"] = {
            "coverage": {"least": round(0.9 - room, 2), "most": round(min(0.9 + room, 1.0), 2)}
        }
    if n < SMALL:
        if question.time is None:
            found["split"] = {"train": 0.6, "valid": 0.1, "calibration": 0.1, "test": 0.2}
        found["evaluate"] = {"slice_min_rows": max(5, n // 100)}
        found["encode"] = {"category_min_rows": 5}
        found["train"] = {
            "learning_rate": 0.03, "num_leaves": 7, "min_data_in_leaf": max(3, n // 150),
            "lambda_l2": 1.0, "max_rounds": 3000,
        }  # fmt: skip
        if question.task == "multiclass":  # a round is a tree a class
            found["train"] |= {"learning_rate": 0.1, "max_rounds": 1000}
    if n >= LARGE:
        found["train"] = {"learning_rate": 0.1, "num_leaves": 63, "max_rounds": 1500}
    if question.task == "multiclass":
        found["train"] = {**found.get("train", {}), "early_stopping_gain": GAIN_OF_CLASSES}
    if n >= HUGE:  # a round of a million rows takes a quarter of a second, of some ten boosters
        found["train"] |= {"learning_rate": 0.15, "max_rounds": 500}
        return found
    few = question.task != "multiclass" or clean[question.target].nunique() <= STARTED_CLASSES
    if question.metric != "poisson_deviance" and few:
        found["encode"] = {**found.get("encode", {}), "linear": True}
    return found


def _late_days(clean: pd.DataFrame, question: Question) -> float:
    """Return how many days after the prediction nearly all outcomes are known."""
    if question.time is None or question.known_at in (None, question.time):
        return 0.0
    days = (clean[question.known_at] - clean[question.time]).dt.total_seconds() / 86400
    return float(days.quantile(0.98))


def _backtest(clean: pd.DataFrame, question: Question) -> dict[str, Any] | None:
    """Return the settings of a replay; None where the past is too short for one."""
    if question.time is None or question.task == "multiclass":
        return None
    times = clean[question.time]
    edges = times.dropna().sort_values().iloc[[len(times) // 1000, -1 - len(times) // 1000]]
    span = int((edges.iloc[1] - edges.iloc[0]).days)
    late = int(np.ceil(max(0.0, _late_days(clean, question))))
    months, weeks = span / 30.4, span / 7
    if months >= MONTHS:
        found: dict[str, Any] = {
            "first_periods": max(4, int(0.6 * months)),
            "train_days": max(365, span),
        }
    elif weeks >= WEEKS:
        part = max(2, span // 12)
        found = {
            "period": "week", "first_periods": max(5, int(0.6 * weeks)), "valid_days": part,
            "calibration_days": part, "judged_days": part,
        }  # fmt: skip
    else:
        return None
    return found | ({"mature_days": late} if late else {})
