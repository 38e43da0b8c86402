"""Error, bias and coverage by slice: where a model is worse than its headline says."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd

Metric = Callable[[pd.Series, pd.Series], float]
COLUMNS = ["slice", "value", "rows", "error", "bias", "coverage", "small"]


def slice_table(
    scored: pd.DataFrame, labels: pd.DataFrame, metric: Metric, min_rows: int
) -> pd.DataFrame:
    """Measure each value of each label column.

    Parameters
    ----------
    scored : columns outcome, prediction, lower, upper; shape (n_rows, ...)
    labels : one column per slice, values as text, same index
    metric : function of (actual, predicted)
    min_rows : slices with fewer rows are marked `small`: their figures are mostly noise

    Returns
    -------
    Columns slice, value, rows, error, bias (mean of prediction - outcome), coverage, small; slices
    in the order of `labels`, values by rows, largest first.
    """
    records = []
    inside = (scored["outcome"] >= scored["lower"]) & (scored["outcome"] <= scored["upper"])
    for name in labels:
        for value, index in scored.groupby(labels[name], observed=True).groups.items():
            rows = scored.loc[index]
            records.append(
                {
                    "slice": name,
                    "value": str(value),
                    "rows": len(rows),
                    "error": metric(rows["outcome"], rows["prediction"]),
                    "bias": float((rows["prediction"] - rows["outcome"]).mean()),
                    "coverage": float(inside.loc[index].mean()),
                    "small": int(len(rows) < min_rows),
                }
            )
    table = pd.DataFrame.from_records(records, columns=COLUMNS)
    order = pd.Series({name: rank for rank, name in enumerate(labels)})
    return table.sort_values(
        ["slice", "rows", "value"],
        ascending=[True, False, True],
        key=lambda column: column.map(order) if column.name == "slice" else column,
        ignore_index=True,
    )


def bands(values: pd.Series, edges: list[float], unit: str) -> pd.Series:
    """Name the band of each value: "under 10 USD", "10 to 20 USD", ..., "200 USD and more"."""
    names = [
        f"under {edges[0]:g} {unit}",
        *(f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges)),
        f"{edges[-1]:g} {unit} and more",
    ]
    codes = np.searchsorted(edges, values.to_numpy(), side="right")
    return pd.Series(
        pd.Categorical.from_codes(codes.tolist(), pd.Index(names), ordered=True), index=values.index
    )
