"""Errors foreseen without outcomes, held against those that came; means of a replay by rows."""

import numpy as np
import pandas as pd
import pytest

from retrace.judge.foreseen import expected_losses, foreseen_increase
from retrace.judge.tasks import JUDGING
from tests.code.test_metrics_in_use import PROBLEM
from workflow.replay.tables import figures_of, small_periods


def calibrated(n: int, seed: int, middle: float) -> pd.DataFrame:
    """Rows whose outcome comes as often as its probability says, around a log odds."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(middle, 1.0, n)))
    return pd.DataFrame({"prediction": p, "outcome": (rng.random(n) < p).astype(float)})


@pytest.mark.parametrize("middle", [-3.0, -1.0, 0.0])
def test_calibrated_probabilities_foresee_how_far_they_are_off(middle: float) -> None:
    rows, held = calibrated(40_000, 1, middle), calibrated(40_000, 2, -2.0)
    came = JUDGING["binary"].errors(rows)["loss"].mean()
    assert expected_losses(rows[["prediction"]], held).mean() == pytest.approx(came, rel=0.03)
    usual = JUDGING["binary"].errors(held)["loss"].mean()
    foreseen = foreseen_increase(rows[["prediction"]], held)
    assert foreseen == pytest.approx(came / usual - 1, abs=0.1)


def test_wide_intervals_foresee_large_errors() -> None:
    rng = np.random.default_rng(3)

    def rows(scale: float) -> pd.DataFrame:
        sd = scale * rng.gamma(4.0, 1.0, 20_000)
        centre = rng.normal(100, 10, 20_000)
        outcome = centre + rng.normal(0, sd)
        return pd.DataFrame(
            {
                "prediction": centre,
                "lower": centre - 1.64 * sd,
                "upper": centre + 1.64 * sd,
                "outcome": outcome,
            }
        )

    held, later = rows(1.0), rows(1.5)
    assert foreseen_increase(later.drop(columns="outcome"), held) == pytest.approx(0.5, abs=0.05)


def test_what_only_outcomes_can_tell_is_not_foreseen() -> None:
    held = calibrated(20_000, 4, -1.0)
    turned = calibrated(20_000, 5, -1.0).assign(outcome=lambda rows: 1 - rows["outcome"])
    assert abs(foreseen_increase(turned, held)) < 0.03


def test_a_period_counts_by_its_rows_and_one_with_few_is_named() -> None:
    table = pd.DataFrame(
        [
            {"period": period, "policy": policy, "score": score, "rows": rows, "measure": "mae",
             "retrained": 0}
            for period, score, rows in (("a", 10.0, 300), ("b", 20.0, 100), ("c", 1.0, 1))
            for policy in ("never", "every", "alarm")
        ]
    )  # fmt: skip
    alarms = pd.DataFrame({"policy": [], "false_alarm": []})
    found = figures_of(PROBLEM, table, alarms)
    assert found["mae_never"] == pytest.approx((3000 + 2000 + 1) / 401)
    assert found["lost_alone"] == pytest.approx(10.0)  # of a mean absolute error, lower is better
    assert small_periods(table) == {"c": 1}
