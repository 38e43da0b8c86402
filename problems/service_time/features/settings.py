"""`service_time.features` of params.yaml, and the rough estimate of a stop's work."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from problems.service_time.problem import HISTORY
from retrace.base.arrays import Arrays
from retrace.base.clock import Floats
from retrace.base.params import AUTO, Params, Switch
from retrace.past.history import Level


class FeatureSettings(Params):
    """`service_time.features`.

    The usual_ numbers make a rough estimate of a stop's work. History is kept as the log of what
    was measured over that estimate, so that a customer's big order does not look like a slow habit.
    """

    time_zone: str
    holidays: str  # a country's ISO code, for its public holidays
    boxes_a_trip: float = Field(gt=0)
    kg_a_trip: float = Field(gt=0)
    usual_stop_seconds: float = Field(gt=0)
    usual_box_seconds: float = Field(ge=0)
    usual_trip_seconds: float = Field(ge=0)
    usual_floor_seconds: float = Field(ge=0)
    half_life_days: dict[str, float]
    prior_weight: dict[str, float]
    # What earlier stops of the same region, driver or customer took; `auto`: if it helps later ones
    history: Switch = AUTO

    @property
    def levels(self) -> list[Level]:
        return [
            Level(entity, self.half_life_days[entity], self.prior_weight[entity])
            for entity in HISTORY
        ]


def estimated_seconds(stops: Arrays, settings: FeatureSettings) -> Floats:
    """A rough estimate of the work, from the order and the stairs alone."""
    return _estimate(stops, trips(stops, settings), stairs(stops), settings)


def _estimate(
    stops: Arrays, trips: Floats, stairs: NDArray[Any], settings: FeatureSettings
) -> Floats:
    a_trip = settings.usual_trip_seconds + settings.usual_floor_seconds * stairs
    by_order = settings.usual_stop_seconds + settings.usual_box_seconds * stops["boxes"]
    return np.asarray(by_order + trips * a_trip)


def trips(stops: Arrays, settings: FeatureSettings) -> Floats:
    """How often the driver walks: what is carried at once is limited by boxes and by weight."""
    by_boxes = stops["boxes"] / settings.boxes_a_trip
    by_weight = stops["weight_kg"] / settings.kg_a_trip
    return np.asarray(np.maximum(np.maximum(by_boxes, by_weight), 1.0))


def stairs(stops: Arrays) -> NDArray[Any]:
    """Floors to climb: none where there is a lift."""
    return np.asarray(np.maximum(stops["floor"], 0) * ~stops["has_lift"])
