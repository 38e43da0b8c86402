"""A mistake in params.yaml is named, with the key that was meant."""

from pathlib import Path

import pytest
from pydantic import Field

from retrace.base import params
from retrace.base.errors import RetraceError
from retrace.base.params import Params, differences, read_key, read_params
from stages.runner import run_stage


class Inner(Params):
    alpha: float


class Outer(Params):
    rows: int = Field(ge=1)
    inner: Inner


GOOD = "price:\n  train:\n    rows: 3\n    inner:\n      alpha: 1e-3\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def test_reads_a_section(path: Path) -> None:
    path.write_text(GOOD)
    assert read_params(Outer, "price.train", path) == Outer(rows=3, inner=Inner(alpha=0.001))
    assert read_key("price.train.rows", path) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rows", "row", r"unknown key 'price\.train\.row'; did you mean 'rows'\?$"),
        ("alpha", "alhpa", r"'price\.train\.inner\.alhpa'; did you mean 'alpha'\?"),
        ("    rows: 3\n", "", r"'price\.train\.rows' is missing"),
        ("rows: 3", "rows: many", r"'price\.train\.rows' is 'many': .*integer"),
        ("rows: 3", "rows: 0", r"'price\.train\.rows' is 0: .*greater than or equal to 1"),
        ("alpha: 1e-3", "alpha: .nan", r"'price\.train\.inner\.alpha' is nan: .*finite"),
        ("rows: 3", "rows: '3'", r"'price\.train\.rows' is '3': should be a valid integer\.$"),
        ("rows: 3", "rows: true", r"'price\.train\.rows' is True: should be a valid integer\.$"),
        (
            "alpha: 1e-3",
            "alpha: '1'",
            r"'price\.train\.inner\.alpha' is '1': should be .*number",
        ),
        ("rows: 3", "rows: [", r"not valid YAML"),
        ("train:", "trian:", r"no section 'price\.train'.*did you mean 'trian'\?$"),
        (GOOD, "price:\n  train: 3\n", r"'price\.train' is 3; expected a block"),
        (GOOD, "", r"no section 'price\.train'"),
    ],
)
def test_mistakes_are_named(path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(RetraceError, match=words):
        read_params(Outer, "price.train", path)


class Optional(Params):
    rows: int = 5
    inner: dict[str, float] = Field(default_factory=lambda: {"a": 1.0, "b": 2.0})


def test_a_section_that_is_not_there_has_the_defaults_of_its_model(path: Path) -> None:
    path.write_text("price:\n  split: {}\n")
    assert read_params(Optional, "price.train", path) == Optional()
    path.write_text("price:\n  trains: {}\n")
    with pytest.raises(RetraceError, match=r"no section 'price\.train'.*did you mean 'trains'"):
        read_params(Optional, "price.train", path)


def test_a_problems_own_section_is_laid_over_the_shared_one(path: Path) -> None:
    shared = "all:\n  train: {rows: 2, inner: {a: 3.0, b: 4.0}}\n"
    path.write_text(f"{shared}one:\n  train: {{inner: {{b: 1}}}}\n")
    found = read_params(Optional, "one.train", path, below="all.train")
    assert found == Optional(rows=2, inner={"a": 3.0, "b": 1.0})
    assert read_params(Optional, "two.train", path, below="all.train").rows == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rows: 2", "row: 2", r"unknown key 'all\.train\.row'; did you mean 'rows'\?$"),
        ("b: 1", "b: x", r"'one\.train\.inner\.b' is 'x'"),
        ("b: 4", "c: x", r"'all\.train\.inner\.c' is 'x'"),
    ],
)
def test_a_mistake_is_told_of_the_section_that_has_it(
    path: Path, old: str, new: str, words: str
) -> None:
    text = "all:\n  train: {rows: 2, inner: {b: 4}}\none:\n  train: {inner: {b: 1}}\n"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RetraceError, match=words):
        read_params(Optional, "one.train", path, below="all.train")


def test_differences_are_what_is_given_beside_the_default() -> None:
    given = Optional(rows=5, inner={"a": 1.0, "b": 9.0})
    assert differences(given) == {"inner.b": (9.0, 2.0)}
    assert differences(Outer(rows=1, inner=Inner(alpha=2))) == {
        "rows": (1, None), "inner.alpha": (2.0, None)
    }  # fmt: skip


def test_a_missing_file_says_where_to_stand(path: Path) -> None:
    with pytest.raises(RetraceError, match="top folder"):
        read_params(Outer, "price.train", path)


LAUGHS = "a0: &a0 [lol]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        "price:\n  train: " + "[" * 5000,
        "price:\n  train: {rows: 0000-01-01}\n",
        LAUGHS + "price:\n  train: *a11\n",
        LAUGHS + "price:\n  train: {rows: *a11, inner: *a11}\n",
        "price:\n  train: {rows: !!python/object/apply:os.system [id], inner: 1}\n",
        "price:\n  train: &x {rows: *x}\n",
    ],
    ids=["brackets", "year 0", "a billion laughs", "laughs for numbers", "code", "a loop"],
)
def test_hostile_yaml_is_refused_in_a_few_words(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(RetraceError) as error:
        read_params(Outer, "price.train", path)
    assert len(str(error.value)) < 2000


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "", ".", "price.train", "-"])
def test_a_stage_takes_no_name_that_could_be_a_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stages/ingest.py", "--", name])
    with pytest.raises(SystemExit) as stopped:
        run_stage(lambda name: pytest.fail(f"{name} was run"))
    assert stopped.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_what_is_changed_while_a_stage_runs_is_not_recorded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC would note the new parameter beside the model of the old one."""
    path.write_text(GOOD)
    monkeypatch.setattr(params, "_read", {})  # this process is not a stage's own
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr("sys.argv", ["stages/train.py", "price"])

    def main(name: str) -> None:
        read_params(Outer, f"{name}.train")
        path.write_text(GOOD.replace("rows: 3", "rows: 4"))

    with pytest.raises(SystemExit, match=r"'price.train' of params.yaml changed while this stage"):
        run_stage(main)
