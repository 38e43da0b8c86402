"""The tables and pictures that `dvc plots` and the report draw, from scored rows.

Scored rows have outcome, prediction, lower and upper, shape (n_rows, ...).
"""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from retrace.base.files import replacing
from retrace.judge import metrics

MOST_CELLS = 12  # classes a side whose shares are written into the picture
QUANTILES = {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9}


def _binned(values: pd.Series, n_bins: int) -> pd.Series:
    """Number the bins of (nearly) equal size that the values fall into, from 1."""
    ranks = values.rank(method="first").to_numpy().astype(np.int64)
    return pd.Series((ranks - 1) * n_bins // max(len(values), 1) + 1, index=values.index)


def residuals(scored: pd.DataFrame, scale: str, unit: str, n_bins: int = 10) -> pd.DataFrame:
    """Quantiles of the error by tenth of the outcome; on a log scale in per cent of the outcome.

    Columns: band (its middle outcome), p10, p25, median, p75, p90 of prediction - outcome, unit.
    """
    outcome, prediction = scored["outcome"], scored["prediction"]
    log = scale == "log"
    error = 100 * ((1 + prediction) / (1 + outcome) - 1) if log else prediction - outcome
    bins = _binned(outcome, n_bins)
    table = pd.DataFrame({name: error.groupby(bins).quantile(q) for name, q in QUANTILES.items()})
    table.insert(0, "band", outcome.groupby(bins).median())
    return table.assign(unit="% of the outcome" if log else unit)


def calibration(scored: pd.DataFrame, n_bins: int = 10) -> pd.DataFrame:
    """Mean outcome against mean prediction by tenth of the prediction."""
    groups = scored.groupby(_binned(scored["prediction"], n_bins))
    table = groups[["prediction", "outcome"]].mean()
    return table.assign(rows=groups.size()).reset_index(drop=True)


def coverage_by_slice(table: pd.DataFrame) -> pd.DataFrame:
    """The slices that are not small, as one label each, with the share inside the interval and the
    rows that it is a share of."""
    large = table[table["small"] == 0]
    return pd.DataFrame(
        {
            "slice": large["slice"] + ": " + large["value"],
            "coverage": large["coverage"],
            "rows": large["rows"],
        }
    )


TOP_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # positives are rare


def _from_the_top(prediction: pd.Series) -> pd.Series:
    """Number the bins of probabilities from 1, finer towards the highest."""
    place = prediction.rank(method="first", ascending=False).to_numpy() / max(len(prediction), 1)
    bins = len(TOP_SHARES) - np.searchsorted(TOP_SHARES, place - 1e-12)
    return pd.Series(bins, index=prediction.index)


def binary_calibration(scored: pd.DataFrame) -> pd.DataFrame:
    """Observed rate (outcome) against mean probability (prediction), finer for the highest."""
    groups = scored.groupby(_from_the_top(scored["prediction"]))
    table = groups[["prediction", "outcome"]].mean()
    return table.assign(rows=groups.size()).reset_index(drop=True)


def binary_residuals(scored: pd.DataFrame) -> pd.DataFrame:
    """Mean probability less the observed rate, in percentage points, by mean probability in %.

    p10 to p90 say how far chance moves it (normal approximation of the binomial).
    """
    table = binary_calibration(scored)
    p = table["prediction"]
    error = 100 * (p - table["outcome"])
    chance = 100 * np.sqrt(p * (1 - p) / table["rows"])
    z = {"p10": -1.2816, "p25": -0.6745, "median": 0.0, "p75": 0.6745, "p90": 1.2816}
    return pd.DataFrame(
        {"band": 100 * p, **{name: error + at * chance for name, at in z.items()}}
    ).assign(unit="percentage points, by probability in %")


def rates_by_slice(table: pd.DataFrame) -> pd.DataFrame:
    """The slices that are not small: observed rate (coverage), rows, and the rate that the
    model promised (level)."""
    large = table[table["small"] == 0]
    return pd.DataFrame(
        {
            "slice": large["slice"] + ": " + large["value"],
            "coverage": large["observed_rate"],
            "rows": large["rows"],
            "level": large["predicted_rate"],
        }
    )


def one_against_rest(scored: pd.DataFrame) -> pd.DataFrame:
    """Return each row once a class: its probability as `prediction`, 1 where it came."""
    table = metrics.probabilities(scored)
    came = [(scored["outcome"] == name).astype("float64") for name in table]
    return pd.DataFrame(
        {
            "prediction": np.concatenate([table[name] for name in table]),
            "outcome": np.concatenate(came),
        }
    )


def confusion_png(scored: pd.DataFrame, path: Path) -> None:
    """Draw how often each class was predicted where each class came, in shares of its rows."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    names = [str(name) for name in metrics.probabilities(scored)]
    counts = pd.crosstab(scored["outcome"], scored["prediction"]).reindex(
        index=names, columns=names, fill_value=0
    )
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0).to_numpy()
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(5.2, 4.4), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#2a8a94", "#07343a"])
        picture = axes.imshow(shares, cmap=shades, vmin=0, vmax=1, aspect="auto")
        axes.set(xlabel="predicted", ylabel="actual")
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), names)
        if len(names) <= MOST_CELLS:
            for (row, column), share in np.ndenumerate(shares):
                colour = "#ffffff" if share > 0.5 else "#07343a"
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
        figure.colorbar(picture, label="share of the class's rows", shrink=0.8)
        written = io.BytesIO()
        figure.savefig(written, format="png", metadata={"Software": None})
    with replacing(path) as partial:
        partial.write_bytes(written.getvalue())


def precision_recall(scored: pd.DataFrame, score: str = "prediction") -> pd.DataFrame:
    """Recall and precision at each distinct score, from the highest."""
    rows = scored.groupby(score)["outcome"].agg(["sum", "size"]).sort_index(ascending=False)
    hits, flagged = rows["sum"].cumsum(), rows["size"].cumsum()
    return pd.DataFrame({"recall": hits / max(hits.iloc[-1], 1), "precision": hits / flagged})


def precision_recall_png(scored: pd.DataFrame, path: Path) -> None:
    """Draw precision against recall of the model and of the baselines that are there."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = {"prediction": "model", "rule": "rule", "naive": "naive", "oracle": "oracle"}
    colours = ("#2a8a94", "#b3541e", "#8a9499", "#07343a")
    with mpl.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(5.2, 4.4), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for (score, name), colour in zip(names.items(), colours, strict=True):
            if score in scored:
                curve = precision_recall(scored, score)
                axes.plot(curve["recall"], curve["precision"], color=colour, label=name)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    with replacing(path) as partial:
        partial.write_bytes(picture.getvalue())


def predicted_png(scored: pd.DataFrame, unit: str, scale: str, path: Path) -> None:
    """Draw predicted against actual as a density of all rows."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    with mpl.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(5.2, 4.4), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        x, y = scored["outcome"].to_numpy(), scored["prediction"].to_numpy()
        kind: Literal["linear", "log"] = "linear"
        if scale == "log":
            kind = "log"
            x, y = np.maximum(x, 1.0), np.maximum(y, 1.0)
            axes.loglog()
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        shades = LinearSegmentedColormap.from_list("shades", ["#cfe5e7", "#2a8a94", "#07343a"])
        hexes = axes.hexbin(
            x,
            y,
            gridsize=45,
            mincnt=1,
            bins="log",
            cmap=shades,
            linewidths=0.1,
            xscale=kind,
            yscale=kind,
        )
        axes.plot([low, high], [low, high], color="#566369", linewidth=0.8)
        axes.set(xlabel=f"actual ({unit})", ylabel=f"predicted ({unit})")
        bar = figure.colorbar(hexes, label="rows", shrink=0.8)
        for axis in (axes.xaxis, axes.yaxis, bar.ax.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    with replacing(path) as partial:
        partial.write_bytes(picture.getvalue())
