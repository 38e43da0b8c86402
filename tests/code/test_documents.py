"""The Markdown of the repository: links and named files exist, YAML is YAML, README is short."""

import re

import pytest
import yaml

from tests.conftest import ROOT, run
from tests.documents import blocks, dead_links, dead_paths, pages

TRACKED = run(ROOT, "git", "ls-files", "*.md").splitlines()
# What stages and commands write, and examples of names.
MADE = re.compile(r"data/(?!README)|rollback-N\.md|checks\.yaml")
OF_THEIR_TIME = ("journal/JOURNAL.md", "tests/DRILLS.md")  # records name the files of their day


@pytest.mark.parametrize("page", TRACKED)
def test_no_link_is_dead(page):
    assert list(dead_links(page)) == []


@pytest.mark.parametrize("page", [name for name in TRACKED if name not in OF_THEIR_TIME])
def test_no_path_is_dead(page):
    assert list(dead_paths(page, MADE)) == []


def test_the_readme_is_one_screen_of_why_and_the_way_in():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 200


@pytest.mark.parametrize("page", pages())
def test_samples_of_parameters_are_yaml(page):
    for block in blocks(page):
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.text), dict), f"{page}:{block.line}"
