"""The space of a search, and what TPE suggests next in it.

Tree-structured Parzen estimators: Bergstra, Bardenet, Bengio & Kégl (2011), Algorithms for
Hyper-Parameter Optimization, NIPS 24; the implementation is hyperopt's.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Trials, hp, space_eval, tpe
from hyperopt.base import Domain
from pydantic import Field, field_validator, model_validator

from retrace.base.params import Params, merged

Value = float | int | str
Point = dict[str, Value]


class Dimension(Params):
    """One parameter's range: `low` to `high` (`log` of factors, `int` of counts), or `choices`."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    int: bool = False
    choices: list[Value] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Dimension":
        if self.choices is not None:
            if not self.choices or self.low is not None or self.high is not None:
                raise ValueError("give either a list of choices, or low and high")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("low and high are needed, low below high")
        elif self.log and self.low <= 0:
            raise ValueError("a log range begins above 0")
        return self


SPACE: dict[str, dict[str, Any]] = {
    # A tenth of the usual 0.1 takes minutes a trial and gains little more.
    "learning_rate": {"low": 0.015, "high": 0.15, "log": True},
    "num_leaves": {"low": 4, "high": 127, "log": True, "int": True},
    "min_data_in_leaf": {"low": 20, "high": 1000, "log": True, "int": True},
    # Low lets columns that say much the same share, and keeps one of them from hiding the others.
    "feature_fraction": {"low": 0.15, "high": 1.0},
    "bagging_fraction": {"low": 0.4, "high": 1.0},
    "lambda_l2": {"low": 0.1, "high": 100.0, "log": True},
    "max_bin": {"choices": [63, 255]},  # the rows are binned once for each
}


class TuneParams(Params):
    """`<problem>.tune`: what `retrace tune` searches. No stage reads it.

    `space` has the ranges that differ from `SPACE`; null leaves a parameter as it is.
    """

    seed: int = 1
    random_trials: int = Field(15, ge=1)  # before TPE has a picture of seven dimensions
    stop_after_trials: int = Field(5, ge=1)  # before one can be worse than their median
    space: dict[str, Dimension] = Field(default_factory=dict, validate_default=True, min_length=1)

    @field_validator("space", mode="before")
    @classmethod
    def _over_usual(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        space = {name: _over(SPACE.get(name), item) for name, item in {**SPACE, **given}.items()}
        return {name: item for name, item in space.items() if item is not None}


def _over(usual: Any, given: Any) -> Any:
    """Lay a range over the usual one; choices take its place, and it theirs."""
    forms = ["choices" in item for item in (usual, given) if isinstance(item, Mapping)]
    return merged(usual, given) if len(set(forms)) == 1 else given


def suggest(
    space: dict[str, Dimension],
    earlier: Sequence[tuple[Point, float | None]],
    number: int,
    tuning: TuneParams,
) -> Point:
    """Return the point of trial `number`: determined by seed, number and the earlier trials.

    Parameters
    ----------
    earlier : each trial's point and loss (smaller is better); None for one that failed
    """
    nodes = {name: _node(name, item) for name, item in space.items()}
    trials = Trials()
    for tid, (point, loss) in enumerate(earlier):
        trials.insert_trial_docs([_document(trials, tid, point, loss, space)])
    trials.refresh()
    seed = int(np.random.default_rng([tuning.seed, number]).integers(2**31 - 1))
    tid = len(earlier)
    trials.new_trial_ids(tid + 1)
    domain = Domain(lambda _: 0.0, nodes)
    documents = tpe.suggest(
        [tid], domain, trials, seed, n_startup_jobs=tuning.random_trials, verbose=False
    )
    values = {name: found[0] for name, found in documents[0]["misc"]["vals"].items()}
    point = space_eval(nodes, values)
    return {name: _clean(point[name], item) for name, item in space.items()}


def _node(name: str, item: Dimension) -> Any:
    if item.choices is not None:
        return hp.choice(name, item.choices)
    assert item.low is not None
    assert item.high is not None
    if item.log:
        low, high = math.log(item.low), math.log(item.high)
        return hp.qloguniform(name, low, high, 1) if item.int else hp.loguniform(name, low, high)
    if item.int:
        return hp.quniform(name, item.low, item.high, 1)
    return hp.uniform(name, item.low, item.high)


def _clean(value: Any, item: Dimension) -> Value:
    """Return a plain number with four digits, as a person would write it in params.yaml."""
    if item.choices is not None:
        found: Value = value
        return found
    assert item.low is not None
    assert item.high is not None
    held = min(max(float(value), item.low), item.high)
    return round(held) if item.int else float(f"{held:.4g}")


def _document(
    trials: Trials, tid: int, point: Point, loss: float | None, space: dict[str, Dimension]
) -> dict[str, Any]:
    values = {
        name: item.choices.index(point[name]) if item.choices is not None else point[name]
        for name, item in space.items()
    }
    misc = {
        "tid": tid,
        "cmd": ("domain_attachment", "FMinIter_Domain"),
        "workdir": None,
        "idxs": {name: [tid] for name in space},
        "vals": {name: [value] for name, value in values.items()},
    }
    result = {"status": STATUS_FAIL} if loss is None else {"status": STATUS_OK, "loss": loss}
    document: dict[str, Any] = trials.new_trial_docs([tid], [None], [result], [misc])[0]
    document["state"] = JOB_STATE_DONE
    return document
