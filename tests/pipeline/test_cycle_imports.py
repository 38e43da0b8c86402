"""Imports that a cycle asks again: what is new is taken in, or set aside, in a small repository."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.cycle import new_data
from experiments.cycle.here import CycleStep
from experiments.cycle.lock import CycleLock
from experiments.cycle.record import Recorder
from experiments.cycle.settings import CycleParams
from problems.fraud.problem import PROBLEMS
from tests.pipeline.conftest import Repo

AT = "data/external/payments.csv"
PARAMS = f"worlds: {{fraud: {{source: {AT}}}}}\nproblems: {{fraud: {{world: fraud}}}}\n"


@pytest.fixture
def repo(new_repo: Callable[[Path], Repo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository whose world reads an import of ../there.csv; the fault is what a test says."""
    (tmp_path / "there.csv").write_text("id\n1\n")
    found = new_repo(tmp_path / "repo")
    found.write("params.yaml", PARAMS)
    found.write("metrics/ingest/fraud.json", json.dumps({"rows_out": 1}))
    found.write(f"{Path(AT).parent}/.gitignore", "")
    found.dvc("import-url", "-q", str(tmp_path / "there.csv"), AT)
    found.git("add", "-A")
    found.git("commit", "-qm", "An import")
    monkeypatch.chdir(found.path)
    for name, value in found.env.items():
        monkeypatch.setenv(name, value)
    return found


def step(work: Path) -> CycleStep:
    work.mkdir(exist_ok=True)
    lock = CycleLock("", "fraud", work / "lock.git")
    now = pd.Timestamp("2026-03-01T00:00Z")
    return CycleStep(
        PROBLEMS["fraud"], CycleParams(), None, now, work, lock, Recorder(work), "main"
    )


def test_an_import_is_asked_again_and_taken_in(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(_: CycleStep) -> str:  # ingest has read it by then
        repo.write("metrics/ingest/fraud.json", json.dumps({"rows_out": 2}))
        return ""

    monkeypatch.setattr(new_data, "_fault", fault)
    assert new_data.bring(step(tmp_path / "work")) == new_data.FreshData()
    (tmp_path / "there.csv").write_text("id\n1\n2\n")
    found = new_data.bring(step(tmp_path / "work"))
    assert found == new_data.FreshData((AT,), (), 1)
    assert (repo.path / AT).read_text() == "id\n1\n2\n"
    assert f" M {AT}.dvc" in repo.git("status", "--porcelain")


def test_an_import_that_fails_the_checks_is_set_aside_until_it_changes(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        new_data, "_fault", lambda _: "rows are bad" if "bad" in Path(AT).read_text() else ""
    )
    (tmp_path / "there.csv").write_text("id\nbad\n")
    found = new_data.bring(step(tmp_path / "work"))
    assert found.refused == ((AT, "rows are bad"),)
    assert (repo.path / AT).read_text() == "id\n1\n"
    assert repo.git("status", "--porcelain") == ""
    (kept,) = (tmp_path / "work/set-aside").iterdir()
    assert kept.read_text() == "id\nbad\n"
    assert new_data.bring(step(tmp_path / "work")) == new_data.FreshData()  # the same bytes
    (tmp_path / "there.csv").write_text("id\n1\n3\n")
    assert new_data.bring(step(tmp_path / "work")).taken == (AT,)
