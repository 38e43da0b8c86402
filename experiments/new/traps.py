"""Look for what makes a model look better than it is, and say it with figures.

Each trap is about columns that the model must not see, or about rows that somebody should look at.
Nothing here is certain: what is left out has its reason beside it, and one line brings it back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from experiments.new.question import Question
from retrace.checks.columns import explained, groups, missing
from retrace.raw.values import as_number

TELLS = 0.99  # of the target's variance, told by one column alone: no measurement does that
NEARLY = 0.8  # from which somebody should know why
ADDS_UP = 0.9999  # of the variance, told by a sum of columns
PURE, PURE_ROWS = 0.98, 30  # share of one class among the rows that have a value, or have none
CHANCE = 1e-6  # that rows drawn from all would be so pure
TOGETHER = 0.8  # share of the rows without an outcome that have no value either
AFTER = 0.5  # share of rows in which another time is later than the prediction
CHANGES = 0.3  # share of the target that the place of its row tells
ORDERED = 0.95  # correlation of the target's rank with its place
SOME, ALIKE = 0.1, 0.5  # share of the target's variance between ids: say it; draw them together
TWINS = "row_twins"  # the column of Reading.twins
TWINS_LEAST = 0.001  # share of rows that equal another one
SAME = 0.5  # of such rows' outcomes, beyond chance, that are the same where rows stand there twice
FEW = 20  # rows of a class, under which little can be learnt of it
MOST_ROWS = 50_000  # every k-th row is enough
BINS, BIN_ROWS = 200, 30  # of a number: many, or few that have rows enough each

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trap:
    """What was found, in words with figures; `leave_out` are columns that the model must not see.

    `group` is a column whose rows are alike, so that they belong into one window; TWINS, where
    rows stand there twice.
    """

    words: str
    leave_out: tuple[str, ...] = ()
    group: str | None = None


def traps(
    clean: pd.DataFrame,
    question: Question,
    columns: Mapping[str, str],
    ids: Sequence[str],
    raw_target: pd.Series,
) -> Iterator[Trap]:
    """Yield the traps of a clean table.

    columns    : sort by name of what a model could see
    ids        : those of them that name a customer, a machine or a town
    raw_target : in the order of the file, for what depends on it
    """
    there = clean[question.target].notna().to_numpy(bool)
    if not there.all():
        n = int((~there).sum())
        yield Trap(f"{n:,} of {len(there):,} rows have no {question.target}: they are in no window")
    rows = clean[there].iloc[:: -(-int(there.sum()) // MOST_ROWS)]
    out: set[str] = set()
    for trap in _with_outcome(clean, question, columns, there):
        out |= {*trap.leave_out}
        yield trap
    for look in (_later, _sums, _filled, _tells):
        rest = {name: sort for name, sort in columns.items() if name not in out}
        if look is _tells:  # of ids `_alike` knows more
            rest = {name: sort for name, sort in rest.items() if name not in ids}
        for trap in look(rows, question, rest):
            out |= {*trap.leave_out}
            yield trap
    yield from _order(rows, question, raw_target)
    yield from _classes(clean[there], question)
    if question.group is None:
        yield from _alike(rows, question, [name for name in ids if name not in out])
    yield from _twins(clean[there], question, columns)


def numbers(rows: pd.DataFrame, question: Question) -> Floats:
    """Return the target as numbers, shape (n_rows, n): a column for each class but two."""
    values = rows[question.target]
    if question.task != "multiclass":
        found = values.to_numpy(np.float64)[:, None]
        return np.log1p(found) if question.scale == "log" else found
    common = values.value_counts().index[:12]
    return np.column_stack([(values == name).to_numpy(np.float64) for name in common])


def told(target: Floats, column: pd.Series, most: int = BINS) -> float:
    """Return the share of the target's variance that groups of a column tell, as `shared` has it:
    many groups, or as few as have rows enough, whichever tell more."""
    column = column.astype("float64") if column.dtype == bool else column
    few = max(5, min(most, len(column) // BIN_ROWS))
    return max(shared(target, groups(column, n)) for n in dict.fromkeys((most, few)))


def shared(target: Floats, codes: NDArray[np.int64]) -> float:
    """Return the share of the target's variance that is between groups, from 0, out of fold; of
    several classes the mean, weighed by their variance."""
    weights = target.var(axis=0)
    shares = [explained(one, codes) for one in target.T]
    return float(np.average(shares, weights=weights)) if weights.sum() else 0.0


# ---- columns ---------------------------------------------------------------------------------


def _tells(rows: pd.DataFrame, question: Question, columns: Mapping[str, str]) -> Iterator[Trap]:
    target = numbers(rows, question)
    nearly: dict[str, float] = {}
    for name, sort in columns.items():
        share = 0.0 if sort in ("time", "text") else told(target, rows[name])
        ranks = _same_order(rows[name], target) if sort in ("number", "whole") else 0.0
        if ranks >= TELLS:
            yield Trap(
                f"puts the rows in the order of {question.target} (squared rank correlation "
                f"{ranks:.3f}): it is the same in another form",
                (name,),
            )
        elif share >= TELLS:
            yield Trap(f"tells {share:.1%} of {question.target} alone", (name,))
        elif share >= NEARLY:
            nearly[name] = share
    if len(nearly) == 1:
        (name, share), *_ = nearly.items()
        yield Trap(
            f"{name} tells {share:.0%} of {question.target} alone. Is it known when the prediction "
            "is made? --drop leaves it out"
        )
    elif nearly:
        shares = ", ".join(f"{name} ({share:.0%})" for name, share in nearly.items())
        yield Trap(
            f"{shares} tell most of {question.target}, each alone. Are they known when the "
            "prediction is made? --drop leaves one out"
        )


def _same_order(column: pd.Series, target: Floats) -> float:
    """Return the squared rank correlation (Spearman 1904), where both have many values."""
    values = pd.Series(target[:, 0], column.index)
    if target.shape[1] > 1 or min(column.nunique(), values.nunique()) < FEW:
        return 0.0
    return float(column.astype("float64").corr(values, method="spearman") ** 2)


def _later(rows: pd.DataFrame, question: Question, columns: Mapping[str, str]) -> Iterator[Trap]:
    if question.time is None:
        return
    if question.known_at not in (None, question.time):
        early = (rows[question.known_at] < rows[question.time]).mean()
        if early:
            yield Trap(
                f"{question.known_at} is before {question.time} in {early:.1%} of the rows: an "
                "outcome cannot be known before it is predicted"
            )
    for name, sort in columns.items():
        if sort == "time" and name != question.time:
            share = float((rows[name] > rows[question.time]).mean())
            if share > AFTER:
                yield Trap(f"is after {question.time} in {share:.0%} of the rows", (name,))


def _sums(rows: pd.DataFrame, question: Question, columns: Mapping[str, str]) -> Iterator[Trap]:
    """Look for few columns whose weighted sum, or product, is the target."""
    if question.task == "multiclass":
        return
    names = [name for name, sort in columns.items() if sort in ("number", "whole", "flag")]
    y = rows[question.target].to_numpy(np.float64)
    x = rows[names].to_numpy(np.float64, na_value=np.nan)
    full = np.flatnonzero(np.isfinite(x).all(axis=0) & (np.nanstd(x, axis=0) > 0))
    names, x = [names[place] for place in full], x[:, full]
    found = _fewest(x, y, names)
    if found:
        yield Trap(_said(found, x, y, names, question.target), tuple(found))
        return
    positive = (x > 0).all(axis=0)
    if question.task == "regression" and (y > 0).all() and positive.any():
        logs, few = np.log(x[:, positive]), [names[place] for place in np.flatnonzero(positive)]
        found = _fewest(logs, np.log(y), few)
        if len(found) > 1:
            yield Trap(
                f"{question.target} is a product of powers of {', '.join(found)}", tuple(found)
            )


def _fewest(x: Floats, y: Floats, names: list[str]) -> list[str]:
    """Return the fewest columns of which a weighted sum is the target, none where none is."""
    if not names or len(y) < 10 * len(names):
        return []
    kept = list(range(len(names)))
    model = LinearRegression().fit(x, y)
    if model.score(x, y) < ADDS_UP:
        return []
    for place in np.argsort(np.abs(model.coef_) * x.std(axis=0)):
        fewer = [one for one in kept if one != place]
        if fewer and LinearRegression().fit(x[:, fewer], y).score(x[:, fewer], y) >= ADDS_UP:
            kept = fewer
    return [names[place] for place in kept]


def _said(found: list[str], x: Floats, y: Floats, names: list[str], target: str) -> str:
    if len(found) == 1:
        return f"{target} follows from {found[0]} alone, on a straight line"
    part = x[:, [names.index(name) for name in found]]
    signs = np.round(LinearRegression().fit(part, y).coef_)
    exact = float(np.isclose(part @ signs, y, rtol=1e-6, atol=1e-9).mean())
    if np.abs(signs).max() == 1 and exact > 0.5:
        terms = " ".join(
            f"{'+' if s > 0 else '-'} {n}" for s, n in zip(signs, found, strict=True) if s
        )
        return f"{terms.removeprefix('+ ')} = {target} in {exact:.1%} of the rows"
    return f"a weighted sum of {', '.join(found)} is {target} (R² above {ADDS_UP})"


def _filled(rows: pd.DataFrame, question: Question, columns: Mapping[str, str]) -> Iterator[Trap]:
    """Look for columns that are filled, or empty, only where the outcome is one: they were written
    down afterwards."""
    if question.task == "regression":
        return
    outcome = rows[question.target].astype("str")
    usual = outcome.value_counts(normalize=True)
    for name in columns:
        gone = missing(rows[name]).to_numpy(bool)
        if not PURE_ROWS <= gone.sum() <= len(gone) - PURE_ROWS:
            continue
        for mask, word in ((~gone, "filled"), (gone, "empty")):
            inside = outcome[mask].value_counts(normalize=True)
            share, label = float(inside.iloc[0]), str(inside.index[0])
            if share >= PURE and usual[label] ** mask.sum() < CHANCE:
                yield Trap(
                    f"where it is {word}, {question.target} is {label} in {share:.1%} of "
                    f"{int(mask.sum()):,} rows, {usual[label]:.0%} in all: known only afterwards",
                    (name,),
                )
                break


def _with_outcome(
    clean: pd.DataFrame, question: Question, columns: Mapping[str, str], there: NDArray[np.bool_]
) -> Iterator[Trap]:
    """Look for columns that are empty in most rows whose outcome is not known, and only there: they
    are written down with it. Where most columns are, it is the rows that are empty."""
    usual, found = float((~there).mean()), []
    for name in columns:
        gone = missing(clean[name]).to_numpy(bool)
        n = int(gone.sum())
        if n < PURE_ROWS or usual**n >= CHANCE:
            continue
        if (~there[gone]).mean() >= PURE and gone[~there].mean() >= TOGETHER:
            found.append(name)
    if found and len(found) <= len(columns) / 2:
        yield Trap(
            f"empty where {question.target} is, and hardly elsewhere: written down with it",
            tuple(found),
        )


# ---- rows ------------------------------------------------------------------------------------


def _order(rows: pd.DataFrame, question: Question, raw_target: pd.Series) -> Iterator[Trap]:
    if question.time is not None:
        ahead = rows[question.time] > datetime.now(UTC)
        if ahead.any():
            first = rows[question.time][ahead].min()
            yield Trap(
                f"{question.time} is in the future in {ahead.mean():.1%} of the rows, such as "
                f"{first:%Y-%m-%d}"
            )
        return
    thin = raw_target.iloc[:: -(-len(raw_target) // MOST_ROWS)]
    number = as_number(thin) if question.task == "regression" else pd.factorize(thin)[0]
    values = pd.Series(number).dropna()
    bands = pd.qcut(values.index, 50, labels=False, duplicates="drop")
    rank = values.rank() if question.task == "regression" else values.astype("float64")
    share = explained(rank.to_numpy(np.float64), np.asarray(bands, np.int64))
    if share <= CHANGES:
        return
    place = pd.Series(np.arange(len(rank)), rank.index)
    runs = int((rank.diff() != 0).sum())
    in_runs = question.task != "regression" and runs <= 2 * values.nunique()
    if in_runs or abs(float(rank.corr(place))) > ORDERED:
        yield Trap(
            f"the rows are in the order of {question.target}: neither place nor id is used, and "
            "windows are drawn by hash"
        )
        return
    yield Trap(
        f"{question.target} changes along the file ({share:.0%} of it is told by a row's place). "
        "Are the rows in the order of a time, or of groups? --time or --group says so; windows are "
        "drawn by hash"
    )


def _classes(rows: pd.DataFrame, question: Question) -> Iterator[Trap]:
    if question.task == "regression":
        return
    counts = rows[question.target].value_counts()
    few = counts[counts < FEW]
    if len(few):
        said = ", ".join(f"{name} ({n})" for name, n in few.items())
        yield Trap(f"too few rows to learn, or to judge by: {said}")


def _twins(rows: pd.DataFrame, question: Question, columns: Mapping[str, str]) -> Iterator[Trap]:
    """Look for rows that were written down twice. Where columns have few values, rows are equal by
    chance: then their outcomes differ as well."""
    names = [*columns, *([question.time] if question.time else [])]
    again = rows.duplicated(subset=[*names, question.target], keep=False)
    if again.mean() <= TWINS_LEAST or _same_outcomes(rows, names, question.target) < SAME:
        return
    words = f"{int(again.sum()):,} rows ({again.mean():.1%}) equal another one"
    if question.time is None and question.group is None:
        yield Trap(f"{words}: they are in one window", group=TWINS)
    else:
        yield Trap(f"{words}: were they written down twice?")


def _same_outcomes(rows: pd.DataFrame, names: list[str], target: str) -> float:
    """Return how often rows that are equal but for the outcome have the same one, beyond chance:
    0 is chance, 1 is always (Cohen's kappa)."""
    equal = rows[rows.duplicated(subset=names, keep=False)]
    alike = equal.groupby(names, dropna=False)[target].transform("size") - 1
    same = equal.groupby([*names, target], dropna=False)[target].transform("size") - 1
    chance = float(np.square(rows[target].value_counts(normalize=True)).sum())
    return (float((same / alike).mean()) - chance) / max(1.0 - chance, 1e-9)


def _alike(rows: pd.DataFrame, question: Question, ids: Sequence[str]) -> Iterator[Trap]:
    """Look for ids that come again, and whose rows have much the same outcome."""
    target = numbers(rows, question)
    for name in ids:
        codes, values = pd.factorize(rows[name])
        size = len(rows) / max(len(values), 1)
        if len(values) < 20 or not 1.5 <= size <= 100 or question.time is not None:
            continue
        share = shared(target, codes + 1)
        if share > ALIKE:
            yield Trap(
                f"rows of one {name} are alike ({share:.0%} of {question.target} is between them): "
                "they are in one window, and the model does not see it",
                (name,),
                group=name,
            )
            return
        if share > SOME:
            yield Trap(
                f"rows of one {name} are somewhat alike ({share:.0%} of {question.target} is "
                f"between them), and train and test share them. Will the model be asked of others? "
                f"--group {name} judges it by those"
            )
