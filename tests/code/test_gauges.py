"""What Prometheus reads of watch: which windows, which values, and nothing that is not known."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitoring.gauges import KINDS, MOST, PREFIX, text
from monitoring.summary import Alarm, ColumnDrift, Summary
from tests.online.watched import DAY, HOUR, NOW, alarm, summary

MINE = {"problem": "price", "version": "v1", "arm": "champion", "window": "day"}
Found = dict[str, list[tuple[dict[str, str], float]]]


def read(*summaries: Summary, alarms: tuple[Alarm, ...] = (), **more: int) -> Found:
    """The samples of a page by name, as Prometheus parses them."""
    found: Found = {}
    for family in text_string_to_metric_families(text(summaries, alarms, NOW, **more).decode()):
        assert family.type == "gauge"
        assert family.documentation.endswith(".")
        for one in family.samples:
            found.setdefault(one.name.removeprefix(PREFIX), []).append((one.labels, one.value))
    return found


def test_all_that_a_summary_knows_is_there_in_base_units() -> None:
    found = read(summary())
    alone = {
        "answers": 2400, "usual_answers": 2424, "known_outcomes": 2000, "open_outcomes": 400,
        "loss": 0.25, "loss_lower": 0.2, "loss_upper": 0.3, "held_loss": 0.24,
        "expected_loss": 0.24, "coverage_ratio": 0.9, "coverage_ratio_lower": 0.88,
        "calibration_ratio": 1.02, "prediction_psi": 0.02, "interval_width": 31,
        "saved_money_per_answer": 1, "overruled_ratio": 0.02, "errors": 1, "worse_slices": 0,
    }  # fmt: skip
    for name, value in alone.items():
        assert found[name] == [(MINE, value)], name
    labelled = {
        ("latency_seconds", "quantile", "0.99"): 0.009,
        ("outcome_delay_seconds", "quantile", "0.5"): 2 * 86_400,
        ("prediction", "quantile", "0.95"): 91,
        ("figure", "figure", "rmsle_rule"): 0.64,
        ("column_psi", "column", "text"): 0.02,
        ("column_weight", "column", "text"): 0.012,
        ("column_new_ratio", "column", "brand"): 0.03,
        ("refused_rows", "column", "condition"): 3,
        ("expected_metric", "metric", "rmsle"): 0.49,
    }
    for (name, label, value), number in labelled.items():
        assert ({**MINE, label: value}, pytest.approx(number)) in found[name], name
    gap = {**MINE, "column": "category_1", "value": "Women"}
    assert found["slice_gap"] == [(gap, pytest.approx(0.1))]


def test_what_is_not_known_is_not_there() -> None:
    nothing = dict.fromkeys(
        ("loss", "loss_before", "coverage", "calibration", "benefit", "overruled", "expected_loss")
    )
    empty = {"figures": {}, "delay_days": (), "usual": (), "prediction": (), "n_all_known": 0}
    found = read(summary(**nothing, **empty))
    for name in (
        *("loss", "loss_upper", "coverage_ratio", "calibration_ratio", "saved_money"),
        *("overruled_ratio", "figure", "outcome_delay_seconds", "usual_answers", "prediction"),
    ):
        assert name not in found
    assert found["open_outcomes"] == [(MINE, 2400)]


def test_the_newest_window_is_shown_and_no_version_that_went() -> None:
    old = summary(version="v0", end=NOW - HOUR - DAY)
    before, now = summary(end=NOW - HOUR - DAY, n_answers=1), summary(n_answers=2)
    again = summary(n_answers=3, made_at=NOW + 1)
    week = summary(kind="week", n_answers=14)
    challenger = summary(version="v2", arm="b", role="challenger", n_answers=5)
    found = read(now, old, again, before, week, challenger)["answers"]
    assert sorted((one["version"], one["window"], n) for one, n in found) == [
        ("v1", "day", 3), ("v1", "week", 14), ("v2", "day", 5)
    ]  # fmt: skip


def test_savings_are_a_running_sum_of_days() -> None:
    days = [summary(end=NOW - HOUR - n * DAY) for n in range(3)]
    shadow = summary(arm="wide", role="challenger")  # nobody was told what it says
    found = read(*days, shadow, summary(kind="week"))
    assert found["saved_money"] == [({"problem": "price", "currency": "USD"}, 6000)]


def test_alarms_are_counted_and_a_closed_one_leaves_a_zero() -> None:
    told = (alarm(), alarm(state="muted"), alarm("bias", state="closed"))
    found = read(summary(), alarms=told)["alarms"]
    counted = {(one["kind"], one["state"]): n for one, n in found}
    assert len(counted) == 3 * len(KINDS)
    assert {key for key, n in counted.items() if n} == {("data", "open"), ("data", "muted")}


def test_the_last_pass_has_a_moment_an_age_and_an_interval() -> None:
    found = read(summary(), passed_at=NOW - HOUR, every=HOUR)
    assert found["last_pass_timestamp_seconds"] == [({}, NOW / 1e6 - 3600)]
    assert found["last_pass_age_seconds"] == found["interval_seconds"] == [({}, 3600)]
    assert "last_pass_age_seconds" not in read()
    assert read(summary(made_at=NOW - DAY))["last_pass_age_seconds"] == [({}, 86_400)]


def test_columns_are_bounded() -> None:
    many = tuple(ColumnDrift(f"c{n}", 0.1, 0.1, 0.1, 0.1, 0, 0, 0) for n in range(500))
    assert len(read(summary(drift=many))["column_psi"]) == MOST
