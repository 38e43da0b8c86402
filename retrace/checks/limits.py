"""The limits of a clean table, as `problems/<world>/checks.yaml` has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidatorFunctionWrapHandler, create_model, model_validator

from retrace.base.params import Params
from retrace.checks import pairs
from retrace.checks.screens import Screens

GRIDS = {"whole": 1.0, "tenth": 0.1, "cent": 0.01}
# A check's name in checks.yaml: what is measured, and at which quantile or distance.
OF_ONE: dict[str, tuple[str, float | None]] = {
    **{
        name: (name, None)
        for name in (
            *("missing_share", "distinct", "min", "max", "mean", "top_share"),
            *("new_share", "drift", "length", "night_share"),
        )
    },
    **{f"p{cent:02}": ("quantile", cent / 100) for cent in (1, 5, 10, 25, 50, 75, 90, 95, 99)},
    **{f"{name}_share": ("grid_share", step) for name, step in GRIDS.items()},
    **{f"z{distance}_share": ("z_share", float(distance)) for distance in (4, 6, 8, 10)},
}


@dataclass(frozen=True)
class Check:
    """One limit. `level: hard` stops the DAG; `soft` is written down and shown in the report.

    missing_share  share of rows without a value (an empty text is none)
    distinct       number of different values
    min, max, mean of the values
    quantile       the value at quantile `at`; in checks.yaml p50, p99
    z_share        share of rows more than `at` robust standard deviations (1.4826 · MAD) from the
                   median, of log(1 + value); in checks.yaml z6_share
    grid_share     share of multiples of `at`, which numbers times a factor are not; in checks.yaml
                   whole_share, tenth_share and cent_share
    top_share      share of the most frequent value
    new_share      share of a tenth of the rows whose value was not there until a tenth before it,
                   or is not there from a tenth after it on; the largest of all tenths
    drift          distance in total variation between the values of the last tenth of rows and of
                   the first half: the share of rows that would have to change
    length         of texts: the median number of characters
    night_share    of times: the share of rows from midnight to 6 o'clock UTC

    Of two columns (`correlates_with: {boxes: ...}`), in the part of the table where it is furthest
    off:

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


class Range(Params):
    """Both ends belong to the range; one may be missing."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("give `least`, `most` or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"the range is empty: {self.least:g} is above {self.most:g}")
        return self


class Limits(Params):
    """The ranges of one check: beyond `hard` the DAG stops, beyond `soft` the report says so."""

    hard: Range | None = None
    soft: Range | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.hard is None and self.soft is None:
            raise ValueError("give `hard`, `soft` or both")
        return self

    def levels(self) -> Iterator[tuple[Literal["hard", "soft"], Range]]:
        if self.hard is not None:
            yield "hard", self.hard
        if self.soft is not None:
            yield "soft", self.soft


class _Ordered(Params):
    """Remembers the order of the file, in which results are listed."""

    _order: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, given: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        found: Self = handler(given)
        if isinstance(given, Mapping):
            found._order = tuple(given)
        return found

    def given(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self._order)


ColumnChecks: type[_Ordered] = create_model(
    "ColumnChecks",
    __base__=_Ordered,
    __doc__="The checks of one column by name; those of two columns by the other column.",
    **dict.fromkeys(OF_ONE, (Limits | None, None)),
    **dict.fromkeys(pairs.LOOKS, (dict[str, Limits] | None, None)),
)  # type: ignore[call-overload]


class ValidateParams(Params):
    """`problems/<world>/checks.yaml`: the fewest rows worth a model, and limits by column.

    Mappings, since `dvc exp run -S` keeps comments in mappings and drops them in lists.
    """

    rows_min: int = Field(200, ge=1)  # fewer cannot be split, fitted and judged
    example_rows: int = Field(3, ge=0)  # shown where a hard check fails
    checks: dict[str, ColumnChecks] = Field(default_factory=dict)
    screens: Screens = Screens()

    def listed(self) -> list[Check]:
        """Return every limit as a check, in the order of the file."""
        return [
            Check(column, kind, level, at, limit.least, limit.most, other)
            for column, checks in self.checks.items()
            for kind, at, other, limits in _of_column(checks)
            for level, limit in limits.levels()
        ]


def _of_column(checks: _Ordered) -> Iterator[tuple[str, float | None, str | None, Limits]]:
    for name, limits in checks.given():
        if name in OF_ONE:
            if limits is not None:
                yield *OF_ONE[name], None, limits
        else:
            for other, of_both in (limits or {}).items():
                yield name, None, other, of_both
