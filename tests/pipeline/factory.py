"""A small model factory: payments as monthly files and in a store, origin and remote by paths.

`project` has the first months in data/external/fraud and a champion that has learnt little; a store
is told what comes after, as servers would tell it.
"""

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import yaml

from experiments.promotion import record, registry
from experiments.promotion.bundles import recorded_hash
from problems import parts
from problems.fraud.simulate import SIMULATOR
from problems.parts import find_problem
from problems.rows import RowReader
from retrace.base import paths
from retrace.base.params import read_params
from store.database import Store
from store.fact import outcome_facts, row_facts
from store.facts import WorldEvents
from tests.conftest import ROOT, change_params, commit, copy_project, environment, of_world, run
from tests.forked import quick

NAME = "fraud"
MONTHS = Path("data/external") / NAME
HISTORY = 7  # months that are files from the start; the simulation has ten
COLUMNS = ["transaction_id", "at", "customer_id", "terminal_id", "amount", "is_fraud", "known_at"]
SMALL = {
    "simulate": {"transactions": 12_000, "fraud_rate": 0.03},
    "features": {"history": True},
    "split": {"days": {"train": 120, "valid": 21, "calibration": 14, "delay": 5, "test": 30}},
    "train": {"max_rounds": 30, "early_stopping_rounds": 10, "learning_rate": 0.1},
    "evaluate": {"slice_min_rows": 20},
    "gate": {"min_gain": 0.0, "calibration": {"least": 0.1, "most": 10.0}},  # of 1,200 rows
}
WEAK = {"train": {"max_rounds": 1, "learning_rate": 0.001}}
Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Factory:
    """A copy of the project with all that a cycle needs beside it."""

    top: Path

    @property
    def project(self) -> Path:
        return self.top / "project"

    @property
    def store(self) -> str:
        return f"sqlite:///{self.top / 'store.db'}"

    @property
    def work(self) -> Path:
        return self.project / "served/cycle" / NAME

    def git(self, *words: str) -> str:
        """Ask origin."""
        return run(self.top / "origin.git", "git", *words).strip()

    def command(self, at: str, *words: str) -> list[str]:
        return ["retrace", "cycle", NAME, "--at", at, "--store", self.store, *words]

    def push(self, change: Callable[[Path], None], message: str) -> None:
        """Push a change of the project, as a person would."""
        run(self.project, "git", "pull", "-q", "--ff-only", "origin", "main")
        change(self.project)
        commit(self.project, message)
        run(self.project, "git", "push", "-q", "origin", "main")

    def tell(self, month: str, change: Change = lambda rows: rows) -> None:
        """Tell the store the payments of a month, and what came of them."""
        rows = change(payments(self.project).query("at.str.startswith(@month)"))
        store = Store(self.store)
        store.upgrade()
        with contextlib.chdir(self.project):
            problem, world = find_problem(NAME), parts.world(NAME)
            there, known = RowReader.of_rows(world), RowReader.of_outcomes(world, problem)
            asked = rows[[one.name for one in there.columns]].to_dict("records")
            told = rows[[one.name for one in known.columns]].to_dict("records")
            history = parts.features(NAME).history
            facts = row_facts(world, asked, there.read(asked))
            facts += outcome_facts(problem, history, told, known.read(told))
        WorldEvents(store, [], 7.0).add(facts)

    def cycle(self, at: str, *words: str, status: int = 0, env: Mapping[str, str] = {}) -> str:
        """Run a cycle as of a day; return what it said. It must end with this status."""
        done = subprocess.run(
            self.command(at, *words),
            cwd=self.project,
            env=quick({**environment(), **env}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}"
        return done.stdout


def in_prod(factory: Factory) -> str:
    """Return the version that origin's tags have in prod."""
    tags = factory.git("tag", "--list", "--sort=-version:refname", f"{NAME}#prod#*").splitlines()
    return factory.git("tag", "--points-at", f"{tags[0]}^{{commit}}", "--list", f"{NAME}@v*")


def payments(project: Path) -> pd.DataFrame:
    """Return all payments of the simulation as text and numbers, in order of time."""
    with contextlib.chdir(project):
        settings = read_params(SIMULATOR.settings, f"{NAME}.simulate")
    (rows,) = SIMULATOR.simulate(settings).raw.values()
    for name in ("at", "known_at"):
        rows[name] = rows[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return rows[COLUMNS].astype({"is_fraud": "int64"})


def make_factory(top: Path) -> Path:
    """Make it in a folder that is not there yet: fraud v0.0.1 is the champion, all is pushed."""
    project = top / "project"
    for folder in (project, top / "remote"):
        folder.mkdir(parents=True)
    run(top, "git", "init", "-q", "--bare", "-b", "main", "origin.git")
    copy_project(project)
    (project / "dvc.lock").unlink()
    alone = of_world(yaml.safe_load((ROOT / "params.yaml").read_text("utf-8")), NAME)
    alone |= {"simulators": [], "backtests": {}}
    alone["worlds"][NAME]["source"] = MONTHS.as_posix()
    (project / "params.yaml").write_text(yaml.safe_dump(alone, sort_keys=False), "utf-8")
    change_params(project, {NAME: SMALL})
    change_params(project, {NAME: WEAK})
    (project / MONTHS).mkdir(parents=True)
    rows = payments(project)
    for month, of_month in list(rows.groupby(rows["at"].str[:7]))[:HISTORY]:
        of_month.to_csv(project / MONTHS / f"{month}.csv", index=False)
    run(project, "git", "remote", "add", "origin", "../origin.git")
    run(project, "dvc", "remote", "modify", "storage", "url", "../remote")
    run(project, "dvc", "add", "-q", MONTHS.as_posix())
    run(project, "dvc", "repro", "-q", f"evaluate@{NAME}")
    commit(project, "A weak model")
    run(project, "dvc", "push", "-q", "--with-deps", f"evaluate@{NAME}")
    run(project, "git", "push", "-q", "-u", "origin", "main")
    registry.register(project, NAME, "v0.0.1", "By hand")  # the gate would not take it
    run(project, "git", "push", "-q", "origin", "--tags")
    change_params(project, {NAME: SMALL})  # from now on models learn as much as they can
    run(project, "dvc", "repro", "-q", f"evaluate@{NAME}")
    commit(project, "A model that somebody has kept out of use")
    with contextlib.chdir(project):
        model = recorded_hash("HEAD", paths.bundle(NAME))
        kept = record.kept_path(NAME, str(model))
        kept.parent.mkdir(parents=True)
        kept.write_text("By hand\n", "utf-8")
    commit(project, "Kept")
    run(project, "dvc", "push", "-q", "--with-deps", f"evaluate@{NAME}")
    run(project, "git", "push", "-q", "origin", "main")
    Store(Factory(top).store).upgrade()
    return top


@contextlib.contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """Receive what is posted on loopback; yield the address, host:port, and the bodies so far."""
    told: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()
