"""What arrived together is answered together.

Features, look-up, encoding and the line of the log take hardly longer for eight rows than for one.
So the requests that wait when the event loop comes round are one batch, and none of them waits for
more to come. Each is answered as if it were alone: the row path is the batch path, to the bit.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from serving.model import Answer, Asked, Rowset, Served
from store.database import StoreAway

MOST_ROWS = 32  # of a batch: others are served between two of them
LOOKUPS = 4  # at once, each with a connection of its own; who waits to write has other threads
FEW_ROWS = 20  # of a request that the event loop itself answers


class _Waiting(NamedTuple):
    asked: Asked
    rowset: Rowset
    answers: "asyncio.Future[list[Answer]]"


class Together:
    """Answers the requests of one model in one process.

    record : puts answers on record; what it raises, nobody is answered
    waits  : whether another machine is waited for, so that a thread must
    """

    def __init__(
        self,
        served: Served,
        record: Callable[[Sequence[Answer]], None],
        waits: Callable[[], bool],
    ) -> None:
        self.served, self._record, self._waits = served, record, waits
        self._lookups = CapacityLimiter(LOOKUPS)
        self._waiting: list[_Waiting] = []
        self._at_work: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Asked) -> list[Answer]:
        """Return the answers of one request, which are on record by then.

        Raises what `Served.answer` does, and what `record` does.
        """
        loop = asyncio.get_running_loop()
        one = _Waiting(asked, self.served.fits(asked.rows), loop.create_future())
        self._waiting.append(one)
        if len(self._waiting) == 1:
            loop.call_soon(self._begin)
        return await one.answers

    def _begin(self) -> None:
        places = first_batch([(len(one.asked.rows), one.rowset) for one in self._waiting])
        batch = [self._waiting[place] for place in places]
        self._waiting = [one for at, one in enumerate(self._waiting) if at not in places]
        loop = asyncio.get_running_loop()
        if self._waiting:
            loop.call_soon(self._begin)
        asked = [one.asked for one in batch]
        if self._waits() or len(asked[0].rows) >= FEW_ROWS:
            task = loop.create_task(self._in_thread(batch, asked))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        else:
            self._finish(batch, self._answered(asked))

    async def _in_thread(self, batch: Sequence[_Waiting], asked: Sequence[Asked]) -> None:
        answer = partial(self._answered, asked)
        self._finish(batch, await run_sync(answer, limiter=self._lookups))

    def _answered(self, asked: Sequence[Asked]) -> list[list[Answer] | Exception]:
        """Return the answers of each request, or its error: the fault of one is no other's."""
        try:
            return [*self.served.answer_together(asked)]
        except StoreAway as error:
            return [error] * len(asked)
        except Exception as error:  # whatever it is, no other request of the batch may end by it
            if len(asked) == 1:
                return [error]
            return [self._answered([one])[0] for one in asked]

    def _finish(self, batch: Sequence[_Waiting], found: Sequence[list[Answer] | Exception]) -> None:
        answers = [answer for own in found if isinstance(own, list) for answer in own]
        try:
            if answers:
                self._record(answers)
        except Exception as error:  # whatever it is: what is not on record, nobody is answered
            found = [error if isinstance(own, list) else own for own in found]
        for one, own in zip(batch, found, strict=True):
            if one.answers.done():  # nobody waits any more
                continue
            if isinstance(own, list):
                one.answers.set_result(own)
            else:
                one.answers.set_exception(own)


def batches(served: Served, asked: Sequence[Asked]) -> list[list[Asked]]:
    """Return requests in batches, each of which may be answered together."""
    left, found = [(len(one.rows), served.fits(one.rows), one) for one in asked], []
    while left:
        places = first_batch([(n_rows, rowset) for n_rows, rowset, _ in left])
        found.append([left[place][2] for place in places])
        left = [one for place, one in enumerate(left) if place not in places]
    return found


def first_batch(sizes: Sequence[tuple[int, Rowset]]) -> dict[int, None]:
    """Return the places of the first request and of those that fit to it, of requests by number of
    rows and what they have; a large one is alone."""
    (n_rows, first), *rest = sizes
    batch, groups = {0: None}, {*first.groups}
    room = MOST_ROWS - n_rows if n_rows < FEW_ROWS else 0
    for place, (n_rows, (further, own)) in enumerate(rest, start=1):
        fits = n_rows < min(FEW_ROWS, room + 1) and further == first.further
        if fits and not own & groups:
            batch[place] = None
            groups |= own
            room -= n_rows
    return batch
