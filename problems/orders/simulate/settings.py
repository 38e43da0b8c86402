"""The simulator's section of `params.yaml`, and its random streams."""

import zlib
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from retrace.base.params import Params

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class SimulateSettings(Params):
    """`orders.simulate`. Numbers not here are assumed in the module they are in."""

    orders: int = Field(20_000, ge=1, le=10_000_000)
    months: int = Field(18, ge=1, le=120)
    recorded_months: int | None = Field(None, ge=1, le=120)  # of them, so far; None is all
    seed: int = Field(7, ge=0)
    start: date = Field(date(2024, 4, 1), strict=False)
    time_zone: str = "Europe/Oslo"
    noise_log_sd: float = Field(0.40, ge=0.1, le=1.5)
    customer_log_sd: float = Field(0.30, ge=0.0, le=1.0)
    supplier_log_sd: float = Field(0.40, ge=0.0, le=1.0)
    load_power: float = Field(0.5, ge=0.0, le=0.8)
    season_peak: float = Field(0.7, ge=0.0, le=3.0)
    growth: float = Field(1.0, gt=0.0, le=20.0)
    rework: float = Field(1.0, ge=0.0, le=3.0)
    change_month: int = Field(14, ge=1)
    change_factor: float = Field(1.8, gt=0.0, le=5.0)
    # The month in which carriers are slow, and by how much; None is never.
    slow_carrier_month: int | None = Field(None, ge=1)
    slow_carrier_factor: float = Field(1.6, gt=0.0, le=5.0)
    promise_factor: float = Field(1.0, gt=0.0, le=5.0)
    usual_share: float = Field(0.6, gt=0.0, le=1.0)
    sla_days: float = Field(30.0, gt=0.0)
    futures: int = Field(200, ge=0, le=10_000)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("expected a time zone such as Europe/Oslo") from error
        return name


def stream(settings: SimulateSettings, name: str) -> np.random.Generator:
    """Return the random numbers of one part: a change in one part leaves the others' alone."""
    return np.random.default_rng([settings.seed, zlib.crc32(name.encode())])
