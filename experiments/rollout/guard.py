"""Takes a challenger's subjects away when it does harm, and records why."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import pandas as pd
from scipy.special import bdtr, bdtrc  # scipy.stats takes half a second to load
from sqlalchemy import func, select

from experiments.rollout.evidence import answered, not_drawn, of_arms, with_losses
from problems import parts
from problems.contract import Problem
from retrace.judge.sequential import between_subjects
from serving.plan import ServingPlan
from serving.rollout import AB, CHALLENGER, Guard, Rollout, moment_of
from serving.wanted import CHAMPION
from store.database import Store, answering
from store.stops import add_stop
from store.tables import outcomes, predictions

SURE = 0.01  # of chance alone passing a limit at one look
FOLLOWED_SECONDS = 5.0  # until servers have what a plan has
REST = 9.0  # after a look at all outcomes, in times of how long it took


@dataclass(frozen=True)
class Breach:
    """What passes which limit."""

    what: str
    value: float
    limit: float
    n_rows: int

    @property
    def words(self) -> str:
        return f"{self.what} is {self.value:.3g}, beyond {self.limit:g} ({self.n_rows:,} answers)"


class GuardedArms:
    """The arms of a plan that answer subjects, looked at every few seconds."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._seen: dict[str, tuple[int, int]] = {}  # by problem, what was there when looked at
        self._rests_until: dict[str, float] = {}
        self._answer_since: dict[tuple[str, str, str], float] = {}  # by problem, arm and since

    def look(self, plan: ServingPlan) -> Iterator[str]:
        """Stop what passes a limit; yield a line on each."""
        for name in plan.rollouts:
            rollout = plan.rollout(name)
            assert rollout is not None
            arms = [arm for arm, one in rollout.challengers.items() if one.mode == AB]
            there = self._there(name)
            self._note(plan, name, rollout)
            if not arms or there == self._seen.get(name):
                continue
            began = time.monotonic()
            is_whole = began >= self._rests_until.get(name, 0.0)
            for arm in arms:
                since = rollout.challengers[arm].since
                begun = self._answer_since.get((name, arm, since))
                problem = parts.find_problem(name)
                breach = failing(self.store, problem, rollout, arm, begun)
                if breach is None and is_whole:
                    breach = harmful(self.store, problem, rollout, arm)
                if breach and add_stop(self.store, name, arm, since, breach.words, asdict(breach)):
                    yield f"{name}: the challenger '{arm}' is stopped: {breach.words}"
            if is_whole:
                self._seen[name] = there
                self._rests_until[name] = time.monotonic() + REST * (time.monotonic() - began)

    def _note(self, plan: ServingPlan, name: str, rollout: Rollout) -> None:
        """Note when a challenger was planned first with something that answers for it: while it is
        being loaded, or its server started, the champion's answers are no failures."""
        for model in plan.models:
            if model.problem == name and model.arm in rollout.challengers:
                key = name, model.arm, rollout.challengers[model.arm].since
                self._answer_since.setdefault(key, time.time() + FOLLOWED_SECONDS)

    def _there(self, problem: str) -> tuple[int, int]:
        """Return when the newest answer and the newest outcome came."""
        answers = select(func.max(predictions.c.predicted_at))
        known = select(func.max(outcomes.c.received_at))
        with answering(self.store), self.store.reading() as connection:
            asked = connection.execute(answers.where(predictions.c.problem == problem)).scalar()
            told = connection.execute(known.where(outcomes.c.problem == problem)).scalar()
        return asked or 0, told or 0


def failing(
    store: Store, problem: Problem, rollout: Rollout, arm: str, begun: float | None
) -> Breach | None:
    """Return the first limit that an arm passes of what is known with the answer; None where it
    passes none. `begun` is when it began to answer, in seconds since 1970; None where it has not.
    """
    if begun is None:
        return None
    newest = max(time.time() - 60 * rollout.guard.minutes, begun)
    since = max(moment_of(rollout.challengers[arm].since), datetime.fromtimestamp(newest, UTC))
    return _at_once(_answers(store, problem, rollout, arm, since), arm, rollout.guard)


def harmful(store: Store, problem: Problem, rollout: Rollout, arm: str) -> Breach | None:
    """Return the first limit that an arm passes by what came of all its answers."""
    since = moment_of(rollout.challengers[arm].since)
    mine = _answers(store, problem, rollout, arm, since)
    return _of_outcomes(problem, mine, arm, rollout.guard)


def _answers(
    store: Store, problem: Problem, rollout: Rollout, arm: str, since: datetime
) -> pd.DataFrame:
    personal = parts.world(problem.world).personal
    table = answered(store, problem, since)
    return of_arms(table, rollout, arm, personal[0] if personal else "")


def _at_once(rows: pd.DataFrame, arm: str, guard: Guard) -> Breach | None:
    """Look at failures, and time."""
    ours, theirs = rows[rows["arm"] == arm], rows[rows["arm"] == CHAMPION]
    n_failed = int((ours["role"] == CHAMPION).sum())
    if len(ours) >= guard.least_rows:
        by_chance = float(bdtrc(n_failed - 1, len(ours), guard.most_errors))
        if n_failed and by_chance < SURE:
            share = n_failed / len(ours)
            return Breach("share of failures", share, guard.most_errors, len(ours))
    ours = ours[ours["role"] == CHALLENGER]
    if min(len(ours), len(theirs)) >= guard.least_rows:
        slower = float(ours["latency_us"].median() / max(theirs["latency_us"].median(), 1))
        if slower > guard.most_slower:
            return Breach("median time, in times of the champion's,", slower, guard.most_slower,
                          len(ours))  # fmt: skip
    return None


def _of_outcomes(problem: Problem, mine: pd.DataFrame, arm: str, guard: Guard) -> Breach | None:
    """Look at coverage and loss of answers whose outcome is known."""
    scored = with_losses(not_drawn(mine), problem)
    is_ours = (scored["arm"] == arm) & (scored["role"] == CHALLENGER)
    ours = scored[is_ours]
    if len(ours) < guard.least_rows:
        return None
    if {"lower", "upper"} <= {*ours} and ours["lower"].notna().any():
        n_inside = int(ours["outcome"].between(ours["lower"], ours["upper"]).sum())
        if float(bdtr(n_inside, len(ours), guard.least_coverage)) < SURE:
            return Breach("coverage", n_inside / len(ours), guard.least_coverage, len(ours))
    found = between_subjects(scored["subject"], scored["arm"] == arm, scored["loss"])
    lower, _ = found.interval(expected=guard.most_loss, level=SURE)
    if found.champion > 0 and lower > guard.most_loss * found.champion:
        return Breach("loss above the champion's, as a share of it,", found.relative,
                      guard.most_loss, len(ours))  # fmt: skip
    return None
