"""What any problem needs knows no world: none of their names, columns and units is in its code.

And a class's name means one thing."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from problems import parts
from retrace.base.params import read_key
from tests.conftest import ROOT

KNOW_NO_WORLD = (
    "retrace", "workflow", "stages", "serving", "store", "monitoring", "experiments", "commands",
)  # fmt: skip
GUESSES = "experiments/new/"  # what a stranger's columns may be called, and what that may mean
# Words of the language and of the field that a clean table has as columns, too.
PLAIN = {
    "address", "amount", "at", "category", "condition", "count", "description", "events", "floor",
    "hour", "items", "known_at", "name", "number", "orders", "position", "promise", "rows",
    "repeats", "seconds", "source", "text", "time", "weekday",
}  # fmt: skip
PLAIN |= {"balanced_accuracy", "cost_per_1000", "false_positive_rate"}  # of any classifier


def names_of_worlds() -> set[str]:
    """Return the names of worlds and problems, of their columns, figures and tables, and units."""
    worlds, problems = read_key("worlds"), read_key("problems")
    found = {*worlds, *problems}
    for world in worlds:
        columns = map(str, parts.world(world).schema.columns)
        found |= {column for column in columns if re.fullmatch(r"\w+", column)}
        found |= {word.removesuffix("_*") for word in parts.evaluation(world).words}
    for problem in map(parts.find_problem, problems):
        found |= {problem.target, problem.unit, *problem.key, *problem.slices, *problem.entities}
        found |= set(problem.columns.numeric) | set(problem.columns.categorical)
    return {name for name in found if not name.endswith("*")}


def words_of_code(path: Path) -> Iterator[str]:
    """Yield the words of a module without comments, docstrings and examples ("such as price")."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "" if id(node) in docstrings else re.sub(r"such as .*", "", node.value)
            yield from re.findall(r"\w+", text)
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""


@pytest.mark.parametrize("folder", [name for name in KNOW_NO_WORLD if (ROOT / name).exists()])
def test_no_name_of_a_world_is_in_the_code_of_all(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    names = names_of_worlds() - PLAIN
    assert {"service_time", "service_seconds", "price_usd", "USD", "hours"} <= names
    found = {
        f"{path.relative_to(ROOT)}: {word}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".html", ".css", ".js")
        and not path.is_relative_to(ROOT / GUESSES)
        for word in (
            words_of_code(path) if path.suffix == ".py" else re.findall(r"\w+", path.read_text())
        )
        if word in names
    }
    assert found == set()


# Every world has these, each its own.
OF_PARTS = {
    "EvaluateSettings", "FeatureSettings", "IngestSettings", "RuleSettings", "SimulateSettings",
    "State",
}  # fmt: skip


def test_the_name_of_a_class_means_one_thing() -> None:
    folders = (*KNOW_NO_WORLD, "problems", "bench")
    found = Counter(
        node.name
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert found["World"] == 1
    assert {name for name, count in found.items() if count > 1} == OF_PARTS
