"""A mistake in params.yaml is named, with the key that was meant."""

from pathlib import Path

import pytest
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params, read_key, read_params


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
        ("rows", "row", r"unknown key 'price\.train\.row'; did you mean 'rows'\?"),
        ("alpha", "alhpa", r"'price\.train\.inner\.alhpa'; did you mean 'alpha'\?"),
        ("    rows: 3\n", "", r"'price\.train\.rows' is missing"),
        ("rows: 3", "rows: many", r"'price\.train\.rows' is 'many': .*integer"),
        ("rows: 3", "rows: 0", r"'price\.train\.rows' is 0: .*greater than or equal to 1"),
        ("alpha: 1e-3", "alpha: .nan", r"'price\.train\.inner\.alpha' is nan: .*finite"),
        ("rows: 3", "rows: [", r"not valid YAML"),
        ("train:", "trian:", r"no section 'price\.train'.*did you mean 'trian'\?"),
        (GOOD, "price:\n  train: 3\n", r"'price\.train' is 3; expected a block"),
        (GOOD, "", r"no section 'price\.train'"),
    ],
)
def test_mistakes_are_named(path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(RetraceError, match=words):
        read_params(Outer, "price.train", path)


def test_a_missing_file_says_where_to_stand(path: Path) -> None:
    with pytest.raises(RetraceError, match="top folder"):
        read_params(Outer, "price.train", path)
