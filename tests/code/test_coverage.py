"""Tables of how an interval kept its promise."""

import numpy as np
import pandas as pd

from problems.parts import find_problem
from workflow.coverage import coverage_tables


def test_by_month_and_band_it_is_said_on_which_side_outcomes_were() -> None:
    at = pd.date_range("2025-01-01", "2025-02-28 23:00", freq="h", tz="UTC")
    scored = pd.DataFrame(
        {
            "snapshot_at": at,
            "prediction": np.linspace(1, 100, len(at)),
            "outcome": np.where(at.month == 1, 50.0, 300.0),
            "lower": 0.0,
            "upper": 200.0,
        }
    )
    found = coverage_tables(find_problem("order_completion"), scored)
    months = found["interval_months"].frame.set_index("month")
    assert months["rows"].tolist() == [31 * 24, 28 * 24]
    assert months["coverage"].tolist() == [1.0, 0.0]
    assert months["above"].tolist() == [0.0, 1.0]
    bands = found["interval_bands"].frame
    assert len(bands) == 5
    assert bands["rows"].sum() == len(at)
    assert bands["predicted"].astype(str).iloc[0].startswith("under 20")
    assert coverage_tables(find_problem("order_stuck"), scored.drop(columns="lower")) == {}
