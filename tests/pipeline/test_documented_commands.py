"""Every block of commands in README and docs/ runs, in order, page by page, on small simulations.

A block of bash or Python is run, each page in a copy of the project of its own, which has a Git
remote and an environment as `make` leaves it. Two comments right above a block change that:

    <!-- exit status: 0 or 3 -->      its last command may end with these
    <!-- not run: REASON -->          it cannot be run here

Other blocks are text, yaml or mermaid; a language beside these fails.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, change_params, environment, make_venv, run
from tests.documents import RUN, CodeBlock, blocks, pages

LIMIT_SECONDS = 540
END = "documented command"
CHECK = """
ended() {
  local status=$?
  [[ $status =~ ^($1)$ ]] || { echo "ended with $status"; exit 1; }
}"""


def with_commands() -> list[str]:
    return [page for page in pages() if any(block.language in RUN for block in blocks(page))]


@pytest.fixture
def place(reproduced: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the reproduced project with a remote `origin` and a .venv like that of `make`."""
    project = Path(shutil.copytree(reproduced, tmp_path / "project", symlinks=True))
    run(tmp_path, "git", "clone", "-q", "--bare", str(project), "hub.git")
    run(project, "git", "remote", "add", "origin", "../hub.git")
    make_venv(project)
    yield project
    run(project, "python", "-m", "commands", "storage", "stop")


def script(found: list[CodeBlock]) -> str:
    """Return one bash script of a page's blocks; it says which command runs, and ends at a bad one.

    A status is asked for after every command, since `set -e` overlooks the first of `one && two`.
    """
    lines = [CHECK, "source .venv/bin/activate"]
    for block in found:
        commands = (
            block.commands
            if block.language == "bash"
            else [(block.line, f"python - <<'END'\n{block.text}\nEND")]
        )
        for number, command in commands:
            last = (number, command) == commands[-1]
            allowed = "|".join(map(str, block.statuses if last else (0,)))
            lines += [
                f"echo '{END} {block.page}:{number}'",
                command,
                f"ended '{allowed}'",
            ]
    return "\n".join(lines) + "\n"


def run_blocks(place: Path, found: list[CodeBlock]) -> tuple[int | None, str]:
    """Run a page's blocks; return the status, None where time was over, and what was printed."""
    path, log = place.with_name("page.sh"), place.with_name("page.log")
    path.write_text(script(found), "utf-8")
    with log.open("w") as output:
        process = subprocess.Popen(
            ["bash", str(path)],
            cwd=place,
            env={**environment(), "PYTHONPATH": str(place), "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status: int | None = None
        try:
            status = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return status, log.read_text("utf-8")


# A few seconds each; `make drills` runs the others, a minute or more each, too.
QUICK = ("problems", "reproducibility")

# Of what a page needs more than the small simulations have: enough listings to tell models apart.
MORE = {"promotion": {"price": {"simulate": {"rows": 10_000}}}}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if Path(page).stem in QUICK else [pytest.mark.slow])
        for page in with_commands()
    ],
)
def test_commands_of(page: str, place: Path) -> None:
    found = [block for block in blocks(page) if block.language in RUN and not block.not_run]
    if more := MORE.get(Path(page).stem):
        change_params(place, more)
        run(place, "dvc", "repro", "-q")
        run(place, "git", "commit", "-q", "-am", "More rows")
    status, output = run_blocks(place, found)
    where, _, printed = output.rpartition(END)[2].partition("\n")
    assert status == 0, f"{where.strip()}: status {status}\n{printed}"
    assert "Traceback" not in output, output


def test_a_command_that_fails_is_named(place: Path) -> None:
    """Also the first of `one && two`, which `set -e` overlooks."""
    status, output = run_blocks(
        place, [CodeBlock("page.md", 7, "bash", "true\nfalse && true\ntrue")]
    )
    assert status == 1
    assert output.splitlines()[-2:] == [f"{END} page.md:9", "ended with 1"]


def test_nothing_is_run_that_would_leave_the_copy(place: Path) -> None:
    """The copy's remote is beside it, and `make` finds nothing to install."""
    assert run(place, "git", "remote", "get-url", "origin").strip() == "../hub.git"
    assert "pip" not in run(place, "make", "--dry-run", "repro", "storage")
    assert os.path.realpath(place) != os.path.realpath(ROOT)
