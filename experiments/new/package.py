"""Write the files of a problem's package, as a person would: nothing that the defaults do."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.new.choice import Chosen
from experiments.new.columns import Guessed
from experiments.new.limits import Limits
from experiments.new.lines import scalar
from experiments.new.question import Question
from retrace.raw.plain import TRUTH_WORDS, Kind, Reading

WIDTH = 100
HISTORY = ("mean", "known", "rows", "a_day", "days_since")  # of an entity, by problems.defaults
ROW_ID, TWINS = "row_id", "row_twins"  # the columns of Reading.row_id and Reading.twins
DEFAULT = '"""The defaults of problems/defaults.py."""\n'
GROUPS = {  # constants of schema.py by type
    "float64": "NUMBERS", "int64": "WHOLE", "str": "WORDS", "bool": "FLAGS",
    "datetime64[us, UTC]": "TIMES",
}  # fmt: skip


def quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def kinds(question: Question, guessed: Guessed, twins: bool) -> dict[str, Kind]:
    """Return the types of the clean table's columns: key, time, columns, target."""
    found: dict[str, Kind] = {}
    used = {
        one.name: one
        for one in guessed.columns.values()
        if one.sort not in ("empty", "one value", "name")
        or one.name in (question.key, question.target)
    }
    if question.key is None:
        found[ROW_ID] = Kind("str")
    else:
        key = next(one for one in guessed.columns.values() if one.name == question.key)
        found[key.name] = Kind("int64" if key.numeric else "str")
    if twins:
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


def reading(question: Question, guessed: Guessed, asked_zone: str | None, twins: bool) -> Reading:
    """Return how the file's values are read."""
    names: dict[str, str | list[str]] = {
        one.name: raw for raw, one in guessed.columns.items() if one.name != raw
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
            "twins": TWINS if twins else None,
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
            constants.append(_tuple(constant, names))
            gaps = ", nullable=True" if kinds[names[0]].nullable else ""
            lines.append(f'    **{{name: pa.Column("{dtype}"{gaps}) for name in {constant}}},')
    target = kinds[question.target]
    gaps = ", nullable=True" if target.nullable else ""
    lines.append(f'    "{question.target}": pa.Column("{target.dtype}"{gaps}),')
    outcomes = [question.target, *leaks]
    if question.known_at and question.known_at != question.time:
        outcomes.append(question.known_at)
    time = f'    time="{question.time}",\n' if question.time else ""
    body = "\n".join(lines)
    return (
        f'"""{about}"""\n\nimport pandera.pandas as pa\n\nfrom problems.contract import World\n\n'
        + "".join(constants)
        + f"COLUMNS = {{\n{body}\n}}\nWORLD = World(\n    {quoted(name)},\n"
        + f"    pa.DataFrameSchema(COLUMNS),\n    key=({quoted(key)},),\n{time}"
        + _field("outcomes", outcomes)
        + (f"    exempt={_literal(moving, 4)},  # they move by themselves\n" if moving else "")
        + ")\n"
    )


def problem(name: str, words: str, question: Question, chosen: Chosen, twins: bool) -> str:
    """Return problem.py."""
    calendar = [f"{question.time}_{part}" for part in chosen.calendar]
    days = [f"{one}_days" for one in chosen.dates] if question.time else []
    past = [f"{one}_{what}" for one in question.entities for what in HISTORY]
    numeric = [*chosen.numeric, *days, *past]
    blocks = ""
    imports = "from problems.contract import Columns, Problem\n"
    if chosen.texts:
        imports += "from retrace.encode.text.blocks import Block\n"
        lines = []
        for one in chosen.texts:
            lines.append(f'    Block("{one}_words", "words", 1.0, ("{one}",)),\n')
            lines.append(f'    Block("{one}_pairs", "pairs", 1.0, ("{one}",)),\n')
        blocks = f"BLOCKS = (\n{''.join(lines)})\n"
    columns, constants = "", ""
    for field, names in (("numeric", [*calendar, *numeric]), ("categorical", chosen.categorical)):
        if not names:
            continue
        line = _field(field, names, 8)
        if len(line) > WIDTH + 1:
            constants += _tuple(field.upper(), names)
            line = f"        {field}={field.upper()},\n"
        columns += line
    if chosen.target_encoded:
        groups = "".join(f"({quoted(one)},), " for one in chosen.target_encoded).rstrip()
        columns += f"        target_encoded=({groups}),\n"
    if chosen.texts:
        columns += "        text=BLOCKS,\n"
    group = question.group or (TWINS if twins else None)
    fields: dict[str, Any] = {
        "name": name, "world": name, "task": question.task, "target": question.target,
        "unit": question.unit, "metric": question.metric,
    }  # fmt: skip
    if question.scale != "identity":
        fields["scale"] = question.scale
    if question.time:
        fields["time"], fields["known_at"] = question.time, question.known_at
    body = "".join(f"    {key}={quoted(value)},\n" for key, value in fields.items())
    body += f"    key=({quoted(question.key or 'row_id')},),\n"
    body += f"    columns=Columns(\n{columns}    ),\n"
    if group:
        body += f"    group=({quoted(group)},),\n"
    if question.entities:
        body += _field("entities", question.entities)
    if chosen.slices:
        body += _field("slices", chosen.slices)
    constant = name.upper()
    return (
        f'"""{words}"""\n\n{imports}\n{constants}{blocks}{constant} = Problem(\n{body})\n'
        f"PROBLEMS = {{{quoted(name)}: {constant}}}\n"
    )


def ingest(name: str, reading: Reading) -> str:
    """Return ingest/__init__.py."""
    given = reading.model_dump(exclude_defaults=True)
    imports = sorted(
        [f"from problems.{name}.schema import WORLD", "from problems.plain import plain_reader"]
    )
    text = "\n".join(imports) + "\n\n"
    if not given:
        return text + "READER = plain_reader(WORLD)\n"
    fields = "".join(f"    {key}={_literal(value, 4)},\n" for key, value in given.items())
    return text + f"READER = plain_reader(\n    WORLD,\n{fields})\n"


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


def _tuple(constant: str, names: Sequence[str]) -> str:
    inside = ", ".join(map(quoted, names)) + ("," if len(names) == 1 else "")
    line = f"{constant} = ({inside})\n"
    return (
        line if len(line) <= WIDTH + 1 else f"{constant} = (\n{_wrapped(names, 4)})  # fmt: skip\n"
    )


def _field(name: str, values: Sequence[str], indent: int = 4) -> str:
    space = " " * indent
    inside = ", ".join(quoted(one) for one in values)
    line = f"{space}{name}=({inside}{',' if len(values) == 1 else ''}),\n"
    return (
        line
        if len(line) <= WIDTH + 1
        else f"{space}{name}=(\n{_wrapped(values, indent + 4)}{space}),\n"
    )


def _wrapped(names: Iterable[str], indent: int) -> str:
    """Return names as lines of full width: one a line would be a page of a wide table."""
    text = ", ".join(quoted(one) for one in names) + ","
    space = " " * indent
    return (
        "\n".join(
            textwrap.wrap(
                text, WIDTH, initial_indent=space, subsequent_indent=space, break_long_words=False
            )
        )
        + "\n"
    )


def _entry(key: str, value: Any, indent: int) -> str:
    space = " " * indent
    line = f"{space}{key}: {_literal(value, indent)},\n"
    if len(line) <= WIDTH + 1 or not isinstance(value, tuple | list):
        return line
    brackets = "()" if isinstance(value, tuple) else "[]"
    inside = "".join(f"{space}    {_literal(one, 0)},\n" for one in value)
    return f"{space}{key}: {brackets[0]}\n{inside}{space}{brackets[1]},\n"


def _literal(value: Any, indent: int) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_literal(k, 0)}: {_literal(v, 0)}" for k, v in value.items())
        if len(inside) < WIDTH - 30:
            return "{" + inside + "}"
        lines = "".join(_entry(_literal(k, 0), one, indent + 4) for k, one in value.items())
        return "{\n" + lines + " " * indent + "}"
    if isinstance(value, tuple):
        return (
            "("
            + ", ".join(_literal(one, 0) for one in value)
            + ("," if len(value) == 1 else "")
            + ")"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_literal(one, 0) for one in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    return repr(value)
