"""What is doubted about an order's end when it comes: times that contradict each other."""

from collections.abc import Iterator

import numpy as np

from problems.arrivals import CANNOT_BE, number, time
from problems.contract import Problem
from problems.served import ArrivalParams, Arrivals, Arriving, Suspicion

HOUR = np.timedelta64(3_600_000_000, "us")
MOST_HOURS = 0.1  # between two ways to say the same; clean ones differ by rounding


def doubts(problem: Problem, fact: Arriving, settings: ArrivalParams) -> Iterator[Suspicion]:
    """Yield an end that is known before it happened, or that is not as long away as is told."""
    completed, known = time(fact.told, "completed_at"), time(fact.told, "completed_known_at")
    if known < completed:
        yield Suspicion("clock", CANNOT_BE, "completed_known_at is before completed_at")
    hours = (completed - time(fact.told, "snapshot_at")) / HOUR
    told = number(fact.told, "remaining_hours")
    known_hours = (known - time(fact.told, "snapshot_at")) / HOUR
    if told - known_hours > MOST_HOURS:
        words = f"remaining_hours is {told:g}, and the end was known after {known_hours:g}"
        yield Suspicion("impossible", CANNOT_BE, words)
    if abs(hours - told) > MOST_HOURS:
        words = f"remaining_hours is {told:g}, and until completed_at it is {hours:g}"
        yield Suspicion("impossible", CANNOT_BE, words)


ARRIVALS = Arrivals(outcomes=doubts)
