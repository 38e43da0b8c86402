"""`order_completion.features` and `order_stuck.features` of params.yaml."""

from pydantic import Field

from retrace.base.clock import DAY
from retrace.base.params import Params
from retrace.past.history import Level


class Settings(Params):
    """The history of an attribute's value is the mean of the log of the days that earlier orders
    with it took. `prior_weight` is the number of orders that the overall mean counts for.
    """

    time_zone: str
    half_life_days: float = Field(gt=0)
    prior_weight: float = Field(gt=0)

    def level(self, kind: str, tick: int = DAY) -> Level:
        return Level(kind, self.half_life_days, self.prior_weight, tick)
