"""The gate's question on the newest window: today's model against the champion, on the same rows.

The rows are the test window of the current commit, which in a problem with time is the newest.
Rows that the champion was fitted on are left out, since it would be flattered there.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.promotion.champion import Prediction, predict_as
from experiments.promotion.registry import Assigned
from problems import parts
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from retrace.judge.gate import Decision, GateParams, decide
from stages.windows import learnt_keys, window_keys
from workflow.blocks import blocks_of
from workflow.evaluate import held_rows, newest, score, select
from workflow.final import Held
from workflow.told import cheapest, costs_beside, with_told


@dataclass(frozen=True)
class Judgement:
    """The verdict, and on which rows it was given."""

    verdict: Decision
    limits: GateParams
    losses: dict[str, float]  # mean loss of challenger, champion and rule on these rows
    rows: int
    blocks: str  # what is drawn together: a column, "day", or "row"
    rows_seen: int = 0  # left out: the champion was fitted on them
    rows_apart: int = 0  # left out: the champion's stored predictions have not them
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class JudgedRows:
    """The challenger's rows, indexed by the problem's key."""

    scored: pd.DataFrame  # as `retrace.judge.gate.decide` asks for them
    labels: pd.DataFrame
    blocks: pd.Series | None
    blocks_name: str


def judge(problem: Problem, champion: Assigned | None, scratch: Path) -> Judgement:
    """Return the gate's verdict on the model in `models/`; `scratch` is a folder to work in."""
    limits = parts.settings(GateParams, problem, "gate")
    window = judged_rows(problem)
    if champion is None:
        return _decide(problem, window, None, limits)
    keys = window.scored.index.to_frame(index=False)
    theirs = predict_as(problem, champion, champion.tag, keys, scratch)
    return against(problem, window, theirs, limits)


def against(
    problem: Problem, window: JudgedRows, theirs: Prediction, limits: GateParams
) -> Judgement:
    """Judge on the rows that both have predicted and the champion was not fitted on."""
    index = window.scored.index
    common = index.isin(theirs.values.index)
    if theirs.outcomes is not None:  # a row that means something else by now is no common row
        then = theirs.outcomes.reindex(index)
        common &= (then == window.scored["outcome"]).to_numpy()
    seen = index.isin(theirs.fitted) if theirs.fitted is not None else ~common & common
    if not (common & ~seen).any():
        raise RetraceError(
            f"no row of the test window can be compared: of {len(index):,} rows the champion "
            f"has predicted {common.sum():,} and was fitted on {(common & seen).sum():,}. "
            "`gto deprecate PROBLEM VERSION prod` takes it out of its stage; then only the rule is "
            "to be beaten."
        )
    keep = common & ~seen
    notes = []
    if theirs.stored_because:
        notes.append(
            "the champion's code cannot read today's clean table "
            f"({theirs.stored_because}); its stored predictions are compared"
        )
    if theirs.told is None and "told" in window.scored:
        notes.append("what the champion tells is not known any more: its cost is not compared")
    if theirs.fitted is None:
        notes.append("which rows the champion was fitted on is not known any more")
    kept = JudgedRows(
        window.scored[keep],
        window.labels[keep],
        None if window.blocks is None else window.blocks[keep],
        window.blocks_name,
    )
    return _decide(
        problem,
        kept,
        theirs.values.reindex(index[keep]),
        limits,
        told=None if theirs.told is None else theirs.told.reindex(index[keep]),
        rows_seen=int((common & seen).sum()),
        rows_apart=int((~common).sum()),
        notes=tuple(notes),
    )


def _decide(
    problem: Problem,
    window: JudgedRows,
    champion: pd.Series | pd.DataFrame | None,
    limits: GateParams,
    *,
    told: pd.Series | None = None,
    rows_seen: int = 0,
    rows_apart: int = 0,
    notes: tuple[str, ...] = (),
) -> Judgement:
    scored = window.scored
    verdict = decide(
        scored,
        champion,
        task=problem.task,
        metric=problem.metric,
        params=limits,
        blocks=window.blocks,
        labels=window.labels,
        costs=_costs(problem, scored, told),
    )
    sides = {"challenger": "prediction", "champion": "champion", "rule": "rule"}
    if champion is None:
        sides.pop("champion")
    else:
        scored = metrics.beside(scored, champion, "champion")
    losses = {
        side: float(metrics.losses(problem.metric, scored, name).mean())
        for side, name in sides.items()
    }
    return Judgement(
        verdict, limits, losses, len(scored), window.blocks_name, rows_seen, rows_apart, notes
    )


def _costs(
    problem: Problem, scored: pd.DataFrame, champion: pd.Series | None
) -> pd.DataFrame | None:
    if "told" not in scored:
        return None
    settings = parts.settings(parts.evaluation(problem.world).settings, problem, "evaluate")
    return costs_beside(problem, scored, settings, champion)


def judged_rows(problem: Problem) -> JudgedRows:
    """Predict the test window with the judged model in `models/`, beside the rule."""
    evaluation = parts.evaluation(problem.world)
    settings = parts.settings(evaluation.settings, problem, "evaluate")
    rows = read_table(paths.clean(problem.world))
    known, test = (
        select(rows, keys) for keys in (learnt_keys(problem), window_keys(problem, "test"))
    )
    bundle = Bundle.load_judged(paths.bundle(problem.name))
    held = Held.from_frame(read_table(paths.held(problem.name)))
    scored = score(problem, bundle, rows, known, test, held, settings)
    chosen_on = newest(held_rows(problem, bundle, rows, held))
    scored = with_told(scored, cheapest(problem, chosen_on, settings))
    labels = evaluation.slices(problem, scored, settings, rows)
    name, blocks = blocks_of(problem, scored)
    index = pd.MultiIndex.from_frame(scored[list(problem.key)])
    return JudgedRows(
        scored.set_axis(index),
        labels.set_axis(index),
        None if blocks is None else blocks.set_axis(index),
        name,
    )
