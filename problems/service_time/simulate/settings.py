"""The simulator's section of `params.yaml`, and its random streams."""

import zlib
from datetime import date

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.params import Params

ZONE = "Europe/Oslo"  # Oda delivers in Norway

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class SimulateSettings(Params):
    """`service_time.simulate`. Numbers not here are assumed in the module they are in."""

    stops: int = Field(80_000, ge=1, le=5_000_000)
    seed: int = Field(7, ge=0)
    pings: bool = False
    start: date = Field(date(2024, 1, 1), strict=False)
    months: int = Field(24, ge=1, le=120)
    recorded_months: int | None = Field(None, ge=1, le=120)  # of them, so far; None is all
    growth: float = Field(1.0, ge=1.0, le=20.0)
    new_region_month: int = Field(18, ge=0)
    noise_log_sd: float = Field(0.30, ge=0.25, le=1.0)
    customer_log_sd: float = Field(0.12, ge=0.0, le=0.5)
    driver_log_sd: float = Field(0.08, ge=0.0, le=0.5)
    christmas: float = Field(1.0, ge=0.0, le=3.0)
    drift_log_per_year: float = Field(0.03, ge=-0.3, le=0.3)
    event_faults: float = Field(1.0, ge=0.0, le=5.0)
    pilot_weeks: int = Field(3, ge=0)
    ping_seconds: float = Field(7.5, ge=1.0, le=60.0)


def stream(settings: SimulateSettings, name: str, attempt: int = 0) -> np.random.Generator:
    """Return the random numbers of one part: a change in one part leaves the others' alone."""
    return np.random.default_rng([settings.seed, zlib.crc32(name.encode()), attempt])
