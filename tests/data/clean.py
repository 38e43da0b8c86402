"""The clean table of a small simulation, and what `checks.yaml` says of it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from problems import parts
from problems.contract import World
from retrace.base import paths
from retrace.base.params import read_params
from retrace.checks import ValidateParams
from stages.simulate import write_raw
from tests.conftest import ROOT
from workflow.validate import run_checks, stop_on_hard

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def limits(world: str) -> ValidateParams:
    return read_params(ValidateParams, "", ROOT / paths.checks(world))


@dataclass(frozen=True)
class CleanTable:
    """How a world's clean table is made small, and judged."""

    world: str
    sizes: dict[str, Any]  # settings of the simulator

    @cached_property
    def limits(self) -> ValidateParams:
        return limits(self.world)

    @cached_property
    def schema(self) -> World:
        found: World = parts.world(self.world)
        return found

    def make(self, folder: Path, seed: int) -> pd.DataFrame:
        """Simulate a few rows and ingest them."""
        simulator, ingest = parts.simulator(self.world), parts.reader(self.world)
        own = {**PARAMS[self.world]["simulate"], **self.sizes, "seed": seed}
        for name, frame in simulator.simulate(simulator.settings(**own)).raw.items():
            write_raw(frame, folder / name)
        settings = ingest.settings(**PARAMS[self.world]["ingest"])
        found: pd.DataFrame = ingest.ingest(folder, settings).clean
        return found

    def failed(self, rows: pd.DataFrame) -> set[str]:
        """Return the columns whose checks do not pass."""
        records = run_checks(rows, self.limits.listed())
        return {str(record["column"]) for record in records if not record["passed"]}

    def stop_on_hard(self, rows: pd.DataFrame) -> None:
        stop_on_hard(rows, self.limits, run_checks(rows, self.limits.listed()), self.world)


def corrupted(clean: pd.DataFrame, **columns: object) -> pd.DataFrame:
    """Change columns but keep their types, so that only the values are wrong."""
    types = {name: clean[name].dtype for name in columns}
    return clean.assign(**columns).astype(types)


LISTINGS = CleanTable("price", {"rows": 3000})
STOPS = CleanTable("service_time", {"stops": 4000})
PAYMENTS = CleanTable("fraud", {"transactions": 60_000})
ORDERS = CleanTable("orders", {"orders": 3000, "futures": 0})
EVERY = (LISTINGS, STOPS, PAYMENTS, ORDERS)
