"""Why the model warns of an order: SHAP contributions of its columns, in words.

Lundberg & Lee, "A unified approach to interpreting model predictions", NeurIPS 2017; of trees
exactly, by LightGBM itself (Lundberg et al., Nature Machine Intelligence 2020). Columns that say
one thing in several ways (the hour, the weekday; a supplier and his history) are one reason.
"""

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.featurize import complete, features_of
from problems.orders.worklist.moment import Moment
from problems.predict import ENCODER
from retrace.base.arrays import to_frame
from retrace.base.params import parse_section
from retrace.fit.bundle import Bundle
from retrace.fit.calibration import Calibration

MOST = 3
LEAST = 0.05  # log odds: less is not worth a word
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
GROUPS = {  # the columns of one reason
    "clock": ("hour", "weekday", "week_hour"),
    "start": ("start_hour", "start_weekday"),
    "step": ("activity", "activity_before", "activity_before_that"),
    "load": ("load_step",),
    "resource": ("resource", "load_resource"),
    "rework": ("repeats", "activity_times", "events"),
    "waits": ("last_wait_hours", "wait_before_hours"),
}
GROUP_OF = {column: group for group, columns in GROUPS.items() for column in columns}


def reasons(
    problem: Problem, bundle: Bundle, then: Moment, now: pd.DataFrame
) -> dict[str, list[str]]:
    """Return reason_1 to reason_3 of each open order, the strongest first; "" for none."""
    module = parts.features(problem.world)
    settings = parse_section(
        module.settings, bundle.encoding.feature_settings, "feature_settings", ENCODER
    )
    known = features_of(problem.world, then.rows, settings, then.past)
    features, encoding = to_frame(known, then.rows.index), bundle.encoding
    matrix = encoding.transform(complete(problem.columns, known, encoding.encoder))
    shap = np.asarray(bundle.boosters["point"].predict(matrix, pred_contrib=True))[:, :-1]
    slope = bundle.promise.slope if isinstance(bundle.promise, Calibration) else 1.0
    groups = pd.Index([group_of(name) for name in encoding.columns])
    names = groups.unique()
    sums = np.column_stack([shap[:, groups == name].sum(axis=1) * slope for name in names])
    found = []
    for place in range(len(features)):
        row, texts = features.iloc[place], _stuck(then, now, place)
        for column in np.argsort(-sums[place], kind="stable"):
            if len(texts) == MOST or sums[place, column] < LEAST:
                break
            if text := in_words(str(names[column]), row):
                texts.append(f"{text} (odds ×{np.exp(sums[place, column]):.1f})")
        found.append(texts + [""] * (MOST - len(texts)))
    return {f"reason_{i + 1}": [texts[i] for texts in found] for i in range(MOST)}


def group_of(column: str) -> str:
    """Return the reason that a column belongs to: supplier for history_supplier_days."""
    if column.startswith("history_all"):
        return "pace"
    for begin, ends in (("history_", ("_days", "_share")), ("text_", ("",))):
        if column.startswith(begin):
            name = column.removeprefix(begin)
            for end in ends:
                name = name.removesuffix(end)
            return f"attribute {name}"
    return GROUP_OF.get(column, column)


def in_words(group: str, row: pd.Series) -> str:
    """Say what one reason is about; "" where there is nothing to say of it."""
    kind, _, name = group.partition(" ")
    if kind == "attribute":
        return _attribute(name, row)
    if group.startswith("count_"):
        times = float(row.get(group, np.nan))
        what = group.removeprefix("count_").replace("_", " ")
        return f"“{what}” happened {_times(times)}" if times == times else f"no “{what}” yet"
    if group.startswith("number_"):
        value = row[group]
        what = group.removeprefix("number_").replace("_", " ")
        return f"{what} is {value:,.4g}" if value == value else f"no {what} is given"
    if group.startswith("hours_to_"):
        return _until(group.removeprefix("hours_to_").replace("_", " "), row[group])
    return _fixed(group, row)


def _fixed(group: str, row: pd.Series) -> str:
    """Put the columns that every log has into words."""
    step = row["activity"]
    weekday, hour = WEEKDAYS[int(row["weekday"])], int(row["hour"])
    before = f" after “{row['activity_before']}”" if row["activity_before"] else ""
    resource = row["resource"]
    longest = np.nanmax([row["last_wait_hours"], row["wait_before_hours"], 0.0])
    waits = row.get("load_wait_hours", np.nan)
    texts = {
        "clock": f"last event on a {weekday} at {hour}",
        "start": f"begun on a {WEEKDAYS[int(row['start_weekday'])]} at {int(row['start_hour'])}",
        "step": f"at “{step}”{before}",
        "load": f"{row.get('load_step', np.nan):.1f} times its latest arrivals are at “{step}”",
        "resource": f"last worked on by {resource}" if resource else "nobody is named for it",
        "rework": f"{int(row['events'])} events so far, {_repeats(int(row['repeats']))}",
        "waits": f"waited {_span(longest)} before",
        "pace": "orders take longer of late",
        "elapsed_hours": f"{_span(row['elapsed_hours'])} old at its last event",
        "waiting_hours": f"silent for {_span(row['waiting_hours'])}",
        "promise_hours": _until("the promise", row["promise_hours"]),
        "load_wait_hours": (
            f"waits at “{step}” took {_span(waits)} in the last days" if waits == waits else ""
        ),
    }
    return texts.get(group, group.replace("_", " "))


def _attribute(name: str, row: pd.Series) -> str:
    what = name.replace("_", " ")
    value = row.get(f"text_{name}", "")
    text = f"{what} {value}" if value else f"no {what} is given"
    days = row.get(f"history_{name}_days", np.nan)  # drawn towards 0 while little is known
    if abs(days) > 0.03:
        more = np.expm1(days)
        text += f": its orders took {abs(more):.0%} {'longer' if more > 0 else 'less'}"
    return text


def _stuck(then: Moment, now: pd.DataFrame, place: int) -> list[str]:
    """Say why an order is stuck already."""
    row = now.iloc[place]
    if pd.isna(row["stuck_since"]):
        return []
    if row["waited"] > row["limit"]:
        step = then.rows["activity"].iloc[place]
        return [
            f"no event for {_span(row['waited'])} after “{step}”, where "
            f"{then.usual_quantile:.0%} go on within {_span(row['limit'])}"
        ]
    return [f"older than the {then.sla_days:g} days that it may take"]


def _until(what: str, hours: float) -> str:
    if hours != hours:
        return f"{what} is not given"
    return f"{what} is {_span(abs(hours))} {'ahead' if hours >= 0 else 'past'} at its last event"


def _repeats(number: int) -> str:
    return {0: "no step twice", 1: "one of them a repeat"}.get(number, f"{number} of them repeats")


def _times(number: float) -> str:
    return {1: "once", 2: "twice"}.get(int(number), f"{int(number)} times")


def _span(hours: float) -> str:
    if hours < 1:
        return f"{round(60 * hours)} minutes"
    if hours < 48:
        return f"{round(hours)} hours"
    return f"{hours / 24:.1f} days"
