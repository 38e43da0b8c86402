"""Small versions of the project that tests run: other parameters, never another code path."""

import contextlib
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock
from hypothesis import settings

from tests.forked import by_path, quick

settings.register_profile("any machine", deadline=None)  # a busy one is no failure
settings.load_profile("any machine")

if "PYTEST_XDIST_WORKER" in os.environ:  # a processor each; fits have the same bytes on any number
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
LOCK = "dvc.lock"
SMALL = {
    "price": {
        "simulate": {"rows": 2500},
        "text": {"hash_bits": 15, "max_iterations": 15, "nets": 0},
        "train": {"max_rounds": 60, "early_stopping_rounds": 10, "learning_rate": 0.1},
        "evaluate": {"slice_min_rows": 20},
        "gate": {"coverage": {"least": 0.6, "most": 1.0}},  # of 250 rows
    },
    "service_time": {
        "simulate": {"stops": 4000, "months": 12, "new_region_month": 8},
        "train": {"max_rounds": 60, "early_stopping_rounds": 10, "learning_rate": 0.1},
        "evaluate": {"slice_min_rows": 20},
        "backtest": {"first_periods": 9, "train": {"max_rounds": 20}},
    },
    "fraud": {
        "simulate": {"transactions": 12_000, "fraud_rate": 0.03},
        "train": {"max_rounds": 60, "early_stopping_rounds": 10, "learning_rate": 0.1},
        "evaluate": {"slice_min_rows": 20},
        "backtest": {"first_periods": 7, "train": {"max_rounds": 20}},
    },
    "orders": {"simulate": {"orders": 1500, "futures": 16}},
    **{
        name: {
            "train": {"max_rounds": 60, "early_stopping_rounds": 10, "learning_rate": 0.1},
            "evaluate": {"slice_min_rows": 20},
            "backtest": {"first_periods": 15, "train": {"max_rounds": 20}},
        }
        for name in ("order_completion", "order_stuck")
    },
}


def run(folder: Path, *command: str, ok: bool = True, **env: str) -> str:
    """Run a command in `folder`; return what it printed. `ok` says whether it must succeed."""
    done = subprocess.run(
        by_path(command),
        cwd=folder,
        env=quick({**environment(), **env}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1700,
    )
    assert (done.returncode == 0) == ok, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
    return done.stdout


def run_stages(folder: Path, *stages: str) -> None:
    """Run stages such as `train@price` in this process: to start one takes as long as a stage."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for stage in stages:
            name, _, what = stage.partition("@")
            importlib.import_module(f"stages.{name}").main(what)


def environment() -> dict[str, str]:
    """The environment of a user: this Python's folder first, no settings of the test run."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Without the cache of bytecode each stage would compile its modules anew; with the flags of
    # `make test ARGS=...` a `make` inside a test would take them for its own.
    ours = ("PYTEST", "PYTHONDONTWRITEBYTECODE", "MAKE", "MFLAGS", "ARGS")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    identity = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
    }
    return {**kept, **identity, "PATH": path, "DVC_NO_ANALYTICS": "1"}


def make_venv(project: Path) -> None:
    """Give the copy this Python's environment under its own name, with the marks of `make`."""
    venv = project / ".venv"
    venv.mkdir()
    real = Path(sys.prefix)
    for name in ("bin", "lib", "include", "pyvenv.cfg"):
        (venv / name).symlink_to(real / name)
    shown = run(project, "make", "--dry-run", "--print-data-base", "repro")
    variables = dict(line.split(" := ", 1) for line in shown.splitlines() if " := " in line)
    for name in ("MADE", "RUN", "DEV", "SERVING", "PROJECT"):
        (project / variables[name]).touch()


def change_params(folder: Path, changes: dict) -> None:
    """Merge `changes` into params.yaml."""
    path = folder / "params.yaml"
    params = read_yaml(path)

    def merge(into: dict, new: dict) -> None:
        for key, value in new.items():
            if isinstance(value, dict) and isinstance(into.get(key), dict):
                merge(into[key], value)
            else:
                into[key] = value

    merge(params, changes)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def read_yaml(path: Path) -> Any:
    """Read a file with the parser in C: of dvc.lock the other one takes half a second."""
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


def copy_project(target: Path) -> Path:
    """Copy what Git has or would have, and make it a repository of its own."""
    listed = run(ROOT, "git", "ls-files", "-co", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    run(target, "git", "init", "-q", "-b", "main")
    return target


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh copy of the project with small parameters, committed; nothing has run yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    copy_project(folder)
    change_params(folder, SMALL)
    (folder / "dvc.lock").unlink(missing_ok=True)
    commit(folder, "Small parameters")
    return folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that all workers of a test run share: the first to ask makes it."""
    here = factory.getbasetemp()
    shared = here.parent if "PYTEST_XDIST_WORKER" in os.environ else here
    folder, whole = shared / name, shared / f"{name}.whole"
    with FileLock(shared / f"{name}.lock"):
        if not whole.exists():
            make(folder)
            whole.touch()
    return folder


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project whose DAG has run, committed. Read it, or clone it; do not change it."""

    def make(folder: Path) -> None:
        folder.mkdir()
        copy_project(folder)
        change_params(folder, SMALL)
        (folder / "dvc.lock").unlink(missing_ok=True)
        run(folder, "dvc", "repro", PATH=traced_python(folder.parent, quick(environment())["PATH"]))
        commit(folder, "Small parameters")

    return made_once(tmp_path_factory, "reproduced", make)


def world_alone(reproduced: Path, factory: pytest.TempPathFactory, world: str) -> Path:
    """The reproduced project with one world alone, where DVC has a fourth to look at; committed.
    Clone it; do not change it."""

    def make(folder: Path) -> None:
        shutil.copytree(reproduced, folder, symlinks=True)
        params, lock = (read_yaml(folder / name) for name in ("params.yaml", LOCK))
        alone = of_world(params, world)
        ours = {world, *alone["problems"]}
        kept = {n: entry for n, entry in lock["stages"].items() if n.partition("@")[2] in ours}
        others = (stage for name, stage in lock["stages"].items() if name not in kept)
        run(folder, "rm", "-rf", *(out["path"] for stage in others for out in stage["outs"]))
        for file, content in {"params.yaml": alone, LOCK: {**lock, "stages": kept}}.items():
            (folder / file).write_text(yaml.safe_dump(content, sort_keys=False))
        run(folder, "dvc", "repro")  # the report
        run(folder, "dvc", "gc", "--workspace", "--force")
        commit(folder, "One world")

    return made_once(factory, f"reproduced_{world}", make)


@pytest.fixture(scope="session")
def reproduced_price(reproduced: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reproduced project with prices alone. Clone it; do not change it."""
    return world_alone(reproduced, tmp_path_factory, "price")


@pytest.fixture(scope="session")
def reproduced_fraud(reproduced: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reproduced project with payments alone. Clone it; do not change it."""
    return world_alone(reproduced, tmp_path_factory, "fraud")


def of_world(params: dict[str, Any], world: str) -> dict[str, Any]:
    """Return the parameters of one world and its problems, wherever they are listed by name."""
    problems = {name for name, entry in params["problems"].items() if entry["world"] == world}
    names, kept = {*params["worlds"], *params["problems"]}, {world, *problems}
    found = {}
    for key, value in params.items():
        if key in names:
            found |= {key: value} if key in kept else {}
        elif isinstance(value, dict) and names >= set(value):  # worlds, problems, backtests
            found[key] = {name: entry for name, entry in value.items() if name in kept}
        elif isinstance(value, list):  # simulators
            found[key] = [name for name in value if name in kept]
        else:
            found[key] = value
    return found


def traced_python(top: Path, path: str) -> str:
    """Return `path` with a `python` before it that writes what each stage uses into `top`/traced,
    by its name."""
    here, found = top / "bin", top / "traced"
    here.mkdir()
    found.mkdir()
    tracer = ROOT / "tests/pipeline/trace.py"
    python = here / "python"
    python.write_text(
        "#!/bin/sh\n"
        'stage="${2#stages.}"\n'
        f'exec "{shutil.which("python", path=path)}" "{tracer}"'
        f' "{found}/$stage${{3:+@$3}}.json" "$stage" $3\n'
    )
    python.chmod(0o755)
    return os.pathsep.join([str(here), path])


@pytest.fixture(scope="session")
def traced(reproduced: Path) -> dict[str, dict[str, list[str]]]:
    """What each stage of the reproduced project used, as tests/pipeline/trace.py has it."""
    found = reproduced.with_name("traced").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


@pytest.fixture
def clone(reproduced: Path, tmp_path: Path) -> Path:
    """A copy of the reproduced project, cache and all, to be changed."""
    return Path(shutil.copytree(reproduced, tmp_path / "clone", symlinks=True))


@pytest.fixture
def prices(reproduced_price: Path, tmp_path: Path) -> Path:
    """A copy of the reproduced project with the world of prices alone, to be changed."""
    return Path(shutil.copytree(reproduced_price, tmp_path / "clone", symlinks=True))


@pytest.fixture
def payments(reproduced_fraud: Path, tmp_path: Path) -> Path:
    """A copy of the reproduced project with the world of payments alone, to be changed."""
    return Path(shutil.copytree(reproduced_fraud, tmp_path / "clone", symlinks=True))
