"""Exchanges the models of a running process when its plan changes, without losing a request."""

import asyncio
import gc
import time

import msgspec
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from retrace.base.errors import RetraceError
from serving.api import Api
from serving.lineup import Lineup, lineup_of
from serving.plan import ServingPlan, read_plan
from store.database import AWAY, Store, words_of
from store.known import StoredState
from store.messages import say
from store.servers import BEAT_SECONDS, ServedModel, beat
from store.tables import events
from store.watched import add_counts

LOOK_SECONDS = 0.5


class Exchange:
    """Follows the plan's file; `Api.plan_problem` is why its newest content is not served."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._file, self._changed_at = api.lineup.plan.file, 0
        self._catch_up = CatchUp(api.store)
        self._told: Lineup | None = None
        self._tell_at = 0.0

    async def watch(self) -> None:
        """Look twice a second, for as long as the process lives."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except (RetraceError, OSError, msgspec.MsgspecError, *AWAY) as error:
                problem = str(error) if isinstance(error, RetraceError) else words_of(error)
                if problem != self.api.plan_problem:
                    say(f"plan: not served as it is: {problem}", "serve", "error")
                self.api.plan_problem = problem

    async def _look(self) -> None:
        changed_at = self._file.stat().st_mtime_ns if self._file.exists() else 0
        if changed_at != self._changed_at:
            plan = read_plan(self._file)
            if plan != self.api.lineup.plan:
                await self._exchange(plan)
            self._changed_at, self.api.plan_problem = changed_at, ""
        if self.api.remembered is None or not self.api.remembered.away:
            await run_in_threadpool(self._tell)
            await run_in_threadpool(self._catch_up, self.api.lineup.states)

    def _tell(self) -> None:
        """Tell the database every few seconds what is served here, and at once when it changes."""
        lineup = self.api.lineup
        if lineup is self._told and time.monotonic() < self._tell_at:
            return
        models = [ServedModel(*one) for one in lineup.used]
        beat(self.api.store, lineup.plan.address, models)
        if untold := self.api.numbers.untold():
            add_counts(self.api.store, untold)
        self._told, self._tell_at = lineup, time.monotonic() + BEAT_SECONDS

    async def _exchange(self, plan: ServingPlan) -> None:
        """Load, take events into the new models' states, make up for those that came meanwhile, and
        only then answer with them."""
        api, before = self.api, self.api.lineup
        lineup = await run_in_threadpool(lineup_of, plan, api.store, api.params, before)
        await run_in_threadpool(lineup.begin, before)
        if api.remembered is not None:
            for known in lineup.states:
                known.remembered = api.remembered
            api.remembered.follow([known.basis for known in lineup.states])
        api.take_events(lineup)
        await run_in_threadpool(self._catch_up, lineup.states, always=True)
        api.use(lineup)
        gc.freeze()  # what stays is not looked at again; to collect now would keep requests waiting
        await _close(before, lineup)
        for problem, arm, version, *_ in [one for one in lineup.used if one not in before.used]:
            say(f"{problem}: {arm} is {version}", "serve")


class CatchUp:
    """Takes into states the events that came to other servers, which may not know the models of
    this one."""

    def __init__(self, store: Store) -> None:
        self.store, self._newest = store, -1

    def __call__(self, states: list[StoredState], *, always: bool = False) -> None:
        with self.store.reading() as connection:
            newest = connection.execute(select(func.max(events.c.number))).scalar() or 0
        if newest == self._newest and not always:
            return
        for world in sorted({known.world for known in states}):
            with self.store.writing(world) as connection:
                for known in states:
                    if known.world == world:
                        known.take_in(connection)
        self._newest = newest


async def _close(before: Lineup, now: Lineup) -> None:
    """Close the connections of challengers elsewhere that are not asked any more, once those that
    they were asked last have had their time."""
    gone = [one for place, one in before.elsewhere.items() if now.elsewhere.get(place) is not one]
    if gone:
        await asyncio.sleep(2 * LOOK_SECONDS)
    for one in gone:
        await one.close()
