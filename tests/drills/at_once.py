"""Two commands at once in one working tree: one waits or says why not; nothing else changes."""

import functools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.drills import Outcome, Row, Size
from tests.drills.killed import differences
from tests.drills.killed_search import TRIALS, outcome
from tests.drills.repo import Repo, not_yet_run, reproduced, retrace, seconds, spread, worlds

TITLE = "At once"

SEED = 31
TIMES = {"short": 1, "drill": 3, "full": 10}
MANY = 20  # of those that must always both succeed: a few could pass by luck of timing
# What a command says that cannot run now.
CLEAR = (
    "Unable to acquire lock",
    "is busy, it is being blocked by",
    "are stale",
    "changed while this stage ran",
)
UNCLEAR = "unclear: "
NO_PROMISE = ("dvc repro and dvc exp run",)
ALWAYS = ("dvc repro and retrace experiment",)
Words = tuple[str, ...]


def run(size: Size, folder: Path) -> Outcome:
    """Start each pair of commands at once, then let `dvc repro` finish, and compare."""
    rows, details = [], EXPLAINED
    names = worlds(size)
    pairs = PAIRS if size != "short" else {name: PAIRS[name] for name in SHORT}
    bases = [reproduced(size, world) for world in names]

    def part(which: tuple[str, int]) -> list[str]:
        name, number = which
        place = folder / f"{list(pairs).index(name)}-{number}"
        place.mkdir()
        try:
            return pairs[name](bases[number % len(bases)], place, random.Random(SEED + number))
        except AssertionError as error:
            return [str(error)[-400:]]

    tried = [(name, number) for name in pairs for number in range(times(name, size))]
    ends = dict(zip(tried, spread(part, tried, size), strict=True))
    for name in pairs:
        n_times = times(name, size)
        found = [ends[name, number] for number in range(n_times)]
        lines = [" ".join(reason.split()) for reasons in found for reason in reasons]
        details += "".join(f"- {name}: {line}\n" for line in lines)
        unclear = sum(any(r.startswith(UNCLEAR) for r in reasons) for reasons in found)
        wrong = sum(any(not r.startswith(UNCLEAR) for r in reasons) for reasons in found)
        allowed = n_times if name in NO_PROMISE else 0
        rows.append(Row(f"{name}: results of a serial run", n_times, wrong))
        words = "both succeed" if name in ALWAYS else "one waits or says why not"
        rows.append(Row(f"{name}: {words}", n_times, unclear, allowed))
    lost = sum(row.lost for row in rows[::2])
    figure = f"{len(tried)} pairs of commands at once, {lost} with other results than in turn"
    return Outcome(tuple(rows), figure, details)


def times(name: str, size: Size) -> int:
    return MANY if name in ALWAYS and size != "short" else TIMES[size]


EXPLAINED = """
Both commands start in one working tree, the second after a random share of the first's time. Each
must succeed or say clearly that another one is running, without a traceback. Then `dvc repro` must
give the dvc.lock of a serial run, and the very files. There is no promise for the words of
`dvc exp run`: it takes outputs from under the stages that run, and DVC may end both with "output
... does not exist". docs/experiments.md advises `retrace experiment` beside a running `dvc repro`:
there both must succeed, every time.

"""


def both(repo: Repo, first: Words, second: Words, delay: float) -> tuple[list[str], list[bool]]:
    """Run two commands at once; return what is unclear, and which of them succeeded."""
    logs = [repo.path.with_name(f"{repo.path.name}.{number}.log") for number in (0, 1)]
    one = repo.start(*first, log=logs[0])
    time.sleep(delay)
    two = repo.start(*second, log=logs[1])
    codes = [process.wait() for process in (one, two)]
    outputs = [log.read_text() for log in logs]
    reasons = []
    for code, output, words in zip(codes, outputs, (first, second), strict=True):
        if "Traceback" in output or (code and not any(word in output for word in CLEAR)):
            reasons.append(f"{UNCLEAR}{' '.join(words)} ended with {code}: {output[-500:]}")
    if all(codes):
        reasons.append(f"{UNCLEAR}neither of the two succeeded")
    return reasons, [code == 0 for code in codes]


def two_repros(base: Repo, folder: Path, chance: random.Random) -> list[str]:
    repo = not_yet_run(base, folder / "two")
    repro = ("dvc", "repro")
    reasons, _ = both(repo, repro, repro, chance.uniform(0, 0.7) * seconds(base))
    repo.run(*repro)
    return reasons + differences(repo, base)


def repro_and_experiment(base: Repo, folder: Path, chance: random.Random) -> list[str]:
    """The experiment is in the same working tree: it changes params.yaml before it waits."""
    setting = f"++{problem_of(base)}.train.num_leaves=7"  # also where a world has it for all
    repo = not_yet_run(base, folder / "two")
    experiment = ("dvc", "exp", "run", "--name", "other", "-S", setting)
    delay = chance.uniform(0, 0.9) * seconds(base)
    reasons, (_, ended) = both(repo, ("dvc", "repro"), experiment, delay)
    if ended and results(repo, "other") != results(in_turn(base, experiment), "other"):
        reasons.append("the experiment has other results than one run alone")
    (repo.path / "params.yaml").write_bytes((base.path / "params.yaml").read_bytes())
    repo.run("dvc", "repro")
    return reasons + differences(repo, base, cache=False)


def repro_and_clone(base: Repo, folder: Path, chance: random.Random) -> list[str]:
    """The experiment runs in a clone of its own; only cache and Git are shared."""
    setting = f"++{problem_of(base)}.train.num_leaves=7"
    experiment = retrace("experiment", "--name", "other", "-S", setting)
    repo, serial = base.copy(folder / "two"), in_turn(base, experiment)
    repro = ("dvc", "repro", "--force", "--single-item", *repo.lock())
    reasons, ended = both(repo, repro, experiment, chance.uniform(0, 0.9) * seconds(base))
    if not all(ended):
        return [*reasons, f"{UNCLEAR}one of the two failed"]
    if results(repo, "other") != results(serial, "other"):
        reasons.append("the experiment has other results than one run alone")
    left = sorted(repo.path.glob(".dvc/tmp/retrace/experiments/*"))
    reasons += [f"left over: {path.name}" for path in left]
    repo.run("dvc", "repro")
    return reasons + [r for r in differences(repo, serial) if "dvc.lock" in r]


SERIAL = threading.Lock()


def in_turn(base: Repo, *commands: Words) -> Repo:
    """Return a copy in which commands ran one after another; it is shared: read it."""
    with SERIAL:
        return _in_turn(base.path, commands)


@functools.cache
def _in_turn(path: Path, commands: tuple[Words, ...]) -> Repo:
    repo = Repo(path).copy(path.with_name(f"serial{len(list(path.parent.iterdir()))}"))
    for words in commands:
        repo.run(*words)
    return repo


def results(repo: Repo, experiment: str) -> Any:
    """Return the stages of an experiment's dvc.lock."""
    commit = repo.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    ref = next(name for name in commit if name.endswith(f"/{experiment}"))
    return yaml.safe_load(repo.run("git", "show", f"{ref}:dvc.lock"))["stages"]


def tune_and_repro(base: Repo, folder: Path, chance: random.Random) -> list[str]:
    """A search reads the features while their stage makes them anew."""
    problem = problem_of(base)
    tune = retrace("tune", problem, "--trials", str(TRIALS["short"]))
    repo = base.copy(folder / "two")
    serial = in_turn(base, tune, ("dvc", "repro"))  # the report depends on plots/
    repro = ("dvc", "repro", "--force")
    delay = chance.uniform(0, 0.8) * seconds(base)
    order = [(repro, tune), (tune, repro)][chance.randrange(2)]
    reasons, _ = both(repo, *order, delay if order[0] == repro else delay / 4)
    repo.run(*tune)
    if outcome(repo, problem) != outcome(serial, problem):
        reasons.append("other trials than those of a search alone")
    repo.run("dvc", "repro")
    # The files of trials are named by the time of their search; what is in them was compared.
    return reasons + [one for one in differences(repo, serial) if "trials/" not in one]


def problem_of(base: Repo) -> str:
    params = yaml.safe_load((base.path / "params.yaml").read_text())
    return str(next(iter(params["problems"])))


PAIRS: dict[str, Callable[[Repo, Path, random.Random], list[str]]] = {
    "two dvc repro": two_repros,
    "dvc repro and dvc exp run": repro_and_experiment,
    "dvc repro and retrace experiment": repro_and_clone,
    "dvc repro and retrace tune": tune_and_repro,
}
SHORT = ("two dvc repro",)
