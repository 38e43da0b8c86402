"""A month of simulated traffic through a real server with challengers, and what it shows.

The project has two models that really differ. Outcomes are drawn around the challenger's prediction
in one region, and around the champion's in all others: so what every verdict must say is known.
Meanwhile the server is killed, arms are started, ramped and stopped, a bad challenger is let loose,
and the champion is exchanged and put back.
"""

import contextlib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select

from experiments.promotion import registry
from serving.rollout import Rollout, read_rollouts
from serving.wanted import CHAMPION
from store.database import Store
from store.tables import predictions
from tests.conftest import change_params, commit, run
from tests.online.faults import wait_until_loaded
from tests.online.month_truth import NAME, NEW, OLD, STOPS, Models, Truth
from tests.online.server import Client, RunningServer

WITHIN_SECONDS = 5.0  # a change is served
GUARD_SECONDS = 60.0  # harm is stopped
BETWEEN_SECONDS = 0.1  # of requests beside the days'
LOADED_SECONDS = 30.0
FEW = 80  # tours, where not many are needed
LOOSE = {"most_loss": 1e6, "least_coverage": 0.0, "most_slower": 1e6}  # the verdict is to decide


@dataclass(frozen=True)
class Size:
    """How much traffic there is: each tour comes every day."""

    days: int = 30
    tours: int = 300
    kills: int = 5


@dataclass
class Found:
    """What came of the month. Seconds are from a change to the server's answer."""

    answered: dict[str, str] = field(default_factory=dict, repr=False)  # id -> arm
    failed: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    wrong_arm: int = 0
    moved: int = 0
    subjects: int = 0
    kills: int = 0
    verdicts: list[tuple[str, str, str]] = field(default_factory=list)  # what, expected, said
    changes: dict[str, float] = field(default_factory=dict)
    guard_seconds: float = 0.0
    guard_said: str = ""

    @property
    def wrong_verdicts(self) -> list[tuple[str, str, str]]:
        return [one for one in self.verdicts if one[1] != one[2]]


def two_versions(project: Path) -> None:
    """Register the model of HEAD as the champion, and one that has learnt far less as the next."""
    with contextlib.chdir(project):
        registry.register(Path(), NAME, OLD, "first")
    change_params(project, {NAME: {"train": {"max_rounds": 8}}})
    run(project, "dvc", "repro", f"train@{NAME}", f"evaluate@{NAME}")
    commit(project, "Another model")
    with contextlib.chdir(project):
        registry.wait_for_clock(NAME)
        registry.gto.api.register(Path(), NAME, "HEAD", version=NEW, message="second")


class Month:
    """The server, what is asked of it, and what is noted."""

    def __init__(self, project: Path, server: RunningServer, size: Size) -> None:
        self.project, self.server, self.size = project, server, size
        self.found = Found()
        self.truth, self.models = Truth(project, "M"), Models(project)
        self.arms_of: dict[str, list[str]] = defaultdict(list)
        self.errors: dict[str, list[float]] = defaultdict(list)  # by region, of old and new
        self._client = server.another()
        self._killed, self.n_dark = False, -1
        self._asker = threading.Thread(target=self._ask_always, daemon=True)
        self._over = threading.Event()

    # ---- what is asked

    def ask(self, client: Client, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ask until there is an answer: who was not answered asks again."""
        while True:
            try:
                status, answers = client.ask("POST", f"/v1/{NAME}/predict", rows)
            except OSError as error:
                if not self._killed:
                    self.found.failed[str(error)[:60]] += 1
                time.sleep(0.05)
                continue
            if status != 200:
                self.found.failed[f"{status} {str(answers)[:80]}"] += 1
                return []
            for one in answers:
                self.found.answered[one["id"]] = one["arm"]
            return list(answers)

    def day(self, number: int) -> None:
        """Play a day of all tours, and hold each answer's arm against the file's."""
        rollout = self._rollout()
        for row, answer in self.part(number, self.size.tours):
            wanted = rollout.arm_of(row) if rollout else CHAMPION
            self.found.wrong_arm += answer["arm"] != wanted
            self.arms_of[row["route_id"]].append(answer["arm"])

    def part(self, number: int, n_tours: int, around: str = "") -> list[tuple[Any, Any]]:
        """Play a day of some tours; return rows and answers. Outcomes are drawn around what
        `around` predicts, by default as the region has it."""
        asked: list[tuple[Any, Any]] = []
        step = 40  # tours in one request
        for first in range(0, n_tours, step):
            tours = self.truth.day(number, list(range(first, min(first + step, n_tours))))
            rows = [row for _, own in tours for row in own]
            answers = self.ask(self._client, rows)
            old, new = self.models(rows)
            known = []
            asked += zip(rows, answers, strict=True)
            for row, a, b in zip(rows, old, new, strict=True):
                is_new = (around or (NEW if row["region"] == self.truth.here else OLD)) == NEW
                known.append(self.truth.outcome(row, b if is_new else a))
                seconds = known[-1]["service_seconds"]
                self.errors[row["region"]].append(abs(b - seconds) - abs(a - seconds))
            self._tell(known)
        return asked

    def _tell(self, known: list[dict[str, Any]]) -> None:
        while True:
            try:
                status, said = self._client.ask("POST", f"/v1/{NAME}/outcomes", known)
            except OSError:
                time.sleep(0.05)
                continue
            if status != 200:
                self.found.failed[f"outcomes: {status} {str(said)[:80]}"] += 1
            return

    def _rollout(self) -> Rollout | None:
        return read_rollouts(self.project / "rollout.yaml").get(NAME)

    def _ask_always(self) -> None:
        """Ask beside the days, so that a moment without an answer is seen."""
        client = self.server.another()
        number = 0
        while not self._over.is_set():
            number += 1
            ((_, rows),) = Truth.day(self._beside, number % 5, [100_000 + number % 50])
            self.ask(client, rows)
            self._over.wait(BETWEEN_SECONDS)

    # ---- what happens meanwhile

    def __enter__(self) -> "Month":
        self._beside = Truth(self.project, "B")
        self._asker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._asker.join(60)

    def kill(self) -> None:
        """kill -9, at once after an answer, and start again."""
        self._killed = True
        self.found.kills += 1
        self.server.kill()
        self.server.start()
        self._killed = False

    def retrace(self, *words: str) -> str:
        return run(self.project, "python", "-m", "commands", "rollout", *words)

    def limits(self, name: str, limits: dict[str, float]) -> None:
        """Set limits in the file, as a person would."""
        import yaml

        path = self.project / "rollout.yaml"
        whole = yaml.safe_load(path.read_text())
        whole[NAME][name] = limits
        path.write_text(yaml.safe_dump(whole))
        commit(self.project, "Limits")

    def served(self, words: str, true: Callable[[dict[str, Any]], bool]) -> None:
        """Note how long it takes until the server says so."""
        began = time.monotonic()
        while time.monotonic() < began + 60:
            (model,) = self.server.get("/v1/models")
            if true(model):
                break
            time.sleep(0.05)
        self.found.changes[words] = time.monotonic() - began

    def start(self, arm: str, *words: str) -> None:
        self.retrace("start", NAME, NEW, "--arm", arm, *words)
        self.served(f"start of {arm}", lambda model: arm in _serving(model))

    def judge(self, arm: str, expected: str) -> None:
        said = self.retrace("verdict", NAME, arm, "--store", self.server.store)
        decision = said.partition(": ")[2].partition(":")[0].lower()
        self.found.verdicts.append((arm, expected, decision))
        if decision != expected:
            print(said)


def _serving(model: dict[str, Any]) -> dict[str, float]:
    return {one["arm"]: one["share"] for one in model["challengers"] if one.get("serves")}


def play(project: Path, server: RunningServer, size: Size) -> Found:
    """Play the month on a server that runs with the versions of `two_versions`."""
    with Month(project, server, size) as month:
        _trials(month)
        _promotion(month)
        _bad_one(month)
    return _counted(month)


def _trials(month: Month) -> None:
    """A shadow and two arms, of which one grows; a kill now and then; what the verdicts say."""
    size, truth, found = month.size, month.truth, month.found
    month.start("dark")
    month.limits("guard", LOOSE)
    month.limits("verdict", {"further_margin": 0.5})  # of costs, which are no subject here
    month.start("here", "--mode", "ab", "--share", "0.3", "--where", f"region={truth.here}")
    month.start("there", "--mode", "ab", "--share", "0.5", "--where", f"region={truth.there}")
    kill_on = set(np.linspace(1, size.days - 2, size.kills).astype(int).tolist())
    for day in range(size.days):
        if day == size.days // 3:
            month.retrace("ramp", NAME, "here", "0.45")
            month.served("ramp", lambda model: _serving(model)["here"] == 0.45)
        if day in kill_on:
            month.kill()
        month.day(day)
    _wait_until_loaded(month)
    overall = sum(map(sum, month.errors.values()))
    month.judge("here", "promote")
    month.judge("there", "stop")
    month.judge("dark", "promote" if overall < 0 else "stop")
    for tour, arms in month.arms_of.items():  # the ramp may move one, once, away from the champion
        changes = sum(one != other for one, other in pairwise(arms))
        back = arms[0] != CHAMPION and changes > 0
        found.moved += changes > 1 or back
        found.subjects += bool(tour)
    for arm in ("dark", "here", "there"):
        month.retrace("stop", NAME, arm)
    month.served("stop of all", lambda model: not model["challengers"])


def _promotion(month: Month) -> None:
    """The challenger becomes the champion, and goes back."""
    for version in (NEW, OLD):
        with contextlib.chdir(month.project):
            registry.assign(Path(), NAME, version, "drill")
        month.served(f"prod is {version}", lambda model, of=version: model["version"] == of)
        month.part(month.size.days, FEW)


def _bad_one(month: Month) -> None:
    """A challenger that is worse everywhere is let loose on half of the subjects."""
    month.limits("guard", {})  # the usual ones: those of the trials have stayed
    month.start("bad", "--mode", "ab", "--share", "0.5")
    began = time.monotonic()
    for day in range(100):
        if not _serving(month.server.get("/v1/models")[0]):
            break
        month.part(month.size.days + 1 + day, FEW, around=OLD)
        time.sleep(0.5)
    month.found.guard_seconds = time.monotonic() - began
    (model,) = month.server.get("/v1/models")
    stopped = [one for one in model["challengers"] if one["arm"] == "bad" and "stopped" in one]
    month.found.guard_said = stopped[0]["stopped"] if stopped else ""
    rows = [row for _, own in month.truth.day(40, list(range(40))) for row in own]
    arms = {one["arm"] for one in month.ask(month.server.another(), rows)}
    month.found.wrong_arm += arms != {CHAMPION}


def _wait_until_loaded(month: Month) -> None:
    """Wait until the last day's answers are in the store, those in shadow too."""
    want = month.size.days * month.size.tours * STOPS
    asked = select(func.count()).where(predictions.c.name.like("M%"))
    until = time.monotonic() + LOADED_SECONDS
    while time.monotonic() < until:
        with Store(month.server.store).reading() as connection:
            n_all = connection.execute(asked.where(predictions.c.arm != "dark")).scalar() or 0
            n_dark = connection.execute(asked.where(predictions.c.arm == "dark")).scalar() or 0
        if n_all >= want and n_dark == month.n_dark:
            return
        month.n_dark = n_dark
        time.sleep(1.5)


def _counted(month: Month) -> Found:
    """Count answers that are not on record, and stops of which more than one answer is."""
    wait_until_loaded(month.server)
    columns = predictions.c.id, predictions.c.name, predictions.c.arm
    with Store(month.server.store).reading() as connection:
        stored = connection.execute(select(*columns)).all()
    ids, found = {one.id for one in stored}, month.found
    found.lost = sum(one not in ids for one in found.answered)
    of_stop = Counter(one.name for one in stored if one.arm != "dark")
    found.doubled = sum(n - 1 for n in of_stop.values())
    return found
