"""The process beside a server that keeps its plan true: it follows tags, `rollout.yaml` and stops.

    python -m experiments.rollout.watch PARENT          with what to follow in its environment

What resolves versions (`follow`) takes seconds and 190 MB to load. That is done once the server is
ready where anything was ever promoted or is tried, and else when something changes first.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from experiments.git import git
from retrace.base.errors import RetraceError
from serving.wanted import PATH, Wanted
from store.messages import say

if TYPE_CHECKING:
    from experiments.rollout.follow import Follow

WANTED = "RETRACE_WANTED"  # in the environment, since it has the database's URL
LOOK_SECONDS = 0.5
RETRY_SECONDS = 1.0
READY_SECONDS = 3.0  # before that the server itself is loading


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


def seen_now() -> str:
    """Return what a plan depends on, of this copy."""
    text = PATH.read_text("utf-8", "replace") if PATH.exists() else ""
    tags = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/tags")
    return f"{tags}\n\n{text}"


class ChangeWatch:
    """Looks for changes, and calls for what resolves them."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self._began = wanted, time.monotonic()
        self._follow: Follow | None = None
        self._said = ""

    def look(self) -> None:
        seen = seen_now()
        is_ready = time.monotonic() > self._began + READY_SECONDS
        if seen != self.wanted.seen or (is_ready and _is_in_use(seen)):
            self._load()
        if self._follow is not None and (seen != self.wanted.seen or self._follow.has_plan):
            self._follow.look(seen)
            self._said = ""

    def _load(self) -> None:
        """Load what resolves versions, once: else the first change would wait for it."""
        if self._follow is not None:
            return
        from experiments.rollout.follow import Follow

        for name in ("registry", "bundles"):
            importlib.import_module(f"experiments.promotion.{name}")
        self._follow = Follow(self.wanted)

    def say(self, problem: str) -> None:
        """Print a problem once."""
        if problem != self._said:
            say(f"rollout: the plan stays as it was: {problem}", "rollout", "error")
        self._said = problem

    def stop(self) -> None:
        if self._follow is not None:
            self._follow.children.stop()


def _is_in_use(seen: str) -> bool:
    """Whether anything was ever promoted, or is tried: then something may change at any time."""
    tags, _, text = seen.partition("\n\n")
    return "#" in tags or any(line.strip() and line[0] != "#" for line in text.splitlines())


def main() -> int:
    parent, said = int(sys.argv[1]), json.loads(os.environ[WANTED])
    say(f"Following {PATH} and the stages' tags.", "rollout")
    watch = ChangeWatch(Wanted(**{**said, "problems": tuple(said["problems"])}))
    try:
        while os.getppid() == parent:
            try:
                watch.look()
            except RetraceError as error:
                watch.say(str(error))
            time.sleep(LOOK_SECONDS)
    finally:
        watch.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
