"""`order_completion.features` and `order_stuck.features` of params.yaml."""

from pydantic import Field

from retrace.base.clock import DAY
from retrace.base.params import AUTO, Params, Switch
from retrace.past.history import Level


class FeatureSettings(Params):
    """The history of an attribute's value is the mean of the log of the days that earlier orders
    with it took. `prior_weight` is the number of orders that the overall mean counts for.

    history, load, attributes : whether the model sees what earlier orders came to, how busy step
        and resource are, and the log's own attributes; each for itself. `auto` takes a group where
        later rows are forecast better with it (workflow.choose)
    """

    time_zone: str
    history: Switch = AUTO
    load: Switch = AUTO
    attributes: bool = True
    half_life_days: float = Field(gt=0)
    prior_weight: float = Field(gt=0)

    def level(self, kind: str, tick: int = DAY) -> Level:
        return Level(kind, self.half_life_days, self.prior_weight, tick)
