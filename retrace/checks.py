"""Check a clean table's distributions against limits of `params.yaml`."""

from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from retrace.base.errors import RetraceError
from retrace.base.params import Params

Kind = Literal[
    "missing_share",
    "distinct",
    "min",
    "max",
    "mean",
    "quantile",
    "z_share",
    "top_share",
    "new_share",
    "drift",
]


class Check(Params):
    """One limit. `level: hard` stops the DAG; `soft` is written down and shown in the report.

    missing_share  share of rows without a value (an empty text is none)
    distinct       number of different values
    min, max, mean of the values
    quantile       the value at quantile `at`
    z_share        share of rows more than `at` robust standard deviations (1.4826 · MAD) from the
                   median, of log(1 + value)
    top_share      share of the most frequent value
    new_share      share of the last tenth of rows whose value the first half does not have
    drift          distance in total variation between the values of the last tenth of rows and of
                   the first half: the share of rows that would have to change
    """

    column: str
    check: Kind
    level: Literal["hard", "soft"]
    at: float | None = None
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("give `least`, `most` or both")
        if (self.check in ("quantile", "z_share")) != (self.at is not None):
            raise ValueError("`at` goes with quantile and z_share, and only with them")
        return self

    @property
    def title(self) -> str:
        return self.check if self.at is None else f"{self.check} at {self.at:g}"

    @property
    def limit(self) -> str:
        parts = [("at least", self.least), ("at most", self.most)]
        return " and ".join(f"{word} {value:g}" for word, value in parts if value is not None)


class ValidateParams(Params):
    """`<world>.validate`: the fewest rows worth a model, and the checks by name.

    A mapping, since `dvc exp run -S` keeps comments in mappings and drops them in lists.
    """

    rows_min: int = Field(ge=1)
    example_rows: int = Field(ge=0)
    checks: dict[str, Check]


def measure(rows: pd.DataFrame, check: Check) -> float:
    """Return what the check looks at; NaN when no row has a value.

    Raises RetraceError when the column has no numbers and the check needs them.
    """
    values = rows[check.column]
    if check.check == "missing_share":
        return float(missing(values).mean())
    present = values[~missing(values)]
    if check.check == "distinct":
        return float(present.nunique())
    if check.check == "top_share":
        return float(present.value_counts(normalize=True).max())  # NaN of nothing
    if check.check in ("new_share", "drift"):
        before, after = _parts(present)
        if check.check == "new_share":
            return float((~after.isin(before)).mean())
        shares = [part.astype(str).value_counts(normalize=True) for part in (before, after)]
        return float(shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        raise RetraceError(
            f"params.yaml: `{check.check}` needs numbers; column '{check.column}' has "
            f"{values.dtype}. Use missing_share, distinct, top_share, new_share or drift."
        )
    if present.empty:
        return float("nan")
    numbers = present.to_numpy(np.float64)
    if check.check == "z_share":
        return float((_robust_z(numbers) > float(check.at or 0)).mean())
    if check.check == "quantile":
        return float(np.quantile(numbers, float(check.at or 0)))
    return float(getattr(np, check.check)(numbers))


def _parts(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the first half and the last tenth: clean tables are in the order of time."""
    return values.iloc[: len(values) // 2], values.iloc[len(values) - max(len(values) // 10, 1) :]


def passes(check: Check, found: float) -> bool:
    """Whether a measured value is inside the limits; an unmeasurable one is not."""
    return (
        not np.isnan(found)
        and (check.least is None or found >= check.least)
        and (check.most is None or found <= check.most)
    )


def examples(rows: pd.DataFrame, check: Check, n: int) -> pd.DataFrame:
    """Return up to `n` rows that show why a check failed."""
    values = rows[check.column]
    gone = missing(values)
    if check.check == "missing_share":
        return rows[gone].head(n)
    if check.check in ("distinct", "top_share"):
        top = values[~gone].value_counts().index[:1]
        return rows[values.isin(top)].head(n)
    if check.check in ("new_share", "drift"):
        before, after = _parts(values[~gone])
        return rows.loc[after.index[~after.isin(before)]].head(n)
    numbers = values[~gone].astype("float64")
    if check.check == "z_share":
        far = pd.Series(_robust_z(numbers.to_numpy()), index=numbers.index)
        return rows.loc[far.sort_values(ascending=False, kind="stable").index].head(n)
    low = check.least is not None and measure(rows, check) < check.least
    return rows.loc[numbers.sort_values(ascending=low, kind="stable").index].head(n)


def missing(values: pd.Series) -> pd.Series:
    """Mark rows without a value; an empty text is none."""
    gone = values.isna()
    words = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    return gone | (values == "") if pd.api.types.is_string_dtype(words.dtype) else gone


def _robust_z(numbers: np.ndarray) -> np.ndarray:
    logs = np.log1p(np.maximum(numbers, 0.0))
    distance = np.abs(logs - np.median(logs))
    spread = 1.4826 * np.median(distance)
    return np.asarray(distance / spread if spread > 0 else np.where(distance > 0, np.inf, 0.0))
