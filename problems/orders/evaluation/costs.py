"""The settings of the evaluation, as far as costs need them."""

from typing import Protocol


class Costs(Protocol):
    """What errors cost, in EUR."""

    @property
    def optimistic_cost_per_hour(self) -> float: ...
    @property
    def pessimistic_cost_per_hour(self) -> float: ...
    @property
    def stuck_cost(self) -> float: ...
    @property
    def check_cost(self) -> float: ...
    @property
    def saved_share(self) -> float: ...
    @property
    def time_zone(self) -> str: ...
