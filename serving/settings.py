"""`serving` of params.yaml."""

from pydantic import Field

from retrace.base.params import Params, read_params

SERVING = "serving"  # the block of params.yaml


class ServingParams(Params):
    """How models are served; no stage reads it."""

    retention_days: float = Field(400.0, gt=0)  # of predictions, events and outcomes
    late_days: float = Field(7.0, ge=0)  # an event that is later counts as of so long ago
    ahead_days: float = Field(1.0, ge=0)  # a moment that is further ahead of the clock is refused
    log_personal: bool = False  # whether columns about people stand in log and predictions
    most_rows: int = Field(1000, ge=1)  # of a request
    most_bytes: int = Field(2_000_000, ge=1000)  # of a request's body
    remembered_mb: int = Field(100, ge=0)  # of a model's state, for when PostgreSQL is away


def serving_params() -> ServingParams:
    return read_params(ServingParams, SERVING)
