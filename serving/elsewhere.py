"""A challenger whose feature code is not this process's own: it answers behind a URL, and puts on
record itself what it answers."""

from typing import TYPE_CHECKING, Any

import msgspec

from serving.model import Answer, Asked

if TYPE_CHECKING:
    import aiohttp

MOST_SECONDS = 1.0  # until the champion answers in its place


class Failed(Exception):
    """A challenger elsewhere did not answer."""


class Elsewhere:
    """A model of a problem behind a URL, asked as any other server is."""

    def __init__(self, problem: str, url: str) -> None:
        self.url = f"{url}/v1/{problem}/predict"
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
        rows = zip(answers, asked.rows, strict=True)
        return [Answer(answer, b"", row, asked.request) for answer, row in rows]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
