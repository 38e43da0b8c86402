"""Which rows a promotion is judged on, and what GTO's tags say of earlier champions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.promotion import registry
from experiments.promotion.champion import Prediction
from experiments.promotion.judgement import JudgedRows, against
from experiments.promotion.registry import PROD
from problems.contract import Columns, Problem
from retrace.base.errors import RetraceError
from retrace.judge.gate import Band, GateParams
from tests.conftest import environment, run

PROBLEM = Problem("toy", "toy", "regression", "y", "s", "mae", key=("id",), columns=Columns())
LIMITS = GateParams(
    min_gain=0.01, slice_min_rows=50, slice_max_worse=0.1, coverage=Band(least=0, most=1)
)
N = 400


def index(ids):
    return pd.MultiIndex.from_arrays([ids], names=["id"])


@pytest.fixture
def window():
    """The challenger is off by 1; the slice "b" has the last half of the rows."""
    at = index(np.arange(N))
    scored = {"outcome": 10.0, "prediction": 11.0, "rule": 20.0, "lower": 9.0, "upper": 12.0}
    labels = pd.DataFrame({"half": np.where(np.arange(N) < N // 2, "a", "b")}, index=at)
    return JudgedRows(pd.DataFrame(scored, index=at), labels, None, "row")


def champion(errors, ids=None, fitted=None, **more):
    ids = np.arange(N) if ids is None else ids
    values = pd.Series(10.0 + np.broadcast_to(errors, len(ids)), index=index(ids))
    given = {"outcomes": None, "stored_because": "", "fitted": fitted, **more}
    return Prediction(values, **given)


def test_rows_that_the_champion_was_fitted_on_are_left_out(window):
    errors = np.where(np.arange(N) < 300, 0.0, 2.0)  # perfect where it knows the outcome
    found = against(PROBLEM, window, champion(errors, fitted=index(np.arange(300))), LIMITS)
    assert found.rows == 100
    assert found.rows_seen == 300
    assert found.losses == {"challenger": 1.0, "champion": 2.0, "rule": 10.0}
    assert found.verdict.passed
    nothing_known = against(PROBLEM, window, champion(errors), LIMITS)
    assert nothing_known.rows == N
    assert "not known any more" in nothing_known.notes[0]
    assert not nothing_known.verdict.passed


def test_stored_predictions_count_where_row_and_outcome_are_the_same(window):
    ids = np.arange(200, 600)
    outcomes = pd.Series(np.where(ids < 250, 99.0, 10.0), index=index(ids))
    stored = champion(
        2.0, ids, fitted=index([0]), outcomes=outcomes, stored_because="no column brand"
    )
    found = against(PROBLEM, window, stored, LIMITS)
    assert found.rows == 150
    assert found.rows_apart == 250
    assert "cannot read today's clean table (no column brand)" in found.notes[0]


def test_without_a_common_row_nothing_is_decided(window):
    with pytest.raises(RetraceError, match="predicted 0 and was fitted on 0"):
        against(PROBLEM, window, champion(2.0, np.arange(N, 2 * N), fitted=index([0])), LIMITS)
    with pytest.raises(RetraceError, match="predicted 400 and was fitted on 400"):
        against(PROBLEM, window, champion(2.0, fitted=index(np.arange(N))), LIMITS)


# ---- GTO's tags --------------------------------------------------------------------------------


@pytest.fixture
def tag(tmp_path, monkeypatch):
    """An empty repository, and a function that makes a tag as GTO does, a second after the last.

    GTO itself would take the clock's time, and orders tags by whole seconds.
    """
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    run(tmp_path, "git", "init", "-q", "-b", "main")
    clock = [1_700_000_000]

    def make(name, rev="HEAD"):
        clock[0] += 1
        date = {"GIT_COMMITTER_DATE": f"@{clock[0]} +0000"}
        run(tmp_path, "git", "tag", "-a", name, "-m", name, rev, **date)

    return make


def promoted(tag, version, number):
    run(Path(), "git", "commit", "-q", "--allow-empty", "-m", version)
    tag(f"toy@{version}")
    tag(f"toy#prod#{number}")


def test_the_champion_before_is_never_one_that_was_rolled_back(tag):
    for number in (1, 2, 3):
        promoted(tag, f"v0.0.{number}", number)

    def back():
        current = registry.champion("toy")
        to = registry.previous("toy", current)
        tag(f"toy#prod#{registry.last_number('toy') + 1}", f"{to.tag}^{{}}")
        return current.version, registry.champion("toy").version

    assert back() == ("v0.0.3", "v0.0.2")
    assert back() == ("v0.0.2", "v0.0.1")
    with pytest.raises(RetraceError, match=r"v0\.0\.1 was the first champion"):
        back()
    assert registry.next_version("toy") == "v0.0.4"
    promoted(tag, "v0.0.4", registry.last_number("toy") + 1)
    assert back() == ("v0.0.4", "v0.0.1")
    assert registry.last_number("toy") == 7
    history = [item.version[-1] for item in registry.assignments("toy", PROD)]
    assert "".join(history) == "1232141"


def test_a_version_that_was_taken_back_is_not_given_again(tag):
    promoted(tag, "v0.0.1", 1)
    promoted(tag, "v0.0.2", 2)
    tag("toy@v0.0.2!")
    assert registry.champion("toy").version == "v0.0.1"
    assert registry.next_version("toy") == "v0.0.3"


def test_without_tags_there_is_neither_champion_nor_version(tag):
    assert registry.champion("toy") is None
    assert registry.next_version("toy") == "v0.0.1"
    assert registry.last_number("toy") == 0


def test_a_folder_without_git_is_said_to_be_none(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for look in (registry.in_stages, registry.assignments):
        with pytest.raises(RetraceError, match="not a git repository; run this in"):
            look("price")
