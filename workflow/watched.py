"""What monitoring needs of a model besides its bundle: held rows, and the rows that its rule needs.

Monitoring has the store and the models' own files, and no clean table.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import EvaluateParams, Problem
from retrace.base.arrays import from_frame
from retrace.fit.reference import sampled
from retrace.judge import metrics
from workflow.blocks import blocks_of

HELD, BASELINE = Path("held.parquet"), Path("baseline.parquet")  # in data/serving/<problem>
BASELINES = ("rule", "naive")
TRIED_ROWS, ASKED_ROWS = 2_000, 200  # on which it is tried which columns a baseline needs
BLOCK = "block"


def held_against(problem: Problem, scored: pd.DataFrame) -> pd.DataFrame:
    """Return a sample of scored test rows: without columns about people, with `block`, a number.

    At most `retrace.fit.reference.MOST_ROWS` rows, drawn by the hash of their keys.
    """
    rows = scored.iloc[sampled(from_frame(scored[list(problem.key)]))]
    _, blocks = blocks_of(problem, scored)
    codes = np.arange(len(scored)) if blocks is None else pd.factorize(blocks)[0]
    block = pd.Series(codes, scored.index).loc[rows.index]
    personal = [name for name in parts.world(problem.world).personal if name in rows]
    return rows.drop(columns=personal).assign(**{BLOCK: block}).reset_index(drop=True)


def baseline_rows(
    problem: Problem, train: pd.DataFrame, test: pd.DataFrame, settings: EvaluateParams
) -> pd.DataFrame:
    """Return the training rows with only those columns that rule and naive average need to say the
    same; all columns where that is not to be found out."""
    few, asked = train.head(TRIED_ROWS), test.head(ASKED_ROWS)
    whole = _said(problem, few, asked, settings)
    names: list[str] = [str(name) for name in train]
    for name in names.copy():
        fewer = [one for one in names if one != name]
        if _says(problem, few[fewer], asked, settings, whole):
            names = fewer
    if names == list(train) or not len(asked):
        return train
    everything = _said(problem, train, test, settings)
    return train[names] if _says(problem, train[names], test, settings, everything) else train


def _said(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: EvaluateParams
) -> Sequence[pd.Series | pd.DataFrame]:
    rules = parts.rules(problem.world)
    return [getattr(rules, name)(problem, train, rows, settings) for name in BASELINES]


def _says(
    problem: Problem,
    train: pd.DataFrame,
    rows: pd.DataFrame,
    settings: EvaluateParams,
    before: Sequence[pd.Series | pd.DataFrame],
) -> bool:
    """Whether the baselines say the same of rows as they did before."""
    try:
        return all(
            now.equals(then)  # type: ignore[arg-type]  # both are of one type
            for now, then in zip(_said(problem, train, rows, settings), before, strict=True)
        )
    except Exception:  # of code of a world, which may need any column in any way
        return False


def with_baselines(
    problem: Problem, train: pd.DataFrame, scored: pd.DataFrame, settings: EvaluateParams
) -> pd.DataFrame:
    """Add what rule and naive average say of scored rows; train : as `baseline_rows` returns."""
    for name, said in zip(BASELINES, _said(problem, train, scored, settings), strict=True):
        scored = metrics.beside(scored, said, name)
    return scored
