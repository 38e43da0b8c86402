"""`service_time.ingest` of params.yaml."""

import os
from typing import Self

from pydantic import Field, model_validator

from problems.contract import IngestParams
from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.raw.times import Clock, Zone


class Bounds(Params):
    """Where the company delivers, in degrees; a customer outside is a mistake."""

    south: float = Field(ge=-90, le=90)
    north: float = Field(ge=-90, le=90)
    west: float = Field(ge=-180, le=180)
    east: float = Field(ge=-180, le=180)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.south >= self.north or self.west >= self.east:
            raise ValueError("south must be below north, and west below east")
        return self


class IngestSettings(IngestParams):
    """All limits of `ingest`. Seconds and metres, as the names say.

    time_zone: of times written without an offset from UTC; None makes such times an error.
    time_format: of times that are not ISO 8601, as `datetime.strptime` has it.
    bounds: a customer outside is rejected; None accepts any place on earth.
    fence_radius_m: of the fences laid around customers where there are only pings.
    accuracy_max_m: less accurate pings and events are dropped.
    merge_gap_seconds: a fence left and entered again within it was not left (a flap).
    dwell_min_seconds: a shorter stay in a fence is a van driving by.
    stay_max_seconds: a longer stay is impossible: an exit and a later enter were lost.
    edge_seconds: from a fence's edge to the parking place; taken off both ends of a stay.
    split_parking_seconds, split_stop_seconds, split_box_seconds: what a stay takes once, for each
        stop and for each box; one stay for several stops is split in proportion.
    plan_apart_max_hours: events and pings further from their route's plan have a wrong clock.
    retention_days: pings older than this, counted from the last one, are dropped.
    coordinate_decimals: of a customer's coordinates in the clean table (2 is about 1 km).
    driver_key: hashes driver ids; `$NAME` takes it from the environment variable NAME.
    keep: columns of the stops to carry into the clean table as text, such as `row_weight`.
    """

    time_zone: Zone | None = None
    time_format: str | None = None
    bounds: Bounds | None = None
    # What phones can tell apart in a town (assumed).
    fence_radius_m: float = Field(50.0, gt=0, le=5000)
    accuracy_max_m: float = Field(100.0, gt=0)  # a fix worse than two fences says nothing
    merge_gap_seconds: float = Field(90.0, ge=0)
    dwell_min_seconds: float = Field(60.0, gt=0)
    stay_max_seconds: float = Field(5400.0, gt=0)
    # Without it, stays were 4.7 s longer than in the manual log.
    edge_seconds: float = Field(2.5, ge=0)
    split_parking_seconds: float = Field(50.0, ge=0)  # only the ratio of the three counts
    split_stop_seconds: float = Field(140.0, gt=0)
    split_box_seconds: float = Field(50.0, ge=0)
    # Further from the plan the device's clock was wrong.
    plan_apart_max_hours: float = Field(36.0, gt=0)
    retention_days: int = Field(800, ge=1)
    coordinate_decimals: int = Field(2, ge=0, le=6)
    driver_key: str = Field(min_length=1)
    keep: tuple[str, ...] = Field((), strict=False)

    @property
    def clock(self) -> Clock:
        return Clock(self.time_zone, self.time_format, "service_time.ingest")

    @model_validator(mode="after")
    def _stays_make_sense(self) -> Self:
        if not 2 * self.edge_seconds < self.dwell_min_seconds < self.stay_max_seconds:
            raise ValueError("must be 2 x edge_seconds < dwell_min_seconds < stay_max_seconds")
        return self

    def key(self) -> str:
        """Return the key itself, from the environment where `driver_key` says so."""
        if not self.driver_key.startswith("$"):
            return self.driver_key
        name = self.driver_key[1:]
        value = os.environ.get(name, "")
        if not value:
            raise RetraceError(
                f"service_time.ingest.driver_key is '{self.driver_key}', but the environment "
                f"variable {name} is not set. Set it to the secret that driver ids are hashed "
                "with, always the same one: another key makes every driver a new one."
            )
        return value
