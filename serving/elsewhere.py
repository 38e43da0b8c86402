"""A model whose feature code is not this process's own: it answers behind a URL, and puts on record
itself what it answers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from problems import parts
from retrace.base import paths
from retrace.fit.bundle import Bundle
from serving.model import Answer, Asked
from serving.plan import PlannedModel
from serving.wanted import CHAMPION

if TYPE_CHECKING:
    import aiohttp

MOST_SECONDS = 1.0  # until another model answers in its place


class Failed(Exception):
    """A model elsewhere did not answer."""


class Answering(Protocol):
    """What answers requests, and has put on record what it answers."""

    async def answer(self, asked: Asked) -> list[Answer]: ...


class Elsewhere:
    """A model of a problem behind a URL, asked as any other server is."""

    def __init__(self, model: PlannedModel) -> None:
        self.model = model
        self.url = f"{model.url}/v1/{model.problem}/predict"
        self._time = parts.find_problem(model.problem).time
        self._session: aiohttp.ClientSession | None = None

    async def answer(self, asked: Asked) -> list[Answer]:
        """Raises Failed where it does not answer in time, or refuses."""
        import aiohttp  # takes a while to load, and is seldom needed

        if self._session is None:
            limit = aiohttp.ClientTimeout(total=MOST_SECONDS)
            self._session = aiohttp.ClientSession(timeout=limit)
        headers = {"Content-Type": "application/json", "X-Request-Id": asked.request}
        explain = {"explain": "true"} if asked.explain else None
        body = msgspec.json.encode(asked.rows)
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, params=explain
            ) as response:
                said = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from None
        if status != 200:
            raise Failed(f"{status}: {said[:200].decode('utf-8', 'replace')}")
        answers: list[dict[str, Any]] = msgspec.json.decode(said)
        pairs = zip(answers, asked.rows, strict=True)
        return [Answer(one, b"", self._at_its_time(row, one), asked.request) for one, row in pairs]

    def _at_its_time(self, row: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """Return a row with the moment at which it was answered, where it has none."""
        if self._time is None or row.get(self._time):
            return row
        return {**row, self._time: answer["as_of"]}

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class ChampionElsewhere(Elsewhere):
    """A champion of other code; of what is told of it, `card` and `fingerprint` are its own."""

    def __init__(self, model: PlannedModel) -> None:
        super().__init__(model)
        bundle = Bundle.load(Path(model.top) / paths.bundle(model.problem))
        self.card, self.fingerprint = bundle.card, bundle.fingerprint


class WithStandIn:
    """A champion elsewhere with the last one of this process's own code, which stands in for what
    the other does not answer: for rows that are refused, too, as it says why.

    answered : is told of answers that came from elsewhere; failed : of the error where none came
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        stand_in: Answering,
        answered: Callable[[Sequence[Answer]], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.elsewhere, self.stand_in = elsewhere, stand_in
        self._answered, self._failed = answered, failed

    async def answer(self, asked: Asked) -> list[Answer]:
        """Raises what the stand-in's answers raise."""
        if asked.arm != CHAMPION:  # elsewhere all is recorded under one arm
            return await self.stand_in.answer(asked)
        try:
            found = await self.elsewhere.answer(asked)
        except Failed as error:
            answers = await self.stand_in.answer(asked)  # unless the rows are at fault
            self._failed(error)
            return answers
        self._answered(found)
        return found
