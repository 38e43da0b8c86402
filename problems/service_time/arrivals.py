"""What is doubted about a visit: a driver who was somewhere else, a clock that is off."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from problems.arrivals import CANNOT_BE, MINUTE, time
from problems.contract import Problem
from problems.served import ArrivalParams, Arrivals, Arriving, Suspicion

SECOND = np.timedelta64(1_000_000, "us")


class Settings(ArrivalParams):
    """`service_time.arrivals`."""

    early_minutes: float = Field(90.0, gt=0)  # before the planned arrival
    late_minutes: float = Field(240.0, gt=0)  # after it
    overlap_seconds: float = Field(5.0, ge=0)  # of two stays of one driver


def doubts(problem: Problem, fact: Arriving, settings: Settings) -> Iterator[Suspicion]:
    """Yield why a visit cannot have been when and as long as is told."""
    yield from _off_the_plan(fact, settings)
    yield from _elsewhere(fact, settings)


def _off_the_plan(fact: Arriving, settings: Settings) -> Iterator[Suspicion]:
    arrived, planned = time(fact.told, "arrived_at"), time(fact.row, "planned_arrival_at")
    late = (arrived - planned) / MINUTE  # NaN where one is missing
    if late > settings.late_minutes or late < -settings.early_minutes:
        words = f"arrived_at is {late:+,.0f} minutes off the planned arrival"
        yield Suspicion("clock", CANNOT_BE, words)


def _elsewhere(fact: Arriving, settings: Settings) -> Iterator[Suspicion]:
    """Yield a stay that overlaps with another one of the same driver that nobody doubts."""
    arrived, departed = time(fact.told, "arrived_at"), time(fact.told, "departed_at")
    if "arrived_at" not in fact.newest or "departed_at" not in fact.newest:
        return
    start = np.maximum(fact.newest["arrived_at"], arrived)
    end = np.minimum(fact.newest["departed_at"], departed)
    both = np.where(fact.newest["held"], np.nan, (end - start) / SECOND)
    longest = np.nanmax(both, initial=-np.inf)
    if longest > settings.overlap_seconds:
        words = f"for {longest:,.0f} seconds of it, its driver was at another stop"
        yield Suspicion("impossible", CANNOT_BE, words)


ARRIVALS = Arrivals(settings=Settings, source="driver_id", outcomes=doubts)
