"""The database by URL: SQLite for one machine, PostgreSQL for several replicas."""

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, func, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from retrace.base.errors import RetraceError

STORE = "RETRACE_STORE"  # in the environment
DEFAULT = "sqlite:///served/store.db"
MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0004"  # of the migrations
START_SECONDS = 600  # for another server that begins with the same model
WAIT_SECONDS = 10  # for a lock, and for PostgreSQL's answer
MORE_SECONDS = 2  # that a statement has which the database ends itself
PATIENCE_SECONDS = 1.0  # of a request that looks up what is known, and of its connection twice that
AWAY = (SQLAlchemyError, OSError)
CACHE_KIB, MAPPED_BYTES = 8 * 1024, 1 << 28
NOT_READ = "what is known cannot be read: the database does not answer. Ask again in a while."


def url_of(given: str | None = None) -> str:
    """Return the database's URL: what is given, else $RETRACE_STORE, which no list of processes
    shows, else a file of this machine."""
    return given or os.environ.get(STORE) or DEFAULT


class StoreAway(RetraceError):
    """The database does not answer."""


class Store:
    """The database: transactions by SQLAlchemy, and the one query of a request by the driver."""

    def __init__(
        self, url: str | None = None, *, existing: bool = False, answer_seconds: int = 0
    ) -> None:
        """StoreAway for a file that is not there where it must be `existing`: asking makes none.

        answer_seconds : after which a statement is given up, also where PostgreSQL hangs and does
            not end it itself; by default it has the seconds of any request, and ends it itself
        """
        url = url_of(url)
        self.engine = _engine(url, answer_seconds=answer_seconds)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if existing and self.is_sqlite and not Path(self.engine.url.database or "").is_file():
            raise StoreAway(f"{self.place}: there is no such database; --store names another.")
        wait = round(2 * PATIENCE_SECONDS)
        by_key: dict[str, Any] = {"poolclass": NullPool, "pool_reset_on_return": None}
        self._by_key = _engine(url, wait=wait, **by_key)  # each thread keeps a connection
        self._of_thread: Any = threading.local()

    @property
    def place(self) -> str:
        """Where it is, without the password."""
        return self.engine.url.render_as_string(hide_password=True)

    def upgrade(self) -> None:
        """Make the tables, or bring those of an older version up to date.

        Raises RetraceError where the database cannot be reached or is newer than this code.
        """
        try:
            if self.is_sqlite:
                Path(self.engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            if self._revision() == HEAD:
                return
            from alembic import command  # takes a while to load, and is seldom needed
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            # Replicas may start together.
            with self.writing("upgrade", START_SECONDS) as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except AWAY as error:
            raise StoreAway(f"{self.place} cannot be opened: {words_of(error)}.") from None
        except Exception as error:  # Alembic's own are not loaded before they are needed
            if type(error).__module__.startswith("alembic"):
                raise RetraceError(
                    f"{self.place} is of another version of this code ({error}). Serve with the "
                    "newer code, or name another database with --store."
                ) from None
            raise

    def _revision(self) -> str | None:
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)

    @contextmanager
    def writing(self, alone: str = "", wait_seconds: int = 0) -> Iterator[Connection]:
        """A transaction that writes; SQLite lets one write at a time, PostgreSQL one of those that
        are `alone` with the same word. `wait_seconds` is for those before it, by default as long as
        any request waits."""
        writes = self.engine.connect().execution_options(writes=wait_seconds or WAIT_SECONDS)
        with writes as connection, connection.begin():
            if wait_seconds and not self.is_sqlite:
                for name in ("statement_timeout", "lock_timeout"):
                    connection.execute(text(f"SET LOCAL {name} = '{wait_seconds}s'"))
            if alone and not self.is_sqlite:
                number = int.from_bytes(hashlib.blake2b(alone.encode(), digest_size=7).digest())
                connection.execute(select(func.pg_advisory_xact_lock(number)))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection

    def insert(self, table: Table) -> Any:
        """Return INSERT as this database has it, with its ON CONFLICT."""
        return (sqlite if self.is_sqlite else postgresql).insert(table)

    def parts(self, basis: str, entities: Sequence[str]) -> dict[str, bytes]:
        """Return what is known of entities, in one query by key, on a connection of the thread.

        Raises StoreAway where the database does not answer.
        """
        for fresh in (False, True):
            try:
                return self._parts(basis, entities, fresh)
            except Exception as error:  # the driver's own; a stale connection is tried once more
                self._of_thread.cursor = None
                with contextlib.suppress(Exception):  # it may hang: close it without a word to it
                    self._of_thread.connection.driver_connection.close()
                if fresh or "timeout" in str(error):
                    raise StoreAway(NOT_READ) from error
        raise AssertionError

    def _parts(self, basis: str, entities: Sequence[str], fresh: bool) -> dict[str, bytes]:
        if not entities:
            return {}
        cursor = None if fresh else getattr(self._of_thread, "cursor", None)
        if cursor is None:
            raw = self._of_thread.connection = self._by_key.raw_connection()
            connection: Any = raw.driver_connection
            if not self.is_sqlite:
                connection.autocommit = True
                connection.wait = partial(connection.wait, timeout=PATIENCE_SECONDS)
            cursor = self._of_thread.cursor = connection.cursor()
        if self.is_sqlite:
            marks = ",".join("?" * len(entities))
            cursor.execute(
                f"SELECT entity, part FROM state WHERE basis = ? AND entity IN ({marks})",  # noqa: S608
                (basis, *entities),
            )
        else:
            cursor.execute(
                "SELECT entity, part FROM state WHERE basis = %s AND entity = ANY(%s)",
                (basis, list(entities)),
            )
        return dict(cursor.fetchall())


@contextmanager
def answering(store: Store) -> Iterator[None]:
    """Say in one line why a database cannot be asked, as where nothing was ever served into it."""
    try:
        yield
    except AWAY as error:
        raise StoreAway(
            f"{store.place} cannot be asked: {words_of(error)}. Where nothing was ever served into "
            "it, --store names another."
        ) from None


def words_of(error: BaseException) -> str:
    """Return an error of a database in one short line, without statement and parameters."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:200] or type(cause).__name__


def _engine(
    url: str, *, wait: int = WAIT_SECONDS, answer_seconds: int = 0, **options: Any
) -> Engine:
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        if url.startswith("sqlite:"):
            path = url.removeprefix("sqlite:///")
            if path in ("", ":memory:") or path.startswith("sqlite:"):
                raise RetraceError(
                    "the log's loader and the server are processes of their own: SQLite needs a "
                    f"file, such as {DEFAULT}."
                )
            engine = create_engine(url, connect_args={"timeout": WAIT_SECONDS}, **options)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        statement = 1000 * (answer_seconds or wait)
        limit = f"-c statement_timeout={statement} -c lock_timeout={wait * 1000}"
        network = {"connect_timeout": wait, "tcp_user_timeout": wait * 1000}  # where it is cut
        network |= {"keepalives_idle": wait, "keepalives_interval": 1, "keepalives_count": 5}
        connect = {**network, "options": limit}
        engine = create_engine(url, pool_pre_ping=True, **options, connect_args=connect)
        if answer_seconds:
            event.listen(engine, "connect", partial(_answer_within, answer_seconds))
        return engine
    except (ArgumentError, ImportError) as error:
        raise RetraceError(
            f"'{url.split('@')[-1]}' is no database: {error}. Expected {DEFAULT} or "
            "postgresql://USER@HOST/DATABASE."
        ) from None


def _answer_within(seconds: int, connection: Any, _record: Any) -> None:
    """Give up a connection of PostgreSQL that does not answer: what hangs ends no statement."""
    from psycopg import OperationalError
    from psycopg.errors import _WaitTimeout

    wait = connection.wait

    def within(generator: Any, *args: Any, **options: Any) -> Any:
        try:
            return wait(generator, *args, **{"timeout": seconds + MORE_SECONDS, **options})
        except _WaitTimeout:
            connection.pgconn.finish()  # without a word, for which it would wait again
            raise OperationalError(f"no answer within {seconds + MORE_SECONDS} s") from None

    connection.wait = within


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin below, and not by themselves
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was committed survives a power cut
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    wait_seconds = connection.get_execution_options().get("writes")
    if wait_seconds:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {1000 * wait_seconds}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if wait_seconds else "BEGIN")
