"""The list of what is open, made by a process of its own: it reads the world's raw data, which
takes seconds and memory that answers must not wait for.

    python -m serving.listing WORLD AT '{"problem": "folder"}'
"""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from problems import parts
from problems.served import Listed
from retrace.base.errors import RetraceError
from serving.replies import Refusal
from store.messages import say

PATIENCE_SECONDS = 300.0
REFUSED = 3  # exit status: what is printed is why


class OpenLists:
    """The newest list of each world; one is made at a time."""

    def __init__(self, tops: Callable[[], Mapping[str, Path]]) -> None:
        """tops : returns the folder of each problem's model"""
        self._tops = tops
        self._made: dict[str, tuple[str, Listed]] = {}
        self._turn = asyncio.Lock()

    async def of(self, world: str, at: str, *, again: bool = False) -> Listed:
        """Return the list of a moment, by default the end of the data. Refusal where it cannot be
        made."""
        async with self._turn:
            made_at, listed = self._made.get(world, ("", None))
            if listed is None or made_at != at or again:
                listed = await self._make(world, at)
                self._made[world] = (at, listed)
            return listed

    async def _make(self, world: str, at: str) -> Listed:
        tops = json.dumps({name: str(top) for name, top in self._tops().items()})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serving.listing", world, at, tops),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, error = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        except TimeoutError:
            raise Refusal(503, f"the list takes longer than {PATIENCE_SECONDS:.0f} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode == REFUSED:
            raise Refusal(422, out.decode("utf-8", "replace"), "at")
        if process.returncode:
            say(error.decode("utf-8", "replace"), "serve", "error")
            raise Refusal(500, "the list could not be made; the server's log says why.")
        return Listed(**json.loads(out))


def has_list(world: str) -> bool:
    """Whether a world lists what is open."""
    try:
        parts.worklist(world)
    except RetraceError:
        return False
    return True


def main() -> int:
    world, at, tops = sys.argv[1:]
    folders = {name: Path(top) for name, top in json.loads(tops).items()}
    try:
        listed = parts.worklist(world).make(parts.source_of(world), at or None, folders)
    except RetraceError as error:
        sys.stdout.write(str(error))
        return REFUSED
    json.dump(asdict(listed), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
