"""The `retrace` command itself."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from commands.__main__ import SUBCOMMANDS, main


def test_the_documentation_lists_every_subcommand():
    text = Path("docs/index.md").read_text("utf-8")
    assert re.findall(r"^\| `retrace (\w+)", text, re.MULTILINE) == list(SUBCOMMANDS)


def test_stages_run_with_this_python_where_no_environment_is_activated(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr("commands.champions.run", lambda _args: 0)
    assert main(["champions"]) == 0
    assert shutil.which("python") == str(Path(sys.executable).parent / "python")


def test_a_problem_is_all_that_compare_needs(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["compare"])
    assert capsys.readouterr().err.endswith("the following arguments are required: problem\n")
