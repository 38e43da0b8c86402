"""cycle.yml and release.yml step by step, as a runner would, with origin and remote by paths."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, change_params, environment, made_once, make_venv
from tests.forked import quick
from tests.pipeline.factory import NAME, Factory, in_prod, make_factory

GH = """#!/bin/sh
printf '%s\\n' "$@" > "$CALLS"
"""


def steps(workflow: str, job: str) -> dict[str, str]:
    """Return what the steps of a job run, by name; none of them is an action."""
    flow: Any = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text("utf-8"))
    return {one["name"]: one["run"] for one in flow["jobs"][job]["steps"]}


@pytest.mark.slow
def test_a_night_and_a_release(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    made = made_once(tmp_path_factory, "factory", make_factory)
    factory = Factory(Path(shutil.copytree(made, tmp_path / "factory", symlinks=True)))
    sooner = {"cycle": {"least_new_labels": 1000}}  # by the clock the model has just been made
    factory.push(lambda project: change_params(project, sooner), "Sooner")
    factory.tell("2025-08")
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    (home / "bin/gh").write_text(GH)
    (home / "bin/gh").chmod(0o755)
    env = {
        name: value for name, value in quick(environment()).items() if not name.startswith("GIT_")
    }
    env |= {
        "PATH": f"{home / 'bin'}{os.pathsep}{env['PATH']}",
        "HOME": str(home),
        "CALLS": str(home / "calls"),
        "GITHUB_SERVER_URL": str(factory.top),
        "GITHUB_REPOSITORY": "origin.git",
        "GITHUB_STEP_SUMMARY": str(home / "summary"),
        "RETRACE_STORE": factory.store,
        "PROBLEM": NAME,
    }

    def run_steps(workflow: str, job: str, folder: Path, **more: str) -> None:
        folder.mkdir()
        for name, script in steps(workflow, job).items():
            if name == "environment":  # as if it had been installed: that takes minutes
                make_venv(folder)
            done = subprocess.run(
                ["bash", "-e", "-c", script], cwd=folder, env={**env, **more}, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{name}\n{done.stdout}"

    run_steps("cycle.yml", "cycle", factory.top / "runner")
    assert f"{NAME} v0.0.2 is in prod" in (home / "summary").read_text()
    assert in_prod(factory) == f"{NAME}@v0.0.2"
    assert factory.git("log", "-1", "--format=%an", "main") == "retrace-cycle"

    folder = factory.top / "release"
    run_steps("release.yml", "release", folder, GITHUB_REF_NAME=f"{NAME}@v0.0.2")
    words = (home / "calls").read_text().splitlines()
    assert words[:3] == ["release", "create", f"{NAME}@v0.0.2"]
    assert words[-2:] == [f"dist/{NAME}-v0.0.2.tar.gz", "dist/SHA256SUMS"]
    assert (folder / "dist/record.md").read_text().startswith(f"# {NAME} v0.0.2")
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder / "dist")
    assert checked.returncode == 0
