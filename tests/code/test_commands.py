"""The list of subcommands in the README is the command's own."""

import re
from pathlib import Path

from commands.__main__ import SUBCOMMANDS


def test_the_readme_lists_every_subcommand():
    text = Path("README.md").read_text("utf-8")
    assert re.findall(r"^\| `retrace (\w+)", text, re.MULTILINE) == list(SUBCOMMANDS)
