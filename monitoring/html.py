"""Pages of one file in the style of the report: its templates stand beside this package's own."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

import retrace.report
from retrace.base.tables import Table
from retrace.report import numbers, tables
from retrace.report.inputs import ShownTable

TEMPLATES = Path(__file__).parent / "templates"
REPORT = Path(retrace.report.__file__).parent / "templates"
CODE = re.compile(r"`([^`]+)`")


def fill(template: str, said: Mapping[str, Any], folder: Path = TEMPLATES) -> str:
    """Render a template without blank lines. Autoescape is on: names come from users.

    folder : of the template, where it is none of this package's
    """
    text = _environment(folder).get_template(template).render(said)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def shown(table: Table, name: str = "") -> ShownTable:
    """Return a table with its rows as text, as the report's pages have it; a moment is its day."""
    columns = [[_text(value) for value in table.frame[key]] for key in table.columns]
    rows = [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]
    return ShownTable(name, table.title, dict(table.columns), rows)


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%a %-d %b}"
    return repr(float(value)) if isinstance(value, float) else str(value)


def _with_code(text: str) -> Markup:
    """Escape a text; what stands in backticks is a command."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped)


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES, REPORT]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "number": numbers.number,
        "percent": numbers.percent,
        "count": numbers.count,
        "count_of": len,
        "with_code": _with_code,
        "length": lambda share: f"{100 * share:.1f}",
    }
    environment.globals |= {
        "headings": tables.headings,
        "written": tables.written,
        "interval": numbers.interval,
        "no_drawing": Markup(),
    }
    return environment
