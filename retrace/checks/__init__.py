"""Check a clean table's distributions against limits of `checks.yaml`."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from retrace.base.errors import RetraceError
from retrace.checks import pairs
from retrace.checks.columns import is_text, is_time, missing
from retrace.checks.limits import Check, ValidateParams

__all__ = ["Check", "ValidateParams", "examples", "measure", "passes"]

NIGHT_UNTIL = 6
TENTHS = 10
CHANCE = 1.63  # of Dvoretzky-Kiefer-Wolfowitz at 1 %


def measure(rows: pd.DataFrame, check: Check, owner: str | None = None) -> float:
    """Return what the check looks at; NaN when no row has a value.

    owner : the column of what rows are of, such as orders: such rows are alike, and what is drawn
        by chance is the order

    Raises RetraceError when the column has no numbers and the check needs them.
    """
    if check.other is not None:
        return pairs.measure_pair(rows[check.columns], check.check, check.least, check.most)
    values = rows[check.column]
    if check.check == "missing_share":
        return float(missing(values).mean())
    present = values[~missing(values)]
    if check.check == "distinct":
        return float(present.nunique())
    if check.check == "top_share":
        return float(present.value_counts(normalize=True).max())  # NaN of nothing
    if check.check == "new_share":
        return max((float(new.mean()) for _, new in _new(present, rows.get(owner))), default=0.0)
    if check.check == "drift":
        before, after = _before_after(present)
        shares = [part.astype(str).value_counts(normalize=True) for part in (before, after)]
        found = float(shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2)
        sizes = [_size(part, rows.get(owner)) for part in (before, after)]
        return max(0.0, found - CHANCE * float(np.sqrt(sum(1 / max(size, 1) for size in sizes))))
    if check.check == "length" and is_text(values):
        return float(present.str.len().median())
    if check.check == "night_share" and is_time(values):
        return float((present.dt.hour < NIGHT_UNTIL).mean())
    if check.check in ("length", "night_share") or not pd.api.types.is_numeric_dtype(values.dtype):
        raise RetraceError(
            f"checks.yaml: `{check.check}` needs numbers; column '{check.column}' has "
            f"{values.dtype}. Use missing_share, distinct, top_share, new_share or drift."
        )
    if present.empty:
        return float("nan")
    numbers = present.to_numpy(np.float64)
    if check.check == "z_share":
        return float((_robust_z(numbers) > float(check.at or 0)).mean())
    if check.check == "grid_share":
        return float(_on_grid(numbers, float(check.at or 0)).mean())
    if check.check == "quantile":
        return float(np.quantile(numbers, float(check.at or 0)))
    return float(getattr(np, check.check)(numbers))


def _before_after(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the first half and the last tenth: clean tables are in the order of time."""
    return values.iloc[: len(values) // 2], values.iloc[len(values) - max(len(values) // 10, 1) :]


def _new(
    values: pd.Series, owners: pd.Series | None = None
) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Yield each tenth, but for two at the end, and which of its values are new; both ways.

    Tenths are of orders by their start and, backwards, by their end: a log begins with first steps
    and ends with last ones.

    A rare value is often new by chance: of `times` orders that have it, none is in a share of all
    with the probability (1 - share) ** times. It counts where that is under 1 % for all looks.
    """
    codes = pd.Series(pd.factorize(values)[0], index=values.index)
    begun, ended = codes, codes.iloc[::-1]
    if owners is not None:
        begun, ended = (one.iloc[_by_first(owners[one.index])] for one in (begun, ended))
    pairs = pd.DataFrame({"code": codes, "owner": codes.index if owners is None else owners})
    times = pairs.dropna().drop_duplicates()["code"].value_counts()
    for ordered in (begun, ended):
        edges = np.linspace(0, len(ordered), TENTHS + 1).astype(int)
        for known, (start, stop) in zip(edges[1:], pairwise(edges[2:]), strict=False):
            part = ordered.iloc[start:stop]
            if len(part):
                chance = (1 - known / len(ordered)) ** times
                often = times.index[chance * len(times) * 2 * TENTHS < 0.01]
                yield part, ~part.isin(ordered.iloc[:known].unique()) & part.isin(often)


def _by_first(owners: pd.Series) -> np.ndarray:
    return np.argsort(pd.factorize(owners)[0], kind="stable")


def _size(part: pd.Series, owners: pd.Series | None) -> int:
    return len(part) if owners is None else owners[part.index].nunique()


def passes(check: Check, found: float) -> bool:
    """Whether a measured value is inside the limits; an unmeasurable one is not."""
    return (
        not np.isnan(found)
        and (check.least is None or found >= check.least)
        and (check.most is None or found <= check.most)
    )


def examples(rows: pd.DataFrame, check: Check, n: int) -> pd.DataFrame:
    """Return up to `n` rows that show why a check failed."""
    if check.other is not None:
        return rows.head(n)
    values = rows[check.column]
    gone = missing(values)
    if check.check == "missing_share":
        return rows[gone].head(n)
    if check.check in ("distinct", "top_share"):
        top = values[~gone].value_counts().index[:1]
        return rows[values.isin(top)].head(n)
    if check.check in ("new_share", "drift"):
        new = [part.index[mask] for part, mask in _new(values[~gone])]
        return rows.loc[max(new, key=len, default=rows.index[:0])].head(n)
    numbers = values[~gone].astype("float64")
    if check.check == "z_share":
        far = pd.Series(_robust_z(numbers.to_numpy()), index=numbers.index)
        return rows.loc[far.sort_values(ascending=False, kind="stable").index].head(n)
    if check.check == "grid_share":
        return rows.loc[numbers.index[~_on_grid(numbers.to_numpy(), float(check.at or 0))]].head(n)
    low = check.least is not None and measure(rows, check) < check.least
    return rows.loc[numbers.sort_values(ascending=low, kind="stable").index].head(n)


def _on_grid(numbers: np.ndarray, step: float) -> np.ndarray:
    steps = numbers / step
    close = np.clip(1e-6 * np.abs(steps), 1e-6, 0.1)  # as exact as float32 is
    return np.asarray(np.abs(steps - np.round(steps)) <= close)


def _robust_z(numbers: np.ndarray) -> np.ndarray:
    logs = np.log1p(np.maximum(numbers, 0.0))
    distance = np.abs(logs - np.median(logs))
    spread = 1.4826 * np.median(distance)
    return np.asarray(distance / spread if spread > 0 else np.where(distance > 0, np.inf, 0.0))
