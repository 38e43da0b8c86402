"""The search: suggest, fit, record, again; it goes on from whatever trials are there."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.tune import log
from experiments.tune.log import DONE, Trial
from experiments.tune.space import TuneParams, suggest
from experiments.tune.trial import Windows, loss_of, run_trial
from problems.contract import Problem
from retrace.judge.metrics import METRICS


@dataclass(frozen=True)
class KnownTrials:
    """What the log has for this search, and how much of it belongs to another."""

    trials: list[Trial]
    others: int  # of other features or another space
    torn: int  # lines that cannot be read


def mark_of(features_md5: str, tuning: TuneParams, windows: Windows) -> str:
    """Name what trials must share to be compared: features, space, fixed parameters, metric.

    Parameters that are not set have no part in it: a new option makes no old trial worthless.
    """
    given = windows.base.model_dump(exclude_none=True)
    fixed = {k: v for k, v in given.items() if k not in tuning.space}
    space = {name: item.model_dump() for name, item in tuning.space.items()}
    about = [features_md5, space, fixed, windows.objective, windows.layout.offset]
    about.append(windows.problem.metric)
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]


def read_known(folder: Path, mark: str) -> KnownTrials:
    """Read the log and keep the trials of this fingerprint."""
    trials, torn = log.read(folder)
    mine = [trial for trial in trials if trial.fingerprint == mark]
    return KnownTrials(mine, len(trials) - len(mine), torn)


def search(
    windows: Windows,
    tuning: TuneParams,
    known: list[Trial],
    *,
    mark: str,
    trials: int,
    record: Callable[[Trial], None],
) -> Iterator[Trial]:
    """Yield new trials until `trials` of this seed are there; each is recorded first.

    Trials of another seed, a colleague's perhaps, are earlier trials to learn from as well.
    """
    history = list(known)
    done = [trial.trial for trial in history if trial.seed == tuning.seed]
    for number in range(max(done, default=-1) + 1, trials):
        earlier = [(t.parameters, loss_of(windows.problem, t.score)) for t in history]
        point = suggest(tuning.space, earlier, number, tuning)
        trial = run_trial(
            windows,
            point,
            history,
            fingerprint=mark,
            seed=tuning.seed,
            number=number,
            stop_after=tuning.stop_after_trials,
        )
        record(trial)
        history.append(trial)
        yield trial


def best(problem: Problem, trials: list[Trial], count: int) -> list[Trial]:
    """Return the best finished trials, best first; the earlier of equal ones."""

    def loss(trial: Trial) -> float:
        found = loss_of(problem, trial.score)
        return float("inf") if found is None else found

    return sorted((trial for trial in trials if trial.state == DONE), key=loss)[:count]


def plot_table(problem: Problem, trials: list[Trial]) -> pd.DataFrame:
    """Return what `dvc plots` draws: number, state, score, best so far, a column a parameter.

    `metric` says what the score is, for the axis.
    """
    metric = METRICS[problem.metric]
    words = f"{metric.words}, {problem.unit}" if metric.in_unit else metric.words
    records: list[dict[str, Any]] = []
    for number, trial in enumerate(trials, 1):
        if trial.score is None:
            continue
        so_far = best(problem, trials[:number], 1)
        records.append(
            {
                "number": number,
                "state": trial.state,
                "score": trial.score,
                "best": so_far[0].score if so_far else trial.score,
                "rounds": trial.rounds,
                "metric": words,
                **{name.replace(".", "_"): value for name, value in trial.parameters.items()},
            }
        )
    return pd.DataFrame.from_records(records)
