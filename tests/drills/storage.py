"""Faults of an S3 server and of disks: afterwards the same command completes, and data is whole."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.objects import digest, objects, paths_of, shared
from tests.drills.repo import Repo, reproduced, retrace, spread, worlds
from tests.drills.server import Server, mount_allowed, small_disk

TITLE = "Storage"

SEED = 21
KILLS = {"short": 1, "drill": 6, "full": 20}
Reasons = list[str]


def run(size: Size, folder: Path) -> Outcome:
    """Push and pull through every fault, and count those after which anything is missing."""
    bases = [reproduced(size, world) for world in worlds(size)]
    faults = FAULTS if size != "short" else {name: FAULTS[name] for name in SHORT}
    mount = mount_allowed(folder)
    faults = {name: one for name, one in faults.items() if mount or "disk is full" not in name}
    once = 1 if size == "short" else 2
    names = [name for name, one in faults.items() for _ in range(KILLS[size] if one[1] else once)]

    def part(number: int) -> Reasons:
        case = Case(bases[number % len(bases)], folder / f"case{number}", number)
        return case.run(faults[names[number - 1]][0])

    found = list(zip(names, spread(part, range(1, len(names) + 1), size), strict=True))
    details = EXPLAINED + "".join(f"- {name}: {one}\n" for name, some in found for one in some)
    if not mount:
        details += "- not tried, since this user may not mount: a full disk\n"
    rows = [
        Row(name, names.count(name), sum(one == name and bool(some) for one, some in found))
        for name in faults
    ]
    times, lost = sum(row.times for row in rows), sum(row.lost for row in rows)
    return Outcome(tuple(rows), f"{times} faults, {lost} not made good as documented", details)


# What the operating system and SQLite, which DVC keeps its notes in, say of a full disk.
DISK = ("No space left", "disk is full", "disk I/O error")
# As docs/storage.md has it.
NAME_THEM = "dvc fetch -v 2>&1 | grep corrupted"
EXPLAINED = """
Each fault meets a new S3 server (rclone) on loopback and clones of a project that has run. While it
lasts, a command may fail, with a message and no traceback. When it is over, the same command must
complete, after a push that failed with `retrace storage complete` behind it, and a fresh clone must
pull the same bytes. Damaged objects are repaired as docs/storage.md says.

"""


class Case:
    """One fault: a project that has run, a server, and fresh clones."""

    def __init__(self, base: Repo, folder: Path, seed: int) -> None:
        folder.mkdir()
        self.base, self.folder = base, folder
        self.chance = random.Random(SEED + seed)
        self.reasons: Reasons = []
        self.server = Server(folder / "server")
        self.clones = 0

    def run(self, fault: Callable[["Case"], None]) -> Reasons:
        try:
            fault(self)
        except AssertionError as error:
            self.reasons.append(str(error)[-400:])
        finally:
            self.server.kill()
        return [" ".join(reason.split()) for reason in self.reasons]

    def source(self) -> Repo:
        """Return a copy of the project with all its data, that knows the server."""
        repo = self.base.copy(self.folder / f"source{self.clones}")
        self.clones += 1
        self.server.use(repo)
        return repo

    def clone(self, folder: Path | None = None) -> Repo:
        """Return a fresh clone without any data, that knows the server."""
        repo = self.base.clone((folder or self.folder) / f"clone{self.clones}")
        self.clones += 1
        self.server.use(repo)
        return repo

    def fails(self, repo: Repo, *words: str, with_words: tuple[str, ...] = ()) -> str:
        """Run a command that must fail with a message and no traceback."""
        output = repo.run(*words, ok=False)
        self.clear(output)
        for word in with_words:
            self.expect(word in output, f"{' '.join(words)} does not say '{word}': {output}")
        return output

    def clear(self, output: str) -> None:
        self.expect("Traceback" not in output, f"a traceback: {output}")

    def expect(self, true: bool, reason: str) -> None:
        if not true:
            self.reasons.append(reason[-600:])

    def whole(self, repo: Repo) -> None:
        """Check that all files of a clone are those of the project, byte by byte."""
        for name in self.base.files():
            if not name.startswith(".dvc/"):
                same = repo.path / name
                equal = same.is_file() and same.read_bytes() == (self.base.path / name).read_bytes()
                self.expect(equal, f"{name} is not what was pushed")
        left = [name for name in repo.files() - self.base.files() if not name.endswith(".local")]
        self.expect(not left, f"left over {left}")

    def fresh_pull(self) -> None:
        clone = self.clone()
        clone.run("dvc", "pull")
        self.whole(clone)


# ---- the server dies ---------------------------------------------------------------------------


def killed_while(
    case: Case, repo: Repo, command: str, done: Path, *, new_keys: bool = False
) -> None:
    """Kill the server when a random share of the objects is there; start it again; go on."""
    total = len([name for name in case.base.files() if name.startswith(".dvc/cache/files/")])
    at_once = new_keys or case.chance.random() < 0.5
    share = case.chance.uniform(0.05, 0.8)
    process = repo.start("dvc", command, log=case.folder / "output")
    while process.poll() is None and _count(done) < share * total:
        time.sleep(0.002)
    case.server.kill()
    if at_once:  # while the command still tries
        case.server.start(new_keys=new_keys)
    code = process.wait()
    output = (case.folder / "output").read_text()
    case.clear(output)
    if not at_once:
        case.server.start()
        if code == 0:  # what says that it is done must be done
            case.fresh_pull() if command == "push" else case.whole(repo)
    if new_keys:
        refused = "Access Key Id you provided does not exist" in output or "Forbidden" in output
        case.expect(code == 0 or refused, f"unclear: {output}")
        case.server.use(repo)
    if command == "push":
        push_again(repo)
    else:
        repo.run("dvc", command)


def push_again(repo: Repo) -> None:
    """Push after a push that failed, as docs/storage.md says."""
    repo.run("dvc", "push")
    repo.run(*retrace("storage", "complete"))


def _count(folder: Path) -> int:
    return sum(not path.name.startswith(".") for path in folder.glob("files/md5/*/*"))


def push_killed(case: Case) -> None:
    killed_while(case, case.source(), "push", case.server.bucket)
    case.fresh_pull()


def pull_killed(case: Case) -> None:
    case.source().run("dvc", "push")
    clone = case.clone()
    killed_while(case, clone, "pull", clone.path / ".dvc/cache")
    case.whole(clone)


def push_expired(case: Case) -> None:
    killed_while(case, case.source(), "push", case.server.bucket, new_keys=True)
    case.fresh_pull()


def pull_expired(case: Case) -> None:
    case.source().run("dvc", "push")
    clone = case.clone()
    killed_while(case, clone, "pull", clone.path / ".dvc/cache", new_keys=True)
    case.whole(clone)


# ---- it refuses --------------------------------------------------------------------------------


def wrong_keys(case: Case) -> None:
    source = case.source()
    case.server.use(source, secret="f" * 40)
    case.fails(source, "dvc", "push", with_words=("Forbidden",))
    case.server.use(source)
    source.run("dvc", "push")
    clone = case.clone()
    case.server.use(clone, secret="f" * 40)
    case.fails(clone, "dvc", "pull", with_words=("Forbidden",))
    case.server.use(clone)
    clone.run("dvc", "pull")
    case.whole(clone)


def no_bucket(case: Case) -> None:
    source = case.source()
    case.server.hide_bucket()
    case.fails(source, "dvc", "push", with_words=("bucket does not exist",))
    case.server.show_bucket()
    source.run("dvc", "push")
    case.server.hide_bucket()
    clone = case.clone()
    case.fails(clone, "dvc", "pull", with_words=("bucket does not exist",))
    case.server.show_bucket()
    clone.run("dvc", "pull")
    case.whole(clone)


# ---- an object is damaged ----------------------------------------------------------------------


def corrupted(case: Case) -> None:
    damaged(case, flipped)


def flipped(content: bytes) -> bytes:
    """Flip one bit in the middle, so that the length and most of what it says stay."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def truncated(case: Case) -> None:
    damaged(case, lambda content: content[: len(content) // 2])


def damaged(case: Case, damage: Callable[[bytes], bytes]) -> None:
    """Damage one object of each kind, see it named, and repair it as docs/storage.md says."""
    source = case.source()
    source.run("dvc", "push")
    for key in objects(source):
        good = (source.path / ".dvc/cache" / key).read_bytes()
        case.server.put(key, damage(good))
        clone = case.clone()
        case.clear(clone.run("dvc", "pull", ok=None))
        status = " ".join(clone.run("dvc", "status").split())
        case.expect("up to date" not in status, f"{key} is damaged, and dvc status does not see it")
        by_status = any(f"not in cache: {path}" in status for path in paths_of(source, key))
        named = case.clone()
        words = named.run("sh", "-c", NAME_THEM, ok=None)
        by_name = f".dvc/cache/{key}" in words or f"object {digest(key)} is corrupted" in words
        case.expect(by_name or by_status, f"{key} is not named: {words} {status}")
        source.run("dvc", "push", ok=None)
        case.expect(
            case.server.get(key) != good,
            f"dvc push repairs {key}; docs/storage.md says it does not",
        )
        case.server.put(key, good)
        for healed in (clone, named):
            if key.endswith(".dir"):
                healed.run("dvc", "pull", ok=None)
            healed.run("dvc", "pull")
            case.whole(healed)


def made_again(case: Case) -> None:
    """Heal a damaged object that no cache has: its stage makes it again, with the same bytes."""
    source = case.source()
    source.run("dvc", "push")
    key = objects(source)[0]
    good = (source.path / ".dvc/cache" / key).read_bytes()
    case.server.put(key, good[:-1])
    clone = case.clone()
    case.fails(clone, "dvc", "pull", with_words=("Checkout failed",))
    clone.run("dvc", "repro")
    case.whole(clone)
    case.expect(clone.lock() == case.base.lock(), "dvc.lock is another after dvc repro")


def deleted(case: Case) -> None:
    """Lose one object of each kind."""
    source = case.source()
    source.run("dvc", "push")
    for key in objects(source):
        case.server.delete(key)
        clone = case.clone()
        case.fails(clone, "dvc", "pull", with_words=(digest(key),))
        push_again(source)
        clone.run("dvc", "pull")
        case.whole(clone)


# ---- a disk is full ----------------------------------------------------------------------------


def server_full(case: Case) -> None:
    case.server.kill()
    with small_disk(case.server.folder, _bytes(case.base) // 2) as enlarge:
        case.server.start()
        source = case.source()
        case.fails(source, "dvc", "push")
        enlarge()
        push_again(source)
        case.fresh_pull()
        case.server.kill()


def no_room_for_one(case: Case) -> None:
    """Refuse a file that two folders have: DVC sends the second one's list nevertheless."""
    source = case.source()
    key = shared(source)
    in_the_way = case.server.bucket / key / "directory"
    in_the_way.mkdir(parents=True)
    case.fails(source, "dvc", "push", with_words=(digest(key),))
    shutil.rmtree(in_the_way.parent)
    case.server.kill()
    case.server.start()  # it would remember the directory for seconds
    source.run("dvc", "push")
    case.fails(case.clone(), "dvc", "pull", with_words=(digest(key),))
    push_again(source)
    case.fresh_pull()


def clone_full(case: Case) -> None:
    case.source().run("dvc", "push")
    small = case.folder / "small"
    small.mkdir()
    whole = sum((case.base.path / name).stat().st_size for name in case.base.files())
    with small_disk(small, whole + 4 * _bytes(case.base)) as enlarge:
        clone = case.clone(small)
        filled = small / "filled"
        free = shutil.disk_usage(small).free
        filled.write_bytes(b"0" * (free - _bytes(case.base)))  # a pull needs it twice
        output = case.fails(clone, "dvc", "pull")
        told = any(words in output for words in DISK)
        case.expect(told, f"dvc pull does not name the disk: {output}")
        doctor = clone.run(*retrace("doctor"), ok=False)
        case.expect("FAULT disk " in doctor, f"retrace doctor finds no full disk: {doctor}")
        enlarge()
        clone.run("dvc", "pull")
        case.whole(clone)


def _bytes(repo: Repo) -> int:
    return sum(path.stat().st_size for path in (repo.path / ".dvc/cache").rglob("*"))


# ---- two at once -------------------------------------------------------------------------------


def two_pushes(case: Case) -> None:
    """From two copies, then from one of them."""
    for one, other in [(case.source(), case.source()), [case.source()] * 2]:
        case.server.empty()
        processes = [repo.start("dvc", "push") for repo in (one, other)]
        outputs = [process.communicate()[0] for process in processes]
        for process, output in zip(processes, outputs, strict=True):
            case.clear(output)
            case.expect(process.returncode == 0 or "lock" in output, f"unclear: {output}")
        one.run("dvc", "push")
        case.fresh_pull()


FAULTS: dict[str, tuple[Callable[[Case], None], bool]] = {
    "the server is killed in the middle of a push": (push_killed, True),
    "the server is killed in the middle of a pull": (pull_killed, True),
    "credentials expire in the middle of a push": (push_expired, False),
    "credentials expire in the middle of a pull": (pull_expired, False),
    "credentials are wrong": (wrong_keys, False),
    "the bucket is missing": (no_bucket, False),
    "three objects are corrupted": (corrupted, False),
    "three objects are truncated": (truncated, False),
    "three objects are deleted": (deleted, False),
    "an object is corrupted that no cache has": (made_again, False),
    "the server's disk is full": (server_full, False),
    "no room for a file that two folders have": (no_room_for_one, False),
    "the clone's disk is full": (clone_full, True),
    "two pushes at once": (two_pushes, False),
}
SHORT = ("the server is killed in the middle of a push",)
