"""Read what the report shows; a file that is missing is an error that names it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json
from retrace.base.params import ProblemEntry, WorldEntry, parse_section, read_key

BACKTEST_TABLES = ("changes", "retrainings", "drift")


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


@dataclass(frozen=True)
class Replayed:
    """What `backtest` found: the headline, a row a period and policy, and the other tables."""

    figures: dict[str, float]
    periods: list[dict[str, str]]
    tables: dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class ProblemInputs:
    """A problem's model: what `train` and `evaluate` found.

    `figures` have the headline first; `tables` are the problem's own.
    """

    name: str
    world: str
    figures: dict[str, float]
    comparison: dict[str, dict[str, float]]
    slices: list[dict[str, str]]
    tables: dict[str, list[dict[str, str]]]
    card: dict[str, Any]
    bundle: dict[str, Any]
    backtest: Replayed | None = None


def read_worlds() -> dict[str, WorldInputs]:
    """Read every world of `params.yaml`, in its order."""
    return {name: _read_world(name, entry) for name, entry in _entries("worlds").items()}


def read_problems() -> dict[str, ProblemInputs]:
    """Read every problem of `params.yaml`, in its order."""
    return {name: _read_problem(name, entry) for name, entry in _entries("problems").items()}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV as text, one dict per row, as `dvc plots` does."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise RetraceError(f"{path} is missing. Make it with `dvc repro`, or `dvc pull`.") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise RetraceError(f"{path} is not a valid CSV file: {error}.") from None


def _entries(key: str) -> dict[str, Any]:
    entries = read_key(key)
    if not isinstance(entries, Mapping) or not entries:
        raise RetraceError(f"params.yaml: '{key}' is {entries!r}; expected a block of names.")
    return dict(entries)


def _read_world(name: str, entry: Any) -> WorldInputs:
    return WorldInputs(
        name=name,
        source=parse_section(WorldEntry, entry, f"worlds.{name}").source,
        ingest=_read_dict(paths.ingest_metrics(name)),
        validation=_read_dict(paths.validation_metrics(name)),
        profile=read_json(paths.profile(name)),
    )


def _read_problem(name: str, entry: Any) -> ProblemInputs:
    figures = _read_dict(paths.metrics(name))
    if not figures:
        raise RetraceError(f"{paths.metrics(name)} has no figure. Make it again: `dvc repro -f`.")
    return ProblemInputs(
        name=name,
        world=parse_section(ProblemEntry, entry, f"problems.{name}").world,
        figures=figures,
        comparison=_read_dict(paths.comparison(name)),
        slices=read_rows(paths.slices(name)),
        tables={file.stem: read_rows(file) for file in sorted(paths.tables(name).glob("*.csv"))},
        card=_read_dict(paths.bundle(name) / "card.json"),
        bundle=_read_dict(paths.bundle(name) / "bundle.json"),
        backtest=_read_backtest(name),
    )


def _read_backtest(name: str) -> Replayed | None:
    """Return None for a problem that `backtests` does not list."""
    if name not in (read_key("") or {}).get("backtests", {}):
        return None
    folder = paths.backtest_tables(name)
    return Replayed(
        figures=_read_dict(paths.backtest_metrics(name)),
        periods=read_rows(paths.plots(name) / "backtest.csv"),
        tables={table: read_rows(folder / f"{table}.csv") for table in BACKTEST_TABLES},
    )


def _read_dict(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise RetraceError(f"{path} has a {type(value).__name__}; expected an object.")
    return value
