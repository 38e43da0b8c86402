"""The process beside a server that keeps its plan true: it follows tags, `rollout.yaml` and stops.

    python -m experiments.rollout.watch PARENT          with what to follow in its environment

A file that breaks its schema and a version that cannot be brought here change nothing: what was
served is served on, and the server's output says why.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
import time

import msgspec

from experiments.git import git
from experiments.rollout.children import Children
from experiments.rollout.guard import GuardedArms
from experiments.rollout.resolve import Wanted, plan_of
from retrace.base.errors import RetraceError
from serving.plan import ServingPlan
from serving.rollout import PATH, moment_of
from store.database import AWAY, Store
from store.stops import stops_in

WANTED = "RETRACE_WANTED"  # in the environment, since it has the database's URL
LOOK_SECONDS = 0.5
GUARD_SECONDS = 5.0
RETRY_SECONDS = 1.0


def keep_watching(wanted: Wanted) -> None:
    """Start the process, and start it again when it ends; it ends when this one does."""
    if not wanted.is_followed:
        return
    command = [sys.executable, "-m", "experiments.rollout.watch", str(os.getpid())]
    env = {**os.environ, WANTED: json.dumps(wanted._asdict())}

    def keep() -> None:
        while True:
            subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=env)
            time.sleep(RETRY_SECONDS)

    threading.Thread(target=keep, daemon=True).start()


def stops_of(url: str | None) -> dict[tuple[str, str, str], str]:
    """Return why arms were stopped, by problem, arm and since; nothing from a database that is not
    there yet, or away."""
    try:
        return stops_in(Store(url, existing=True))
    except (RetraceError, *AWAY):
        return {}


class Watch:
    """Follows what a plan depends on."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self.store = wanted, Store(wanted.store)
        self.children, self.guard = Children(wanted), GuardedArms(self.store)
        self._seen, self._said = "", ""
        self._plan: ServingPlan | None = None
        self._guard_at = 0.0

    def look(self) -> None:
        """Write the plan anew where something has changed, and let the guard look at arms."""
        stopped = stops_of(self.wanted.store)
        seen = json.dumps([_file(), _tags(), sorted(map(list, stopped)), self._n_ended()])
        seen += self.children.state()
        if seen != self._seen:
            plan = self.children.started(plan_of(self.wanted, stopped))
            plan = msgspec.structs.replace(plan, address=self.wanted.address)
            if plan != self._plan:
                plan.write()
            self._plan, self._seen, self._said = plan, seen, ""
        if self._plan is not None and time.monotonic() >= self._guard_at:
            self._guard_at = time.monotonic() + GUARD_SECONDS
            for line in self.guard.look(self._plan):
                print(line, flush=True)

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

    def say(self, problem: str) -> None:
        """Print a problem once."""
        if problem != self._said:
            print(f"rollout: the plan stays as it was: {problem}", flush=True)
        self._said = problem


def _file() -> str:
    return PATH.read_text("utf-8", "replace") if PATH.exists() else ""


def _tags() -> str:
    return git("for-each-ref", "--format=%(refname) %(objectname)", "refs/tags")


def main() -> int:
    parent, said = int(sys.argv[1]), json.loads(os.environ[WANTED])
    for name in ("registry", "bundles"):  # now, and not when somebody waits for a change
        importlib.import_module(f"experiments.promotion.{name}")
    print(f"Following {PATH} and the stages' tags.", flush=True)
    watch = Watch(Wanted(**{**said, "problems": tuple(said["problems"])}))
    try:
        while os.getppid() == parent:
            try:
                watch.look()
            except (RetraceError, *AWAY) as error:
                watch.say(str(error))
            time.sleep(LOOK_SECONDS)
    finally:
        watch.children.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
