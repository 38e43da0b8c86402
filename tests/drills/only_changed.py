"""After a change of one key or one file, dvc wants the stages that depend on it, and no others."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import read_yaml
from tests.drills import Outcome, Row, Size
from tests.drills.repo import Repo, cores, reproduced, spread, traced, worlds

TITLE = "Only what changed"

# `dvc status` over and over: the very command, but Python and DVC are loaded once, and a text is
# parsed once, which DVC does again for every stage.
STATUS = """
import functools, pickle, sys
from dvc.cli import main
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml
from fsspec.implementations.memory import MemoryFileSystem

parse = _yaml.parse_yaml

@functools.lru_cache(maxsize=8)
def parsed(text, path):
    return pickle.dumps(parse(text, path))

def parse_yaml(text, path, typ="safe"):
    return pickle.loads(parsed(text, path)) if typ == "safe" else parse(text, path, typ)

_yaml.parse_yaml = strictyaml.parse_yaml = parse_yaml
for _ in sys.stdin:
    MemoryFileSystem.store.clear()  # as a new process has it; DVC leaves listings of folders there
    code = main(["status", "--json"])
    print(f"\\nEND {code}", flush=True)
"""
MOST = 3  # changes that the same stages depend on, in `make drills`; default sizes try all
CHECKED_EACH = 50  # of so many changes one is asked of a new process, too
SHORT = 4  # changes of each kind in the short version
# What a stage depends on without opening it, and what it opens although DVC cannot depend on it.
STANDS_FOR = {"requirements.lock": ("train", "backtest")}  # the installed versions
PASSED = "metrics/validation/"  # of a world: nothing is built on data that did not pass
BUILT_ON_IT = ("featurize", "backtest")
CHECKS = "problems/*/checks.yaml"  # keys
NOT_BY_FILE = ("params.yaml", "dvc.yaml", "dvc.lock")  # keys; the DAG itself


@dataclass(frozen=True)
class Edit:
    """A file's new content, made when it is tried, and the stages that depend on what it changes.

    `declared` are those that name the file, or a package that has it, although they do not use it.
    """

    what: str
    file: str
    content: Callable[[], bytes]
    expected: frozenset[str]
    declared: frozenset[str] = frozenset()


def run(size: Size, folder: Path) -> Outcome:
    """Edit every key and every file, one at a time, and compare what `dvc status` wants."""
    repo = reproduced(size, worlds(size)[0] if size == "short" else None)
    used = traced(repo)
    kinds = {
        "a key of params.yaml or checks.yaml changed": list(of_keys(repo, used)),
        "a file of the project changed": list(of_files(repo, used)),
        "only a comment changed": list(of_comments(repo)),
    }
    if size == "drill":
        kinds = {kind: some_of_each(changes) for kind, changes in kinds.items()}
    if size == "short":
        kinds = {kind: random.Random(2).sample(c, min(SHORT, len(c))) for kind, c in kinds.items()}
    rows, details = [], EXPLAINED
    more = 0
    for number, (kind, changes) in enumerate(kinds.items()):
        wrong, declared = tried(repo, changes, folder / f"copies{number}")
        rows.append(Row(kind, len(changes), len(wrong)))
        details += "".join(f"- {line}\n" for line in wrong)
        more += len(declared)
    times, lost = sum(row.times for row in rows), sum(row.lost for row in rows)
    rows.append(Row(BY_PACKAGE, more, more, allowed=more))
    figure = f"{times:,} changes, {lost} with a stage missing or too many in dvc status"
    return Outcome(tuple(rows), figure, details)


BY_PACKAGE = "a file of a package that a stage declares and does not use"


EXPLAINED = f"""
A stage depends on the project files that it imports or opens and on the keys that it reads, as
recorded while it runs (`tests/pipeline/trace.py`); `train` and `backtest` also on
`requirements.lock`; `featurize` and `backtest` on `validate` having passed. `page` prints every
parameter of its problem and world with its comment; a comment alone makes nothing run. DVC allows
no dependency on `dvc.yaml`. Empty package files are left as they are:
`tests/pipeline/test_declared.py` allows them no content. Every {CHECKED_EACH}th change is asked of
a `dvc status` in a new process, too. Of the changes that the very same stages depend on, `make
drills` tries {MOST}, drawn by chance, and `make drills-full` all.

dvc.yaml declares packages, and one list of them for all worlds: a stage is also wanted after a
change of a file there that it does not import. That is counted in a row of its own.

"""


def some_of_each(changes: list[Edit]) -> list[Edit]:
    """Return MOST changes, by chance, of all that the same stages depend on and declare."""
    alike: dict[Any, list[Edit]] = {}
    for change in random.Random(2).sample(changes, len(changes)):
        alike.setdefault((change.expected, change.declared), []).append(change)
    return [change for same in alike.values() for change in same[:MOST]]


# ---- what depends on what ----------------------------------------------------------------------


def of_keys(repo: Repo, used: dict[str, dict[str, list[str]]]) -> Iterator[Edit]:
    for file in ("params.yaml", *repo.run("git", "ls-files", CHECKS).splitlines()):
        values = yaml.safe_load((repo.path / file).read_text())
        for at, value in leaves(values):
            key = ".".join(at)
            readers = {
                stage
                for stage, found in used.items()
                if any(f"{file}:{key}.".startswith(_of_file(read)) for read in found["keys"])
            }
            content = partial(written, values, at, other(value))
            yield Edit(f"{file}:{key}", file, content, frozenset(readers))


def _of_file(read: str) -> str:
    """`params.yaml:price.train` stands for the keys below it, `checks.yaml:` for the whole file."""
    return read if read.endswith(":") else f"{read}."


def of_files(repo: Repo, used: dict[str, dict[str, list[str]]]) -> Iterator[Edit]:
    made = {
        out["path"]: stage for stage, entry in repo.lock().items() for out in entry.get("outs", [])
    }
    problems = read_yaml(repo.path / "params.yaml")["problems"]
    deps = {s: [dep["path"] for dep in one.get("deps", [])] for s, one in repo.lock().items()}
    for name in repo.run("git", "ls-files").splitlines():
        path = repo.path / name
        if not path.stat().st_size or name in NOT_BY_FILE or fnmatch(name, CHECKS):
            continue
        expected = {s for s, found in used.items() if name in found["files"] + found["opened"]}
        expected |= {
            stage for path, stage in made.items() if name == path or name.startswith(f"{path}/")
        }
        expected |= {s for s in used if s.partition("@")[0] in STANDS_FOR.get(name, ())}
        if name.startswith(PASSED):
            asked = {p for p, entry in problems.items() if entry["world"] == Path(name).stem}
            expected |= {s for b in BUILT_ON_IT for p in asked if (s := f"{b}@{p}") in used}
        declared = {
            stage
            for stage, paths in deps.items()
            if any(f"{name}/".startswith(f"{path}/") for path in paths)
        }
        changed = partial(longer, path, b"\n# changed\n")
        yield Edit(name, name, changed, frozenset(expected), frozenset(declared - expected))


def of_comments(repo: Repo) -> Iterator[Edit]:
    for name in NOT_BY_FILE:
        changed = partial(longer, repo.path / name, b"# only a comment\n")
        yield Edit(f"a comment in {name}", name, changed, frozenset())


def longer(path: Path, more: bytes) -> bytes:
    return path.read_bytes() + more


def written(values: Any, at: tuple[str, ...], value: Any) -> bytes:
    """Return nested dicts as YAML, with another value at one place."""
    return yaml.safe_dump(replaced(values, at, value), sort_keys=False).encode()


def leaves(node: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*at, key))
    else:
        yield at, node


def replaced(node: Any, at: tuple[str, ...], value: Any) -> Any:
    """Return a copy of nested dicts with another value at one place."""
    return {**node, at[0]: replaced(node[at[0]], at[1:], value)} if at else value


def other(value: Any) -> Any:
    """Return a value of the same type, but another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return [*value, value[-1] if value else 1]
    return {"more": 1} if isinstance(value, dict) else 1


# ---- what dvc wants ----------------------------------------------------------------------------


def tried(repo: Repo, changes: list[Edit], folder: Path) -> tuple[list[str], list[str]]:
    """Make each change in a copy of the project; return a line for each wrong answer, and for each
    that is only due to a package."""
    folder.mkdir()
    parts = len(cores()) if len(changes) > 2 * SHORT else 1

    def part(number: int) -> list[tuple[bool, str]]:
        copy = repo.copy(folder / str(number))
        with Status(copy) as status:
            return [found for c in changes[number::parts] if (found := wrong(copy, c, status))]

    found = sorted(one for some in spread(part, range(parts), "drill") for one in some)
    return [line for known, line in found if not known], [line for known, line in found if known]


def wrong(
    copy: Repo, change: Edit, status: Callable[[], frozenset[str]]
) -> tuple[bool, str] | None:
    """Return what is wrong in what dvc wants after a change, and whether its package is why."""
    path = copy.path / change.file
    before = path.read_bytes()
    path.write_bytes(change.content())
    try:
        wanted = status()
    finally:
        path.write_bytes(before)
    missing, more = change.expected - wanted, wanted - change.expected
    words = [f"missing {', '.join(sorted(missing))}"] if missing else []
    words += [f"too many {', '.join(sorted(more))}"] if more else []
    line = f"`{change.what}`: {'; '.join(words)}"
    return (not missing and more <= change.declared, line) if words else None


class Status:
    """Ask `dvc status` which stages it wants to run."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.asked = 0

    def __enter__(self) -> "Status":
        self.process = subprocess.Popen(
            [sys.executable, "-c", STATUS],
            cwd=self.repo.path,
            env=self.repo.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert not self(), "dvc status wants stages before anything is changed"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def __call__(self) -> frozenset[str]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        text = ""
        for line in self.process.stdout:
            if line.startswith("END "):
                break
            text += line
        wanted = _stages(text)
        self.asked += 1
        if self.asked % CHECKED_EACH == 0:
            new = _stages(self.repo.run("dvc", "status", "--json"))
            assert new == wanted, f"another answer in a new process: {new ^ wanted}"
        return wanted


def _stages(text: str) -> frozenset[str]:
    """Return the stages of `dvc status --json`; what cannot be read stands for itself."""
    for line in text.splitlines():
        if line.startswith("{"):
            return frozenset(json.loads(line))
    return frozenset({f"no answer: {text.strip()}"})
