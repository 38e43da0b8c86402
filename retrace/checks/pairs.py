"""What two columns have to do with each other, in the part of the table where it is furthest off.

A column that was shifted by a row, or exchanged with another one, has the distribution that it
should have. Only its relation to other columns is gone.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.checks.columns import explained, groups, missing, parts, word_sets

PARTS, PART_ROWS = 5, 400
GROUP_ROWS = 10
SHORTEST_WORD = 4  # letters; shorter ones are in every text
MOST_ROWS = 20_000  # of a part; every k-th row of a longer one is enough
LOOKS = (
    "correlates_with",
    "explained_by",
    "related_to",
    "mentions",
    "new_pairs_with",
    "hours_after",
    "several",
    "without",
)
WHOLE = ("new_pairs_with", "several", "without")  # looks that need every row


def measure_pair(pair: pd.DataFrame, kind: str, least: float | None, most: float | None) -> float:
    """Return `kind` of the two columns of `pair`; NaN where no part has enough rows with both.

    With both limits, or neither, the part counts that is furthest from the usual one.
    """
    look = {
        "correlates_with": _correlation,
        "explained_by": _explained,
        "related_to": _relation,
        "mentions": _mentions,
        "new_pairs_with": _new_pairs,
        "hours_after": _hours,
        "several": _several,
        "without": _without,
    }[kind]
    edges = parts(len(pair), PARTS, PART_ROWS)
    found = []
    for start, stop in pairwise(edges):
        part = pair.iloc[start:stop]
        if kind != "without":
            part = part[~missing(part.iloc[:, 0]) & ~missing(part.iloc[:, 1])]
        if kind not in WHOLE:
            part = part.iloc[:: -(-len(part) // MOST_ROWS) or 1]
        if len(part) > 1:
            found.append(look(part.iloc[:, 0], part.iloc[:, 1]))
    known = np.array([value for value in found if not np.isnan(value)])
    if not len(known):
        return float("nan")
    if (least is None) == (most is None):
        return float(known[np.argmax(np.abs(known - np.median(known)))])
    return float(known.min() if most is None else known.max())


def _correlation(a: pd.Series, b: pd.Series) -> float:
    ranks = [column.astype("float64").rank().to_numpy() for column in (a, b)]
    spread = ranks[0].std() * ranks[1].std()
    if spread == 0:
        return 0.0
    centred = [rank - rank.mean() for rank in ranks]
    return float((centred[0] * centred[1]).mean() / spread)


def _explained(a: pd.Series, b: pd.Series) -> float:
    return explained(a.rank(pct=True).to_numpy(), groups(b, len(b) // GROUP_ROWS))


def _hours(a: pd.Series, b: pd.Series) -> float:
    return float(((a - b).dt.total_seconds() / 3600).median())


def _new_pairs(a: pd.Series, b: pd.Series) -> float:
    return float((~pd.DataFrame({"a": a, "b": b}).duplicated()).mean())


def _several(a: pd.Series, b: pd.Series) -> float:
    pairs = pd.DataFrame({"a": a, "b": b}).drop_duplicates()
    return float((pairs["a"].value_counts() > 1).mean())


def _without(a: pd.Series, b: pd.Series) -> float:
    there = ~missing(a) & (a != 0)
    return float((missing(b) | (b == 0))[there].mean()) if there.any() else float("nan")


def _mentions(text: pd.Series, other: pd.Series) -> float:
    shares = []
    for said, asked in zip(word_sets(text), word_sets(other), strict=True):
        if asked := {word for word in asked if len(word) >= SHORTEST_WORD}:
            shares.append(len(asked & said) / len(asked))
    return float(np.mean(shares)) if shares else float("nan")


def _relation(a: pd.Series, b: pd.Series) -> float:
    """Return Cramér's V without its bias of small tables.

    Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", J. Korean Stat. Soc. 2013.
    """
    most = int(np.clip(np.sqrt(len(a) / 5), 2, 20))
    table = _table(groups(a, most), groups(b, most))
    n = table.sum()
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return float("nan")  # one value goes with everything
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi2 = float((np.square(table - expected) / expected).sum() / n)
    phi2 = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    rows_fair = rows - (rows - 1) ** 2 / (n - 1)
    columns_fair = columns - (columns - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / max(min(rows_fair, columns_fair) - 1, 1e-9)))


def _table(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    (a_values, rows), (b_values, columns) = (np.unique(x, return_inverse=True) for x in (a, b))
    size = len(b_values)
    cells = np.bincount(rows * size + columns, minlength=len(a_values) * size)
    return cells.reshape(len(a_values), size).astype(np.float64)
