"""What becomes of a model: the replay of `stages.backtest` as one picture and some sentences."""

from dataclasses import dataclass

from retrace.base.tables import Column
from retrace.judge.metrics import METRICS
from retrace.report import marks
from retrace.report.inputs import Replayed, ShownTable, TextRows
from retrace.report.marks import FILL, GREY, WARM, Spec, Values
from retrace.report.numbers import month, number, percent, to_number

TITLES = {
    "changes": "What changed, and when the alarm rang",
    "retrainings": "Alarms and retrainings",
    "drift": "What drifted most: importance × PSI",
}
COLUMNS = {
    "at": Column("from", kind="text"),
    "until": Column("until", kind="text"),
    "kind": Column("kind", kind="text"),
    "what": Column("what", kind="text"),
    "alarm": Column("alarm", kind="month"),
    "delay_days": Column("days until then", kind="count"),
    "period": Column("period", kind="month"),
    "policy": Column("policy", kind="text"),
    "retrained": Column("retrained", kind="flag"),
    "by_gate": Column("promoted by the gate", kind="flag"),
    "false_alarm": Column("false alarm", kind="flag"),
    "gain": Column("gain against the champion", kind="share"),
    "reasons": Column("why the alarm rang", kind="text"),
    "gate_reasons": Column("why the gate refused", kind="text"),
    "column": Column("column", kind="text"),
    "importance": Column("importance", kind="share"),
    "psi": Column("PSI"),
    "q_value": Column("q-value", kind="chance"),
    "weight": Column("importance × PSI"),
}
POLICIES = {"never": "left alone", "every": "retrained every period", "alarm": "on alarm"}
COLOURS = {"left alone": WARM, "retrained every period": GREY, "on alarm": FILL}
WIDTH, HEIGHT = 640, 250


@dataclass(frozen=True)
class Lifecycle:
    """The picture, what it says in sentences, and the tables behind it."""

    story: list[str]
    spec: Spec
    caption: str
    tables: list[ShownTable]


def lifecycle(replayed: Replayed) -> Lifecycle | None:
    """Return the replay of a problem, or None where it has no period."""
    if not replayed.periods:
        return None
    tables = [
        ShownTable(name, TITLES[name], {key: COLUMNS[key] for key in rows[0]}, _named(rows))
        for name, rows in replayed.tables.items()
        if rows
    ]
    return Lifecycle(_story(replayed), *_drawing(replayed.periods), tables)


def _named(rows: TextRows) -> TextRows:
    """Name policies as the picture does."""
    return [
        {key: POLICIES.get(text, text) if key == "policy" else text for key, text in row.items()}
        for row in rows
    ]


def _story(replayed: Replayed) -> list[str]:
    rows, figures = replayed.periods, replayed.figures
    measure = rows[0]["measure"]
    ends = {
        policy: [score for row in rows if row["policy"] == policy if (score := _score(row))]
        for policy in POLICIES
    }
    alone, every, alarm = (ends[policy] for policy in POLICIES)
    if not (alone and every and alarm):
        return []
    periods = [row["period"] for row in rows if row["policy"] == "never"]
    mean = {policy: number(figures[f"{measure}_{policy}"]) for policy in POLICIES}
    retrained = {policy: round(figures[f"retrainings_{policy}"]) for policy in ("every", "alarm")}
    said = [
        f"Left alone from {month(periods[0])} to {month(periods[-1])}, the model goes "
        f"from a {_words(measure)} of {number(alone[0])} to {number(alone[-1])}; retrained every "
        f"period it ends at {number(every[-1])}, and retrained on alarm at "
        f"{number(alarm[-1])}. The means are {mean['never']}, {mean['every']} "
        f"({_count(retrained['every'])}) and {mean['alarm']} ({_count(retrained['alarm'])})."
    ]
    mine = [row for row in replayed.tables.get("retrainings", []) if row["policy"] == "alarm"]
    rang = sum(bool(row.get("reasons")) for row in mine)
    if rang:
        false = round(figures.get("false_alarms", 0.0))
        though = f", {_times(false)} though nothing had changed" if false else ""
        passed = sum(to_number(row["by_gate"]) == 1 for row in mine)
        said.append(
            f"The alarm rang {_times(rang)}{though}. The gate would have promoted {passed} of the "
            f"{_models(retrained['alarm'])}."
        )
    if retrained["alarm"] and (saved := figures.get("false_positives_saved")):
        change = f"{percent(abs(saved))} {'fewer' if saved > 0 else 'more'} false positives"
        said.append(f"At the recall of the model left alone, that is {change}.")
    return said


def _count(retrainings: int) -> str:
    return "1 retraining" if retrainings == 1 else f"{retrainings} retrainings"


def _models(retrained: int) -> str:
    return "one retrained model" if retrained == 1 else f"{retrained} retrained models"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _score(row: dict[str, str]) -> float | None:
    return to_number(row["score"])


def _drawing(rows: TextRows) -> tuple[Spec, str]:
    points, changes = _points(rows), _changes(rows)
    measure = rows[0]["measure"]
    scores = [point["y"] for point in points if point["y"] is not None]
    low, high = min(scores), max(scores)
    room = 0.28 * ((high - low) or 1.0)  # for the names of changes
    scale = {"domain": [low - room / 4, high + room], "nice": False, "zero": False}
    title = f"{_words(measure)} ({'higher' if _higher(measure) else 'lower'} is better)"
    y = marks.amount_axis("y", title, scale, tickCount=6)
    spec: Spec = marks.canvas(WIDTH, HEIGHT) | {
        "encoding": {"x": marks.month_axis("period", [point["period"] for point in points])},
        "layer": [
            *_change_layers(changes),
            {
                "data": {"values": points},
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"y": y, "color": marks.key("who", COLOURS)},
            },
            _retraining_layer([point for point in points if point["retrained"]], y),
        ],
        "config": {"aria": False},
    }
    caption = (
        "Circles: retrained because the alarm rang at the period's start; filled where the gate "
        "would have promoted the new model."
    )
    return spec, caption + (" Dotted: what the simulator changed." if changes else "")


def _points(rows: TextRows) -> Values:
    """Return each policy's score by period, and whether it was retrained on alarm there."""
    return [
        {
            "period": month(row["period"]),
            "who": POLICIES[row["policy"]],
            "y": _score(row),
            "kind": "promoted by the gate" if row["by_gate"] == "1" else "retrained",
            "retrained": row["retrained"] == "1" and row["policy"] == "alarm",
        }
        for row in rows
    ]


def _changes(rows: TextRows) -> Values:
    """Return what the simulator changed by period, and how far down its name stands in pixels."""
    changes: Values = [
        {"period": month(row["period"]), "text": row["change"]}
        for row in rows
        if row["policy"] == "never" and row.get("change")
    ]
    for place, change in enumerate(changes):
        change["at"] = 4 + 13 * (place % 3)
    return changes


def _change_layers(changes: Values) -> list[Spec]:
    """Return a dotted line at each change, and its name."""
    text = {"type": "text", "align": "left", "dx": 4, "baseline": "top", "fontSize": 11}
    place = {"field": "at", "type": "quantitative", "scale": None, "axis": None}
    return [
        {
            "data": {"values": changes},
            "mark": {"type": "rule", "strokeDash": [2, 3], "color": marks.AXIS},
        },
        {
            "data": {"values": changes},
            "mark": text,
            "encoding": {"text": {"field": "text"}, "y": place},
        },
    ]


def _retraining_layer(points: Values, y: Spec) -> Spec:
    """Return a circle at each retraining on alarm, hollow where the gate would have refused."""
    hollow = {"test": "datum.kind == 'retrained'", "value": "var(--sheet)"}
    circle = {"type": "point", "size": 70, "opacity": 1, "strokeWidth": 2, "stroke": FILL}
    return {
        "data": {"values": points},
        "mark": circle,
        "encoding": {"y": y, "fill": {"condition": hollow, "value": FILL}},
    }


def _words(measure: str) -> str:
    return METRICS[measure].words if measure in METRICS else measure.replace("_", " ")


def _higher(measure: str) -> bool:
    """Whether more is better; of classifiers the replay looks at the balanced accuracy."""
    return METRICS[measure].higher_is_better if measure in METRICS else True
