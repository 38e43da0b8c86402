"""The tables and pictures that `dvc plots` and the report draw, from scored rows.

Scored rows have outcome, prediction, lower and upper, shape (n_rows, ...).
"""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from retrace.base.files import replacing

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
