"""`cycle` of params.yaml: when a model is made anew by itself, and how it is tried."""

from typing import Self

from pydantic import Field, model_validator

from retrace.base.params import Params, read_params

CYCLE = "cycle"  # the block of params.yaml, and of a problem that differs


class CycleParams(Params):
    """No stage reads it. Whether a challenger is tried on live traffic, and how, is the gate's
    word: `<problem>.gate.evidence`."""

    every_days: float = Field(7.0, gt=0)  # since the model was made; then new data is enough
    least_new_labels: int = Field(5000, ge=1)  # rows; so many are enough at any time
    wait_minutes: float = Field(10.0, ge=0)  # for another cycle of the problem
    # Shares of the subjects that an A/B arm has one after the other, each for `ramp_days`.
    shares: tuple[float, ...] = Field((0.1, 0.25, 0.5), strict=False, min_length=1)
    ramp_days: float = Field(7.0, gt=0)
    most_days: float = Field(56.0, gt=0)  # without a verdict; then the challenger is given up

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if list(self.shares) != sorted({*self.shares}) or not 0 < self.shares[0] <= 1:
            raise ValueError("shares must grow, above 0 and up to 1")
        if self.shares[-1] > 1:
            raise ValueError("shares must grow, above 0 and up to 1")
        return self


def cycle_params(problem: str) -> CycleParams:
    """Return `<problem>.cycle`, laid over `cycle`, which all problems share."""
    return read_params(CycleParams, f"{problem}.{CYCLE}", below=CYCLE)
