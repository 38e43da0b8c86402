"""Fit encoders and text models on training rows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.contract import WEIGHT, Problem
from problems.featurize import named_in
from retrace.base.arrays import Arrays, take
from retrace.base.errors import RetraceError
from retrace.encode.encoders import EncodeParams, Encoder, Matrix
from retrace.encode.encoding import Encoding, to_scale
from retrace.encode.folds import folds_of
from retrace.encode.text.model import TextModel, TextParams
from retrace.past.final import Mask

# By folder: the rows that an encoding is fitted on, and the windows that it is applied to.
FITTED = "fitted"
FITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("train", ("valid", "calibration", "test")),
    "judged": (FITTED, ("test",)),
    "shipped": (FITTED, ()),
}
# The settings of a world's features, of encoders and texts, the classes, the code's fingerprint.
Fitting = tuple[dict[str, object], EncodeParams, TextParams, tuple[str, ...], str]
EncodedWindow = tuple[str, Mask, Matrix]


def classes_of(problem: Problem, rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the classes of a multiclass target in order: those declared, else those of `rows`.

    Raises RetraceError for a class in `rows` that is not declared, and for fewer than two.
    """
    if problem.task != "multiclass":
        return ()
    found = tuple(sorted(problem.outcome(rows).dropna().unique()))
    unknown = [name for name in found if problem.classes and name not in problem.classes]
    if unknown:
        raise RetraceError(
            f"{problem.name}: the target '{problem.target}' has the class {unknown[0]!r}, which is "
            f"not among its classes {', '.join(problem.classes)}. Add it to `classes` of the "
            "problem, or leave `classes` out: then the training rows tell."
        )
    if len(found) < 2:
        raise RetraceError(
            f"{problem.name}: all {len(rows):,} rows to learn from have one class of "
            f"'{problem.target}' ({', '.join(found) or 'none'}); a classifier needs two."
        )
    return problem.classes or found


def fitted_target(
    problem: Problem, rows: pd.DataFrame, classes: Sequence[str]
) -> NDArray[np.float64]:
    """Return the target as it is fitted: on the problem's scale, of several classes their numbers,
    NaN for one that is not among them."""
    if problem.task != "multiclass":
        return to_scale(rows[problem.target].to_numpy(np.float64), problem.scale)
    codes = pd.Index(classes).get_indexer(pd.Index(problem.outcome(rows))).astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def weights_of(problem: Problem, rows: pd.DataFrame) -> NDArray[np.float64] | None:
    """Return how much each row counts when boosters are fitted, shape (n_rows,); None where the
    clean table does not say so.

    Raises RetraceError for a weight that is not a number above 0.
    """
    if WEIGHT not in rows:
        return None
    found = pd.to_numeric(rows[WEIGHT], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~(found > 0) | ~np.isfinite(found))
    if bad.size:
        raise RetraceError(
            f"{problem.name}: '{WEIGHT}' is {rows[WEIGHT].iloc[bad[0]]!r} in row {bad[0]} of the "
            f"clean table ({bad.size:,} such rows). It says how much a row counts in a fit, a "
            "number above 0; 1 is as much as any other."
        )
    return found


def fit_encoding(
    problem: Problem,
    keys: Arrays,
    features: Arrays,
    target: NDArray[np.float64],
    settings: dict[str, object],
    encode: EncodeParams,
    text: TextParams,
    classes: tuple[str, ...] = (),
    fingerprint: str = "",
) -> tuple[Encoding, Matrix]:
    """Fit encoders and text models on training rows; return them and those rows out of fold.

    keys : the columns of `problem.group`, else of `problem.key`, for the folds
    """
    columns = named_in(problem.columns, features)
    encoder, encoded = Encoder.fit(
        features,
        target,
        folds_of(keys, encode.seed),
        numeric=columns.numeric,
        categorical=columns.categorical,
        target_encoded=columns.target_encoded,
        params=encode,
    )
    text_model, text_columns = TextModel.fit(
        features, target, folds_of(keys, text.seed), columns.text, text
    )
    matrix = np.concatenate([encoded, text_columns], axis=1)
    encoding = Encoding(encoder, text_model, settings, fingerprint, classes)
    if not encode.linear:
        return encoding, matrix
    folds = folds_of(keys, encode.seed)
    return encoding.with_linear(matrix, target, folds, binary=problem.task == "binary")


def encode_windows(
    problem: Problem,
    keys: Arrays,
    features: Arrays,
    target: NDArray[np.float64],
    masks: Mapping[str, Mask],
    fit: str,
    *fitting: *Fitting,
) -> tuple[Encoding, Iterator[EncodedWindow]]:
    """Fit the encoding of one of `FITS`; return it, and the rows of each of its windows: first
    those that it was fitted on, out of fold. One matrix is held at a time.

    masks : the rows of each window, and those of the fits `judged` and `shipped`
    """
    fitted, others = FITS[fit]
    mask = masks[fit or fitted]
    grouped, seen = take(keys, mask), take(features, mask)
    encoding, encoded = fit_encoding(problem, grouped, seen, target[mask], *fitting)
    first = iter([(fitted, mask, encoded)])
    later = ((to, masks[to], encoding.transform(take(features, masks[to]))) for to in others)
    return encoding, chain(first, later)
