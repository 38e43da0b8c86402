"""dvc.yaml tells the truth: deps are the files a stage imports, params the keys it reads."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CODE = ("stages/", "problems/", "retrace/")


def commands(folder: Path) -> list[str]:
    """The stages of the DAG in an order in which they can run."""
    order = ["simulate", "ingest", "validate", "featurize", "train", "evaluate"]
    order += ["backtest", "report"]
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    assert set(stages) == set(order)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    names = {stage: list(params["worlds"]) for stage in order[:3]}
    names |= {stage: list(params["problems"]) for stage in order[3:6]}
    names |= {"backtest": list(params["backtests"]), "report": [""]}
    return [f"{stage} {name}".strip() for stage in order for name in names[stage]]


@pytest.fixture(scope="module")
def used(reproduced: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What each stage and name used, from one run of the whole DAG."""
    out = tmp_path_factory.mktemp("trace") / "out.json"
    tracer = [sys.executable, str(ROOT / "tests/pipeline/trace.py"), str(out)]
    found = {}
    for command in commands(reproduced):
        subprocess.run([*tracer, *command.split()], cwd=reproduced, check=True)
        found[command] = json.loads(out.read_text())
    return found


def expanded(folder: Path, dep: str) -> set[str]:
    path = folder / dep
    if not path.is_dir():
        return {dep}
    files = (file for file in path.rglob("*.py") if file.stat().st_size)
    return {file.relative_to(folder).as_posix() for file in files}


def test_deps_are_the_imports(reproduced: Path, used: dict[str, dict]) -> None:
    stages = yaml.safe_load((reproduced / "dvc.yaml").read_text())["stages"]
    params = yaml.safe_load((reproduced / "params.yaml").read_text())
    imported, declared = defaultdict(set), defaultdict(set)
    for command, found in used.items():
        stage, _, name = command.partition(" ")
        world = params["problems"].get(name, {}).get("world", name)
        imported[stage] |= {file.replace(f"/{world}/", "/*/") for file in found["files"] if name}
        imported[stage] |= set() if name else set(found["files"])
        for dep in stages[stage].get("do", stages[stage])["deps"]:
            real = dep.replace("${key}", name).replace("${item.world}", world)
            if real.startswith(CODE):
                declared[stage] |= {
                    file.replace(f"/{world}/", "/*/") if name else file
                    for file in expanded(reproduced, real)
                }
    # A world's own further files (problems/*/ingest/...) differ from world to world.
    for stage in stages:
        assert imported[stage] == declared[stage], stage


def test_the_lock_has_the_deps_of_dvc_yaml() -> None:
    """A dependency that is gone makes no stage run again: `dvc repro` leaves it in the lock."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, entry in yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"].items():
        template, _, key = name.partition("@")
        stage = stages[template]
        deps = stage.get("do", stage)["deps"]
        if key:
            block = params[stage["foreach"].strip("${}")][key]
            deps = [dep.replace("${key}", key) for dep in deps]
            for field, value in block.items():
                deps = [dep.replace(f"${{item.{field}}}", value) for dep in deps]
        assert {dep["path"] for dep in entry["deps"]} == set(deps), name


def test_params_are_the_keys_read(reproduced: Path, used: dict[str, dict]) -> None:
    stages = yaml.safe_load((reproduced / "dvc.yaml").read_text())["stages"]
    for command, found in used.items():
        stage, _, name = command.partition(" ")
        if stage == "report":
            continue
        declared = {key.replace("${key}", name) for key in stages[stage]["do"]["params"]}
        assert set(found["keys"]) == declared, command
