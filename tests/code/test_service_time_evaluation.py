"""Planned service times judged: by route, on time, by month and season, and for whom."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from problems.service_time import rules
from problems.service_time.evaluation import (
    EvaluateSettings,
    fairness,
    headline,
    local_arrival,
    month_table,
    planned_bands,
    route_table,
    season,
    slices,
    tables,
    visit_table,
)
from problems.service_time.evaluation.routes import by_route, service_levels
from problems.service_time.ingest.agreement import agreement
from problems.service_time.problem import PROBLEMS

PROBLEM = PROBLEMS["service_time"]
PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["service_time"]
SETTINGS = EvaluateSettings(**PARAMS["evaluate"])


def moments(*times: str) -> pd.Series:
    return pd.Series(pd.to_datetime([*times], utc=True).as_unit("us"))


def two_routes() -> pd.DataFrame:
    """Four scored stops: the errors of R1 cancel, those of R2 add up."""
    return pd.DataFrame(
        {
            "stop_id": ["S1", "S2", "S3", "S4"],
            "route_id": ["R1", "R1", "R2", "R2"],
            "planned_at": moments(*["2025-12-01T18:00Z"] * 2, *["2026-01-04T18:00Z"] * 2),
            "planned_arrival_at": moments(*["2025-12-24T08:00Z"] * 2, *["2026-01-05T08:00Z"] * 2),
            "outcome": [300.0, 420.0, 300.0, 600.0],
            "prediction": [360.0, 360.0, 240.0, 540.0],
            "lower": [100.0, 100.0, 350.0, 100.0],
            "upper": [900.0] * 4,
            "p50": [360.0, 360.0, 240.0, 540.0],
            "p80": [480.0, 480.0, 360.0, 720.0],
            "p90": [600.0, 600.0, 480.0, 900.0],
            "rule": [420.0] * 4,
            "naive": [400.0] * 4,
            "oracle": [330.0, 390.0, 270.0, 570.0],
        }
    )


def test_errors_of_a_route_are_those_of_its_sum() -> None:
    routes = by_route(two_routes())
    assert routes["model_error"].to_dict() == {"R1": 0.0, "R2": -120.0}
    assert routes["model_absolute"].to_dict() == {"R1": 120.0, "R2": 120.0}
    table = route_table(two_routes()).set_index("planned_with").loc["model"]
    assert table.to_dict() == {
        "routes": 2,
        "mean_error_of_sum_minutes": 1.0,
        "mean_sum_of_errors_minutes": 2.0,
        "bias_minutes": -1.0,
    }


def test_the_headline() -> None:
    found = headline(PROBLEM, two_routes(), SETTINGS)
    assert next(iter(found)) == "mae_seconds"
    assert found == pytest.approx(
        {
            "mae_seconds": 60,
            "cost_eur": (0.6 + 3 * 0.9) / 4,  # a minute too long once, too short three times
            "rule_cost_eur": (4 * 0.6 + 3 * 0.9) / 4,
            "median_cost_eur": (0.6 + 3 * 0.9) / 4,
            "rule_mae_seconds": 105,
            "naive_mae_seconds": 105,
            "oracle_ratio": 2,
            "coverage_90": 0.75,
            "route_mae_minutes": 1,
            "bias_seconds": -30,
        }
    )
    assert "oracle_ratio" not in headline(PROBLEM, two_routes().drop(columns="oracle"), SETTINGS)


def test_service_levels_count_stops_and_whole_routes() -> None:
    table = service_levels(two_routes()).set_index("planned_with")
    assert table["stops_on_time"].to_dict() == {"p50": 0.25, "p80": 1, "p90": 1, "rule": 0.75}
    assert table["routes_on_time"].to_dict() == {"p50": 0.5, "p80": 1, "p90": 1, "rule": 0.5}
    assert table.loc["p80", "planned_minutes_a_stop"] == pytest.approx(8.5)


def test_months_are_those_of_the_delivery_and_know_christmas() -> None:
    table = month_table(two_routes(), SETTINGS).set_index("month")
    assert table.index.tolist() == ["2025-12", "2026-01"]
    assert table["christmas_share"].tolist() == [1, 0]
    assert table["stops"].tolist() == [2, 2]
    assert table["mae_seconds"].tolist() == [60, 60]
    assert table["rule_mae_seconds"].tolist() == [60, 150]
    assert table["coverage"].tolist() == [1, 0.5]


@pytest.mark.parametrize(
    ("arrival", "expected"),
    [
        ("2025-12-03T22:59Z", "winter"),
        ("2025-12-03T23:00Z", "Christmas"),
        ("2025-12-31T22:59Z", "Christmas"),
        ("2025-12-31T23:00Z", "winter"),  # the new year in Oslo
        ("2024-02-29T12:00Z", "winter"),
        ("2025-02-28T23:00Z", "spring"),
        ("2025-03-30T01:00Z", "spring"),  # the hour that clocks leave out
        ("2025-05-31T21:59Z", "spring"),
        ("2025-05-31T22:00Z", "summer"),
        ("2025-10-26T00:30Z", "autumn"),  # the hour that comes twice
        ("2025-10-26T01:30Z", "autumn"),
        ("2025-11-30T23:00Z", "winter"),
    ],
)
def test_seasons_begin_at_local_midnight(arrival: str, expected: str) -> None:
    stops = pd.DataFrame({"planned_arrival_at": moments(arrival), "planned_at": moments(arrival)})
    assert season(local_arrival(stops, SETTINGS)).tolist() == [expected]


def test_without_a_planned_arrival_the_time_of_planning_counts() -> None:
    stops = two_routes()[:1].assign(planned_arrival_at=moments("NaT").to_numpy())
    stops["planned_arrival_at"] = stops["planned_arrival_at"].dt.tz_localize("UTC")
    assert local_arrival(stops, SETTINGS).dt.hour.tolist() == [19]


def history() -> pd.DataFrame:
    """A year of stops; the region `late` opens after more than new_region_days."""
    days = np.arange(0, 360, 10)
    planned = pd.Timestamp("2025-01-01T18:00Z").as_unit("us") + pd.to_timedelta(days, unit="D")
    late = (days > SETTINGS.new_region_days + 50) & (days % 20 == 0)
    n = len(days)
    number = pd.Series(range(n)).astype(str)
    return pd.DataFrame(
        {
            "stop_id": "S" + number,
            "customer_id": np.where(late, "C" + number, "regular"),
            "driver_id": "D",
            "region": np.where(late, "late", "old"),
            "dwelling": "house",
            "floor": np.arange(n) % 2,
            "has_lift": np.arange(n) % 4 == 1,
            "planned_at": planned,
            "planned_arrival_at": planned + pd.Timedelta("12h"),
        }
    )


def test_slices_name_new_regions_customers_and_drivers() -> None:
    rows = history()
    labels = slices(PROBLEM, rows, SETTINGS, rows)
    assert [*labels] == [*PROBLEM.slices]
    assert labels["region"].unique().tolist() == ["old", "late (new)"]
    assert (labels["customer"] == "new").sum() == 1 + (rows["region"] == "late").sum()
    assert labels["access"].tolist()[:4] == ["ground floor", "lift", "ground floor", "stairs"]
    short = SETTINGS.model_copy(update={"new_driver_stops": 5})
    tenure = slices(PROBLEM, rows, short, rows)["driver_tenure"]
    assert tenure.tolist() == ["new"] * 5 + ["known"] * (len(rows) - 5)


def test_two_first_orders_on_one_route_are_both_new() -> None:
    rows = pd.concat([history()[:1]] * 3, ignore_index=True).assign(stop_id=["S1", "S2", "S3"])
    rows.loc[2, "planned_at"] += pd.Timedelta("1D")
    for order in ([0, 1, 2], [2, 1, 0]):
        labels = slices(PROBLEM, rows, SETTINGS, rows.loc[order])
        assert labels["customer"].tolist() == ["new", "new", "known"]


def scored_stops(n_routes: int, seed: int = 0) -> pd.DataFrame:
    """Stops planned with their true median; those of region `far` take twice as long."""
    rng = np.random.default_rng(seed)
    route = np.repeat(np.arange(n_routes), 20)
    region = np.array(["far", "near", "middle", "other"])[route % 4]
    median = np.where(region == "far", 800.0, 400.0) * rng.uniform(0.8, 1.2, len(route))
    return pd.DataFrame(
        {
            "route_id": route,
            "slice_region": region,
            "slice_driver_tenure": np.where(route % 3 == 0, "new", "known"),
            "prediction": median,
            "outcome": median * np.exp(rng.normal(0, 0.3, len(route))),
        }
    )


def test_no_group_is_accused_where_all_are_planned_alike() -> None:
    for seed in range(3):
        table = fairness(scored_stops(1000, seed))
        assert table["planned_shorter"].sum() == 0
        assert (table["bias_seconds"] < 0).all()  # a median is below the mean
        assert (table["lower_95"] <= table["relative_bias_seconds"]).all()
        assert (table["relative_bias_seconds"] <= table["upper_95"]).all()


@pytest.mark.parametrize(
    ("column", "value"), [("slice_region", "near"), ("slice_driver_tenure", "new")]
)
def test_a_group_that_is_planned_shorter_is_found(column: str, value: str) -> None:
    scored = scored_stops(300)
    scored.loc[scored[column] == value, "prediction"] *= 0.93
    table = fairness(scored).set_index("value")
    assert table.index[table["planned_shorter"] == 1].tolist() == [value]
    assert table.loc[value, "stops"] == (scored[column] == value).sum()


def test_visits_are_judged_by_grade() -> None:
    began = moments(*["2025-06-01T10:00Z"] * 4)
    truth = pd.DataFrame(
        {
            "stop_id": ["S1", "S2", "S3", "S4"],
            "started_at": began,
            "ended_at": began + pd.Timedelta(minutes=5),
        }
    )
    rows = pd.DataFrame(
        {
            "stop_id": ["S1", "S2", "S3"],
            "grade": ["A", "A", "B"],
            "arrived_at": began[:3] + pd.to_timedelta([0, 10, 3600], unit="s"),
            "departed_at": began[:3] + pd.to_timedelta([310, 310, 3800], unit="s"),
            "service_seconds": [310.0, 300.0, 200.0],
        }
    )
    table = visit_table(rows, truth).set_index("grade")
    assert table.index.tolist() == ["all", "A", "B"]
    assert table["stops"].tolist() == [3, 2, 1]
    assert table["matched_share"].tolist() == [0.75, 1, 1]
    assert table["false_visit_share"].tolist() == pytest.approx([1 / 3, 0, 1])
    assert table["median_error_seconds"].tolist() == [10, 5, 100]


def test_visits_are_judged_as_ingest_judges_them() -> None:
    rng = np.random.default_rng(5)
    began = pd.Series(pd.Timestamp("2025-06-01T10:00Z"), range(200))
    truth = pd.DataFrame({"stop_id": np.arange(200), "started_at": began})
    truth["ended_at"] = began + pd.to_timedelta(rng.integers(60, 900, 200), unit="s")
    rows = truth[["stop_id"]].assign(
        grade=rng.choice(["A", "B", "C"], 200),
        arrived_at=began + pd.to_timedelta(rng.integers(-900, 900, 200), unit="s"),
        service_seconds=rng.uniform(60, 900, 200),
    )
    rows["departed_at"] = rows["arrived_at"] + pd.to_timedelta(rows["service_seconds"], unit="s")
    rows = rows[rng.random(200) < 0.9]
    table = visit_table(rows, truth).set_index("grade").drop(columns="stops")
    assert table.loc["all"].to_dict() == pytest.approx(agreement(rows, truth))
    for grade, found in rows.groupby("grade"):
        known = truth[truth["stop_id"].isin(found["stop_id"])]
        assert table.loc[grade].to_dict() == pytest.approx(agreement(found, known))


def test_visits_without_a_truth_have_no_figures() -> None:
    began = moments("2025-06-01T10:00Z")
    rows = pd.DataFrame({"stop_id": ["S1"], "grade": ["A"], "service_seconds": [300.0]})
    rows = rows.assign(arrived_at=began, departed_at=began + pd.Timedelta(minutes=5))
    others = pd.DataFrame({"stop_id": ["S9"], "started_at": began, "ended_at": began})
    for truth in (others, others.head(0)):
        table = visit_table(rows, truth).set_index("grade")
        assert table["stops"].tolist() == [1, 1]
        assert table["matched_share"].tolist() == [0, 0]
        assert table.drop(columns=["stops", "matched_share"]).isna().all(axis=None)
    assert visit_table(rows.head(0), others).empty


def test_plans_are_held_against_real_times_by_planned_minutes() -> None:
    settings = SETTINGS.model_copy(update={"planned_bands_minutes": [5.0, 8.0]})
    table = planned_bands(two_routes(), settings).set_index("planned")
    assert table.index.tolist() == ["under 5 minutes", "5 to 8 minutes", "8 minutes and more"]
    assert table["stops"].tolist() == [1, 2, 1]
    assert table["median_actual_seconds"].tolist() == [300, 360, 600]
    assert table["bias_seconds"].tolist() == [-60, 0, -60]
    assert table["mae_seconds"].tolist() == [60, 60, 60]
    assert table["coverage"].tolist() == [0, 1, 1]


def test_tables_without_truth_have_no_visits() -> None:
    scored = two_routes().assign(slice_region="r", slice_driver_tenure="known")
    found = tables(PROBLEM, scored, SETTINGS, scored, None)
    assert [*found] == ["service_level", "routes", "months", "fairness", "planned_bands"]
    assert not any(table.frame.empty for table in found.values())


def stops(**changes: object) -> pd.DataFrame:
    """Three stops at houses on the ground floor, with as many boxes as usual."""
    columns = {
        "stop_id": ["S1", "S2", "S3"],
        "customer_id": ["C1", "C2", "C3"],
        "area_id": ["A1", "A1", "A2"],
        "boxes": SETTINGS.rule.usual_boxes,
        "floor": 0,
        "has_lift": False,
        "dwelling": "house",
        "service_seconds": [200.0, 400.0, 900.0],
    }
    return pd.DataFrame({**columns, **changes}, index=range(3))


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 420),
        ({"boxes": 9}, 420 + 2 * 15),
        ({"boxes": 3}, 420 - 4 * 15),
        ({"floor": 3}, 420 + 3 * 30),
        ({"floor": 3, "has_lift": True}, 420),
        ({"floor": -1}, 420),
        ({"boxes": -100}, 60),
    ],
)
def test_the_rule_is_seven_minutes_with_adjustments(changes: dict, seconds: float) -> None:
    adjusted = {
        "base_seconds": 420,
        "per_box_above_seconds": 15,
        "usual_boxes": 7,
        "per_floor_without_lift_seconds": 30,
        "block_seconds": 40,
    }
    own = SETTINGS.model_copy(update={"rule": rules.RuleSettings(**adjusted)})
    rows = stops(**{"boxes": 7, **changes})
    assert rules.rule(PROBLEM, rows, rows, own).tolist() == [seconds] * 3
    block = rules.rule(PROBLEM, rows, rows.assign(dwelling="block", boxes=7), own)
    assert (block >= 420 + 40).all()


def test_the_naive_average_goes_from_customer_to_area_to_all() -> None:
    rows = stops(customer_id=["C1", "C-new", "C-new"], area_id=["A1", "A1", "A-new"])
    assert rules.naive(PROBLEM, stops(), rows, SETTINGS).tolist() == [200, 300, 500]


def test_the_oracle_is_the_median_of_each_stop() -> None:
    truth = pd.DataFrame({"stop_id": ["S3", "S1"], "median_seconds": [3.0, 1.0]})
    found = rules.oracle(PROBLEM, stops(), truth)
    assert found.fillna(-1).tolist() == [1, -1, 3]
