"""Read what the report shows; a file that is missing is an error that names it."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json
from retrace.base.params import ProblemEntry, WorldEntry, read_params
from retrace.base.tables import Column, Picture

TextRows = list[dict[str, str]]


@dataclass(frozen=True)
class ShownTable:
    """A table as it was declared, with its rows as text."""

    name: str
    title: str
    columns: dict[str, Column]
    rows: TextRows
    picture: Picture | None = None


@dataclass(frozen=True)
class WorldInputs:
    """A world's data: what `ingest` and `validate` found."""

    name: str
    source: str
    ingest: dict[str, Any]
    validation: dict[str, Any]
    profile: list[dict[str, Any]]

    @property
    def simulated(self) -> bool:
        return Path(self.source) == paths.raw(self.name)

    @property
    def failed(self) -> int:
        return sum(not item["passed"] for item in self.validation["results"])


@dataclass(frozen=True)
class ProblemInputs:
    """A problem's model: what `train` and `evaluate` found.

    `figures` have the metric on validation first, then the headline; `words` say what each is,
    `metric` what the headline measures; `tables` are the problem's own, in its order.
    """

    name: str
    world: str
    task: str
    unit: str
    metric: dict[str, Any]
    figures: dict[str, float]
    words: dict[str, Column]
    comparison: dict[str, dict[str, float]]
    slices: TextRows
    tables: list[ShownTable]
    card: dict[str, Any]
    bundle: dict[str, Any]
    left_out: dict[str, str]  # columns that the model must not see, and why


@dataclass(frozen=True)
class Replayed:
    """What `backtest` found: the headline, a row a period and policy, and the other tables."""

    figures: dict[str, float]
    periods: TextRows
    tables: dict[str, TextRows]


def read_world(name: str) -> WorldInputs:
    return WorldInputs(
        name=name,
        source=read_params(WorldEntry, f"worlds.{name}").source,
        ingest=_read_dict(paths.ingest_metrics(name)),
        validation=_read_dict(paths.validation_metrics(name)),
        profile=_read_dict(paths.profile(name))["columns"],
    )


def read_problem(name: str) -> ProblemInputs:
    figures = _read_dict(paths.metrics(name))
    if not figures:
        raise RetraceError(f"{paths.metrics(name)} has no figure. Make it again: `dvc repro -f`.")
    declared = _read_dict(paths.tables(name) / "tables.json")
    entry = read_params(ProblemEntry, f"problems.{name}")
    return ProblemInputs(
        name=name,
        world=entry.world,
        task=declared["problem"]["task"],
        unit=declared["problem"]["unit"],
        metric=declared["metric"],
        figures=figures,
        words={key: Column(**column) for key, column in declared["figures"].items()},
        comparison=_read_dict(paths.comparison(name)),
        slices=read_text_rows(paths.slices(name)),
        tables=[_table(name, key, table) for key, table in declared["tables"].items()],
        card=_read_dict(paths.bundle(name) / "card.json"),
        bundle=_read_dict(paths.bundle(name) / "bundle.json"),
        left_out=entry.left_out,
    )


def _table(problem: str, name: str, declared: dict[str, Any]) -> ShownTable:
    rows = read_text_rows(paths.tables(problem) / f"{name}.csv")
    picture = declared["picture"]
    return ShownTable(
        name=name,
        title=declared["title"],
        columns={key: Column(**column) for key, column in declared["columns"].items()},
        # a CSV may have rows that are short or too long
        rows=[{key: row.get(key) or "" for key in declared["columns"]} for row in rows],
        picture=None if picture is None else Picture(**{**picture, "y": tuple(picture["y"])}),
    )


def read_backtest(name: str) -> Replayed:
    folder = paths.backtest_tables(name)
    return Replayed(
        figures=_read_dict(paths.backtest_metrics(name)),
        periods=read_text_rows(paths.plots(name) / "backtest.csv"),
        tables={
            table: read_text_rows(folder / f"{table}.csv")
            for table in ("changes", "retrainings", "drift")
        },
    )


def read_text_rows(path: Path) -> TextRows:
    """Read a CSV as text, one dict per row, as `dvc plots` does."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise RetraceError(f"{path} is missing. Make it with `dvc repro`, or `dvc pull`.") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise RetraceError(f"{path} is not a valid CSV file: {error}.") from None


def _read_dict(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise RetraceError(f"{path} has a {type(value).__name__}; expected an object.")
    return value
