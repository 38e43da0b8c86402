"""Check a clean table's distributions against limits of `params.yaml`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.checks import pairs
from retrace.checks.columns import is_text, is_time, missing
from retrace.checks.screens import Screens

KINDS = (
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
    "length",
    "night_share",
)
OF_TWO = pairs.LOOKS
NIGHT_UNTIL = 6
TENTHS = 10
WITH_AT = {"quantile": r"p(\d\d?)", "z_share": r"z(\d+)_share"}
NUMBER = r"([-+.\deE]+)"
RANGES = (rf"{NUMBER} to {NUMBER}", rf"at least {NUMBER}()", rf"at most (){NUMBER}")


@dataclass(frozen=True)
class Check:
    """One limit. `level: hard` stops the DAG; `soft` is written down and shown in the report.

    missing_share  share of rows without a value (an empty text is none)
    distinct       number of different values
    min, max, mean of the values
    quantile       the value at quantile `at`; in params.yaml p50, p99
    z_share        share of rows more than `at` robust standard deviations (1.4826 · MAD) from the
                   median, of log(1 + value); in params.yaml z6_share
    top_share      share of the most frequent value
    new_share      share of a tenth of the rows whose value was not there until a tenth before it,
                   or is not there from a tenth after it on; the largest of all tenths
    drift          distance in total variation between the values of the last tenth of rows and of
                   the first half: the share of rows that would have to change
    length         of texts: the median number of characters
    night_share    of times: the share of rows from midnight to 6 o'clock UTC

    Of two columns (correlates_with_boxes), in the part of the table where it is furthest off:

    correlates_with  rank correlation (Spearman)
    explained_by     share of the variance of ranks that groups of the other explain, out of fold
    related_to       how far one tells the other, 0 to 1, of any types: Cramér's V of groups
    mentions         share of the other's words, of four letters or more, that the text has
    new_pairs_with   share of rows whose two values are together for the first time
    hours_after      median hours from the other time to this one
    several          share of this one's values that come with several of the other's
    without          share of rows that have this, not 0, and nothing or 0 in the other
    """

    column: str
    check: str
    level: Literal["hard", "soft"]
    at: float | None = None
    least: float | None = None
    most: float | None = None
    other: str | None = None

    @property
    def title(self) -> str:
        if self.other is not None:
            return f"{self.check} {self.other}"
        return self.check if self.at is None else f"{self.check} at {self.at:g}"

    @property
    def columns(self) -> list[str]:
        return [self.column] if self.other is None else [self.column, self.other]

    @property
    def limit(self) -> str:
        parts = [("at least", self.least), ("at most", self.most)]
        return " and ".join(f"{word} {value:g}" for word, value in parts if value is not None)


def to_kind(name: str) -> dict[str, Any]:
    """Read a check's name in params.yaml: `check`, and `at` or `other` where it has one."""
    for kind, pattern in WITH_AT.items():
        if match := re.fullmatch(pattern, name):
            number = float(match[1])
            return {"check": kind, "at": number / 100 if kind == "quantile" else number}
    for kind in OF_TWO:
        if name.startswith(f"{kind}_"):
            return {"check": kind, "other": name.removeprefix(f"{kind}_")}
    if name in KINDS and name not in WITH_AT:
        return {"check": name}
    raise ValueError(
        f"no check '{name}'; there are {', '.join(k for k in KINDS if k not in WITH_AT)}, "
        "p50 (any per cent), z6_share (any distance), and of two columns "
        f"{', '.join(f'{kind}_OTHER' for kind in OF_TWO)}"
    )


def to_range(text: str) -> tuple[float | None, float | None]:
    """Read `1 to 500`, `at least 1` or `at most 500`."""
    for pattern in RANGES:
        if match := re.fullmatch(pattern, text.strip()):
            least, most = (float(side) if side else None for side in match.groups())
            if least is not None and most is not None and least > most:
                raise ValueError(f"'{text}' is empty: {least:g} is above {most:g}")
            return least, most
    raise ValueError(f"'{text}' is no range; write `1 to 500`, `at least 1` or `at most 500`")


class Limits(Params):
    """The ranges of one check: beyond `hard` the DAG stops, beyond `soft` the report says so."""

    hard: str | None = None
    soft: str | None = None

    @field_validator("hard", "soft")
    @classmethod
    def _range(cls, text: str | None) -> str | None:
        if text is not None:
            to_range(text)
        return text

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.hard is None and self.soft is None:
            raise ValueError("give `hard`, `soft` or both")
        return self


class ValidateParams(Params):
    """`<world>.validate`: the fewest rows worth a model, and limits by column and check.

    Mappings, since `dvc exp run -S` keeps comments in mappings and drops them in lists. Short ones,
    since DVC reads the file once a stage.
    """

    rows_min: int = Field(ge=1)
    example_rows: int = Field(ge=0)
    checks: dict[str, dict[str, Limits]]
    screens: Screens = Screens()

    @field_validator("checks")
    @classmethod
    def _known(cls, checks: dict[str, dict[str, Limits]]) -> dict[str, dict[str, Limits]]:
        for names in checks.values():
            for name in names:
                to_kind(name)
        return checks

    def listed(self) -> list[Check]:
        """Return every limit as a check, in the order of params.yaml."""
        found = []
        for column, names in self.checks.items():
            for name, limits in names.items():
                kind = to_kind(name)
                levels: list[tuple[Literal["hard", "soft"], str | None]] = [
                    ("hard", limits.hard),
                    ("soft", limits.soft),
                ]
                for level, text in levels:
                    if text is not None:
                        least, most = to_range(text)
                        found.append(
                            Check(column=column, level=level, least=least, most=most, **kind)
                        )
        return found


def measure(rows: pd.DataFrame, check: Check) -> float:
    """Return what the check looks at; NaN when no row has a value.

    Raises RetraceError when the column has no numbers and the check needs them.
    """
    if check.other is not None:
        return pairs.measure(rows[check.columns], check.check, check.least, check.most)
    values = rows[check.column]
    if check.check == "missing_share":
        return float(missing(values).mean())
    present = values[~missing(values)]
    if check.check == "distinct":
        return float(present.nunique())
    if check.check == "top_share":
        return float(present.value_counts(normalize=True).max())  # NaN of nothing
    if check.check == "new_share":
        return max((float(new.mean()) for _, new in _new(present)), default=0.0)
    if check.check == "drift":
        before, after = _before_after(present)
        shares = [part.astype(str).value_counts(normalize=True) for part in (before, after)]
        return float(shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2)
    if check.check == "length" and is_text(values):
        return float(present.str.len().median())
    if check.check == "night_share" and is_time(values):
        return float((present.dt.hour < NIGHT_UNTIL).mean())
    if check.check in ("length", "night_share") or not pd.api.types.is_numeric_dtype(values.dtype):
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


def _before_after(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the first half and the last tenth: clean tables are in the order of time."""
    return values.iloc[: len(values) // 2], values.iloc[len(values) - max(len(values) // 10, 1) :]


def _new(values: pd.Series) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Yield each tenth, but for two at the end, and which of its values are new; both ways."""
    codes = pd.Series(pd.factorize(values)[0], index=values.index)
    for ordered in (codes, codes.iloc[::-1]):
        edges = np.linspace(0, len(ordered), TENTHS + 1).astype(int)
        for known, (start, stop) in zip(edges[1:], pairwise(edges[2:]), strict=False):
            part = ordered.iloc[start:stop]
            if len(part):
                yield part, ~part.isin(ordered.iloc[:known].unique())


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
    low = check.least is not None and measure(rows, check) < check.least
    return rows.loc[numbers.sort_values(ascending=low, kind="stable").index].head(n)


def _robust_z(numbers: np.ndarray) -> np.ndarray:
    logs = np.log1p(np.maximum(numbers, 0.0))
    distance = np.abs(logs - np.median(logs))
    spread = 1.4826 * np.median(distance)
    return np.asarray(distance / spread if spread > 0 else np.where(distance > 0, np.inf, 0.0))
