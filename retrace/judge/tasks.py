"""What is looked at beside a metric's loss, task by task: the gate's promise, slices, plots."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from retrace.base.files import write_csv
from retrace.judge import metrics, plots, slices


@dataclass(frozen=True)
class Judging:
    """How the models of one task are judged.

    promise : the name of what a model promises beside its prediction: the gate's limit of it
    promised : of scored rows, how that promise was kept
    slice_table : of scored rows, labels, the metric's name and the least rows of a slice
    draw : write the four plots, whose names are the same for every task, from scored rows, the
        slice table, the unit and the scale into a folder
    errors : columns loss and residual of scored rows, for alarms. Also of a classifier the loss is
        an absolute error: the log loss of a few rows can outweigh a month
    """

    promise: str
    promised: Callable[[pd.DataFrame], float]
    slice_table: Callable[[pd.DataFrame, pd.DataFrame, str, int], pd.DataFrame]
    draw: Callable[[pd.DataFrame, pd.DataFrame, str, str, Path], None]
    errors: Callable[[pd.DataFrame], pd.DataFrame]
    signed: bool = False  # the mean residual of a model that fits is near zero


def _coverage(scored: pd.DataFrame) -> float:
    return metrics.coverage(scored["outcome"], scored["lower"], scored["upper"])


def _promised_rate(scored: pd.DataFrame) -> float:
    """Return the mean probability over the share of positives."""
    rate = float(scored["outcome"].mean())
    return float(scored["prediction"].mean()) / rate if rate else float("inf")


def _confidence(scored: pd.DataFrame) -> float:
    """Return the mean probability of the predicted class over the share of rows where it came
    (Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017)."""
    right = float((scored["prediction"] == scored["outcome"]).mean())
    return (
        float(metrics.probabilities(scored).max(axis=1).mean()) / right if right else float("inf")
    )


def _errors(scored: pd.DataFrame) -> pd.DataFrame:
    """Return absolute error, and outcome minus prediction."""
    y, p = metrics.judged(scored)
    return pd.DataFrame({"loss": np.abs(y - p), "residual": y - p}, index=scored.index)


def _class_errors(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the probability not given to the class that came, and 1 or 0, whether the predicted
    one came, minus its probability."""
    confidence = metrics.probabilities(scored).max(axis=1)
    right = (scored["prediction"] == scored["outcome"]).astype("float64")
    given = metrics.given(*metrics.judged(scored))
    return pd.DataFrame({"loss": 1 - given, "residual": right - confidence}, index=scored.index)


def _slices_of_numbers(
    scored: pd.DataFrame, labels: pd.DataFrame, metric: str, min_rows: int
) -> pd.DataFrame:
    return slices.slice_table(scored, labels, metrics.METRICS[metric], min_rows)


def _slices_of_alerts(
    scored: pd.DataFrame, labels: pd.DataFrame, _metric: str, min_rows: int
) -> pd.DataFrame:
    return slices.binary_slice_table(scored, labels, min_rows)


def _slices_of_classes(
    scored: pd.DataFrame, labels: pd.DataFrame, _metric: str, min_rows: int
) -> pd.DataFrame:
    return slices.class_slice_table(scored, labels, min_rows)


def _draw_numbers(
    scored: pd.DataFrame, table: pd.DataFrame, unit: str, scale: str, folder: Path
) -> None:
    plots.predicted_png(scored, unit, scale, folder / "predicted.png")
    write_csv(plots.residuals(scored, scale, unit), folder / "residuals.csv")
    write_csv(plots.calibration(scored), folder / "calibration.csv")
    write_csv(plots.coverage_by_slice(table), folder / "coverage.csv")


def _draw_probabilities(
    scored: pd.DataFrame, table: pd.DataFrame, _unit: str, _scale: str, folder: Path
) -> None:
    plots.precision_recall_png(scored, folder / "predicted.png")
    _write_rates(scored, table, folder)


def _draw_classes(
    scored: pd.DataFrame, table: pd.DataFrame, _unit: str, _scale: str, folder: Path
) -> None:
    plots.confusion_png(scored, folder / "predicted.png")
    _write_rates(plots.one_against_rest(scored), table, folder)


def _write_rates(scored: pd.DataFrame, table: pd.DataFrame, folder: Path) -> None:
    write_csv(plots.binary_residuals(scored), folder / "residuals.csv")
    write_csv(plots.binary_calibration(scored), folder / "calibration.csv")
    write_csv(plots.rates_by_slice(table), folder / "coverage.csv")


JUDGING = {
    "regression": Judging(
        "coverage", _coverage, _slices_of_numbers, _draw_numbers, _errors, signed=True
    ),
    "binary": Judging(
        "calibration", _promised_rate, _slices_of_alerts, _draw_probabilities, _errors
    ),
    "multiclass": Judging(
        "calibration", _confidence, _slices_of_classes, _draw_classes, _class_errors
    ),
}
