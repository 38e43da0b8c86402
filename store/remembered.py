"""What was last read of the states, for as long as PostgreSQL does not answer.

Each server remembers the whole state of its models, as it was a minute ago at most, and what it has
read since. It costs one query a minute, and memory; so a state that is larger than
`serving.remembered_mb` is not remembered. Nothing of it is on a disk, where `retrace forget` would
have to look for it on every machine: a person who is forgotten is gone here a minute later.

SQLite is a file of this machine, and is not remembered.
"""

import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import select

from retrace.base.errors import RetraceError
from store.database import AWAY, NOT_READ, Store, StoreAway, words_of
from store.messages import say
from store.tables import INTERVAL, state

PROBE_SECONDS = 1.0
WHOLE_SECONDS = 60.0
READ_AT_ONCE = 500
Remembering = dict[str, tuple[int, bytes]]  # by entity: when it was read, and its part


class Remembered:
    """What is known of entities, from the database or, where that is `away`, from memory."""

    def __init__(self, store: Store, most_bytes: int) -> None:
        self.store, self.most_bytes, self.away = store, most_bytes, False
        self._known: dict[str, Remembering] = {}  # by basis
        self._whole_at: dict[str, int] = {}
        self._asked: tuple[str, ...] = ()
        self._bases: list[str] = []  # those of them that are not too large
        self._read_at = float("-inf")

    @property
    def problem(self) -> str:
        """Why the database cannot be used; empty where it can."""
        return NOT_READ if self.away else ""

    @property
    def is_whole(self) -> bool:
        """Whether the states of all models are remembered."""
        return all(basis in self._known for basis in self._asked)

    def follow(self, bases: Sequence[str]) -> None:
        """Remember the states of these models, and of no others."""
        for gone in set(self._known) - set(bases):
            self._known.pop(gone, None)
        new = [basis for basis in bases if basis not in self._asked]
        self._bases = [basis for basis in bases if basis in new or basis in self._bases]
        self._asked, self._read_at = tuple(bases), float("-inf")

    def watch(self, begin: Callable[[], None] = lambda: None) -> None:
        """Ask the database every second whether it answers, and every minute for all it knows.

        `begin` comes first: at once or, where the database does not answer, as soon as it does.
        What else it raises, such as for a database of newer code, is raised.
        """
        ahead = []
        try:
            begin()
        except (StoreAway, *AWAY) as error:
            self.lose(error)
            ahead.append(begin)
        threading.Thread(target=self._watch, args=ahead, daemon=True).start()

    def parts(self, basis: str, entities: Sequence[str]) -> tuple[dict[str, bytes], int | None]:
        """Return what is known of entities; where it is from memory also the moment, in
        microseconds, since when no news of them was seen.

        Raises StoreAway where the database does not answer and nothing is remembered.
        """
        if not entities:
            return {}, None
        if not self.away:
            try:
                found = self.store.parts(basis, entities)
            except StoreAway as error:
                self.lose(error)
            else:
                self._remember(basis, entities, found)
                return found, None
        return self._recalled(basis, entities)

    def _try(self, ask: Callable[[], None]) -> bool:
        """Whether the database answered."""
        try:
            ask()
        except (RetraceError, *AWAY) as error:
            self.lose(error)
            return False
        return True

    def lose(self, error: BaseException) -> None:
        """Take note that the database does not answer; the watch finds when it does again."""
        if not self.away:
            say(f"store: away: {words_of(error.__cause__ or error)}", "serve", "error")
        self.away = True

    def read_whole(self, basis: str) -> None:
        """Read the whole state of a model; nothing is remembered of one that is too large."""
        began, n_bytes = _now(), 0
        fresh: Remembering = {}
        asked = select(state.c.entity, state.c.part).where(state.c.basis == basis)
        with self.store.reading() as connection:
            for name, part in connection.execution_options(yield_per=READ_AT_ONCE).execute(asked):
                fresh[name] = began, part
                n_bytes += len(part)
                if n_bytes > self.most_bytes:
                    said = f"store: more than {self.most_bytes:,} bytes are not remembered"
                    say(said, "serve", "warning")
                    self._known.pop(basis, None)
                    self._bases = [one for one in self._bases if one != basis]
                    return
        before = self._known.get(basis, {})
        fresh |= {name: one for name, one in list(before.items()) if one[0] > began}
        self._whole_at[basis] = began
        self._known[basis] = fresh

    def _remember(self, basis: str, entities: Sequence[str], found: dict[str, bytes]) -> None:
        known = self._known.get(basis)
        if known is None:
            return
        now = _now()
        for name in entities:
            if name in found:
                known[name] = now, found[name]
            else:
                known.pop(name, None)

    def _recalled(self, basis: str, entities: Sequence[str]) -> tuple[dict[str, bytes], int | None]:
        known = self._known.get(basis)
        if known is None:
            raise StoreAway(NOT_READ)
        for name in entities:
            if name.startswith(INTERVAL) and name not in known:
                earlier = (one for one in list(known) if INTERVAL <= one <= name)
                if (newest := max(earlier, default=None)) is not None:
                    known[name] = known[newest]
        found = {name: known[name] for name in entities if name in known}
        moments = [at for at, _ in found.values()]
        if len(found) < len(entities):  # of the others nothing was known when all was read
            moments.append(self._whole_at[basis])
        return {name: part for name, (_, part) in found.items()}, min(moments)

    def _watch(self, *ahead: Callable[[], None]) -> None:
        for begin in ahead:
            while not self._try(begin):
                time.sleep(PROBE_SECONDS)
        while True:
            self._try(self._look)
            time.sleep(PROBE_SECONDS)

    def _look(self) -> None:
        """See whether the database answers, and read what is to be remembered."""
        self.store.parts("", [""])
        if self.away or time.monotonic() - self._read_at > WHOLE_SECONDS:
            self._read_at = time.monotonic()  # first: others may be followed meanwhile
            for basis in [*self._bases]:
                self.read_whole(basis)
        if self.away:
            say("store: the database answers again", "serve")
        self.away = False


def _now() -> int:
    return time.time_ns() // 1000
