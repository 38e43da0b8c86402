"""Fill the page. Autoescape is on: names of columns, categories and reasons come from users."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from retrace.base.errors import RetraceError
from retrace.base.params import read_key
from retrace.report import numbers, tables
from retrace.report.charts import Plot, draw, draw_spec, read_plots
from retrace.report.inputs import ProblemInputs, WorldInputs, read_problems, read_worlds
from retrace.report.lifecycle import Lifecycle, lifecycle
from retrace.report.own import OwnTable, own_tables
from retrace.report.parameters import Section, read_sections
from retrace.report.verdicts import Coverage, Verdict, coverage, loss_name, verdicts

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Picture:
    """A drawn plot."""

    title: str
    path: str
    html: Markup


@dataclass(frozen=True)
class WorldView:
    """A world's data; `problem` is the section that shows it."""

    name: str
    inputs: WorldInputs
    columns: list[tables.Column]
    figures: list[tuple[str, str]]
    quarantined: list[tuple[str, str, float]]
    pictures: list[Picture]

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [item for item in self.inputs.validation["results"] if not item["passed"]]


@dataclass(frozen=True)
class ProblemView:
    """All that a problem's card and section show."""

    name: str
    inputs: ProblemInputs
    world: WorldView
    shows_data: bool
    headline: numbers.Figure
    figures: list[numbers.Figure]
    plain: str
    verdicts: list[Verdict]
    coverage: Coverage | None
    tables: list[tuple[OwnTable, Markup]]
    pictures: list[Picture]
    sections: list[Section]
    lifecycle: Lifecycle | None
    lifecycle_picture: Markup

    @property
    def rows(self) -> int | None:
        return next((verdict.rows for verdict in self.verdicts), None)

    @property
    def cost(self) -> numbers.Figure | None:
        return next(
            (item for item in self.figures if numbers.split_unit(item.key)[0] == "cost"), None
        )

    @property
    def metric(self) -> str:
        """The headline's short name: RMSLE, MAE."""
        stem, _ = numbers.split_unit(self.headline.key)
        return numbers.SHORT.get(stem, numbers.in_words(stem))

    @property
    def metric_unit(self) -> str:
        return numbers.split_unit(self.headline.key)[1]

    @property
    def is_binary(self) -> bool:
        return self.inputs.bundle.get("task") == "binary"

    @property
    def unit(self) -> str:
        return str(self.inputs.bundle.get("unit", ""))

    @property
    def card(self) -> dict[str, Any]:
        """The model card without the parameters, which stand in a table of their own."""
        return {key: value for key, value in self.inputs.card.items() if key != "params"}

    @property
    def coverage_mark(self) -> float:
        """Where the promised level lies on a coverage bar."""
        return tables.coverage_length(self.coverage.level if self.coverage else 0.9)


def render() -> str:
    """Read what the stages wrote and return the page."""
    worlds, problems = read_worlds(), read_problems()
    plots = read_plots({"backtests": {}, **read_key("")})
    drawn = _Drawn()
    world_views = {
        name: _world_view(world, drawn.all(plots.get(name, [])) if name not in problems else [])
        for name, world in worlds.items()
    }
    views: list[ProblemView] = []
    for name, problem in problems.items():
        if problem.world not in world_views:
            raise RetraceError(
                f"params.yaml: problems.{name}.world is '{problem.world}'; "
                f"worlds are {', '.join(worlds)}."
            )
        shown = {view.world.name for view in views}
        world = world_views[problem.world]
        own = [(table, drawn.own(table)) for table in own_tables(problem.tables)]
        told = lifecycle(problem)
        pictures = drawn.all([p for p in plots.get(name, []) if not (told and _is_replay(p))])
        if problem.bundle.get("task") == "binary":
            pictures = [_of_classifier(picture) for picture in pictures]
        replayed = drawn.spec(told.drawing.spec) if told else Markup()
        views.append(_problem_view(problem, world, shown, own, pictures, told, replayed))
    text: str = _environment().get_template("index.html").render(problems=views)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


CLASSIFIER_TITLES = {  # dvc.yaml has one title for every task
    "calibration": "Observed rate against the mean probability",
    "coverage": "Observed rate by slice, against the promised",
    "predicted": "Precision against recall",
    "residuals": "Promised less observed rate",
}


def _of_classifier(picture: Picture) -> Picture:
    stem = picture.path.rpartition("/")[2].partition(".")[0]
    return replace(picture, title=CLASSIFIER_TITLES.get(stem, picture.title))


def _is_replay(plot: Plot) -> bool:
    """The section on the replay has a picture of its own."""
    return plot.path.name == "backtest.csv"


class _Drawn:
    """Draws plots and numbers them through the page."""

    def __init__(self) -> None:
        self.n_drawn = 0

    def all(self, plots: list[Plot]) -> list[Picture]:
        pictures = []
        for plot in plots:
            self.n_drawn += 1
            html = Markup(draw(plot, self.n_drawn))  # noqa: S704  (SVG with escaped texts)
            pictures.append(Picture(plot.title, plot.path.as_posix(), html))
        return pictures

    def own(self, table: OwnTable) -> Markup:
        """Draw the picture of a problem's own table; empty where none fits."""
        if table.drawing is None:
            return Markup()
        return self.spec(table.drawing.spec)

    def spec(self, spec: dict[str, Any]) -> Markup:
        self.n_drawn += 1
        return Markup(draw_spec(spec, self.n_drawn))  # noqa: S704  (as above)


def _world_view(world: WorldInputs, pictures: list[Picture]) -> WorldView:
    return WorldView(
        name=world.name,
        inputs=world,
        columns=tables.columns(world.profile),
        figures=tables.ingest_figures(world.ingest),
        quarantined=tables.quarantined(world.ingest),
        pictures=pictures,
    )


def _problem_view(
    problem: ProblemInputs,
    world: WorldView,
    shown: set[str],
    own: list[tuple[OwnTable, Markup]],
    pictures: list[Picture],
    told: Lifecycle | None,
    replayed: Markup,
) -> ProblemView:
    found = verdicts(problem)
    figures = [numbers.figure(key, value) for key, value in problem.figures.items()]
    return ProblemView(
        name=problem.name,
        inputs=problem,
        world=world,
        shows_data=world.name not in shown,
        headline=figures[0],
        figures=figures,
        plain=_plain(problem.figures, figures[0]),
        verdicts=found,
        coverage=coverage(problem),
        tables=own,
        pictures=pictures,
        sections=read_sections(
            [world.name, problem.name], () if world.inputs.simulated else ("simulate",)
        ),
        lifecycle=told,
        lifecycle_picture=replayed,
    )


def _plain(figures: dict[str, float], headline: numbers.Figure) -> str:
    """Say what the headline means: its full name where the number has a unit and speaks itself."""
    if numbers.split_unit(headline.key)[1]:
        return headline.label
    phrases = [numbers.in_plain_words(key, value) for key, value in figures.items()]
    return "; ".join([phrase for phrase in phrases if phrase][:2]) or headline.label


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
        "loss_name": loss_name,
    }
    return environment
