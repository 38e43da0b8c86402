"""How an interval kept its promise: by month, and by band of the prediction."""

import pandas as pd

from problems.contract import Problem
from retrace.base.tables import Column, Picture, Table
from retrace.judge.slices import bands

N_BANDS = 5


def coverage_tables(problem: Problem, scored: pd.DataFrame) -> dict[str, Table]:
    """Return the tables of scored rows; none of a problem whose predictions have no interval.

    Months are UTC; bands have as many rows each.
    """
    if "lower" not in scored:
        return {}
    columns = {
        "rows": Column("rows", kind="count"),
        "coverage": Column("inside the interval", kind="share"),
        "below": Column("below it", kind="share"),
        "above": Column("above it", kind="share"),
        "median_width": Column("median width of the interval", problem.unit),
    }
    found = {}
    if problem.time is not None:
        months = scored[problem.time].dt.strftime("%Y-%m").rename("month")
        found["interval_months"] = Table(
            _kept(scored, months),
            "The interval by month",
            {"month": Column("month", kind="month"), **columns},
            Picture(
                "lines",
                x="month",
                y=("coverage",),
                caption="The share of outcomes inside the interval, by the month of prediction.",
            ),
        )
    edges = scored["prediction"].quantile([i / N_BANDS for i in range(1, N_BANDS)])
    rounded = sorted({float(f"{edge:.3g}") for edge in edges})
    found["interval_bands"] = Table(
        _kept(scored, bands(scored["prediction"], rounded, problem.unit).rename("predicted")),
        "The interval by prediction",
        {"predicted": Column("predicted", kind="text"), **columns},
    )
    return found


def _kept(scored: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "below": scored["outcome"] < scored["lower"],
            "above": scored["outcome"] > scored["upper"],
            "width": scored["upper"] - scored["lower"],
        }
    )
    table = frame.groupby(by, observed=True).agg(
        rows=("width", "size"),
        below=("below", "mean"),
        above=("above", "mean"),
        median_width=("width", "median"),
    )
    table.insert(1, "coverage", 1.0 - table["below"] - table["above"])
    return table.reset_index()
