"""The final fit: after the windows have chosen, every row teaches whose outcome is known.

Two models come of it, with the same rounds: one that saw what was known when the test began, which
is judged on the test, and one that saw all that is known, which ships. What they promise comes from
rows that their boosters were fitted without: where the test comes later from the fits before (a
rolling origin), else, and where those are few, from folds by a hash of the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.contract import Problem
from retrace.base.arrays import Arrays, from_frame
from retrace.encode.encoding import Encoding, from_scale
from retrace.fit.boosters import Window, rows_at
from retrace.fit.bundle import Bundle
from retrace.fit.reference import Reference, sampled
from retrace.judge.metrics import METRICS
from workflow.folds import with_rounds_of_folds, without_fold
from workflow.refit import refit, refits
from workflow.train import Scores, TrainParams, promise_of

HALF_LIFE = 150  # groups: with fewer, chance moves an interval more than the world does
FEW_GROUPS = 500  # of which a twentieth is 25 (assumed): below, older rows help, out of fold
OLDER = "older"  # column of keys, where both kinds are together
BEFORE = 0.9  # of what is learnt is before the test (assumed): a split that time orders


@dataclass(frozen=True)
class EncodedRows:
    """Encoded rows: columns and target, and what names them, with their time where they have one.

    `folds`, of shape (n_rows,), is for scores out of fold.
    """

    window: Window
    keys: pd.DataFrame
    folds: NDArray[np.int64] | None = None

    def take(self, places: Any) -> "EncodedRows":
        folds = None if self.folds is None else self.folds[places]
        return EncodedRows(rows_at(self.window, places), self.keys[places], folds)


@dataclass(frozen=True)
class Fitted:
    """An encoding, and the rows that it was fitted on, as it has them out of fold."""

    encoding: Encoding
    rows: EncodedRows


@dataclass(frozen=True)
class Held:
    """Rows as boosters score them that were fitted without them, on the fitted scale.

    target : (n_rows,); scores : by booster (n_rows,), of several classes (n_rows, n_classes)
    """

    keys: pd.DataFrame
    target: NDArray[np.float64]
    scores: Scores

    @classmethod
    def of(cls, bundle: Bundle, *rows: EncodedRows) -> Self:
        """Score rows that no booster of the bundle was fitted on."""
        parts = [cls(one.keys, one.window[1], bundle.scores(one.window[0])) for one in rows]
        return cls.together(parts)

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        names = parts[0].scores
        return cls(
            pd.concat([one.keys for one in parts], ignore_index=True),
            np.concatenate([one.target for one in parts]),
            {name: np.concatenate([one.scores[name] for one in parts]) for name in names},
        )

    def marked(self, older: bool) -> Self:
        """Say whether these are older rows, scored out of fold, or the newest."""
        return type(self)(self.keys.assign(**{OLDER: older}), self.target, self.scores)

    def in_order(self, time: str) -> Self:
        """Return the rows with the oldest first."""
        order = np.argsort(self.keys[time].to_numpy(), kind="stable")
        scores = {name: score[order] for name, score in self.scores.items()}
        return type(self)(self.keys.iloc[order], self.target[order], scores)

    def to_frame(self) -> pd.DataFrame:
        """Return keys, target and a column a score: what `from_frame` reads."""
        columns = {
            f"{name}.{place}": column
            for name, scores in self.scores.items()
            for place, column in enumerate(scores.reshape(len(scores), -1).T)
        }
        return self.keys.assign(target=self.target, **columns)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        names = [name for name in map(str, frame) if "." in name]
        scores = {}
        for booster in dict.fromkeys(name.rpartition(".")[0] for name in names):
            table = frame[[one for one in names if one.rpartition(".")[0] == booster]]
            scores[booster] = table.to_numpy(np.float64).squeeze(1 if table.shape[1] == 1 else ())
        keys = frame.drop(columns=["target", *names])
        return cls(keys, frame["target"].to_numpy(np.float64), scores)


def follows(problem: Problem, learnt: EncodedRows, test: EncodedRows) -> bool:
    """Whether the test comes after what was learnt, so that its outcomes become known in turn."""
    if problem.time is None or problem.known_at is None:
        return False
    begun = test.keys[problem.time].min()
    return bool((learnt.keys[problem.time] < begun).mean() >= BEFORE)


def folds_choose(problem: Problem, judged: Fitted, test: EncodedRows, params: TrainParams) -> bool:
    """Whether folds choose rounds, start and trees: of few rows that no time orders."""
    folds = judged.rows.folds
    if folds is None or len(folds) >= params.folds_below or len(np.unique(folds)) < 2:
        return False
    return not follows(problem, judged.rows, test)


def out_of_fold(problem: Problem, chosen: Bundle, fitted: Fitted, params: TrainParams) -> Held:
    """Score rows by fits without their fold, fold by fold until `held_least` rows are scored."""
    parts: list[Held] = []
    folds = fitted.rows.folds
    if folds is None:
        raise ValueError("rows without folds have no scores out of fold")
    for fold in np.unique(folds):
        here = folds == fold
        rows = without_fold(problem, fitted.encoding, fitted.rows.window, folds, int(fold))
        without = refit(problem, chosen, fitted.encoding, rows, params)
        parts.append(Held.of(without, fitted.rows.take(here)))
        if sum(len(one.target) for one in parts) >= params.held_least:
            break
    return Held.together(parts)


def final_fit(
    problem: Problem,
    chosen: Bundle,
    held: Held,
    judged: Fitted,
    test: EncodedRows,
    shipped: Fitted,
    params: TrainParams,
) -> tuple[Bundle, Bundle, Held, Held]:
    """Return the judged and the shipped model, and what each one's promise was made from.

    chosen : what the windows chose; held : the rows of the windows that it was not fitted on
    test : the rows of the test, as the judged encoding has them
    """
    half_life = None
    if follows(problem, judged.rows, test):
        of_group = len(held.keys) / max(n_groups(problem, held.keys), 1)
        half_life = HALF_LIFE * of_group
        if n_groups(problem, held.keys) < FEW_GROUPS:
            older = apart_from(problem, out_of_fold(problem, chosen, judged, params), held.keys)
            held = Held.together([older.marked(True), held.marked(False)])
    elif folds_choose(problem, judged, test, params):
        chosen, held = _by_folds(problem, chosen, judged, params)
    else:
        held = out_of_fold(problem, chosen, judged, params)
    rows = [(one.encoding, one.rows.window) for one in (judged, shipped)]
    model, all_known = refits(problem, chosen, rows, params)
    model = _promising(problem, model, held, params, half_life)
    newest = Held.together([held, Held.of(model, test)])
    return model, _promising(problem, all_known, newest, params, half_life), held, newest


def _by_folds(
    problem: Problem, chosen: Bundle, judged: Fitted, params: TrainParams
) -> tuple[Bundle, Held]:
    """Score the rows before the test by the folds that choose, which are those out of fold."""
    window, folds, keys = judged.rows.window, judged.rows.folds, judged.rows.keys
    if folds is None:
        raise ValueError("rows without folds have none that choose")
    encoding = judged.encoding
    chosen, scores = with_rounds_of_folds(problem, chosen, encoding, window, folds, params)
    return chosen, Held(keys.reset_index(drop=True), window[1], scores)


def n_groups(problem: Problem, keys: pd.DataFrame) -> int:
    return len(keys[list(problem.group or problem.key)].drop_duplicates())


def apart_from(problem: Problem, held: Held, keys: pd.DataFrame) -> Held:
    """Return the held rows that have none of these keys."""
    names = list(problem.key)
    others = pd.MultiIndex.from_frame(keys[names])
    kept = ~pd.MultiIndex.from_frame(held.keys[names]).isin(others)
    scores = {name: score[kept] for name, score in held.scores.items()}
    return Held(held.keys[kept], held.target[kept], scores)


def _promising(
    problem: Problem, model: Bundle, held: Held, params: TrainParams, half_life: float | None
) -> Bundle:
    if half_life is not None:
        held = held.in_order(str(problem.time))
    promise = promise_of(problem, held.target, held.scores, params, half_life)
    counts = {**model.card["rows"], "held": len(held.target)}
    return replace(model, promise=promise, card={**model.card, "rows": counts})


def with_reference(problem: Problem, bundle: Bundle, fitted: EncodedRows, held: Held) -> Bundle:
    """Add what monitoring holds the model against: columns of rows that it was fitted on, and
    predictions and losses of held rows, each a sample by the hash of the rows' keys."""
    if bundle.promise is None:
        raise ValueError("a model without a promise has no losses to hold it against")
    columns = fitted.window[0][sampled(_names(problem, fitted.keys))]
    places = sampled(_names(problem, held.keys))
    predicted = bundle.promise.point(held.scores["point"][places], bundle.scale)
    target = from_scale(held.target[places], bundle.scale)
    losses = METRICS[problem.metric].losses(target, predicted)
    single = predicted if predicted.ndim == 1 else predicted.argmax(axis=1).astype(np.float64)
    return replace(bundle, reference=Reference(columns, single, np.asarray(losses, np.float64)))


def _names(problem: Problem, keys: pd.DataFrame) -> Arrays:
    return from_frame(keys[list(problem.key)])
