"""Write the files of a problem's package, as a person would: nothing that the defaults do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.new.choice import Chosen
from experiments.new.columns import UNUSED, Guessed
from experiments.new.limits import Limits
from experiments.new.lines import scalar
from experiments.new.question import Answers, Question
from experiments.new.traps import TWINS
from retrace.raw.plain import TRUTH_WORDS, Kind, Reading

WIDTH = 100
HISTORY = ("mean", "known", "rows", "a_day", "days_since")  # of an entity, by problems.defaults
ROW_ID = "row_id"  # the column of Reading.row_id
DEFAULT = '"""The defaults of problems/defaults.py."""\n'
GROUPS = {  # constants of schema.py by type
    "float64": "NUMBERS", "int64": "WHOLE", "str": "WORDS", "bool": "FLAGS",
    "datetime64[us, UTC]": "TIMES",
}  # fmt: skip


def quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def kinds(question: Question, guessed: Guessed) -> dict[str, Kind]:
    """Return the types of the clean table's columns: key, time, columns, target."""
    found: dict[str, Kind] = {}
    used = {
        one.name: one
        for one in guessed.columns.values()
        if one.sort not in UNUSED or one.name in (question.key, question.target)
    }
    if question.key is None:
        found[ROW_ID] = Kind("str")
    else:
        key = next(one for one in guessed.columns.values() if one.name == question.key)
        found[key.name] = Kind("int64" if key.numeric else "str")
    if question.group == TWINS:
        found[TWINS] = Kind("str")
    if question.time:
        found[question.time] = Kind("datetime64[us, UTC]")
    for name, one in used.items():
        if name in found or name == question.target:
            continue
        if (
            len(question.time_columns) > 1
            and one.sort == "time"
            and one.raw in question.time_columns
        ):
            continue  # the day of a time of which the hour stands elsewhere
        found[name] = Kind(one.dtype, nullable=one.dtype.startswith(("float", "datetime")))
    target = used[question.target]
    dtype = {"binary": "bool", "multiclass": "str"}.get(question.task) or target.dtype
    if target.missing and dtype == "bool":
        dtype = "float64"  # 0 and 1
    found[target.name] = Kind(dtype, nullable=target.missing > 0 and dtype != "str")
    return found


def reading(question: Question, guessed: Guessed, asked_zone: str | None) -> Reading:
    """Return how the file's values are read."""
    used = kinds(question, guessed)
    names: dict[str, str | list[str]] = {
        one.name: raw
        for raw, one in guessed.columns.items()
        if one.name != raw and one.name in used
    }
    formats = {
        one.name: one.form.format
        for one in guessed.columns.values()
        if one.sort == "time" and one.form is not None and one.form.format
    }
    if question.time and len(question.time_columns) > 1:
        names[question.time] = list(question.time_columns)
    if question.time and question.time_form is not None and question.time_form.format:
        formats[question.time] = question.time_form.format
    times = question.time is not None or any(one.sort == "time" for one in guessed.columns.values())
    form: str | dict[str, str] | None = formats or None
    usual = all(TRUTH_WORDS.get(word) is true for word, true in question.truths.items())
    gaps = any(one.missing for one in guessed.columns.values() if one.name == question.target)
    said = not question.truths or (usual and not gaps)
    return guessed.reading.model_copy(
        update={
            "columns": names,
            "time_format": form,
            "time_zone": (asked_zone or "UTC") if times else None,
            "truths": {} if said else {question.target: dict(question.truths)},
            "row_id": ROW_ID if question.key is None else None,
            "twins": TWINS if question.group == TWINS else None,
        }
    )


def schema(
    name: str,
    about: str,
    question: Question,
    kinds: Mapping[str, Kind],
    leaks: Sequence[str],
    moving: Mapping[str, Sequence[str]],
) -> str:
    """Return schema.py."""
    key = question.key or ROW_ID
    single = {key, question.target, *([question.time] if question.time else [])}
    lines = [f'    "{key}": pa.Column("{kinds[key].dtype}", unique=True),']
    if TWINS in kinds:
        lines.append(
            '    "row_twins": pa.Column("str"),  # the same for rows with the same content'
        )
    if question.time:
        lines.append(f'    "{question.time}": pa.Column("{kinds[question.time].dtype}"),')
    constants = []
    for dtype, constant in GROUPS.items():
        names = [
            n for n, kind in kinds.items() if kind.dtype == dtype and n not in single | {TWINS}
        ]
        if names:
            constants.append(filled(f"{constant} = ", _tuple(names)))
            gaps = ", nullable=True" if kinds[names[0]].nullable else ""
            lines.append(f'    **{{name: pa.Column("{dtype}"{gaps}) for name in {constant}}},')
    target = kinds[question.target]
    gaps = ", nullable=True" if target.nullable else ""
    lines.append(f'    "{question.target}": pa.Column("{target.dtype}"{gaps}),')
    outcomes = [question.target, *leaks]
    if question.known_at and question.known_at != question.time:
        outcomes.append(question.known_at)
    fields = {
        "key": (key,), "time": question.time,
        "outcomes": _short("OUTCOMES", tuple(outcomes), constants),
        "exempt": _short("BY_NATURE", moving, constants),  # they move by themselves
    }  # fmt: skip
    words = [quoted(name), "pa.DataFrameSchema(COLUMNS)", *_arguments(fields)]
    body = "\n".join(lines)
    return (
        f'"""{about}"""\n\nimport pandera.pandas as pa\n\nfrom problems.contract import World\n\n'
        + "".join(constants)
        + f"COLUMNS = {{\n{body}\n}}\n"
        + filled("WORLD = World", Words("()", words))
    )


def problem(name: str, words: str, question: Question, chosen: Chosen) -> str:
    """Return problem.py."""
    calendar = [f"{question.time}_{part}" for part in chosen.calendar]
    days = [f"{one}_days" for one in chosen.dates] if question.time else []
    past = [f"{one}_{what}" for one in question.entities for what in HISTORY]
    numeric = [*chosen.numeric, *days, *past]
    imports, constants = "from problems.contract import Columns, Problem\n", list[str]()
    if chosen.texts:
        imports += "from retrace.encode.text.blocks import Block\n"
        blocks = [
            f'Block("{one}_{kind}", "{kind}", 1.0, ("{one}",))'
            for one in chosen.texts
            for kind in ("words", "pairs")
        ]
        constants.append(filled("BLOCKS = ", Words("()", blocks)))
    columns = {
        "numeric": (*calendar, *numeric), "categorical": chosen.categorical,
        "target_encoded": tuple((one,) for one in chosen.target_encoded),
        "text": Name("BLOCKS") if chosen.texts else None,
    }  # fmt: skip
    columns = {name: _short(name.upper(), one, constants) for name, one in columns.items()}
    fields: dict[str, Any] = {
        "name": name, "world": name, "task": question.task, "target": question.target,
        "unit": question.unit, "metric": question.metric,
        "scale": question.scale if question.scale != "identity" else None,
        "time": question.time, "known_at": question.known_at if question.time else None,
        "key": (question.key or ROW_ID,),
        "columns": _columns(_arguments(columns), constants),
        "group": (question.group,) if question.group else None,
        "entities": question.entities, "slices": _short("SLICES", chosen.slices, constants),
    }  # fmt: skip
    constant = name.upper()
    return (
        f'"""{words}"""\n\n{imports}\n{"".join(constants)}'
        + filled(f"{constant} = Problem", Words("()", _arguments(fields)))
        + f"PROBLEMS = {{{quoted(name)}: {constant}}}\n"
    )


def _columns(arguments: Sequence[str], constants: list[str]) -> "Name":
    """Return the columns, or the name of a constant where they do not fit into a line."""
    words = f"Columns({', '.join(arguments)})"
    if len(words) < WIDTH - len("    columns=,"):
        return Name(words)
    constants.append(filled("COLUMNS = Columns", Words("()", arguments)))
    return Name("COLUMNS")


def ingest(name: str, reading: Reading) -> str:
    """Return ingest/__init__.py."""
    given = reading.model_dump(exclude_defaults=True)
    imports = sorted(
        [f"from problems.{name}.schema import WORLD", "from problems.plain import plain_reader"]
    )
    constants: list[str] = []
    given = {field: _short(field.upper(), value, constants) for field, value in given.items()}
    made = filled("READER = plain_reader", Words("()", ["WORLD", *_arguments(given)]))
    return "\n".join(imports) + f"\n\n{''.join(constants)}{made}"


def features(question: Question, chosen: Chosen, zone: str) -> str:
    """Return features/__init__.py."""
    if question.time is None:
        return DEFAULT
    names = [quoted(one) for one in (question.time, *chosen.dates)]
    if zone != "UTC":
        names.append(f"zone={quoted(zone)}")
    made = f"calendar({', '.join(names)})"
    imports = "from problems.contract import Features\n"
    if not question.entities:
        return f"{imports}from problems.defaults import calendar\n\nFEATURES = Features({made})\n"
    columns = {
        "target": question.target,
        "key": question.key or ROW_ID,
        "time": question.time,
        **({} if question.known_at == question.time else {"known_at": question.known_at}),
    }
    words = [
        *map(quoted, question.entities),
        *(f"{k}={quoted(str(v))}" for k, v in columns.items()),
    ]
    return (
        f"{imports}from problems.defaults import calendar, history\n"
        "from retrace.past.entities import EntityParams\n\n"
        f"HISTORY = history({', '.join(words)})\n"
        f"FEATURES = Features({made}, EntityParams, HISTORY)\n"
    )


def evaluation(question: Question, asked: Answers) -> str:
    """Return evaluation/__init__.py."""
    if asked.costs is None:
        return DEFAULT
    made = "forecasts" if question.task == "regression" else "alerts"
    given = quoted(asked.currency) if asked.currency else ""
    return f"from problems.costs import {made}\n\nEVALUATION = {made}({given})\n"


def rules(chosen: Chosen) -> str:
    """Return rules.py."""
    if not chosen.rule:
        return DEFAULT
    names = ", ".join(map(quoted, chosen.rule))
    return (
        "from problems.contract import Rules\nfrom problems.defaults import by\n\n"
        f"RULES = Rules(by({names}))\n"
    )


def checks(limits: Mapping[str, Limits], rows_min: int) -> str:
    """Return checks.yaml in the form that DVC writes."""
    lines = [
        "# Limits of the clean table: `hard` ones stop the DAG, `soft` ones are in the report.",
        f"rows_min: {rows_min}",
    ]
    if limits:
        lines.append("checks:")
    for column, found in limits.items():
        lines.append(f"  {scalar(column)}:")
        for check, levels in found.items():
            lines.append(f"    {check}: {_flow(levels)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    return _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float) and np.isfinite(value) and abs(value) < 1e15:
        return f"{value:.12g}" if value != int(value) else f"{int(value)}"
    return repr(value)


# ---- Python ----------------------------------------------------------------------------------


class Name(str):
    """Python as it stands, where a text would be quoted."""


@dataclass(frozen=True)
class Words:
    """What stands between brackets, with commas between."""

    brackets: str
    words: Sequence[str]


def filled(head: str, body: Words) -> str:
    """Return a statement in one line, or in lines of full width: one word a line would be a page of
    a wide table."""
    first, last = body.brackets[0], body.brackets[1]
    single = len(body.words) == 1 and body.brackets == "()" and head.endswith("= ")
    line = f"{head}{first}{', '.join(body.words)}{',' if single else ''}{last}\n"
    if len(line) <= WIDTH + 1:
        return line
    lines = [""]
    for word in body.words:
        if len(lines[-1]) + len(word) + 2 > WIDTH - 4 and lines[-1]:
            lines.append("")
        lines[-1] += f" {word}," if lines[-1] else f"{word},"
    inside = "".join(f"    {one}\n" for one in lines)
    return f"{head}{first}\n{inside}{last}  # fmt: skip\n"


def _tuple(names: Iterable[str]) -> Words:
    return Words("()", [quoted(one) for one in names])


def _mapping(value: Mapping[str, Any]) -> Words:
    """Return the entries; those with many names as one word a name."""
    words: list[str] = []
    for key, one in value.items():
        first = f"{quoted(key)}: "
        if isinstance(one, tuple) and len(one) > 1:
            inside = [_literal(name) for name in one]
            words += [f"{first}({inside[0]}", *inside[1:-1], f"{inside[-1]})"]
        else:
            words.append(first + _literal(one))
    return Words("{}", words)


def _short(constant: str, value: Any, constants: list[str]) -> Any:
    """Return the value; of a long one the name of a constant, which is added."""
    if isinstance(value, str) or len(_literal(value)) < WIDTH - 30:
        return value
    body = _mapping(value) if isinstance(value, Mapping) else Words("()", [*map(_literal, value)])
    constants.append(filled(f"{constant} = ", body))
    return Name(constant)


def _arguments(fields: Mapping[str, Any]) -> list[str]:
    """Return keyword arguments, without those that are empty."""
    empty: tuple[Any, ...] = (None, (), "", {})
    return [f"{key}={_literal(value)}" for key, value in fields.items() if value not in empty]


def _literal(value: Any) -> str:
    if isinstance(value, Name) or not isinstance(value, str | Mapping | tuple | list):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(_mapping(value).words) + "}"
    inside = ", ".join(map(_literal, value))
    if isinstance(value, list):
        return f"[{inside}]"
    return f"({inside}{',' if len(value) == 1 else ''})"
