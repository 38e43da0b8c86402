"""The challengers in shadow: a process beside the servers, which answers what they were asked.

    python -m serving.shadow PARENT        with the servers' plan in its environment

Its answers go to the log, as the servers' do, and to nobody else. It reads no faster than it
answers: what servers cannot show it they skip, and count.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from retrace.base.errors import RetraceError
from serving.elsewhere import Elsewhere
from serving.exchange import CatchUp
from serving.lineup import load
from serving.mirror import SOCKET, ShownRow, address, decode
from serving.model import Asked, Served
from serving.plan import PlannedModel, ServingPlan, exported, read_plan
from serving.rollout import CHALLENGER, SHADOW, Challenger
from serving.settings import serving_params
from serving.together import batches
from store.database import AWAY, Store, StoreAway, answering, words_of
from store.loader import Loader
from store.log import LogWriter
from store.messages import say

LOOK_SECONDS = 1.0
MOST_BYTES = 1 << 20  # of a message
MOST_WAITING = 64  # messages, before no more are read
NICENESS = 10
Shadow = tuple[str, str, Challenger, Served | Elsewhere]  # problem, arm


class Shadows:
    """What is in shadow of a plan."""

    def __init__(self, plan: ServingPlan) -> None:
        self.plan, self.store, self.params = plan, Store(plan.store), serving_params()
        self.log = LogWriter(Path(plan.log))
        self._catch_up = CatchUp(self.store)
        self._waiting: deque[list[ShownRow]] = deque()
        self._came, self._went = asyncio.Event(), asyncio.Event()
        self.shadows: list[Shadow] = []
        self._loaded: dict[PlannedModel, Served | Elsewhere] = {}

    def load(self, plan: ServingPlan) -> None:
        """Load what a plan has in shadow. RetraceError where it cannot be loaded."""
        loader = Loader(self.store, Path(plan.log))
        found: list[Shadow] = []
        loaded: dict[PlannedModel, Served | Elsewhere] = {}
        with answering(self.store):
            for model in plan.models:
                rollout = plan.rollout(model.problem)
                challenger = rollout.challengers.get(model.arm) if rollout else None
                if challenger is None or challenger.mode != SHADOW:
                    continue
                one = self._loaded.get(model)
                if one is None and model.url:
                    one = Elsewhere(model)
                elif one is None:
                    one = load(model, self.store, loader, self.params, CHALLENGER)
                    one.begin()
                loaded[model] = one
                found.append((model.problem, model.arm, challenger, one))
        self.plan, self.shadows, self._loaded = plan, found, loaded

    async def read(self, connection: socket.socket) -> None:
        """Read what one server shows."""
        loop = asyncio.get_running_loop()
        with connection:
            while message := await loop.sock_recv(connection, MOST_BYTES):
                with contextlib.suppress(msgspec.MsgspecError):
                    self._waiting.append(decode(message))
                self._came.set()
                while len(self._waiting) > MOST_WAITING:
                    self._went.clear()
                    await self._went.wait()

    async def answer(self) -> None:
        """Answer what was shown, batch after batch."""
        while True:
            await self._came.wait()
            self._came.clear()
            rows = [row for message in self._waiting for row in message]
            self._waiting.clear()
            self._went.set()
            try:
                states = [one.known for *_, one in self.shadows if isinstance(one, Served)]
                self._catch_up([known for known in states if known is not None])
                for shadow in self.shadows:
                    await self._answer(shadow, rows)
                    await asyncio.sleep(0)
            except (RetraceError, OSError, *AWAY) as error:
                say(f"shadow: {len(rows)} rows are lost: {words_of(error)}", "shadow", "error")

    async def _answer(self, shadow: Shadow, rows: Sequence[ShownRow]) -> None:
        problem, arm, challenger, one = shadow
        mine = [row for row in rows if row.problem == problem and challenger.takes(row.row)]
        asked = [
            Asked([row.row for row in of_request], request, arm=arm)
            for request, of_request in groupby(mine, lambda row: row.request)
        ]
        if isinstance(one, Elsewhere):
            for request in asked:
                with _told(problem, arm):
                    await one.answer(request)
            return
        for batch in batches(one, asked):
            try:
                answers = one.answer_together(batch)
            except Exception:  # whatever it is: the others of the batch are answered
                answers = []
                for request in batch:
                    with _told(problem, arm):
                        answers += one.answer_together([request])
            self.log.append(b"".join(answer.line for own in answers for answer in own))

    async def watch(self, parent: int) -> None:
        """Follow the plan; end when nothing is in shadow any more, and with the server."""
        changed_at = 0
        while os.getppid() == parent:
            await asyncio.sleep(LOOK_SECONDS)
            file = self.plan.file
            found = file.stat().st_mtime_ns if file.exists() else 0
            if found == changed_at:
                continue
            changed_at = found
            try:
                plan = read_plan(file)
                if plan != self.plan:
                    self.load(plan)
            except (RetraceError, OSError, msgspec.MsgspecError, *AWAY) as error:
                say(f"shadow: the plan cannot be followed: {words_of(error)}", "shadow", "error")
            if not self.shadows:
                return


@contextlib.contextmanager
def _told(problem: str, arm: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever it is: it is this challenger's alone
        say(f"shadow: {problem}, {arm}: {type(error).__name__}: {error}", "shadow", "error")


async def _begin(shadows: Shadows, plan: ServingPlan, parent: int) -> None:
    """Load the plan and begin its states, as soon as the database answers."""
    told = ""
    while True:
        try:
            return shadows.load(plan)
        except StoreAway as error:
            if os.getppid() != parent:
                raise
            if str(error) != told:
                told = str(error)
                say(f"shadow: {told}", "shadow", "error")
        await asyncio.sleep(LOOK_SECONDS)


async def serve(plan: ServingPlan, parent: int) -> None:
    """Answer in shadow until the plan has nothing there, or the server is gone."""
    path = Path(plan.log) / SOCKET
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    shadows = Shadows(plan)
    await _begin(shadows, plan, parent)
    with address(path.parent) as short:
        listening.bind(short)
    path.chmod(0o600)
    listening.listen()
    listening.setblocking(False)
    loop = asyncio.get_running_loop()
    tasks = {loop.create_task(shadows.answer())}

    async def accept() -> None:
        while True:
            connection, _ = await loop.sock_accept(listening)
            connection.setblocking(False)
            task = loop.create_task(shadows.read(connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    accepting = loop.create_task(accept())
    try:
        await shadows.watch(parent)
    finally:
        accepting.cancel()
        listening.close()
        path.unlink(missing_ok=True)
        shadows.log.close()


def main() -> int:
    os.nice(NICENESS)
    if hasattr(os, "SCHED_BATCH"):  # Linux: it never takes the processor from a server that wakes
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    plan = exported()
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        plan = read_plan(plan.file)
    try:
        asyncio.run(serve(plan, int(sys.argv[1])))
    except RetraceError as error:
        say(f"shadow: {error}", "shadow", "error")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
