"""Workflows: actions pinned by commit, least permissions, nothing of a form in a script."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_workflow_is_pinned_and_has_few_rights(path: Path):
    flow = yaml.safe_load(path.read_text("utf-8"))
    assert flow["permissions"] in ({}, {"contents": "read"})
    assert "pull_request_target" not in flow[True]  # YAML 1.1 reads `on` as true
    for job in flow["jobs"].values():
        writes = [k for k, v in (job.get("permissions") or {}).items() if v == "write"]
        assert not writes or not any("uses" in step for step in job["steps"])
        for step in job["steps"]:
            assert "${{" not in step.get("run", "").replace("${{ matrix.", "")
            if "uses" in step:
                assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])


def test_make_never_empties_an_environment_that_is_a_link(tmp_path: Path):
    folder, other = tmp_path / "clone", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "run-kept").touch()
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(other)
    done = subprocess.run(["make", "lock"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0
    assert ".venv is a link" in done.stderr
    assert (other / "run-kept").exists()
