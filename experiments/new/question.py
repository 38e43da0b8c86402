"""What is asked of a table: the target, its task and metric, the time, the key, who uses what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from experiments.new.columns import Guessed, SourceColumn, signs_of
from experiments.new.times import Form, form_of, of_numbers, why_not
from problems.contract import Task
from retrace.base.errors import RetraceError
from retrace.judge.metrics import METRICS
from retrace.raw.plain import TRUTH_WORDS
from retrace.raw.values import as_number, clean_text

CLASSES, CLASSES_ASKED = 30, 200  # most of a target of words, and where they are asked for
CLASSES_OF_NUMBERS = 10  # most of a target of whole numbers that nothing says are counts
GAPS = 0.02  # share of rows without it, up to which a column may be the time of the prediction
LONG_TAIL = 10.0  # the 99th percentile over the median, from which errors are even on a log scale
TAIL = 3.0  # likewise, of whole numbers, and of what is money by its name
ZEROS = 0.05  # the most zeros of it: there they lie far below all else
THINS_FROM, THIN = 5, 0.1  # values of counts; the last one's rows over those of the first
COUNTS, SPREAD = 10, 0.7  # the highest median of small counts, the least variance over their mean
RARE = 0.2  # share of a class, under which a model is asked to find it rather than to rank all
CATEGORIES = 50  # values of a category; with more, the target's mean stands for each
_MEASURES = re.compile(
    r"(?i)(^|_)(n|num|number|count|cnt|total|sum|qty|quantity|score|rating|quality|rank|age|price|"
    r"cost|amount|sales|days|hours|minutes|seconds|years|stars|points|grade)(_|$)"
)
_MONEY = re.compile(
    r"(?i)price|cost|amount|revenue|sales|salary|wage|income|preis|umsatz|pris|usd|eur"
)
_YES = {"ja", "oui", "si", "sí", "sim", "tak", "on", "j", "s", "o"}  # of other languages
_NO = {"nein", "nei", "nej", "nee", "non", "não", "nie", "off", "n", "no"}
LARGEST = 1e30  # of a target: LightGBM has its numbers in 32 bits, and squares their errors
_UNITS = {
    "usd", "eur", "gbp", "nok", "kg", "g", "km", "m", "cm", "mm", "seconds", "minutes", "hours",
    "days", "years", "kwh", "mpg", "celsius", "percent", "points", "miles", "pounds",
}  # fmt: skip
_SIGNS = {"$": "dollars", "€": "EUR", "£": "GBP", "%": "percent"}


@dataclass(frozen=True)
class Answers:
    """What somebody has said; what is None or empty is guessed. Names are the file's."""

    target: str
    time: tuple[str, ...] = ()
    known_at: str | None = None
    task: Task | None = None
    metric: str | None = None
    unit: str | None = None
    key: str | None = None
    group: str | None = None
    entities: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    zone: str | None = None
    positive: str | None = None
    no_time: bool = False
    costs: tuple[float, float] | None = None  # over and under a unit; of acting, and of missing
    currency: str = ""


@dataclass(frozen=True)
class Question:
    """A problem as far as the table tells it; names are those of the clean table."""

    task: Task
    target: str
    unit: str
    metric: str
    scale: Literal["log", "identity"]
    key: str | None  # None: rows are named by their content
    time: str | None
    time_columns: tuple[str, ...]  # of the file
    time_form: Form | None
    known_at: str | None
    group: str | None
    entities: tuple[str, ...]
    truths: Mapping[str, bool] = field(
        default_factory=dict
    )  # words of a target that is true or false
    positive: str = ""  # the true one, as the file has it
    classes: tuple[str, ...] = ()


def ask(rows: pd.DataFrame, guessed: Guessed, asked: Answers) -> tuple[Question, Guessed]:
    """Return the question, and the columns as it needs them."""
    columns = dict(guessed.columns)
    target = columns[asked.target]
    text = clean_text(rows[asked.target])
    text = text.mask(text.str.lower().isin(guessed.reading.missing), "")
    words = text[text != ""].unique()
    if len(words) > 2 and len({str(word).lower() for word in words}) == 2:  # Yes, YES and no
        text = text.str.lower()
    task, truths, target = _task(text, target, asked)
    _check_answers(asked, task)
    time_columns = asked.time or (() if asked.no_time else _time(columns, asked))
    time, form = _time_name(rows, columns, time_columns)
    if len(time_columns) == 1:
        columns[time_columns[0]] = replace(columns[time_columns[0]], sort="time", form=form)
    if asked.entities and (not time_columns or task == "multiclass"):
        raise RetraceError(
            f"--entities {','.join(asked.entities)}: a history needs a time of the prediction "
            "(--time), and a target that is a number, or yes or no."
        )
    if asked.known_at and asked.known_at not in time_columns:
        known_form = _form(rows, "--known-at", (asked.known_at,))
        columns[asked.known_at] = replace(columns[asked.known_at], sort="time", form=known_form)
    for raw in asked.entities:
        columns[raw] = replace(columns[raw], sort="words")
    key = columns[asked.key].name if asked.key else _key(rows, columns, asked)
    columns[asked.target] = target
    group = columns[asked.group].name if asked.group else None
    number = None
    if task == "regression":
        number = as_number(guessed.reading.number(text.mask(text == "")))
        number = number[np.isfinite(number)]
        if np.abs(number).max() > LARGEST:
            raise RetraceError(
                f"The target '{asked.target}' goes up to {np.abs(number).max():.3g}: too large to "
                f"be learnt ({LARGEST:.0e}). Write it in another unit, or its logarithm."
            )
    metric, scale = _metric(asked, task, number, truths, text)
    return Question(
        task=task,
        target=target.name,
        unit=asked.unit or _unit(asked.target, task, text),
        metric=metric,
        scale=scale,
        key=key,
        time=time,
        time_columns=tuple(time_columns),
        time_form=form,
        known_at=columns[asked.known_at].name if asked.known_at else time,
        group=group,
        entities=tuple(columns[one].name for one in asked.entities),
        truths=truths,
        positive=next((one for one in text.unique() if truths.get(str(one).lower())), ""),
        classes=tuple(sorted(text[text != ""].unique())) if task == "multiclass" else (),
    ), replace(guessed, columns=columns)


def _check_answers(asked: Answers, task: Task) -> None:
    """Refuse answers that the task cannot take."""
    metric = METRICS.get(asked.metric or "")
    if metric is not None and task not in metric.tasks:
        fit = ", ".join(name for name, one in METRICS.items() if task in one.tasks)
        raise RetraceError(
            f"--metric {asked.metric} is of {' or '.join(metric.tasks)}, and '{asked.target}' is "
            f"{task}: there it is one of {fit}; or say --task."
        )
    if asked.positive is not None and task != "binary":
        raise RetraceError(
            f"--positive {asked.positive} is of a target with two values; '{asked.target}' is "
            f"{task}."
        )
    if asked.costs and task == "multiclass":
        raise RetraceError(
            f"--costs: '{asked.target}' has classes; costs are of a number, or of yes or no. "
            "Without --costs it works."
        )


def _task(
    text: "pd.Series[str]", target: SourceColumn, asked: Answers
) -> tuple[Task, dict[str, bool], SourceColumn]:
    """Return the task, what the words of a target of two mean, and the target's column."""
    values = text[text != ""]
    counts = values.value_counts()
    name, gaps = asked.target, len(values) < len(text)
    if not len(counts):
        raise RetraceError(f"The target '{name}' has no value in any row.")
    if len(counts) == 1:
        raise RetraceError(
            f"The target '{name}' is {counts.index[0]!r} in all {len(values):,} rows that have "
            "one: there is nothing to learn. Choose another column, or a file with all outcomes"
            + (f"; write it, if the {len(text) - len(values):,} empty ones are a no." * gaps)
            + "." * (not gaps)
        )
    if asked.positive is not None and asked.positive not in counts.index:
        raise RetraceError(
            f"--positive {asked.positive}: '{name}' has no such value; it has "
            f"{', '.join(map(str, counts.index[:5]))}."
        )
    numeric = target.numeric
    task = asked.task
    if task is None and asked.metric in METRICS:
        tasks = [one for one in get_args(Task) if one in METRICS[asked.metric].tasks]
        task = tasks[0] if len(tasks) == 1 else None
    if task is None:
        whole = numeric and target.sort != "number"
        few = whole and len(counts) <= CLASSES_OF_NUMBERS
        few = few and not (_MEASURES.search(name) or _thins_out(counts))
        if len(counts) == 2:
            task = "binary"
        elif numeric and not few:
            task = "regression"
        else:
            task = "multiclass"
    if task == "regression":
        if not numeric:
            bad = np.isnan(as_number(values))
            if bad.mean() < 0.5:
                raise RetraceError(
                    f"The target '{name}': {int(bad.sum()):,} of {len(values):,} values are no "
                    f"numbers, such as {values[bad].iloc[0]!r} (row {values.index[bad][0] + 1}). "
                    "Correct them, or leave them empty: rows without a target are not used."
                )
            raise RetraceError(
                f"The target '{name}' has no numbers, but {target.sort} such as "
                f"{counts.index[0]!r}; a regression needs numbers. --task multiclass takes them as "
                "classes."
            )
        sort = target.sort if target.sort in ("number", "whole") else "whole"
        return task, {}, replace(target, sort=sort)
    if task == "binary":
        if len(counts) != 2:
            raise RetraceError(
                f"The target '{name}' has {len(counts)} values, such as "
                f"{', '.join(map(str, counts.index[:5]))}; --task binary needs two."
            )
        return task, _truths(counts, asked.positive), replace(target, sort="flag")
    most = CLASSES_ASKED if asked.task else CLASSES
    if len(counts) > most:
        raise RetraceError(
            f"The target '{name}' has {len(counts):,} different values in {len(values):,} rows, "
            f"such as {counts.index[0]!r}: too many for classes ({CLASSES}, or {CLASSES_ASKED} "
            "with --task multiclass). Is it an id or a text? Choose another column, or --task "
            "regression where it is a number."
        )
    return task, {}, replace(target, sort="words")


def _thins_out(counts: "pd.Series[int]") -> bool:
    """Whether values are counts rather than classes: from 0 on, and from the most frequent one on
    the larger the rarer."""
    shares = counts.set_axis(as_number(pd.Series(counts.index, dtype="str"))).sort_index()
    if len(shares) < THINS_FROM or shares.index[0] != 0 or shares.iloc[-1] >= THIN * shares.max():
        return False
    most = int(np.argmax(shares.to_numpy()))
    up, down = shares.iloc[: most + 1], shares.iloc[most:]
    return up.is_monotonic_increasing and down.is_monotonic_decreasing and len(down) > len(up)


def _truths(counts: "pd.Series[int]", positive: str | None) -> dict[str, bool]:
    """Return what the two words mean: as they say, else the rarer one is true."""
    words = [str(word) for word in counts.index]
    if positive is None and all(word.lower() in TRUTH_WORDS for word in words):
        return {word.lower(): TRUTH_WORDS[word.lower()] for word in words}
    yes = [word for word in words if word.lower() in _YES]
    no = [word for word in words if word.lower() in _NO]
    if positive is None and len(yes) == len(no) == 1:
        positive = yes[0]
    numbers = as_number(pd.Series(words, dtype="str"))
    if positive is None and not np.isnan(numbers).any():
        positive = words[int(np.argmax(numbers))]
    positive = positive if positive is not None else words[-1]
    return {word.lower(): word == positive for word in words}


def _time(columns: Mapping[str, SourceColumn], asked: Answers) -> tuple[str, ...]:
    """Return the first column that is a time; the others are later, or come from elsewhere."""
    others = {asked.target, asked.known_at, *asked.drop}
    times = [
        raw
        for raw, one in columns.items()
        if one.sort == "time" and raw not in others and one.missing <= GAPS
    ]
    return (times[0],) if times else ()


def _time_name(
    rows: pd.DataFrame, columns: Mapping[str, SourceColumn], names: tuple[str, ...]
) -> tuple[str | None, Form | None]:
    if not names:
        return None, None
    form = _form(rows, "--time", names)
    if len(names) == 1:
        return columns[names[0]].name, form
    taken = {column.name for column in columns.values()}
    return next(one for one in ("at", "time_of_row", "at_time") if one not in taken), form


def _form(rows: pd.DataFrame, option: str, names: tuple[str, ...]) -> Form:
    """Return the form of a time that somebody named; RetraceError where it is none."""
    form = form_of([rows[name] for name in names])
    column = rows[names[0]]
    text = clean_text(column)
    if form is None and len(names) == 1:  # a year, a month of one, or seconds
        form = _of_years(text) or of_numbers(column)
    if form is not None:
        return form
    shown = " ".join(clean_text(rows[name]).iloc[0] for name in names)
    why = why_not(column) if len(names) == 1 else ""
    raise RetraceError(
        f"{option} {'+'.join(names)}: '{shown}' (row {int(rows['row'].iloc[0])}) cannot be read "
        f"as a time; {int((text == '').sum()):,} of {len(text):,} rows are empty.{why} Expected "
        "ISO 8601, day or month first, or a date and an hour in two columns: --time day+hour."
    )


def _of_years(text: "pd.Series[str]") -> Form | None:
    if text.str.fullmatch(r"(?:19|20)\d{2}").all():
        return Form("%Y", f"a year, such as {text.iloc[0]}")
    if text.str.fullmatch(r"(?:19|20)\d{2}[-/.]?(?:0[1-9]|1[0-2])").all():
        sign = str(text.iloc[0])[4:-2]
        return Form(f"%Y{sign}%m", f"a month, such as {text.iloc[0]}")
    return None


def _key(rows: pd.DataFrame, columns: Mapping[str, SourceColumn], asked: Answers) -> str | None:
    """Return a column that names every row, the first of those that do; None without one."""
    others = {asked.target, asked.known_at, *asked.time, *asked.drop}
    for raw, column in columns.items():
        if column.sort != "name" or raw in others or column.missing:
            continue
        if not clean_text(rows[raw]).duplicated().any():
            return column.name
    return None


def _metric(
    asked: Answers,
    task: Task,
    number: np.ndarray | None,
    truths: Mapping[str, bool],
    text: "pd.Series[str]",
) -> tuple[str, Literal["log", "identity"]]:
    if number is None:
        if task == "multiclass":
            return asked.metric or "log_loss", "identity"
        rate = float(text[text != ""].str.lower().map(dict(truths)).astype(bool).mean())
        return asked.metric or ("average_precision" if rate < RARE else "auc"), "identity"
    if asked.metric == "rmsle" or (asked.metric in (None, "mae") and _long_tailed(number, asked)):
        return asked.metric or "rmsle", "log"
    if asked.metric is None and _small_counts(number):
        return "poisson_deviance", "identity"
    return asked.metric or "rmse", "identity"


def _long_tailed(number: np.ndarray, asked: Answers) -> bool:
    """Whether errors are even on a log scale: of what is never negative, hardly ever 0, and has a
    long tail."""
    middle, far = np.quantile(number, [0.5, 0.99])
    if number.min() < 0 or middle <= 0 or (number == 0).mean() > ZEROS:
        return False
    if _small_counts(number):
        return False
    uneven = bool((number == np.floor(number)).all()) or bool(_MONEY.search(asked.target))
    return bool(far / middle >= (TAIL if uneven else LONG_TAIL))


def _small_counts(number: np.ndarray) -> bool:
    """Whether the numbers are counts of what happens now and then: 0, 1, 2, and some larger."""
    whole = bool((number == np.floor(number)).all()) and number.min() >= 0
    return whole and np.median(number) <= COUNTS and number.var() >= SPREAD * number.mean()


def _unit(name: str, task: Task, text: "pd.Series[str]") -> str:
    """Return the target's unit: by its name, else by the sign that stands with its numbers."""
    if task != "regression":
        return "row"
    inside = re.search(r"[(\[]([^)\]]+)[)\]]", name)
    if inside:
        return inside[1].strip()
    last = re.split(r"[\W_]+", name.strip())[-1].lower()
    if last in ("usd", "eur", "gbp", "nok"):
        return last.upper()
    if last in _UNITS:
        return last
    sign = (signs_of(text[text != ""]) or [""])[0].strip()
    return _SIGNS.get(sign) or (sign if sign.isalpha() else "units")
