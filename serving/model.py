"""A model that is served: rows as JSON has them to answers, and to lines of the log."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.featurize import feature_fingerprint
from problems.predict import Predictor
from problems.row_columns import RefusedRow
from problems.rows import RowReader
from retrace.base import paths
from retrace.base.arrays import Arrays, join, take
from retrace.base.clock import DAY, micros
from retrace.base.errors import RetraceError
from retrace.base.files import read_json
from retrace.base.params import read_key
from retrace.encode.encoders import Matrix
from retrace.fit.bundle import Bundle
from retrace.fit.following import DECISION, FOLLOWED, Waiting
from retrace.fit.intervals import Interval
from retrace.past.state import NotKept
from serving.clock import check_ahead
from serving.decision import decide, told_beside
from serving.explore import Explore
from serving.reasons import Reasons
from serving.settings import ServingParams
from serving.wanted import CHAMPION
from store.database import AWAY, Store, StoreAway
from store.following import Following
from store.forget import subject_of
from store.known import LookedUp, StoredState, unpacked
from store.loader import Loader
from store.log import LoggedPrediction, line_of


@dataclass(frozen=True)
class Answer:
    """What a row is answered, and its line of the log; the row is of the moment it was asked at."""

    said: dict[str, Any]
    line: bytes
    row: dict[str, Any]
    request: str


class Asked(NamedTuple):
    """A request: its rows as JSON has them, its name, and the arm that its subjects are in."""

    rows: Sequence[dict[str, Any]]
    request: str
    explain: bool = False
    arm: str = CHAMPION


class Rowset(NamedTuple):
    """What the rows of a request have that others may not: names of columns, and groups."""

    further: frozenset[str]
    groups: set[tuple[str, ...]]


@dataclass(frozen=True)
class Served:
    """One version of a problem's model, with what is known of the problem's entities."""

    problem: Problem
    version: str
    predictor: Predictor
    reader: RowReader
    known: StoredState | None
    following: Following | None
    decision: dict[str, Any]
    loader: Loader
    params: ServingParams
    state_path: Path  # what is known at the end of the data
    role: str = CHAMPION
    explore: Explore | None = None

    @classmethod
    def load(
        cls,
        problem: Problem,
        store: Store,
        loader: Loader,
        *,
        top: Path = Path(),
        params: ServingParams,
        version: str = "",
        role: str = CHAMPION,
    ) -> Self:
        """Load the model of a problem from a folder that has models/ and data/ as `dvc repro` makes
        them; nothing is asked of the store before `begin`.

        Raises RetraceError where there is none, or where it was made by other feature code.
        """
        name, world = problem.name, parts.world(problem.world)
        folder = top / paths.bundle(name)
        if not (folder / "bundle.json").exists():
            raise RetraceError(f"{folder} has no model. `make repro` makes it; `dvc pull` gets it.")
        bundle = Bundle.load(folder)
        state_path = top / paths.state(name) / "state.parquet"
        followed_path = top / paths.serving(name) / FOLLOWED
        decision_path = top / paths.serving(name) / DECISION
        decision = read_json(decision_path) if decision_path.exists() else {}
        predictor = Predictor.of(problem, bundle)
        history = predictor.part.history
        if bundle.encoding.fingerprint != feature_fingerprint(world.name, predictor.settings):
            raise RetraceError(
                f"{folder} was made by other feature code than this server's: it would be asked "
                "with other columns. Serve it from a checkout of the commit that made it."
            )
        basis = _basis(name, bundle.fingerprint, [state_path, followed_path])
        readers = {"": RowReader.of_rows(world)}
        for other in problems_of(problem):
            readers[other.name] = RowReader.of_outcomes(world, other)
        known = following = None
        promise = bundle.promise
        if history is not None or followed_path.exists():
            known = StoredState(
                store, basis, name, world.name, history, predictor.settings, readers
            )
        if followed_path.exists() and isinstance(promise, Interval):
            waiting = None
            if problem.elapses:
                unit = pd.Timedelta(1, unit=problem.unit)  # type: ignore[arg-type]
                waiting = Waiting(unit.to_timedelta64(), problem.scale, decision["lag"])
            following = Following(
                store,
                basis,
                name,
                bundle.fingerprint,
                problem.scale,
                promise,
                followed_path,
                waiting,
            )
        return cls(
            problem,
            version,
            predictor,
            readers[""],
            known,
            following,
            decision,
            loader,
            params,
            state_path,
            role,
        )

    def begin(self) -> None:
        """Begin the state in the store, once. Raises an error of the database where it is away."""
        if self.known is not None:
            self.known.begin(self.state_path)

    @property
    def bundle(self) -> Bundle:
        return self.predictor.bundle

    @cached_property
    def reasons(self) -> Reasons:
        return Reasons(self.problem, self.bundle)

    @cached_property
    def _identity(self) -> Any:
        said = f"{self.problem.name}\x1f{self.bundle.fingerprint}"
        return hashlib.blake2b(said.encode(), digest_size=16)

    @cached_property
    def _personal(self) -> tuple[str, ...]:
        return parts.world(self.problem.world).personal

    def answer(
        self, rows: Sequence[dict[str, Any]], request: str, *, explain: bool = False
    ) -> list[Answer]:
        """Answer rows; those of one group (`Problem.group`) are whole groups.

        Raises RefusedRow for the first bad row, StoreAway where the state cannot be read.
        """
        return self.answer_together([Asked(rows, request, explain)])[0]

    def fits(self, rows: Sequence[dict[str, Any]]) -> Rowset:
        """Return what requests must share, and what they must not, to be answered together as each
        would be alone: columns of a pattern, which one row brings into the table of all; and
        groups, whose rows look at each other."""
        further: frozenset[str] = frozenset()
        if self.reader.patterns:
            further = frozenset().union(*rows) - self.reader.by_name.keys()
        group = self.problem.group
        return Rowset(further, {tuple(str(row.get(one)) for one in group) for row in rows if group})

    def answer_together(self, asked: Sequence[Asked]) -> list[list[Answer]]:
        """Answer requests, each as if it were alone; they must fit together.

        Raises what `answer` does, for all of them.
        """
        started = time.perf_counter_ns()
        now = time.time_ns() // 1000
        rows = [row for one in asked for row in one.rows]
        asked_at = self.problem.time
        if asked_at is not None and any(row.get(asked_at) is None for row in rows):
            clock = f"{np.datetime64(now, 'us')}Z"
            rows = [row if row.get(asked_at) else {**row, asked_at: clock} for row in rows]
        arrays = self.reader.read(rows)
        as_of = micros(arrays[asked_at]) if asked_at else np.full(len(rows), now)
        check_ahead(arrays, [asked_at], self.params.ahead_days)
        try:
            known, intervals, known_until = self._look_up(arrays, as_of)
        except NotKept as error:
            place = self._not_kept(arrays, as_of)
            raise RefusedRow(place, str(asked_at), str(error)) from None
        matrix = self.predictor.encode(arrays, known)
        scores = self.bundle.scores(matrix, num_threads=1)
        found = self._answers(scores, as_of, intervals)
        names = join([arrays[name] for name in self.problem.key], "|").tolist()
        latency = (time.perf_counter_ns() - started) // 1000
        plain = {name: values.tolist() for name, values in found.items()}
        scored = {name: values.tolist() for name, values in scores.items()}
        columns, moments = matrix.tolist(), as_of.tolist()
        stale: dict[str, Any] = {}
        if known_until is not None:
            stale = {"stale": True, "history_as_of": f"{np.datetime64(known_until, 'us')}Z"}
        arms = [one.arm for one in asked for _ in one.rows]
        ids = iter(enumerate(self._ids(matrix, names, moments, arms)))
        answers = []
        for one in asked:
            own = []
            for place, name in islice(ids, len(one.rows)):
                answer = {which: values[place] for which, values in plain.items()}
                answer |= stale
                told = told_beside(self.decision, self.explore, name, answer, self.problem.scale)
                said = self._said(name, one.arm, moments[place], answer, told)
                if one.explain:
                    said["reasons"] = self.reasons.of(matrix[place : place + 1])
                line = LoggedPrediction(
                    id=name,
                    request=one.request,
                    problem=self.problem.name,
                    version=self.version,
                    fingerprint=self.bundle.fingerprint,
                    role=self.role,
                    arm=one.arm,
                    subject=self._subject(rows[place]),
                    name=names[place],
                    as_of=moments[place],
                    predicted_at=now,
                    latency_us=latency,
                    row=self._logged(rows[place]),
                    columns=columns[place],
                    answer={**answer, **told},
                    scores={which: values[place] for which, values in scored.items()},
                )
                own.append(Answer(said, line_of(line), rows[place], one.request))
            answers.append(own)
        return answers

    def _said(
        self, name: str, arm: str, as_of: int, answer: dict[str, Any], told: dict[str, Any]
    ) -> dict[str, Any]:
        said = {"id": name, "problem": self.problem.name, "version": self.version, "arm": arm}
        if self.problem.time:
            said["as_of"] = f"{np.datetime64(as_of, 'us')}Z"
        decision = decide(self.decision, {**answer, **told})
        return {**said, **answer, "unit": self.problem.unit, "decision": decision}

    def _look_up(
        self, rows: Arrays, as_of: np.ndarray
    ) -> tuple[Arrays, dict[np.datetime64, Interval], int | None]:
        """Return what is known of rows, the interval of each of their days, and until when it is
        known where the database is away; one query."""
        if self.known is None:
            return {}, {}, None
        following = self.following
        if following is None:
            known, _, known_until = self.known.look_up(rows)
            return known, {}, known_until
        days = [np.datetime64(day, "D") for day in sorted({at // DAY for at in as_of.tolist()})]
        try:
            found = self.known.look_up(rows, [following.entity(day) for day in days])
        except StoreAway:
            if self.known.history is not None:
                raise
            found = LookedUp({}, {}, following.data_end)
        known, parts, known_until = found
        intervals: dict[np.datetime64, Interval] = {}
        for day in days:
            part = parts.get(following.entity(day))
            if part is not None:
                intervals[day] = _interval(part)
            elif known_until is not None:  # none is remembered
                intervals[day] = following.first
            else:
                try:  # the day's first request
                    self.loader.load()
                    intervals[day] = Interval(**following.interval(day))
                except AWAY as error:
                    if self.known.remembered is None:
                        raise
                    self.known.remembered.lose(error)
                    return self._look_up(rows, as_of)
        return known, intervals, known_until

    def _not_kept(self, rows: Arrays, as_of: np.ndarray) -> int:
        """Return the first row of whose moment it is no longer known what was known."""
        for place in range(len(as_of)):
            try:
                self._look_up(take(rows, [place]), as_of[[place]])
            except NotKept:
                return place
        return 0

    def _answers(
        self, scores: dict[str, Any], as_of: np.ndarray, intervals: dict[np.datetime64, Interval]
    ) -> Arrays:
        if not intervals:
            return self.bundle.answers(scores)
        if len(intervals) == 1:
            (interval,) = intervals.values()
            return interval.answer(scores, self.bundle.scale)
        found: dict[str, Any] = {}
        for day, interval in intervals.items():
            here = np.flatnonzero(as_of // DAY == day.astype(np.int64))
            part = {name: score[here] for name, score in scores.items()}
            for name, values in interval.answer(part, self.bundle.scale).items():
                found.setdefault(name, np.empty(len(as_of)))[here] = values
        return found

    def _ids(
        self, matrix: Matrix, names: Sequence[str], moments: Sequence[int], arms: Sequence[str]
    ) -> list[str]:
        """Name predictions by what determines them: the same question is one prediction."""
        ids = []
        for place, (name, as_of, arm) in enumerate(zip(names, moments, arms, strict=True)):
            digest = self._identity.copy()
            asked = name if self.problem.time is None else f"{name}\x1f{as_of}"
            if arm != CHAMPION:
                asked += f"\x1f{arm}\x1f{self.role}"
            digest.update(asked.encode())
            digest.update(matrix[place].tobytes())
            ids.append(digest.hexdigest())
        return ids

    def _logged(self, row: dict[str, Any]) -> dict[str, Any]:
        if self.params.log_personal or not self._personal:
            return row
        kept = dict(row)
        for name in self._personal:
            kept.pop(name, None)
        return kept

    def _subject(self, row: dict[str, Any]) -> str:
        return subject_of(row.get(self._personal[0])) if self._personal else ""


@lru_cache(maxsize=64)
def _interval(part: bytes) -> Interval:
    return Interval(**unpacked(part))


def problems_of(problem: Problem) -> list[Problem]:
    """Return the problems of params.yaml that are asked of the same world."""
    names = [
        name for name, entry in read_key("problems").items() if entry["world"] == problem.world
    ]
    return [parts.find_problem(name) for name in names]


def _basis(name: str, fingerprint: str, files: Sequence[Path]) -> str:
    """Name a model and the data that its state begins with."""
    digest = hashlib.blake2b(f"{name}\x1f{fingerprint}".encode(), digest_size=16)
    for path in files:
        digest.update(path.read_bytes() if path.exists() else b"\x1f")
    return digest.hexdigest()
