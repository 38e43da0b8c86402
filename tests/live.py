"""Answers with what came of them, put straight into a store as servers would have: with a truth
that a test knows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from problems.contract import Problem
from retrace.base.params import parse_section
from serving.explore import EXPLORED, TOLD, drawn
from serving.rollout import PATH, Rollout, moment_of
from serving.wanted import CHAMPION
from store.database import Store
from store.loader import insert_predictions
from store.tables import feedback, outcomes, predictions

REGIONS = ("north", "south")
CLASSES = ("blue", "red", "white")
SINCE = "2026-01-05T00:00:00+00:00"
Effect = float | Mapping[str, float]  # how much larger the challenger's errors are, a share


def rollout_of(mode: str = "ab", *, salt: str = "s", guard: Any = None, **more: Any) -> Rollout:
    """A rollout of one arm, `b`, on half of the subjects."""
    arm = {"version": "v2", "mode": mode, "since": SINCE, **more}
    if mode == "ab":
        arm = {"share": 0.5, **arm}
    block = {"subject": "seller", "salt": salt, "guard": guard or {}, "challengers": {"b": arm}}
    return parse_section(Rollout, block, "price", PATH)


@dataclass
class Live:
    """The traffic of one problem into a store.

    spread : standard deviation of the champion's error on the scale that the problem is fitted on
    told   : which forecast the challenger tells
    pull   : how far an outcome follows what was told; 1 makes it come true
    """

    problem: Problem
    rollout: Rollout
    store: Store
    seed: int = 1
    spread: float = 0.3
    told: str = "prediction"
    pull: float = 0.0
    n_requests: int = 0

    @classmethod
    def at(cls, folder: Path, problem: Problem, rollout: Rollout, **more: Any) -> "Live":
        store = Store(f"sqlite:///{folder / 'store.db'}")
        store.upgrade()
        return cls(problem, rollout, store, **more)

    def answer(
        self,
        days: int,
        *,
        effect: Effect = 0.0,
        since: str = "",
        n_subjects: int = 400,
        n_rows: int = 6000,
        known: float = 0.9,
        **more: Any,
    ) -> pd.DataFrame:
        """Let subjects ask for some days, evenly; tell the outcomes of a share of them. `more` are
        columns of the answers of arm `b`, such as role or latency_us. Returns what was asked."""
        rng = np.random.default_rng(self.seed + self.n_requests)
        start = pd.Timestamp(moment_of(since or self.rollout.challengers["b"].since))
        at = start + pd.to_timedelta(np.sort(rng.uniform(60, 86_400 * days, n_rows)), unit="s")
        number = rng.integers(0, n_subjects, n_rows)
        asked = pd.DataFrame({"at": at.floor("us"), "seller": number})
        asked["region"] = np.array(REGIONS)[number % 2]
        asked["name"] = [f"{self.n_requests + one}" for one in range(n_rows)]
        self.n_requests += n_rows
        arms = [self.rollout.arm_of(one) for one in asked.to_dict("records")]
        asked["arm"] = np.array(arms, dtype=object)
        worse = [effect if isinstance(effect, float) else effect[one] for one in asked["region"]]
        asked["told_truth"] = rng.random(n_rows) < known
        answers, truth = self._said(rng, np.array(worse))
        asked["outcome"] = self._drawn(asked["name"], answers, truth)
        is_b = (asked["arm"] == "b").to_numpy()
        mine = {"role": np.where(is_b, "challenger", "champion"), "latency_us": 1000}
        mine |= {name: np.where(is_b, value, mine.get(name)) for name, value in more.items()}
        said = np.where(is_b, answers[1], answers[0])
        self._put(asked.assign(**mine, said=said), n_rows)
        if self.rollout.challengers["b"].mode == "shadow":
            ours = asked.assign(role="challenger", latency_us=1000, arm="b", said=answers[1])
            self._put(ours, n_rows)
        self._tell(asked[asked["told_truth"]])
        return asked

    def overrule(self, share: Mapping[str, float]) -> None:
        """Let people overrule a share of each arm's answers, and take the others."""
        rng = np.random.default_rng(self.seed)
        with self.store.writing() as connection:
            found = connection.execute(predictions.select()).all()
            acts = [
                {
                    "id": f"f{place}", "prediction": one.id, "problem": self.problem.name,
                    "action": "overruled" if rng.random() < share[one.arm] else "taken",
                    "value": None, "label": "", "received_at": one.predicted_at,
                }
                for place, one in enumerate(found)
            ]  # fmt: skip
            connection.execute(self.store.insert(feedback), acts)

    def _said(self, rng: Any, worse: Any) -> tuple[list[Any], Any]:
        """Return the answers of champion and challenger to each row, and the truth."""
        if self.problem.task == "regression":
            return self._numbers(rng, worse)
        n = len(worse)
        n_classes = len(CLASSES) if self.problem.task == "multiclass" else 2
        score = rng.normal(0, 1.5, (n, n_classes))
        share = _softmax(score)
        place = (rng.random((n, 1)) > share.cumsum(axis=1)).sum(axis=1).clip(max=n_classes - 1)
        both = []
        for factor in (np.ones(n), 1 + worse):
            blurred = score + self.spread * 2 * factor[:, None] * rng.normal(size=score.shape)
            both.append([self._classes(row) for row in _softmax(blurred)])
        truth = np.array(CLASSES, dtype=object)[place] if n_classes > 2 else place.astype(float)
        return [_objects(one) for one in both], truth

    def _drawn(self, names: pd.Series, answers: list[Any], truth: Any) -> Any:
        """Draw answers as servers do, of both arms; return what comes of what was told."""
        explore, in_shadow = self.rollout.explore, self.rollout.challengers["b"].mode == "shadow"
        for name, *both in zip(names, *answers, strict=True) if explore else []:
            for arm, said in list(zip((CHAMPION, "b"), both, strict=True))[: 2 - in_shadow]:
                found = drawn(explore, arm + name, said, "log")
                said |= found._asdict() if found else {}
        if not self.pull:
            return truth
        told = np.array([one.get(EXPLORED, one["prediction"]) for one in answers[0]])
        return truth ** (1 - self.pull) * told**self.pull

    def _classes(self, shares: Any) -> dict[str, Any]:
        if self.problem.task == "binary":
            return {"prediction": float(shares[1])}
        each = {f"probability_{name}": float(p) for name, p in zip(CLASSES, shares, strict=True)}
        return {"prediction": CLASSES[int(shares.argmax())], **each}

    def _numbers(self, rng: Any, worse: Any) -> tuple[list[Any], Any]:
        truth = 300 * np.exp(rng.normal(0, 0.5, len(worse)))
        both = []
        for factor in (1.0, 1 + worse):
            said = truth * np.exp(self.spread * factor * rng.normal(size=len(worse)))
            ends = said * np.exp(-1.645 * self.spread), said * np.exp(1.645 * self.spread)
            table = zip(said.tolist(), *(one.tolist() for one in ends), strict=True)
            both.append([{"prediction": p, "lower": low, "upper": up} for p, low, up in table])
        for one in both[1] if self.told != "prediction" else []:
            one[TOLD] = one[self.told]
        return [_objects(one) for one in both], truth

    def _put(self, asked: pd.DataFrame, n_rows: int) -> None:
        found = [self._row(one) for one in asked.to_dict("records")]
        with self.store.writing() as connection:
            insert_predictions(self.store, connection, found)

    def _row(self, one: dict[str, Any]) -> dict[str, Any]:
        at = round(one["at"].timestamp() * 1e6)
        said = one["said"]
        number = said["prediction"] if isinstance(said["prediction"], float) else None
        row = {"seller": one["seller"], "region": one["region"]}
        return {
            "id": f"{one['arm']}-{one['role']}-{one['name']}", "request": f"r{one['name']}",
            "problem": self.problem.name, "version": "v2" if one["arm"] == "b" else "v1",
            "fingerprint": one["arm"], "role": one["role"], "arm": one["arm"], "subject": "",
            "name": one["name"], "as_of": at, "predicted_at": at,
            "latency_us": int(one["latency_us"]), "row": json.dumps(row), "model_columns": b"",
            "prediction": number, "lower": said.get("lower"), "upper": said.get("upper"),
            "point_score": None, "lower_score": None, "upper_score": None,
            "answer": json.dumps(said),
        }  # fmt: skip

    def _tell(self, known: pd.DataFrame) -> None:
        label = self.problem.task == "multiclass"
        rows = [
            {
                "id": f"o{one['name']}", "problem": self.problem.name, "name": one["name"],
                "known_at": round(one["at"].timestamp() * 1e6) + 1,
                "received_at": round(one["at"].timestamp() * 1e6) + 1,
                "value": None if label else float(one["outcome"]),
                "label": one["outcome"] if label else "",
            }
            for one in known.to_dict("records")
        ]  # fmt: skip
        with self.store.writing() as connection:
            if rows:
                connection.execute(self.store.insert(outcomes), rows)


def _softmax(score: Any) -> Any:
    found = np.exp(score - score.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def _objects(values: list[Any]) -> Any:
    """Dictionaries as an array of shape (n_rows,)."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
