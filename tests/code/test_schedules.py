"""What calls a cycle: systemd, cron and GitHub read its exit status. The command is a stand-in."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FINE, FAULTS = (0, 3, 4, 6), (1, 5)
TIMERS = ROOT / "deploy/timers"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy whose command ends with the status that a file says, and prints what it was told."""
    command = tmp_path / ".venv/bin/retrace"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\necho "retrace $*"\nexit "$(cat status)"\n')
    command.chmod(0o755)
    (tmp_path / "served").mkdir()
    return tmp_path


def shell(folder: Path, words: list[str], script: str, **env: str) -> tuple[int, str]:
    """Run a script; return status and output."""
    done = subprocess.run(
        [*words, script], cwd=folder, env={**os.environ, "HOME": str(folder), **env}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def step(workflow: str, job: str, name: str) -> str:
    """Return what a step of a workflow runs."""
    flow: Any = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text("utf-8"))
    steps = flow["jobs"][job]["steps"]
    return str(next(one["run"] for one in steps if name in (one.get("name"), one.get("id"))))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(home: Path) -> None:
    for name in ("retrace-cycle@.service", "retrace-cycle@.timer"):
        text = (TIMERS / name).read_text("utf-8")
        assert "/srv/retrace/.venv" in text or name.endswith("timer")
        (home / name).write_text(text.replace("/srv/retrace", str(home)))
    words = ["systemd-analyze", "--man=no", "verify", "retrace-cycle@fraud.timer"]
    done = subprocess.run([*words, "retrace-cycle@fraud.service"], cwd=home, text=True,
                          stderr=subprocess.PIPE, check=False)  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "retrace" in line]
    assert (done.returncode, ours) == (0, [])
    broken = (home / "retrace-cycle@.timer").read_text().replace("03:00", "25:00")
    (home / "retrace-cycle@.timer").write_text(broken)
    done = subprocess.run(words, cwd=home, capture_output=True, text=True, check=False)
    assert "Failed to parse calendar specification" in done.stderr


def test_the_service_takes_for_success_what_is_one() -> None:
    text = (TIMERS / "retrace-cycle@.service").read_text("utf-8")
    (line,) = [one for one in text.splitlines() if one.startswith("SuccessExitStatus=")]
    assert {0, *map(int, line.partition("=")[2].split())} == {*FINE}


@pytest.mark.parametrize("status", [*FINE, *FAULTS])
def test_cron_mails_of_what_is_a_fault(home: Path, status: int) -> None:
    lines = (TIMERS / "crontab").read_text("utf-8").splitlines()
    (line,) = [one for one in lines if "retrace cycle" in one]
    command = line.split(maxsplit=5)[5].replace("/srv/retrace", str(home))
    (home / "status").write_text(str(status))
    path = f"{home / '.venv/bin'}:{os.environ['PATH']}"
    code, said = shell(home, ["/bin/sh", "-c"], command, PATH=path)
    assert (code, said) == (0, "" if status in FINE else "retrace cycle fraud\n")


@pytest.mark.parametrize("status", [*FINE, *FAULTS])
def test_a_run_on_github_fails_on_what_is_a_fault(home: Path, status: int) -> None:
    (home / "status").write_text(str(status))
    summary = home / "summary"
    env = {"PROBLEM": "fraud", "GITHUB_STEP_SUMMARY": str(summary)}
    code, said = shell(home, ["bash", "-e", "-c"], step("cycle.yml", "cycle", "cycle"), **env)
    assert code == (0 if status in FINE else status)
    assert summary.read_text() == "retrace cycle fraud\n"
    assert said.startswith("retrace cycle fraud\n")


def test_a_run_on_github_is_of_all_problems_or_of_one() -> None:
    script = step("cycle.yml", "problems", "names")
    all_of_them = [*yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))["problems"]]
    for asked, expected in (("", all_of_them), ('a" b', ['a" b'])):
        code, said = shell(
            ROOT, ["bash", "-e", "-c"], script, ONE=asked, GITHUB_OUTPUT="/dev/stdout"
        )
        assert code == 0
        assert json.loads(said.strip().removeprefix("names=")) == expected
