"""One cycle of a problem at a time, on all machines: the reference refs/retrace/cycle/<problem>.

The lock is where the cycle's work goes, in origin: who can push has it at hand, every Git host
changes a reference atomically (`--force-with-lease`), and no database has to be there. Its commit
says who holds it. The holder renews it; a lock that has lapsed, or whose process on this machine is
dead, is taken over.
"""

import json
import socket
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from experiments.git import git
from retrace.base.errors import RetraceError

LEASE_MINUTES = 30.0  # of a holder on another machine that renews it no more
APART_MINUTES = 5.0  # clocks of two machines
POLL_SECONDS = 2.0
FASTER = ("stale info", "cannot lock ref", "already exists")  # Git's words where another was


@dataclass(frozen=True)
class LockHolder:
    """Who has the lock. Moments are seconds since 1970; `machine` names this start of a machine and
    the space of its process ids, so that a container is none of its neighbours."""

    host: str
    machine: str
    pid: int
    started: float
    since: float
    until: float

    @classmethod
    def me(cls) -> "LockHolder":
        process, now = psutil.Process(), time.time()
        until = now + 60 * LEASE_MINUTES
        return cls(socket.gethostname(), _machine(), process.pid, process.create_time(), now, until)

    def is_gone(self) -> bool:
        """Whether the lock is nobody's any more."""
        if self.machine == _machine():
            try:
                return bool(psutil.Process(self.pid).create_time() != self.started)
            except psutil.NoSuchProcess:
                return True
        return time.time() > self.until + 60 * APART_MINUTES

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC)
        return f"{self.host}, process {self.pid}, since {since:%F %T} UTC"


class Locked(RetraceError):
    """Another cycle of the problem is at work."""


class CycleLock:
    """The lock of a problem; `folder` is a repository of its own for its commits."""

    def __init__(self, url: str, problem: str, folder: Path, mine: str = "") -> None:
        self.url, self.problem, self.folder = url, problem, folder
        self.ref = f"refs/retrace/cycle/{problem}"
        self.mine = mine  # the commit that says that this process has it
        self._pushing = threading.Lock()
        self._ended = threading.Event()

    def acquire(self, wait_minutes: float) -> None:
        """Take the lock, and wait for it. Raises Locked, which says who has it."""
        if not (self.folder / "HEAD").exists():
            git("init", "--quiet", "--bare", str(self.folder))
        until = time.monotonic() + 60 * wait_minutes
        while True:
            there = self._there()
            holder = self._holder(there) if there else None
            is_free = holder is None or holder.is_gone()
            if is_free and self._swap(there, self._said(LockHolder.me())):
                return
            if time.monotonic() >= until:
                break
            time.sleep(POLL_SECONDS)
        there = self._there()
        who = (self._holder(there) if there else None) or "another that has just begun"
        raise Locked(f"a cycle of {self.problem} is at work: {who}. Nothing was done here.")

    def holder(self) -> LockHolder | None:
        """Return who has the lock; None where nobody has."""
        if not (self.folder / "HEAD").exists():
            git("init", "--quiet", "--bare", str(self.folder))
        there = self._there()
        found = self._holder(there) if there else None
        return None if found is None or found.is_gone() else found

    def keep(self) -> None:
        """Renew the lock now and then, from a thread, until it is released."""
        threading.Thread(target=self._renew, daemon=True).start()

    def check(self) -> None:
        """Raise Locked where another has taken the lock over, so that this process must not act."""
        with self._pushing:
            if not self.mine or self._there() != self.mine:
                raise Locked(
                    f"the lock of {self.problem} is another's by now: this process had not renewed "
                    f"it for {LEASE_MINUTES:g} minutes. It has changed nothing since then."
                )

    def release(self) -> None:
        self._ended.set()
        with self._pushing:
            if self.mine:
                self._swap(self.mine, "")

    def _renew(self) -> None:
        while not self._ended.wait(60 * LEASE_MINUTES / 3):
            with self._pushing:
                holder = self._holder(self.mine)
                until = time.time() + 60 * LEASE_MINUTES
                if not self._ended.is_set() and holder is not None:
                    self._swap(self.mine, self._said(replace(holder, until=until)))

    def _there(self) -> str:
        found = git("ls-remote", self.url, self.ref).split()
        return found[0] if found else ""

    def _holder(self, commit: str) -> LockHolder | None:
        try:
            git("fetch", "--quiet", "--no-tags", self.url, self.ref, folder=self.folder)
            return LockHolder(
                **json.loads(git("show", "-s", "--format=%B", commit, folder=self.folder))
            )
        except (RetraceError, TypeError, ValueError):  # it was released meanwhile
            return None

    def _said(self, holder: LockHolder) -> str:
        tree = git("mktree", folder=self.folder, stdin="")
        said = json.dumps(asdict(holder))
        who = ("-c", "user.name=Retrace", "-c", "user.email=retrace@localhost")
        return git(*who, "commit-tree", tree, "-m", said, folder=self.folder)

    def _swap(self, old: str, new: str) -> bool:
        """Put `new` in the place of `old`, "" for none; False where something else was there."""
        lease = f"--force-with-lease={self.ref}:{old}"
        try:
            git("push", "--quiet", lease, self.url, f"{new}:{self.ref}", folder=self.folder)
        except RetraceError as error:
            if not any(words in str(error) for words in FASTER) and self._there() == old:
                raise  # origin takes nothing
            return False
        self.mine = new
        return True


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"
