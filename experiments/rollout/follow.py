"""Resolves what has changed into a server's plan, and lets the guard look at arms.

A file that breaks its schema and a version that cannot be brought here change nothing: what was
served is served on, and the server's output says why.
"""

import json
import time

import msgspec

from experiments.rollout.children import Children
from experiments.rollout.guard import GuardedArms
from experiments.rollout.resolve import plan_of
from retrace.base.errors import RetraceError
from serving.plan import ServingPlan
from serving.rollout import moment_of
from serving.wanted import CHAMPION, Wanted
from store.database import AWAY, Store, words_of
from store.messages import say
from store.stops import stops_in

GUARD_SECONDS = 5.0


def stops_of(url: str | None) -> dict[tuple[str, str, str], str]:
    """Return why arms were stopped, by problem, arm and since; nothing from a database that is not
    there yet, or away."""
    try:
        return stops_in(Store(url, existing=True))
    except (RetraceError, *AWAY):
        return {}


class Follow:
    """Keeps the plan of one server."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self.store = wanted, Store(wanted.store)
        self.children, self.guard = Children(wanted), GuardedArms(self.store)
        self._seen = ""
        self._plan: ServingPlan | None = None
        self._guard_at = 0.0

    @property
    def has_plan(self) -> bool:
        """Whether it has resolved one; until something changes, the server's first one holds."""
        return self._plan is not None

    def look(self, seen: str) -> None:
        """Write the plan anew where something has changed; `seen` is what there is of this copy.

        Raises RetraceError where it cannot be resolved.
        """
        stopped = stops_of(self.wanted.store)
        seen += json.dumps([sorted(map(list, stopped)), self._n_ended()]) + self.children.state()
        if seen != self._seen:
            plan = self.children.started(plan_of(self.wanted, stopped))
            if plan != self._plan:
                plan.write()
            self._plan, self._seen = plan, seen
        if self._plan is not None and time.monotonic() >= self._guard_at:
            self._guard_at = time.monotonic() + GUARD_SECONDS
            try:
                for line in self.guard.look(self._plan):
                    say(line, "rollout", "warning")
            except AWAY as error:
                raise RetraceError(f"the guard cannot look: {words_of(error)}") from None

    def _n_ended(self) -> int:
        """Return how many arms have come to the end that they were given."""
        if self._plan is None:
            return 0
        ends = [
            one["until"]
            for rollout in self._plan.rollouts.values()
            for one in rollout["challengers"].values()
        ]
        return sum(bool(end) and moment_of(end).timestamp() <= time.time() for end in ends)


def first_plan(wanted: Wanted) -> ServingPlan:
    """Return the plan to begin with: models of other code come when their servers answer, and
    `waits` has the champions among them."""
    plan = plan_of(wanted, stops_of(wanted.store))
    own = Children(wanted).own(plan)
    waits = {one.problem: one.version for one in plan.models
             if one.arm == CHAMPION and one not in own}  # fmt: skip
    return msgspec.structs.replace(plan, models=own, waits=waits)
