"""Each experiment's predictions on the test rows, from DVC's cache, and what tells two apart."""

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo

from experiments.git import yaml_at
from problems import parts
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_table
from retrace.judge.comparison import Difference, paired_difference
from retrace.judge.gate import SLICE_COLUMNS, worse_slices
from retrace.judge.metrics import losses, prefix
from workflow.blocks import blocks_of

PREDICTED = ("prediction", "lower", "upper", "outcome")


@dataclass(frozen=True)
class Compared:
    """Two models on their common test rows: above zero, the first is better."""

    difference: Difference
    rows_left_out: int  # that only one of the two has
    slices: pd.DataFrame  # those of `worse_slices` where they differ beyond noise


@dataclass(frozen=True)
class Context:
    """What is known of test rows beside their predictions, by key: labels of slices and blocks."""

    labels: pd.DataFrame
    blocks: pd.Series | None
    min_rows: int


def predictions_at(problem: str, rev: str) -> pd.DataFrame:
    """Return the predictions of a revision ("" is the workspace), which need not be checked out.

    What the cache has not is fetched from the default remote. Raises RetraceError when that
    revision has none, or they are neither here nor there.
    """
    path = paths.predictions(problem)
    if not rev:
        return read_table(path)
    for stage in yaml_at(rev, Path("dvc.lock")).get("stages", {}).values():
        for out in stage.get("outs", []):
            if out["path"] == path.as_posix():
                data = _cached(out["md5"], f"{path} of {rev}")
                frame: pd.DataFrame = pq.read_table(io.BytesIO(data)).to_pandas()
                return frame
    raise RetraceError(f"{rev} has no {path}")


def _cached(md5: str, what: str) -> bytes:
    """Return an object of DVC's cache, fetched from the default remote if need be."""
    with Repo() as repo:
        cached = Path(repo.cache.local.oid_to_path(md5))
        if not cached.exists():
            try:
                repo.cloud.pull([HashInfo("md5", md5)])
            except Exception as error:  # of whichever storage it is: each library has its own
                why = f"the remote cannot be asked: {error}"
            else:
                why = "the remote has it not"
            if not cached.exists():
                raise RetraceError(
                    f"{what} is gone from the cache, as after dvc gc, and {why}. "
                    "The same dvc exp run, or dvc repro on that commit, makes it again."
                )
        return cached.read_bytes()


def read_context(problem: Problem) -> Context:
    """Return slices and blocks of the workspace's test rows."""
    rows = read_table(paths.clean(problem.world))
    found = predictions_at(problem.name, "")
    key = list(problem.key)
    own = [*key, *(one for one in map(str, found) if one in PREDICTED or one.startswith(prefix()))]
    test = found[own].merge(rows, how="left", on=key)
    evaluation = parts.evaluation(problem.world)
    settings = parts.settings(evaluation.settings, problem, "evaluate")
    labels = evaluation.slices(problem, test, settings, rows)
    index = pd.MultiIndex.from_frame(test[key])
    _, blocks = blocks_of(problem, test)
    return Context(
        labels=labels.set_axis(index),
        blocks=None if blocks is None else blocks.set_axis(index),
        min_rows=settings.slice_min_rows,
    )


def compare_predictions(
    problem: Problem,
    one: pd.DataFrame,
    other: pd.DataFrame,
    context: Context | None,
) -> Compared:
    """Compare `one` with `other` on their common rows with the same outcome, by the metric's loss.

    Blocks are those of `workflow.blocks`, of the records alone where the context is unknown.
    """
    key = list(problem.key)
    mine, others = (frame.set_axis(pd.MultiIndex.from_frame(frame[key])) for frame in (one, other))
    both = mine[mine.index.isin(others.index)]
    others = others.loc[both.index]
    same = both["outcome"] == others["outcome"]
    both, others = both[same], others[same]
    if both.empty:
        raise RetraceError("no test row in common")
    ours, theirs = (losses(problem.metric, frame) for frame in (both, others))
    left_out = len(one) + len(other) - 2 * len(both)
    slices = pd.DataFrame(columns=SLICE_COLUMNS)
    timed = both.assign(**{problem.time: both["as_of"]}) if problem.time else both
    _, blocks = blocks_of(problem, timed)
    if context is not None and both.index.isin(context.labels.index).all():
        labels = context.labels.loc[both.index]
        if context.blocks is not None:
            blocks = context.blocks.loc[both.index]
        slices = worse_slices(
            theirs, ours, labels, blocks=blocks, min_rows=context.min_rows, better=True
        )
    return Compared(paired_difference(ours, theirs, blocks=blocks), left_out, slices)
