"""Which servers there are, and what each serves: they say so every few seconds."""

import os
import socket
import time
from dataclasses import dataclass

import msgspec
from sqlalchemy import delete, select

from store.database import Store
from store.tables import servers

BEAT_SECONDS = 5.0
GONE_SECONDS = 20.0  # a server that has said nothing for so long is gone
FORGOTTEN_SECONDS = 86_400.0


class ServedModel(msgspec.Struct, frozen=True):
    """A model that a server answers with, since when in microseconds."""

    problem: str
    arm: str
    version: str
    fingerprint: str
    since: int


@dataclass(frozen=True)
class Server:
    """A process that answers; seen_at in microseconds."""

    address: str
    host: str
    pid: int
    seen_at: int
    models: tuple[ServedModel, ...]


def beat(store: Store, address: str, models: list[ServedModel]) -> None:
    """Say what this process serves now."""
    now, host, pid = time.time_ns() // 1000, socket.gethostname(), os.getpid()
    said = {"seen_at": now, "models": msgspec.json.encode(models).decode()}
    row = store.insert(servers).values(address=address, host=host, pid=pid, **said)
    row = row.on_conflict_do_update(index_elements=["host", "pid", "address"], set_=said)
    old = servers.c.seen_at < now - round(FORGOTTEN_SECONDS * 1e6)
    with store.writing() as connection:
        connection.execute(row)
        connection.execute(delete(servers).where(old))


def servers_in(store: Store) -> list[Server]:
    """Return the processes that have said within `GONE_SECONDS` what they serve, by address."""
    since = time.time_ns() // 1000 - round(GONE_SECONDS * 1e6)
    asked = select(servers).where(servers.c.seen_at >= since)
    with store.reading() as connection:
        rows = connection.execute(asked.order_by(servers.c.address, servers.c.pid)).all()
    decode = msgspec.json.Decoder(tuple[ServedModel, ...]).decode
    return [Server(row.address, row.host, row.pid, row.seen_at, decode(row.models)) for row in rows]
