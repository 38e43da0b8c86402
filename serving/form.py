"""The form of a row: a field for each column, from the same description that reads requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from problems import parts
from problems.row_columns import LONGEST, RowColumn
from problems.served import Page
from retrace.base.tables import Column
from serving.model import Served
from serving.replies import Refusal

PREFIX = "row."  # of the names of fields, so that no column can be taken for anything else
MOST_FIELDS = 500
YES, NO = "true", "false"


@dataclass(frozen=True)
class Field:
    """A field as the template draws it.

    kind : text, long, number, time, choice or flag
    """

    name: str
    label: str
    kind: str
    value: str
    needed: bool
    hint: str = ""
    error: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    low: str = ""
    high: str = ""
    step: str = "any"
    longest: int = LONGEST


@dataclass(frozen=True)
class RowForm:
    """The fields that people fill in, and the others, which are folded."""

    first: list[Field]
    others: list[Field]

    @property
    def errors(self) -> list[Field]:
        return [one for one in (*self.first, *self.others) if one.error]

    @property
    def opened(self) -> bool:
        """Whether a field that is folded has something to say."""
        return any(one.error for one in self.others)


def form_of(
    served: Served, row: Mapping[str, Any], errors: Mapping[str, str] | None = None
) -> RowForm:
    """Return the form with a row filled in; `errors` are causes by column."""
    page, errors = parts.page(served.problem.world), errors or {}
    fields = {
        name: _field(column, page, row.get(name), errors.get(name, ""), served)
        for name, column in columns_of(served).items()
    }
    first = [fields[name] for name in page.first if name in fields] or [*fields.values()]
    return RowForm(first, [one for one in fields.values() if one not in first])


def columns_of(served: Served) -> dict[str, RowColumn]:
    """Return the columns of the form: those of the schema, and what patterns of names know of the
    example and of the model."""
    reader = served.reader
    names = [one.name for one in reader.columns]
    names += [*parts.world(served.problem.world).example, *served.bundle.encoding.columns]
    return {name: column for name in names if (column := reader.column(name)) is not None}


def row_of(served: Served, sent: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form says as a request has it; what cannot be read stays as it was typed, so
    that the reader of rows says what is wrong with it."""
    found = {}
    for name, column in columns_of(served).items():
        if column.kind == "boolean":
            found[name] = sent.get(PREFIX + name) == YES
            continue
        text = sent.get(PREFIX + name, "").replace("\r\n", "\n")
        if text or not (column.optional or column.nullable or name == served.problem.time):
            value = _read(column, text)
            if value is not None:
                found[name] = value
    return found


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form as browsers send it. Refusal where it is none."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Refusal(400, "the body is no form.") from None
    return dict(pairs)


def _field(column: RowColumn, page: Page, value: Any, error: str, served: Served) -> Field:
    words = page.column(column.name) or Column(column.name.replace("_", " "))
    clock = column.name == served.problem.time
    plain = Field(
        PREFIX + column.name,
        f"{words.words}, {words.unit}" if words.unit else words.words,
        "long" if column.name in page.long else "text",
        _text(value),
        needed=not (column.optional or column.nullable or clock),
        hint=(column.words or column.range_words).replace('""', "empty"),
        error=error,
    )
    if column.choices:
        empty = () if plain.needed else (("", "not known"),)
        choices = tuple((str(one), str(one)) for one in column.choices)
        return replace(plain, kind="choice", choices=(*empty, *choices))
    if column.kind == "boolean":
        return replace(plain, kind="flag", value=YES if value else NO)
    if column.kind == "time":
        hints = [plain.hint, "empty for now" if clock else "", "UTC"]
        return replace(plain, kind="time", value=_local(value), hint="; ".join(filter(None, hints)))
    if column.kind in ("number", "integer"):
        return replace(
            plain,
            kind="number",
            low="" if column.low is None else f"{column.low:g}",
            high="" if column.high is None or abs(column.high) > 1e9 else f"{column.high:g}",
            step="1" if column.kind == "integer" else "any",
        )
    return plain


def _read(column: RowColumn, text: str) -> Any:
    """Return a value as JSON has it; None where nothing was typed that is no text."""
    if column.kind == "text":
        return text
    if not text:
        return None
    if column.kind == "time":
        return f"{text}Z" if len(text) <= len("2026-01-31T12:00:00.000000") else text
    try:
        return int(text) if column.kind == "integer" else float(text)
    except ValueError:
        return text


def _local(value: Any) -> str:
    """Return a moment as a field for local times has it, in UTC; what is none stays."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return _text(value)
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() if at.tzinfo else _text(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
