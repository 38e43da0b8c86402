"""Ways in which raw data goes wrong, as one table a world: `price.py`, `service_time.py`, ...

A mutation changes one raw table at a strength. It is caught when `ingest` or `validate` stops,
puts the changed rows into quarantine or fails a check, and the message names one of `columns`.
To add a world, write its module with `SIZES`, what `simulate` is to make, and `MUTATIONS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Rng = np.random.Generator
Change = Callable[[pd.DataFrame, float, Rng], pd.DataFrame]
Values = Callable[[pd.Series], Any]

SHARES = (0.05, 0.3, 1.0)  # weak, middle, strong: of the rows
SOME = (0.05, 0.3, 0.6)  # of what would be consistent, and no fault, if all rows had it
FEW = (0.01, 0.05, 0.2)  # of single rows that are wrong by themselves
HOURS = (1.0, 2.0, 9.0)


@dataclass(frozen=True)
class Mutation:
    """`change(table, strength, rng)` returns the damaged table; `table` is its file.

    truth: a column of the simulator's truth that `change` finds as the column `truth`.
    """

    name: str
    table: str
    columns: tuple[str, ...]  # a message is right when it names one of them
    change: Change
    strengths: tuple[float, float, float] = SHARES
    truth: str | None = None


@dataclass(frozen=True)
class FileMutation:
    """`change(bytes, strength)` returns the damaged bytes of the file `table`."""

    name: str
    table: str
    columns: tuple[str, ...]
    damage: Callable[[bytes, float], bytes]
    strengths: tuple[float, float, float] = SHARES


def of_table(table: str) -> Callable[..., Mutation]:
    """Return what makes the mutations of one table: of name, columns, change and strengths."""

    def make(
        name: str,
        columns: tuple[str, ...],
        change: Change,
        strengths: tuple[float, float, float] = SHARES,
    ) -> Mutation:
        return Mutation(name, table, columns, change, strengths)

    return make


# ---- ways to change a table --------------------------------------------------------------------


def chosen(rows: int, share: float, rng: Rng, *, scattered: bool = False) -> np.ndarray:
    """Return the places of a block of rows, as from one day or file, or of scattered ones."""
    count = max(1, round(share * rows))
    if scattered:
        return np.sort(rng.choice(rows, count, replace=False))
    start = int(rng.integers(0, rows - count + 1))
    return np.arange(start, start + count)


def on(column: str, change: Values, *, scattered: bool = False, text: bool = False) -> Change:
    """Change the values of one column in the chosen rows; `text` makes the column text first."""

    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        rows = chosen(len(frame), strength, rng, scattered=scattered)
        old = as_text(frame[column]) if text else frame[column]
        values = old.to_numpy(object, copy=True)
        values[rows] = pd.Series(change(old.iloc[rows])).to_numpy(object)
        return frame.assign(**{column: pd.Series(values, old.index).infer_objects()})

    return apply


def to(column: str, value: object, *, scattered: bool = False) -> Change:
    """Write one value into the chosen rows."""
    return on(column, lambda values: [value] * len(values), scattered=scattered)


def times(column: str, factor: float, *, scattered: bool = False) -> Change:
    return on(column, lambda values: values * factor, scattered=scattered)


def shifted(column: str, by: int = 1) -> Change:
    """Give each chosen row the value of the one before, or of the one `by` rows before."""
    return on(column, lambda values: np.roll(values.to_numpy(), by))


def swapped(a: str, b: str, *, text: bool = False) -> Change:
    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        rows = np.zeros(len(frame), bool)
        rows[chosen(len(frame), strength, rng)] = True
        first, second = frame[a], frame[b]
        if text:
            first, second = as_text(first), as_text(second)
        return frame.assign(**{a: first.where(~rows, second), b: second.where(~rows, first)})

    return apply


def missing_where(column: str, by: str | Callable[[pd.DataFrame], pd.Series]) -> Change:
    """Lose the values of one column in the most frequent group of `by`, a column or what it makes.

    The strength is the share of the group's rows.
    """

    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        groups = by(frame) if callable(by) else frame[by]
        group = np.flatnonzero((groups == groups.value_counts().index[0]).to_numpy(bool))
        rows = group[chosen(len(group), strength, rng, scattered=True)]
        values = frame[column].to_numpy(object, copy=True)
        values[rows] = None
        return frame.assign(**{column: pd.Series(values, frame.index).infer_objects()})

    return apply


def later(column: str, *, whole: bool = True) -> Change:
    """Move times: all by `strength` hours, or a block by 9 hours."""

    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        if whole:
            return frame.assign(**{column: frame[column] + pd.Timedelta(hours=strength)})
        return on(column, lambda values: values + pd.Timedelta(hours=9))(frame, strength, rng)

    return apply


def doubled(*, identity: str, letter: str | None = None) -> Change:
    """Deliver a block of rows a second time, under new ids."""

    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        rows = frame.iloc[chosen(len(frame), strength, rng)]
        if letter is None:
            new: Any = frame[identity].max() + 1 + np.arange(len(rows))
        else:
            new = pd.Series([f"{letter}{n}" for n in range(len(rows))], rows.index, dtype="str")
        return pd.concat([frame, rows.assign(**{identity: new})], ignore_index=True)

    return apply


def lost() -> Change:
    """Lose a block of rows from the middle."""

    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        count = round(strength * len(frame))
        start = (len(frame) - count) // 2
        return frame.drop(frame.index[start : start + count]).reset_index(drop=True)

    return apply


def ended() -> Change:
    """Lose the last rows, as of a file that was cut at the end of a line."""
    return lambda frame, strength, rng: frame.iloc[: len(frame) - round(strength * len(frame))]


def without(column: str) -> Change:
    """Rename the column, as a new version of an export does; the strength does not matter."""
    return lambda frame, strength, rng: frame.rename(columns={column: f"{column}_v2"})


def leaked(column: str, value: Callable[[pd.DataFrame], Any]) -> Change:
    """Write what `value` makes of the whole table into the chosen rows of a column."""

    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        known = pd.Series(value(frame), index=frame.index)
        return on(column, lambda values: known.loc[values.index])(frame, strength, rng)

    return apply


# ---- ways to write a value ---------------------------------------------------------------------


def as_text(values: pd.Series) -> pd.Series:
    return values.astype("str").fillna("")


def decimal_comma(values: pd.Series) -> pd.Series:
    return values.astype("str").str.replace(".", ",")


def with_thousands(values: pd.Series) -> pd.Series:
    """Amounts in a currency a hundred times smaller, with a dot between thousands: 1.234."""
    return (100 * pd.to_numeric(values)).map("{:,.0f}".format).str.replace(",", ".")


def null_words(values: pd.Series) -> pd.Series:
    """Words that databases and tools write where there is no value."""
    return pd.Series(np.resize(["NULL", "nan", "None", r"\N", "N/A"], len(values)), values.index)


def mojibake(values: pd.Series) -> pd.Series:
    """Text in UTF-8 that was read as Windows-1252: a letter or an apostrophe of each is not ASCII."""
    return values.str.replace("a", "Ã¥", n=1).str.replace("'", "â€™")


def replaced(values: pd.Series) -> pd.Series:
    """Text whose letters beyond ASCII became replacement characters."""
    return values.str.replace("e", "\ufffd", n=1)


def html(values: pd.Series) -> pd.Series:
    return values.str.replace("&", "&amp;").str.replace("'", "&#39;") + "&nbsp;"


# ---- ways to damage a file ---------------------------------------------------------------------


def cut(data: bytes, share: float) -> bytes:
    """Lose the end of a file; text in the middle of a row."""
    left = data[: int(len(data) * (1 - min(share, 0.9)))]
    return left[: left.rfind(b"\t") - 1] if b"\t" in left and not data.startswith(b"PAR1") else left
