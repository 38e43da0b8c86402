"""Has the world moved away from what a model was fitted on? Pure functions of two samples.

    table = rank(feature_drift(reference, current, categorical), importance)
    losses = loss_changes(reference_rows, recent_rows, min_rows=200)
    alarm = raise_alarm(table, predictions, losses, params)
    alarm.reasons                        empty: nothing to act on

The reference is what the model in use was fitted and judged on. Features and predictions need no
outcome; the losses look at the newest rows whose outcome is known. Backtest and the monitoring of
live predictions ask alike. Large samples make every p-value tiny, so that no alarm is raised
without an effect size above its limit; small ones make every effect large, so that none is raised
without a false discovery rate below its limit either.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy import special  # scipy.stats takes half a second to import

from retrace.base.params import Params

# Tenths, as is usual, and the tail: what is rare is often what matters, such as fraud.
QUANTILES = (*(i / 10 for i in range(1, 10)), 0.95, 0.99)
FEATURE_COLUMNS = ["column", "test", "statistic", "p_value", "q_value", "psi"]
LOSS_COLUMNS = [
    "slice", "value", "rows", "loss_increase", "loss_q_value", "bias_sd", "bias_q_value"
]  # fmt: skip

Floats = NDArray[np.float64]


OUTCOMES = {"all": "rows", "positives": "positives"}  # which are compared with the reference


class AlarmParams(Params):
    """The limits of the alarm; an effect counts when it is above its limit and beyond chance."""

    false_discovery_rate: float = Field(0.01, gt=0, lt=1)
    # Patterns (customer_*) of columns that move by their nature.
    ignored_columns: list[str] = Field(default_factory=list)
    # Share of gain of a column that may raise it: one with less can hardly move predictions.
    importance_least: float = Field(0.005, ge=0, le=1)
    feature_psi: float = Field(0.25, gt=0)  # "a major shift" in credit scoring (Siddiqi 2006)
    prediction_psi: float | None = Field(1.0, gt=0)  # null: not looked at; so of the other two
    # A new kind of positives may be lost among all rows.
    outcomes: Literal["all", "positives"] = "all"
    loss_increase: float | None = Field(0.25, gt=0)  # share of the reference's mean loss
    bias_sd: float | None = Field(None, gt=0)  # change of the mean residual, in sd of residuals
    # Share by which losses are expected to rise, before outcomes are known (judge.foreseen).
    foreseen_increase: float | None = Field(None, gt=0)
    # Rows of a slice or of all, in the reference and among the newest.
    slice_min_rows: int = Field(300, ge=2)
    sustained_periods: int = Field(2, ge=2)  # so many together may show what one does not
    sustained_loss_increase: float | None = Field(None, gt=0)  # over them, of all rows
    sustained_bias_sd: float | None = Field(None, gt=0)


@dataclass(frozen=True)
class Alarmed:
    """One thing above its limit: what is held (feature, predictions, losses), which, and words."""

    what: Literal["feature", "predictions", "losses"]
    subject: str
    words: str


@dataclass(frozen=True)
class DriftAlarm:
    """Whether to act, and why: what is above its limit, the weightiest kind first."""

    causes: tuple[Alarmed, ...]

    @property
    def raised(self) -> bool:
        return bool(self.causes)

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(one.words for one in self.causes)


def psi(reference: Floats, current: Floats) -> float:
    """Population stability index of two samples of numbers, shapes (n,) and (m,); NaN is missing.

    Σ (q - p) · log(q / p) over bins at the reference's quantiles, with one more for missing values
    (Siddiqi, "Credit Risk Scorecards", 2006). Half a row is added to every bin.
    """
    known = reference[np.isfinite(reference)]
    edges = np.unique(np.quantile(known, QUANTILES)) if len(known) else np.zeros(1)
    return _psi(_binned(reference, edges), _binned(current, edges))


def categorical_psi(reference: Floats, current: Floats) -> float:
    """Population stability index over the values themselves; a new value has a bin of its own."""
    return _psi(*_counts(reference, current))


def _binned(values: Floats, edges: Floats) -> NDArray[np.int64]:
    missing = ~np.isfinite(values)
    codes = np.where(missing, len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(codes, minlength=len(edges) + 2)


def _psi(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    used = (before + after) > 0
    p, q = ((n[used] + 0.5) / (n.sum() + 0.5 * used.sum()) for n in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def _counts(reference: Floats, current: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes, values = pd.factorize(np.concatenate([reference, current]), use_na_sentinel=False)
    n = len(reference)
    return (
        np.bincount(codes[:n], minlength=len(values)),
        np.bincount(codes[n:], minlength=len(values)),
    )


def feature_drift(
    reference: pd.DataFrame, current: pd.DataFrame, categorical: Collection[str] = ()
) -> pd.DataFrame:
    """Compare each column of two samples of model columns.

    Parameters
    ----------
    reference, current : numbers, shapes (n, n_columns) and (m, n_columns), the same columns
    categorical : columns whose numbers are codes

    Returns
    -------
    Columns column, test (`ks`: two-sample Kolmogorov-Smirnov, missing values below all others;
    `chi2`), statistic, p_value, q_value (Benjamini & Hochberg 1995 over all columns), psi.
    """
    records = []
    for name in reference:
        a, b = (frame[name].to_numpy(np.float64) for frame in (reference, current))
        if name in categorical:
            records.append((name, "chi2", *_chi_squared(a, b), categorical_psi(a, b)))
        else:
            records.append((name, "ks", *_kolmogorov_smirnov(a, b), psi(a, b)))
    table = pd.DataFrame(
        records, columns=[name for name in FEATURE_COLUMNS if name != "q_value"]
    ).astype({"p_value": "float64"})
    table["q_value"] = q_values(table["p_value"].to_numpy(np.float64))
    return table[FEATURE_COLUMNS]


def _kolmogorov_smirnov(a: Floats, b: Floats) -> tuple[float, float]:
    """Return statistic and p-value of the limit distribution (Smirnov 1948): samples are large, and
    scipy's ks_2samp takes most of its time for the finite one."""
    known = np.concatenate([a[np.isfinite(a)], b[np.isfinite(b)]])
    if not len(known) or not len(a) or not len(b):
        return 0.0, 1.0
    below = known.min() - 1.0
    a, b = (np.sort(np.where(np.isfinite(values), values, below)) for values in (a, b))
    either = np.concatenate([a, b])
    shares = [np.searchsorted(sample, either, side="right") / len(sample) for sample in (a, b)]
    statistic = float(np.abs(shares[0] - shares[1]).max())
    rows = len(a) * len(b) / (len(a) + len(b))
    return statistic, float(special.kolmogorov(np.sqrt(rows) * statistic))


def _chi_squared(a: Floats, b: Floats) -> tuple[float, float]:
    table = np.array(_counts(a, b))
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 0.0, 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float((np.square(table - expected) / expected).sum())
    return statistic, float(special.chdtrc(table.shape[1] - 1, statistic))


def q_values(p_values: Floats) -> Floats:
    """Return the false discovery rate at which each test counts (Benjamini and Hochberg 1995)."""
    if np.isnan(p_values).any():
        raise ValueError("a p-value is missing: no test can be ranked among the others")
    order = np.argsort(p_values)
    n_tests = len(p_values)
    scaled = p_values[order] * (n_tests / np.arange(1, n_tests + 1))
    found = np.empty(n_tests)
    found[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.clip(found, 0.0, 1.0)


def rank(drift: pd.DataFrame, importance: pd.Series) -> pd.DataFrame:
    """Add each column's share of gain and `weight`, importance × PSI; the largest come first."""
    share = drift["column"].map(importance).fillna(0.0).astype(float)
    table = drift.assign(importance=share, weight=share * drift["psi"])
    return table.sort_values(["weight", "column"], ascending=[False, True], ignore_index=True)


def loss_changes(
    reference: pd.DataFrame,
    recent: pd.DataFrame,
    reference_labels: pd.DataFrame | None = None,
    recent_labels: pd.DataFrame | None = None,
    *,
    min_rows: int = 2,
    unbiased: bool = False,
) -> pd.DataFrame:
    """Compare losses and residuals of rows that the model was not fitted on, all and by slice.

    Parameters
    ----------
    reference, recent : columns loss, residual (outcome minus prediction on the fitted scale) and
        block (rows of one block are not independent)
    reference_labels, recent_labels : one column a slice, the same index as theirs
    min_rows : a slice with fewer rows in either sample is not looked at
    unbiased : residuals of the model in use are near zero where nothing has changed, so that they
        are held against that, and not against the reference's

    Returns
    -------
    Slice and value (`all` first), rows of the recent sample; loss_increase, a share of the
    reference's mean loss, and bias_sd, the change of the mean residual in standard deviations of
    the reference's residuals. q-values are Benjamini and Hochberg's over all slices, of one-sided
    (loss) and two-sided (bias) normal tests with variances over blocks (Liang & Zeger 1986).
    """
    pairs = [("all", "all", reference, recent)]
    for name in [] if recent_labels is None or reference_labels is None else recent_labels:
        before, now = reference_labels[name], recent_labels[name]  # type: ignore[index]
        for value in sorted(map(str, now.dropna().unique())):
            pair = (reference[before.astype(str) == value], recent[now.astype(str) == value])
            if min(map(len, pair)) >= min_rows:
                pairs.append((str(name), value, *pair))
    records = []
    for name, value, old, new in pairs:
        increase, loss_p = _change(old, new, "loss", two_sided=False)
        against = None if unbiased else old
        shift, bias_p = _change(against, new, "residual", two_sided=True)
        scale, sd = float(old["loss"].mean()) or 1.0, float(old["residual"].std(ddof=0)) or 1.0
        records.append((name, value, len(new), increase / scale, loss_p, shift / sd, bias_p))
    table = pd.DataFrame(records, columns=LOSS_COLUMNS)
    for name in ("loss_q_value", "bias_q_value"):
        table[name] = q_values(table[name].to_numpy(np.float64))
    return table


def _change(
    old: pd.DataFrame | None, new: pd.DataFrame, column: str, *, two_sided: bool
) -> tuple[float, float]:
    """Return new mean minus old mean and its p-value; 0 and 1 where a sample is empty.

    Without old rows the new mean is compared with zero.
    """
    if not len(new) or (old is not None and not len(old)):
        return 0.0, 1.0
    change, error = float(new[column].mean()), _standard_error(new, column)
    if old is not None:
        change -= float(old[column].mean())
        error = float(np.hypot(error, _standard_error(old, column)))
    if error == 0.0:
        return change, 1.0
    z = change / error
    return change, float(2 * special.ndtr(-abs(z)) if two_sided else special.ndtr(-z))


def _standard_error(rows: pd.DataFrame, column: str) -> float:
    away = rows[column] - rows[column].mean()
    sums = away.groupby(rows["block"].to_numpy()).sum()
    n = len(sums)
    if n < 2:
        return float("inf")  # one block says nothing of how blocks differ
    return float(np.sqrt((sums**2).sum() * n / (n - 1)) / len(rows))


def raise_alarm(
    features: pd.DataFrame,
    predictions: pd.DataFrame,
    losses: pd.DataFrame | None,
    params: AlarmParams,
    sustained: pd.DataFrame | None = None,
    foreseen: float = float("nan"),
) -> DriftAlarm:
    """Decide whether to act. A frame may be empty.

    Parameters
    ----------
    features : as `rank` returns; predictions : `feature_drift` of the predictions alone
    losses : as `loss_changes` returns, of the newest period, or None while no outcome is known
    sustained : the same of the last `sustained_periods`, or None while there are fewer
    foreseen : by which share losses of rows without outcomes are expected to be larger
    """
    rate = params.false_discovery_rate
    found = []
    if losses is not None:
        found += _of_losses(losses, params.loss_increase, params.bias_sd, params)
    if sustained is not None:
        limits = (params.sustained_loss_increase, params.sustained_bias_sd)
        over = f" over {params.sustained_periods} periods"
        found += [
            replace(one, words=one.words + over) for one in _of_losses(sustained, *limits, params)
        ]
    if params.foreseen_increase is not None and foreseen >= params.foreseen_increase:
        words = f"losses are expected to rise by {foreseen:.0%}, outcomes not known yet"
        found.append(Alarmed("predictions", "expected losses", words))
    if len(predictions):
        moved = predictions[_beyond(predictions["psi"], params.prediction_psi)]
        for value in moved.loc[moved["q_value"] <= rate, "psi"]:
            words = f"predictions have a PSI of {value:.2f}"
            found.append(Alarmed("predictions", "predictions", words))
    if len(features):
        found += _of_features(features, params)
    return DriftAlarm(tuple(found))


def _of_features(features: pd.DataFrame, params: AlarmParams) -> list[Alarmed]:
    drifted = features[
        ~_fits(features["column"], params.ignored_columns)
        & (features["importance"] >= params.importance_least)
        & (features["psi"] >= params.feature_psi)
        & (features["q_value"] <= params.false_discovery_rate)
    ]
    return [
        Alarmed(
            "feature",
            str(row.column),
            f"{row.column} has a PSI of {float(str(row.psi)):.2f} and "
            f"{float(str(row.importance)):.1%} of the gain",
        )
        for row in drifted.itertuples()
    ]


def _of_losses(
    losses: pd.DataFrame, increase: float | None, bias_sd: float | None, params: AlarmParams
) -> list[Alarmed]:
    rate, whole = params.false_discovery_rate, f"all {OUTCOMES[params.outcomes]}"
    worse = losses[_beyond(losses["loss_increase"], increase) & (losses["loss_q_value"] <= rate)]
    biased = losses[_beyond(losses["bias_sd"].abs(), bias_sd) & (losses["bias_q_value"] <= rate)]
    return [
        Alarmed(
            "losses",
            _where(row, whole),
            f"loss of {_where(row, whole)} is {float(str(row.loss_increase)):+.0%} "
            "against the reference",
        )
        for row in worse.itertuples()
    ] + [
        Alarmed(
            "losses",
            _where(row, whole),
            f"outcomes of {_where(row, whole)} have moved by {float(str(row.bias_sd)):+.2f} sd "
            "against predictions",
        )
        for row in biased.itertuples()
    ]


def _beyond(values: "pd.Series[float]", limit: float | None) -> "pd.Series[bool]":
    return values >= (np.inf if limit is None else limit)


def _fits(columns: "pd.Series[str]", patterns: list[str]) -> "pd.Series[bool]":
    return columns.map(lambda name: any(fnmatchcase(name, pattern) for pattern in patterns))


def _where(row: object, whole: str) -> str:
    name, value = getattr(row, "slice", ""), getattr(row, "value", "")
    return whole if name == "all" else f"{name} {value}".strip()
