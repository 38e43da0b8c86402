"""dvc.yaml tells the truth: what a stage imports, opens and reads of parameters is declared."""

import json
from pathlib import Path

import pytest
import yaml

from tests.conftest import read_yaml

ROOT = Path(__file__).parents[2]
FOREACH = {"simulators": ("simulate",), "worlds": ("ingest", "validate")}
FOREACH |= {"problems": ("featurize", "train", "evaluate", "page")}
FOREACH |= {"backtests": ("backtest", "story")}


def expanded(folder: Path) -> dict[str, dict]:
    """Return each stage of dvc.yaml by its name, `train@price`, with the templates filled in."""
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    params = yaml.safe_load((folder / "params.yaml").read_text())
    found = {}
    for name, stage in stages.items():
        names = params[stage["foreach"].strip("${}")] if "foreach" in stage else [""]
        for key in names:
            world = names[key].get("world", "") if isinstance(names, dict) else ""
            source = names[key].get("source", "") if isinstance(names, dict) else ""
            text = json.dumps(stage.get("do", stage))
            for word, value in (
                ("${key}", key), ("${item}", key), ("${item.world}", world),
                ("${item.source}", source),
            ):  # fmt: skip
                text = text.replace(word, value)
            found[f"{name}@{key}" if key else name] = json.loads(text)
    return found


STAGES = expanded(ROOT)


def covered(path: str, declared: list[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in declared)


def test_every_name_of_the_lists_has_its_stages() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    wanted = {
        f"{s}@{name}" for key, stages in FOREACH.items() for name in params[key] for s in stages
    }
    assert set(STAGES) == wanted | {"report"}


@pytest.mark.parametrize("name", STAGES)
def test_imports_are_declared(name: str, traced: dict[str, dict]) -> None:
    assert [file for file in traced[name]["files"] if not covered(file, STAGES[name]["deps"])] == []


@pytest.mark.parametrize("name", [name for name in STAGES if name != "report"])
def test_the_parameters_that_are_read_are_declared(name: str, traced: dict[str, dict]) -> None:
    declared = set()
    for one in STAGES[name].get("params", []):
        declared |= {one} if isinstance(one, str) else {f"{next(iter(one))}:"}
    assert {key.removeprefix("params.yaml:") for key in traced[name]["keys"]} == declared


def test_what_is_declared_is_there_or_is_made() -> None:
    made = [
        one if isinstance(one, str) else next(iter(one))
        for stage in STAGES.values()
        for kind in ("outs", "metrics", "plots")
        for one in stage.get(kind, [])
    ]
    for name, stage in STAGES.items():
        for dep in stage["deps"]:
            below = any(path.startswith(f"{dep}/") for path in made)
            assert (ROOT / dep).exists() or below or covered(dep, made), f"{name}: {dep}"


def test_the_lock_has_the_deps_of_dvc_yaml() -> None:
    """A dependency that is gone makes no stage run again: `dvc repro` leaves it in the lock."""
    for name, entry in read_yaml(ROOT / "dvc.lock")["stages"].items():
        assert {dep["path"] for dep in entry["deps"]} == set(STAGES[name]["deps"]), name
