"""Columns of any type, made comparable: which values are missing, and numbers for what is there."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FOLDS = 5
PRIOR = 3.0  # rows that the mean of all counts for in that of a group
WORD = re.compile(r"[\w.]*\w")
NUMBER = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?(?!\d|\.\d)")


def missing(values: pd.Series) -> pd.Series:
    """Mark rows without a value; an empty text is none."""
    gone = values.isna()
    words = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    return gone | (values == "") if pd.api.types.is_string_dtype(words.dtype) else gone


def is_text(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values.dtype))


def is_time(values: pd.Series) -> bool:
    return bool(pd.api.types.is_datetime64_any_dtype(values.dtype))


def parts(n_rows: int, most: int, rows: int) -> NDArray[np.int64]:
    """Return the edges of at most `most` parts of one size, of at least `rows` rows if possible."""
    count = int(np.clip(n_rows // rows, 1, most))
    return np.linspace(0, n_rows, count + 1).astype(np.int64)


def groups(values: pd.Series, most: int) -> NDArray[np.int64]:
    """Number groups of values from 0, shape (n_rows,): those that are missing are group 0.

    Numbers and times make up to `most` groups of one size. Texts keep their `most` most frequent
    values, and the others are one group.
    """
    if is_text(values):
        top = values[~missing(values)].value_counts().index[:most]
        codes = pd.Index(top).get_indexer(pd.Index(values)) + 1
        others = (codes == 0) & ~missing(values).to_numpy(bool)
        return np.where(others, len(top) + 1, codes).astype(np.int64)
    numbers = values.astype("int64").where(values.notna()) if is_time(values) else values
    rank = numbers.rank(pct=True, method="average").fillna(0.0).to_numpy(np.float64)
    return np.ceil(rank * most).astype(np.int64)


def explained(target: NDArray[np.floating], codes: NDArray[np.int64]) -> float:
    """Return the share of the target's variance that the means of groups explain.

    Out of fold: the mean of other rows of the group, so that many small groups explain nothing.
    """
    fold = np.arange(len(target)) % FOLDS
    size = int(codes.max()) + 1
    cells = codes * FOLDS + fold
    sums = np.bincount(cells, target, size * FOLDS).reshape(size, FOLDS)
    counts = np.bincount(cells, minlength=size * FOLDS).reshape(size, FOLDS)
    rest_sum = sums.sum(axis=1)[codes] - sums[codes, fold]
    rest = counts.sum(axis=1)[codes] - counts[codes, fold]
    guess = (rest_sum + PRIOR * target.mean()) / (rest + PRIOR)
    total = float(np.square(target - target.mean()).sum())
    return 1.0 - float(np.square(target - guess).sum()) / total if total > 0 else 0.0


def word_sets(values: pd.Series) -> list[set[str]]:
    """Return the words of each text in small letters; of a number the number (`12`, `12.5`)."""
    if is_text(values):
        return [set(WORD.findall(str(text).lower())) for text in values]
    return [{f"{value:g}"} for value in values.astype("float64")]


def numbers(texts: pd.Series) -> list[list[float]]:
    """Return the numbers that stand in each text: `$52.00` and `52 USD` have 52."""
    return [[*map(float, NUMBER.findall(text))] for text in texts.fillna("").astype(str)]
