"""Model columns and predictions of a window held against the model's own; no outcome is needed."""

import numpy as np
import pandas as pd

from monitoring.models import WatchedModel
from monitoring.scored import on_scale, predicted
from monitoring.summary import ColumnDrift
from retrace.encode.encoders import CategoryEncoder
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from retrace.judge.drift import QUANTILES as BINS
from retrace.judge.drift import feature_drift, rank
from retrace.judge.foreseen import foreseen_increase
from retrace.judge.metrics import METRICS

MOST_COLUMNS = 12  # that a summary keeps
MOST_BINS = 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def columns_drift(model: WatchedModel, columns: np.ndarray, n_blocks: int) -> pd.DataFrame:
    """Return the drift of every model column, as `judge.drift.rank` does; empty where the version
    brings no reference. n_blocks : how many of the rows are independent."""
    bundle = model.bundle
    if bundle is None or bundle.reference is None or not len(columns):
        return pd.DataFrame()
    names = bundle.encoding.columns
    before, now = (pd.DataFrame(one, columns=names) for one in (reference_of(bundle), columns))
    categorical = bundle.layout.categorical
    drift = feature_drift(before, now, categorical)
    drift["psi"] = [
        max(psi - by_chance(before[name], now[name], n_blocks, name in categorical), 0.0)
        for name, psi in zip(drift["column"], drift["psi"], strict=True)
    ]
    return rank(drift, model.importance)


def reference_of(bundle: Bundle) -> np.ndarray:
    """Return the reference's columns as rows that are asked have them, (n_rows, n_columns).

    Means of the target stand there out of fold, as training needs them: many values where a row
    that is asked has that of its category. Here each category has its own, as often as it was.
    """
    assert bundle.reference is not None
    columns = bundle.reference.columns.copy()
    for target in bundle.encoding.encoder.targets:
        known = np.repeat(target.means[:-1], target.counts)
        if len(known) and target.name in bundle.encoding.columns:
            evenly = np.linspace(0, len(known) - 1, len(columns)).astype(np.int64)
            columns[:, bundle.encoding.columns.index(target.name)] = known[evenly]
    return columns


def by_chance(before: pd.Series, now: pd.Series, n_blocks: int, is_category: bool = False) -> float:
    """Return the mean PSI of two samples of one distribution, (bins - 1) (1/n + 1/m): a week has
    far fewer rows than the months that limits were made for, and those of a group are alike
    (Yurdakul & Naranjo, "Statistical properties of the population stability index", Journal of Risk
    Model Validation, 2020)."""
    n_values = (pd.concat([before, now]) if is_category else before).nunique()
    n_bins = n_values if is_category else min(n_values, len(BINS) + 1)
    return max(n_bins - 1, 0) * (1 / max(len(before), 1) + 1 / max(n_blocks, 1))


def told_of(bundle: Bundle, ranked: pd.DataFrame, columns: np.ndarray) -> tuple[ColumnDrift, ...]:
    """Return the heaviest columns, each with the shares of its rows by bin, before and now."""
    if ranked.empty or bundle.reference is None:
        return ()
    places = {name: place for place, name in enumerate(bundle.encoding.columns)}
    reference = reference_of(bundle)
    categories = {one.column: one for one in _categories(bundle)}
    found = []
    for row in ranked.head(MOST_COLUMNS).to_dict("records"):
        name = str(row["column"])
        before, now = (of[:, places[name]].astype(np.float64) for of in (reference, columns))
        category = categories.get(name)
        bins = _of_values(before, now, category) if category else _of_numbers(before, now)
        new = ~np.isin(now, before) if category else np.zeros(1, bool)
        found.append(
            ColumnDrift(
                name,
                float(row["psi"]),
                float(row["q_value"]),
                float(row["importance"]),
                float(row["weight"]),
                float(np.isnan(before).mean()),
                float(np.isnan(now).mean()),
                float(new.mean()),
                *bins,
            )
        )
    return tuple(found)


def _categories(bundle: Bundle) -> tuple[CategoryEncoder, ...]:
    return tuple(bundle.encoding.encoder.categories)


Bins = tuple[tuple[float, ...], tuple[float, ...], tuple[str, ...]]


def _of_values(before: np.ndarray, now: np.ndarray, category: CategoryEncoder) -> Bins:
    """Return the shares of the most frequent values, and of all others together."""
    codes, counts = np.unique(before[np.isfinite(before)], return_counts=True)
    kept = codes[np.argsort(-counts, kind="stable")][: MOST_BINS - 1]
    shares = [[float((of == code).mean()) for code in kept] for of in (before, now)]
    words = [
        category.values[int(code) - 1] if 0 < code <= len(category.values) else "rare or new"
        for code in kept
    ]
    rest = [1.0 - sum(one) for one in shares]
    return (*shares[0], rest[0]), (*shares[1], rest[1]), (*words, "others")


def _of_numbers(before: np.ndarray, now: np.ndarray) -> Bins:
    """Return the shares between the reference's quantiles, and of missing values."""
    known = before[np.isfinite(before)]
    if not len(known):
        return (), (), ()
    edges = np.unique(np.quantile(known, np.arange(1, MOST_BINS - 1) / (MOST_BINS - 1)))
    shares = []
    for of in (before, now):
        there = np.isfinite(of)
        places = np.searchsorted(edges, of[there], side="left")
        counts = np.bincount(places, minlength=len(edges) + 1)
        shares.append(tuple(float(n) / max(len(of), 1) for n in (*counts, (~there).sum())))
    words = [f"to {edges[0]:.4g}", *(f"to {edge:.4g}" for edge in edges[1:]), "above", "missing"]
    return shares[0], shares[1], tuple(words)


def predictions_drift(model: WatchedModel, rows: pd.DataFrame, n_blocks: int) -> pd.DataFrame:
    """Return the drift of predictions, one row; empty without held rows."""
    if model.held is None:
        return pd.DataFrame({"psi": [], "q_value": []}, dtype="float64")
    problem, is_class = model.problem, model.problem.task == "multiclass"
    before, now = (predicted(problem, of) for of in (model.held, rows))
    frames = [pd.DataFrame({"prediction": one}) for one in (before, now)]
    drift = feature_drift(frames[0], frames[1], ["prediction"] if is_class else [])
    usual = by_chance(before, now, n_blocks, is_class)
    return drift.assign(psi=np.maximum(drift["psi"] - usual, 0.0))


def quantiles(values: pd.Series) -> tuple[float, ...]:
    found = np.nanquantile(values.to_numpy(np.float64), QUANTILES)
    return tuple(float(one) for one in found)


def foreseen(model: WatchedModel, rows: pd.DataFrame) -> float:
    """Return by which share losses are expected to be above those of held rows; NaN where that
    cannot be said."""
    if model.held is None:
        return float("nan")
    held = on_scale(model.problem, model.held)
    return foreseen_increase(on_scale(model.problem, rows), held)


def expected_metric(metric: str, rows: pd.DataFrame, loss: float) -> float | None:
    """Return the metric that predictions themselves lead to expect; None where they do not tell.

    loss : the expected mean loss. Of a calibrated classifier each row counts as its probability of
    a yes, as in confidence-based estimates (Garg et al. 2022, see `judge.foreseen`).
    """
    one = METRICS[metric]
    if one.of_losses is not None:
        return float(np.sqrt(loss)) if one.of_losses == "root" else loss
    if metric == "average_precision":
        return float(metrics.average_precision(rows["prediction"], rows["prediction"]))
    return None
