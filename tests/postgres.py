"""A PostgreSQL server for as long as a test needs it, where one is installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = all(map(shutil.which, ("initdb", "pg_ctl", "postgres")))
SETTINGS = "-c listen_addresses= -c fsync=off -k {folder}"


@contextmanager
def local_postgres() -> Iterator[str]:
    """Yield the url of an empty database; it listens on a socket in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket has 107 letters
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses root
    if user:
        shutil.chown(folder, user)

    def run(*words: str) -> None:
        subprocess.run(words, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    data, log = str(folder / "data"), str(folder / "log")
    try:
        run("initdb", "--pgdata", data, "--auth=trust", "--username=tester", "--no-sync")
        run("pg_ctl", "--pgdata", data, "-l", log, "-o", SETTINGS.format(folder=folder), "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run("pg_ctl", "--pgdata", data, "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
