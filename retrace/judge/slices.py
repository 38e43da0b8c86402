"""Error, bias and coverage by slice: where a model is worse than its headline says."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd

from retrace.judge import metrics

Metric = Callable[[pd.Series, pd.Series], float]
BINARY_COLUMNS = [
    "slice",
    "value",
    "rows",
    "positives",
    "average_precision",
    "log_loss",
    "predicted_rate",
    "observed_rate",
    "small",
]
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
    return _ordered(pd.DataFrame.from_records(records, columns=COLUMNS), labels)


def binary_slice_table(scored: pd.DataFrame, labels: pd.DataFrame, min_rows: int) -> pd.DataFrame:
    """Measure a classifier on each value of each label column, as `slice_table` does.

    Columns slice, value, rows, positives, average_precision (missing without positives), log_loss,
    predicted_rate (the mean probability), observed_rate and small.
    """
    records = []
    for name in labels:
        for value, index in scored.groupby(labels[name], observed=True).groups.items():
            outcome, prediction = (scored.loc[index, c] for c in ("outcome", "prediction"))
            records.append(
                {
                    "slice": name,
                    "value": str(value),
                    "rows": len(index),
                    "positives": int(outcome.sum()),
                    "average_precision": metrics.average_precision(outcome, prediction),
                    "log_loss": float(metrics.log_losses(outcome, prediction).mean()),
                    "predicted_rate": float(prediction.mean()),
                    "observed_rate": float(outcome.mean()),
                    "small": int(len(index) < min_rows),
                }
            )
    return _ordered(pd.DataFrame.from_records(records, columns=BINARY_COLUMNS), labels)


def _ordered(table: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
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
