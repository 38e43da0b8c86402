"""Error, bias and coverage by slice: where a model is worse than its headline says."""

from collections.abc import Callable, Hashable, Iterable
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
CLASS_COLUMNS = [
    "slice",
    "value",
    "rows",
    "accuracy",
    "log_loss",
    "precision",
    "recall",
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


def class_slice_table(scored: pd.DataFrame, labels: pd.DataFrame, min_rows: int) -> pd.DataFrame:
    """Measure a classifier of several classes on each class, then on each value of the labels.

    Columns slice, value, rows, accuracy, log_loss, precision, recall, predicted_rate,
    observed_rate and small. Of a class, whose slice is named `class`, the rows are those where it
    came, the rates are its mean probability and its share of all rows, and precision is of the rows
    where it was the most probable. Of other slices precision and recall are means over the classes
    that came there, and the rates are the mean probability of the predicted class and the share of
    rows where it came.
    """
    losses = metrics.losses("log_loss", scored)
    table = metrics.probabilities(scored)
    outcome, prediction = scored["outcome"], scored["prediction"]
    found = [
        {
            "slice": "class",
            "value": name,
            "rows": int((outcome == name).sum()),
            "log_loss": float(losses[outcome == name].mean()),
            **_precision_recall(outcome, prediction, name),
            "predicted_rate": float(table[name].mean()),
            "observed_rate": float((outcome == name).mean()),
        }
        for name in map(str, table)
    ]
    found = [{**one, "accuracy": one["recall"]} for one in found]
    for name in labels:
        for value, index in scored.groupby(labels[name], observed=True).groups.items():
            y, p = outcome.loc[index], prediction.loc[index]
            came = pd.DataFrame([_precision_recall(y, p, one) for one in sorted(y.unique())])
            found.append(
                {
                    "slice": name,
                    "value": str(value),
                    "rows": len(index),
                    "accuracy": float((y == p).mean()),
                    "log_loss": float(losses.loc[index].mean()),
                    "precision": float(came["precision"].fillna(0.0).mean()),
                    "recall": float(came["recall"].mean()),
                    "predicted_rate": float(table.loc[index].max(axis=1).mean()),
                    "observed_rate": float((y == p).mean()),
                }
            )
    frame = pd.DataFrame.from_records(found)
    frame["small"] = (frame["rows"] < min_rows).astype("int64")
    return _ordered(frame[CLASS_COLUMNS], ["class", *labels])


def _precision_recall(outcome: pd.Series, prediction: pd.Series, name: str) -> dict[str, float]:
    """Return both of one class; missing where it was never predicted, or never came."""
    hits = float(((outcome == name) & (prediction == name)).sum())
    said, came = int((prediction == name).sum()), int((outcome == name).sum())
    return {"precision": hits / said if said else np.nan, "recall": hits / came if came else np.nan}


def _ordered(table: pd.DataFrame, labels: Iterable[Hashable]) -> pd.DataFrame:
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
