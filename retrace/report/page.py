"""Fill the page. Autoescape is on: names of columns, categories and reasons come from users.

A problem is a part of its own, and so is its replay, so that only what changed is drawn again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel

from retrace.report import numbers, tables
from retrace.report.charts import described, draw, draw_spec, read_plots
from retrace.report.inputs import (
    ProblemInputs,
    ShownTable,
    read_backtest,
    read_problem,
    read_text_rows,
    read_world,
)
from retrace.report.lifecycle import lifecycle
from retrace.report.parameters import changed_sections
from retrace.report.pictures import drawing
from retrace.report.screen import first_screen
from retrace.report.verdicts import (
    headline_of,
    judge_coverage,
    measured_in,
    verdicts,
    warnings_of,
    worth,
)

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = ("card", "judged", "plots", "data", "model")
Part = dict[str, Any]
CLASSIFIER_TITLES = {  # dvc.yaml has one title for every task
    "calibration": "Observed rate against the mean probability",
    "coverage": "Observed rate by slice, against the promised",
    "predicted": "Precision against recall, or classes that were predicted and came",
    "residuals": "Promised less observed rate",
}


@dataclass(frozen=True)
class DrawnPlot:
    """A drawn plot."""

    title: str
    html: Markup


def problem_part(name: str, sections: Mapping[str, BaseModel]) -> Part:
    """Return what the page says of a problem: its card, its section and its world's data.

    `sections` of params.yaml are the problem's, read into their models.
    """
    problem = read_problem(name)
    world = read_world(problem.world)
    _, value, words = headline_of(problem)
    found = verdicts(problem)
    said = {
        "name": name,
        "problem": problem,
        "world": world,
        "description": described(name),
        "headline": value,
        "headline_words": words,
        "plain": _plain(problem),
        "verdicts": found,
        "warnings": warnings_of(problem),
        "measured_in": measured_in(problem),
        "coverage": judge_coverage(problem),
        "worth": worth(problem),
        "figures": [
            (problem.words[key].words, numbers.amount(problem.words[key], figure))
            for key, figure in problem.figures.items()
        ],
        "is_classifier": problem.task != "regression",
        "own": [(table, _own(table, name)) for table in problem.tables if table.rows],
        "pictures": _pictures(problem),
        "sections": changed_sections(sections, [name, problem.world]),
        "columns": tables.profiled(world.profile),
        "ingest_figures": tables.ingest_figures(world.ingest),
        "quarantined": tables.quarantined(world.ingest),
    }
    rule = next((verdict for verdict in found if verdict.baseline == "rule"), None)
    return {
        "name": name,
        "world": world.name,
        "beats_rule": rule is not None and rule.mood == "good",
        "failed_checks": world.failed,
        "screen": first_screen(problem),
        **{section: fill(f"{section}.html", said) for section in SECTIONS},
    }


def backtest_part(name: str) -> Part:
    """Return what the page says of a problem's replay."""
    told = lifecycle(read_backtest(name))
    if told is None:
        return {"name": name, "story": ""}
    said = {
        "name": name,
        "told": told,
        "picture": _drawn(told.spec, f"{name}-replay"),
        "own": [(table, _own(table, name)) for table in told.tables],
    }
    return {"name": name, "story": fill("story.html", said)}


def page(problems: list[Part], backtests: Mapping[str, Part]) -> str:
    """Put the parts together, in the order of params.yaml; a world's data is shown once."""
    first: dict[str, str] = {}
    for part in problems:
        first.setdefault(part["world"], part["name"])
    parts = [
        {
            **part,
            **{name: Markup(part[name]) for name in SECTIONS},  # noqa: S704  (made by `fill`)
            "story": Markup(backtests.get(part["name"], {}).get("story", "")),  # noqa: S704
        }
        for part in problems
    ]
    said = {
        "parts": parts,
        "data_of": first,
        "beaten": sum(part["beats_rule"] for part in problems),
        "failed": sum(
            part["failed_checks"] for part in problems if first[part["world"]] == part["name"]
        ),
    }
    return fill("index.html", said)


def fill(template: str, said: Mapping[str, Any]) -> str:
    """Render a template without blank lines."""
    text = _environment().get_template(template).render(said)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def _own(table: ShownTable, name: str) -> Markup:
    spec = drawing(table)
    return Markup() if spec is None else _drawn(spec, f"{name}-{table.name}")


def _drawn(spec: dict[str, Any], mark: str) -> Markup:
    return Markup(draw_spec(spec, f"plot-{mark}"))  # noqa: S704  (SVG with escaped texts)


def _pictures(problem: ProblemInputs) -> list[DrawnPlot]:
    pictures = []
    for number, plot in enumerate(read_plots(problem.name, problem.world), 1):
        if plot.path.stem == "coverage" and not read_text_rows(plot.path):
            continue  # no slice has enough rows
        html = Markup(draw(plot, f"plot-{problem.name}-{number}"))  # noqa: S704  (as above)
        title = plot.title
        if problem.task != "regression":
            title = CLASSIFIER_TITLES.get(plot.path.stem, title)
        pictures.append(DrawnPlot(title, html))
    return pictures


def _plain(problem: ProblemInputs) -> str:
    """Say what the headline means: what it is, and beside one without a unit the first that has."""
    key, _, words = headline_of(problem)
    others = [
        f"{column.words} {numbers.amount(column, problem.figures[other])}"
        for other, column in problem.words.items()
        if column.unit and column.kind == "number" and other != key
    ]
    return "; ".join([words.words, *(others[:1] if not words.unit else [])])


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": numbers.number,
        "percent": numbers.percent,
        "count": numbers.count,
        "count_of": len,
        "length": lambda share: f"{100 * share:.1f}",
    }
    environment.globals |= {
        "headline_bars": tables.headline_bars,
        "whiskers": tables.whiskers,
        "slice_groups": tables.slice_groups,
        "check_value": tables.check_value,
        "coverage_length": tables.coverage_length,
        "headings": tables.headings,
        "written": tables.written,
    }
    return environment
