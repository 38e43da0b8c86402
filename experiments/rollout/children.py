"""Servers of models whose feature code is not this checkout's: from their tags.

Each is a process of its own, in a worktree of its commit, with an environment of its own where its
locks differ. It is started, watched and ended with the server that asks it.
"""

import ctypes
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from experiments.git import git
from experiments.rollout.resolve import MODELS, has_own_code, stand_in
from retrace.base.errors import RetraceError
from serving.plan import PlannedModel, ServingPlan
from serving.wanted import CHAMPION, Wanted
from store.database import STORE
from store.messages import say

CODE = Path("served/code")
LOCKS = ("requirements.lock", "requirements-serving.lock")
OURS = ("SERVING", "WANTED", "TOKENS", "TOKENS_FILE")  # RETRACE_..., of this server alone
SQLITE = "sqlite:///"
DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG
TRIES = 3  # of a process that ends again and again; then only a new server starts it again
LONG_SECONDS = 60.0  # who has answered for as long may end, and be tried as often as at first


@dataclass
class Child:
    """A server of one model; `ready_at` is when it answered first, on this machine's clock."""

    process: subprocess.Popen[bytes] | None
    port: int
    ready_at: float | None = None
    starts: int = 1

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Children:
    """The servers of versions with other code, by model."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._children: dict[PlannedModel, Child] = {}
        self._champions: dict[str, PlannedModel] = {}  # of other code, that were ready last

    def started(self, plan: ServingPlan) -> ServingPlan:
        """Return the plan with the address of each model that has other code, and what stands in
        for champions among them. A challenger that is not ready yet is left out; for a champion
        the one before is asked on. Others that were started are ended."""
        models, others = list(self.own(plan)), []
        for model in [one for one in plan.models if not has_own_code(one)]:
            others.append(model)
            if model not in self._children:
                self._children[model] = self._start(model)
            before = self._champions.get(model.problem) if model.arm == CHAMPION else None
            if self._children[model].ready_at is not None:
                models.append(self._at(model))
            elif before is not None and before != model and before in self._children:
                others.append(before)
                models.append(self._at(before))
        self._champions = {
            one.problem: msgspec.structs.replace(one, url="")
            for one in models
            if one.arm == CHAMPION and one.url
        }
        for gone in [model for model in self._children if model not in others]:
            _end(self._children.pop(gone))
        waits = {
            one.problem: one.version
            for one, child in self._children.items()
            if one.arm == CHAMPION and one in plan.models and child.ready_at is None
        }
        return msgspec.structs.replace(plan, models=tuple(models), waits=waits)

    def _at(self, model: PlannedModel) -> PlannedModel:
        return msgspec.structs.replace(model, url=self._children[model].url)

    def own(self, plan: ServingPlan) -> tuple[PlannedModel, ...]:
        """Return the models that need no server of their own, and what stands in for champions that
        do."""
        return tuple(
            one if has_own_code(one) else stand_in(one, self.wanted)
            for one in plan.models
            if one.arm == CHAMPION or has_own_code(one)
        )

    def state(self) -> str:
        """Look after the processes; return what of them a plan depends on."""
        for model, child in self._children.items():
            if child.process is not None and child.process.poll() is not None:
                say(f"{model.problem}, {model.arm}: its server ended", "rollout", "error")
                self._children[model] = self._again(model, child)
            elif child.process is not None and child.ready_at is None and _answers(child.port):
                child.ready_at = time.monotonic()
        found = [
            (one.problem, one.arm, child.url, child.ready_at is not None)
            for one, child in self._children.items()
        ]
        return str(sorted(found))

    def stop(self) -> None:
        for child in self._children.values():
            _end(child)
        self._children.clear()

    def _again(self, model: PlannedModel, child: Child) -> Child:
        since = time.monotonic() if child.ready_at is None else child.ready_at
        starts = 0 if time.monotonic() - since > LONG_SECONDS else child.starts
        again = self._start(model) if starts < TRIES else Child(None, 0)
        again.starts = starts + 1
        return again

    def _start(self, model: PlannedModel) -> Child:
        top = Path(model.top)
        if top.parent != MODELS:
            raise RetraceError(
                f"{model.problem}: {model.top} was made by other feature code than this "
                "checkout's. Name its commit, branch or tag as the version: then it answers from "
                "a process with its own code."
            )
        code = _worktree(top.name)
        python = python_of(code)
        store = self.wanted.store
        if store.startswith(SQLITE):
            store = SQLITE + str(Path(store.removeprefix(SQLITE)).absolute())
        name = f"{model.problem}-{model.arm}"
        if model.arm == CHAMPION:  # two may be there for a while
            name += f"-{top.name[:12]}"
        log = Path(self.wanted.log).absolute() / "arms" / name
        log.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        command = [python, "-m", "commands", "serve", model.problem, "--arm", model.arm]
        command += ["--models", str(top.absolute()), "--port", str(port)]
        command += ["--log", str(log), "--called", model.version]
        ours = {f"RETRACE_{one}" for one in OURS}
        env = {name: value for name, value in os.environ.items() if name not in ours}
        process = subprocess.Popen(
            command,
            cwd=code,
            env={**env, STORE: store, "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # no thread of this process holds a lock
        )
        say(f"{model.problem}, {model.arm}: its own code answers on {port}", "rollout")
        return Child(process, port)


def _worktree(commit: str) -> Path:
    """Check a commit out beside this copy, once."""
    path = (CODE / commit).absolute()
    whole = path.with_suffix(".whole")
    if not (whole.exists() and path.is_dir()):
        shutil.rmtree(path, ignore_errors=True)
        git("worktree", "prune")
        git("worktree", "add", "--quiet", "--detach", str(path), commit)
        whole.touch()
    return path


def python_of(code: Path) -> str:
    """Return the interpreter for a worktree: this one, where its locked versions are the same."""
    here = Path()
    if all((here / lock).read_bytes() == (code / lock).read_bytes() for lock in LOCKS):
        return sys.executable
    done = subprocess.run(["make", "environment"], cwd=code, check=False)
    if done.returncode:
        raise RetraceError(
            f"{code}: its locked environment cannot be made; `make environment` there says why."
        )
    return str(code / ".venv/bin/python")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (http.client.HTTPException, OSError):
        return False
    finally:
        connection.close()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


def _end(child: Child) -> None:
    if child.process is None:
        return
    child.process.terminate()
    try:
        child.process.wait(5)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()
