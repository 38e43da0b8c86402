"""What a summary says of its metric, and at which level its estimates are."""

from typing import Any

import pytest

from monitoring.level import at_level
from monitoring.summary import Between, Summary
from tests.online.watched import DAY, NOW, summary


def test_the_metric_is_by_its_name_and_not_by_its_place() -> None:
    figures = {"average_precision": 0.5, "auc": 0.9, "rule_average_precision": 0.1, "rule_auc": 0.6}
    one = summary(metric="auc", unit="probability", figures=figures)
    assert (one.value, one.rule_value) == (0.9, 0.6)
    none = summary(metric="auc", unit="probability", figures={"log_loss": 0.1})  # no positives
    assert (none.value, none.rule_value) == (None, None)
    charged = summary(metric="mae", unit="seconds", figures={"mae_seconds": 4.0, "cost_eur": 1.0})
    assert (charged.value, charged.rule_value) == (4.0, None)


def test_estimates_are_at_the_level_of_the_newest_known_weeks() -> None:
    def week(ago: int, share: float, **more: Any) -> Summary:
        known = {"end": NOW - 7 * ago * DAY, "foreseen_metric": 0.5, "foreseen_loss": 0.25}
        known |= {"figures": {"rmsle": 0.5 * share}, "loss": Between(0.25 * share**2, 0, 1)}
        return summary(kind="week", **{**known, **more})

    now = week(0, 9.0, foreseen_metric=0.6, foreseen_loss=0.36, is_mature=False)
    others = [
        week(1, 5.0, is_mature=False), week(2, 5.0, fingerprint="else"),
        week(1, 5.0, end=NOW - 6 * DAY),  # it has days of this one
    ]  # fmt: skip
    alone = at_level(now, [week(1, 0.8), *others])
    assert (alone.expected_metric, alone.expected_loss) == (0.6, 0.36)
    many = [week(ago, 0.8) for ago in range(1, 5)]
    many += [week(1, 0.8, end=NOW - 8 * DAY), week(5, 7.0), week(6, 7.0)]  # a day of another; older
    found = at_level(now, [*many, *others])
    assert found.expected_metric == pytest.approx(0.6 * 0.8)
    assert found.expected_loss == pytest.approx(0.36 * 0.64)
    nothing = at_level(summary(foreseen_metric=None, foreseen_loss=None), many)
    assert (nothing.expected_metric, nothing.expected_loss) == (None, None)
