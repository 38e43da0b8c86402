"""Describe a clean table column by column, small enough for Git and for the report."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from retrace.checks.columns import missing

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
BINS = 24
TOP = 6
SCALED = 0.05  # of the logarithm; less is what chance and the season do


def profile(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one record per column: type, missing_share, distinct, and its distribution.

    Numbers have `quantiles` (those of QUANTILES) and a `histogram` (edges, shares) between the 1st
    and the 99th percentile; everything else has its `top` values with their shares.
    """
    return [_column(rows[name]) for name in rows.columns]


def scaled(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """Yield columns of positive numbers that a factor was applied to since another profile was
    made, with the factor: all inner quantiles but perhaps one have moved by it."""
    then = {record["column"]: record.get("quantiles", []) for record in before}
    for record in now:
        pair = np.array([then.get(record["column"], []), record.get("quantiles", [])], object)
        if pair.shape != (2, len(QUANTILES)) or not (pair[:, 1:-1] > 0).all():
            continue
        logs = np.log(np.divide(pair[1, 1:-1], pair[0, 1:-1]).astype(float))
        factor, spread = float(np.median(logs)), len(np.unique(pair[0, 1:-1]))
        apart = np.sort(np.abs(logs - factor))[-2]  # small whole numbers jump
        if spread > 2 and abs(factor) > SCALED and 2 * apart < abs(factor):
            yield record["column"], float(np.exp(factor))


def ran_dry(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """Yield columns that had several values when another profile was made and have one at most by
    now, with the number of values then."""
    then = {record["column"]: record["distinct"] for record in before}
    for record in now:
        if record["distinct"] < 2 <= then.get(record["column"], 0):
            yield record["column"], then[record["column"]]


def _column(values: pd.Series) -> dict[str, Any]:
    gone = missing(values)
    present = values[~gone]
    record: dict[str, Any] = {
        "column": str(values.name),
        "type": str(values.dtype),
        "missing_share": _rounded(float(gone.mean())),
        "distinct": int(present.nunique()),
    }
    if present.empty:
        return record
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return record | {"first": str(present.min()), "last": str(present.max())}
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return record | _numbers(present.to_numpy(np.float64))
    shares = present.astype(str).value_counts(normalize=True).rename("share").reset_index()
    shares = shares.sort_values(["share", shares.columns[0]], ascending=[False, True]).head(TOP)
    return record | {
        "top": [[str(value)[:60], _rounded(share)] for value, share in shares.to_numpy().tolist()]
    }


def _numbers(numbers: np.ndarray) -> dict[str, Any]:
    low, high = np.quantile(numbers, [0.01, 0.99])
    counts, edges = np.histogram(numbers, BINS, (low, high) if high > low else None)
    return {
        "quantiles": [_rounded(value) for value in np.quantile(numbers, QUANTILES)],
        "histogram": {
            "edges": [_rounded(value) for value in edges],
            "shares": [_rounded(value) for value in counts / len(numbers)],
        },
    }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
