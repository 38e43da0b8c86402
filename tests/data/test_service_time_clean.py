"""Known corruptions of the clean table of stops are caught."""

import pandas as pd
import pytest

from problems.service_time.schema import WORLD
from retrace.base.errors import RetraceError
from tests.data.clean import STOPS, corrupted
from workflow.validate import check_schema


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return STOPS.make(tmp_path_factory.mktemp("raw"), seed=1)


@pytest.mark.parametrize(
    "seconds",
    [
        lambda rows: rows["service_seconds"] / 60,  # minutes
        lambda rows: rows["service_seconds"] * 10,  # tenths
        lambda rows: 420.0,
    ],
)
def test_times_that_are_none_stop_the_pipeline(clean: pd.DataFrame, seconds: object) -> None:
    rows = corrupted(clean, service_seconds=seconds)
    with pytest.raises(RetraceError) as error:
        STOPS.stop_on_hard(rows)
    assert "service_time/checks.yaml:\ncolumn 'service_seconds': " in str(error.value)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("weight_kg", lambda rows: rows["weight_kg"] * 1000),  # grams
        ("weight_kg", lambda rows: rows["weight_kg"] / 1000),
        ("weight_kg", lambda rows: 0.0),
        ("weight_kg", lambda rows: 25.0),
        ("boxes", lambda rows: 1),
        ("boxes", lambda rows: rows["items"]),
        ("items", lambda rows: rows["boxes"]),
        ("floor", lambda rows: rows["floor"] + 100 * (rows.index == 5)),
        ("has_lift", lambda rows: False),
        ("dwelling", lambda rows: ""),
        ("dwelling", lambda rows: "house"),
        ("dwelling", lambda rows: rows["customer_id"]),
        ("region", lambda rows: ""),
        ("area_id", lambda rows: ""),
        ("planned_arrival_at", lambda rows: rows["planned_arrival_at"].mask(rows.index >= 0)),
        ("temperature_c", lambda rows: rows["temperature_c"] * 1.8 + 32),  # Fahrenheit
        ("temperature_c", lambda rows: float("nan")),
        ("snow_cm", lambda rows: rows["snow_cm"] * 10),  # millimetres
        ("rain_mm", lambda rows: rows["rain_mm"] * 25.4),  # from inches, twice
        ("grade", lambda rows: ["A", "B", "C"] * (len(rows) // 3) + ["A"] * (len(rows) % 3)),
        ("service_seconds", lambda rows: rows["service_seconds"].where(rows.index % 50 > 0, 5e4)),
        ("service_seconds", lambda rows: rows["service_seconds"] * 0.4),
    ],
)
def test_a_corrupted_column_fails_a_check_of_its_own(
    clean: pd.DataFrame, column: str, change: object
) -> None:
    assert column in STOPS.failed(corrupted(clean, **{column: change}))


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("stop_id", lambda rows: "S1"),
        ("route_id", lambda rows: ""),
        ("driver_id", lambda rows: "Kari Nordmann"),  # a name, not a hash
        ("latitude", lambda rows: rows["longitude"] + 90),
        ("longitude", lambda rows: 190.0),
        ("position", lambda rows: -1),
        ("weight_kg", lambda rows: -rows["weight_kg"]),
        ("weight_kg", lambda rows: rows["weight_kg"] * 1000),
        ("temperature_c", lambda rows: rows["temperature_c"] + 273.15),  # Kelvin
        ("service_seconds", lambda rows: -rows["service_seconds"]),
        ("grade", lambda rows: "D"),
        ("source", lambda rows: "guess"),
        ("planned_at", lambda rows: rows["planned_at"].mask(rows.index >= 0)),
        ("departed_at", lambda rows: rows["departed_at"].mask(rows.index >= 0)),
    ],
)
def test_impossible_values_break_the_schema(
    clean: pd.DataFrame, column: str, change: object
) -> None:
    with pytest.raises(RetraceError, match=f"column '{column}': "):
        check_schema(WORLD, corrupted(clean, **{column: change}), 3)


def test_a_time_that_is_not_that_of_the_visit_breaks_the_schema(clean: pd.DataFrame) -> None:
    rows = corrupted(clean, service_seconds=clean["service_seconds"] + 1)
    with pytest.raises(RetraceError, match="service_seconds is departed_at less arrived_at"):
        check_schema(WORLD, rows, 3)


def test_another_type_or_another_column_breaks_the_schema(clean: pd.DataFrame) -> None:
    with pytest.raises(RetraceError, match="column 'boxes': dtype"):
        check_schema(WORLD, clean.astype({"boxes": "int64"}), 3)
    with pytest.raises(RetraceError, match="column 'planned_at': dtype"):
        check_schema(WORLD, clean.assign(planned_at=clean["planned_at"].dt.tz_localize(None)), 3)
    check_schema(WORLD, clean.assign(driver_name="Kari"), 3)  # kept on request, as text
    with pytest.raises(RetraceError, match="then others as text"):
        check_schema(WORLD, clean.assign(driver_years=3), 3)
