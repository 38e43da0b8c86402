"""What worlds, and the checks of every problem, doubt about one fact."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from problems import parts
from problems.arrivals import at_least, half_widths, worst
from problems.orders.problem import PROBLEMS as ORDERS
from problems.served import ArrivalParams, Arriving, RowArrivalParams
from problems.service_time.arrivals import Settings
from problems.service_time.problem import PROBLEMS as STOPS

NOW = np.datetime64("2026-01-20T12:00:00", "us")


def columns(**values: Any) -> dict[str, Any]:
    """Return arrays of length one, or longer ones of lists; texts with a T are moments."""
    found = {}
    for name, value in values.items():
        many = value if isinstance(value, list) else [value]
        moments = isinstance(many[0], str) and "T" in many[0]
        found[name] = np.array(many, "M8[us]") if moments else np.array(many)
    return found


def fact(told: Mapping[str, Any], newest: Mapping[str, Any] | None = None, **more: Any) -> Arriving:
    return Arriving(told, more.get("row", {}), more.get("answer", {}), newest or {}, NOW)


def visit(arrived: str, departed: str) -> dict[str, Any]:
    day = "2026-01-13T"
    return columns(arrived_at=day + arrived, departed_at=day + departed, service_seconds=300.0)


@pytest.mark.parametrize(
    ("arrived", "is_held", "doubt"),
    [("09:04:00", False, "impossible"), ("09:04:00", True, ""), ("09:05:30", False, "")],
)
def test_a_driver_is_at_one_stop_at_a_time(arrived: str, is_held: bool, doubt: str) -> None:
    other = visit("09:00:00", "09:05:00")
    newest = {**other, "held": np.array([is_held]), "same": np.array([False])}
    part = parts.arrivals("service_time")
    one = fact(visit(arrived, "09:09:00"), newest)
    found = worst(STOPS["service_time"], one, part, Settings(), is_row=False)
    assert (found.doubt if found else "") == doubt


@pytest.mark.parametrize(("planned", "held"), [("09:30", False), ("11:30", True), ("04:00", True)])
def test_a_visit_far_off_its_plan_is_a_clock(planned: str, held: bool) -> None:
    row = columns(planned_arrival_at=f"2026-01-13T{planned}:00")
    one = fact(visit("09:00:00", "09:05:00"), row=row)
    part = parts.arrivals("service_time")
    found = worst(STOPS["service_time"], one, part, Settings(), is_row=False)
    assert bool(found and found.doubt == "clock") == held


@pytest.mark.parametrize(("amount", "held"), [(900.0, False), (1100.0, True)])
def test_a_payment_far_above_its_customers_own(amount: float, held: bool) -> None:
    newest = columns(amount=[40.0, 50.0, 60.0, 50.0, 50.0, 5000.0])
    newest["held"] = np.array([False] * 5 + [True])
    newest["same"] = np.zeros(6, bool)
    settings = ArrivalParams(rows=RowArrivalParams(improbable=20.0))
    problem = parts.find_problem("fraud")
    one = fact(columns(amount=amount, at="2026-01-13T09:00:00"), newest)
    found = worst(problem, one, parts.arrivals("fraud"), settings, is_row=True)
    assert bool(found) == held


@pytest.mark.parametrize(
    ("completed", "known", "hours", "doubt"),
    [
        ("2026-01-14T09:00:00", "2026-01-14T09:00:00", 24.0, ""),
        ("2026-01-14T09:00:00", "2026-01-14T08:00:00", 24.0, "clock"),
        ("2026-01-14T09:00:00", "2026-01-14T09:00:00", 20.0, "impossible"),
        (None, "2026-01-14T09:00:00", 1440.0, "impossible"),
        (None, "2026-01-12T09:00:00", 1.0, "clock"),
    ],
)
def test_an_orders_times_agree(completed: str | None, known: str, hours: float, doubt: str) -> None:
    told = columns(
        snapshot_at="2026-01-13T09:00:00", completed_known_at=known, remaining_hours=hours
    )
    if completed:
        told |= columns(completed_at=completed)
    part, problem = parts.arrivals("orders"), ORDERS["order_completion"]
    found = worst(problem, fact(told), part, ArrivalParams(), is_row=False)
    assert (found.doubt if found else "") == doubt


def test_labels_that_nothing_foresaw() -> None:
    """Four frauds in a row of a thousandth each are held, one is not, and four foreseen are not."""
    problem, part = parts.find_problem("fraud"), parts.arrivals("fraud")
    settings = ArrivalParams(unlikely_run=1e-5)
    found = []
    for ones, chance in ((3, 0.001), (0, 0.001), (3, 0.9)):
        newest = columns(is_fraud=[1.0] * ones + [0.0] * (9 - ones), prediction=[chance] * 9)
        newest |= {"same": np.zeros(9, bool), "held": np.zeros(9, bool)}
        one = fact(columns(is_fraud=1), newest, answer={"prediction": chance})
        found.append(worst(problem, one, part, settings, is_row=False) is not None)
    assert found == [True, False, False]


def test_half_widths_are_of_the_side_on_the_fitted_scale() -> None:
    answer = {"prediction": 99.0, "lower": 9.0, "upper": 199.0}
    problem = STOPS["service_time"]
    below = fact(columns(service_seconds=9.0), answer=answer)
    assert half_widths(problem, below) == pytest.approx(-1.0)
    above = fact(columns(service_seconds=399.0), answer=answer)
    assert half_widths(problem, above) == pytest.approx(2.0)
    assert np.isnan(half_widths(problem, fact(columns(service_seconds=9.0))))


@pytest.mark.parametrize(
    ("count", "mean", "chance"), [(0, 1.0, 1.0), (1, 1.0, 0.6321206), (20, 0.02, 4.2e-53)]
)
def test_the_tail_of_a_poisson_count(count: int, mean: float, chance: float) -> None:
    assert at_least(count, mean) == pytest.approx(chance, rel=0.02)
