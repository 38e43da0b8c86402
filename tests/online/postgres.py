"""A PostgreSQL of a test's own, from Debian's package, on loopback; dead or alive."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.online.server import free_port

USER = "postgres"  # PostgreSQL does not run as root


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


class Postgres:
    """A server of its own folder; the database is `test`, and loopback needs no password."""

    def __init__(self, folder: Path, port: int) -> None:
        where = programs()
        assert where is not None
        self.where, self.folder, self.port = where, folder, port

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{USER}"

    def another(self, name: str) -> str:
        """Make a further, empty database; return its URL."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return self.url.removesuffix(USER) + name

    def run(self, name: str, *words: str) -> None:
        command = [str(self.where / name), *words]
        user = USER if os.getuid() == 0 else None
        with (self.folder / "output.txt").open("ab") as output:
            subprocess.run(
                command, check=True, user=user, cwd=self.folder, stdout=output, stderr=output
            )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-o", options, "start")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let all its processes stand still, as those of a machine that hangs."""
        head = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        status = Path(f"/proc/{head}/task/{head}/children").read_text().split()
        processes = [head, *map(int, status)]
        for one in processes:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in processes:
                os.kill(one, signal.SIGCONT)

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for the block."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam(USER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = Postgres(folder, free_port())
    try:
        server.run("initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
