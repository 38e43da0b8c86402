"""The search's parts without DVC: suggestions, the log, the stopping rule."""

import subprocess
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import lightgbm as lgb
import pytest

from experiments.tune import log, search, trial
from experiments.tune.features import check_space, features_at, setting
from experiments.tune.log import DONE, FAILED, Trial
from experiments.tune.space import Dimension, TuneParams, suggest
from experiments.tune.trial import MedianStop
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from retrace.fit.boosters import Layout
from workflow.train import TrainParams

TUNING = TuneParams(
    seed=3,
    random_trials=5,
    stop_after_trials=2,
    space={
        "learning_rate": Dimension(low=0.01, high=0.3, log=True),
        "num_leaves": Dimension(low=4, high=128, log=True, int=True),
        "feature_fraction": Dimension(low=0.2, high=1.0),
        "max_bin": Dimension(choices=[63, 255]),
    },
)


def searched(count, tuning=TUNING, start=()):
    """Search the bowl around learning rate 0.1 and all features."""
    points = list(start)
    for number in range(len(start), count):
        point = suggest(tuning.space, points, number, tuning)
        loss = abs(point["learning_rate"] - 0.1) + abs(point["feature_fraction"] - 1.0)
        points.append((point, None if number == 2 else loss))
    return points


def test_suggestions_are_in_range_come_from_the_seed_and_go_on_where_they_ended():
    points = searched(30)
    assert points == searched(30)
    assert points == searched(30, start=searched(12))
    assert points != searched(30, TUNING.model_copy(update={"seed": 4}))
    for point, _ in points:
        assert 0.01 <= point["learning_rate"] <= 0.3
        assert isinstance(point["num_leaves"], int)
        assert 4 <= point["num_leaves"] <= 128
        assert point["max_bin"] in (63, 255)
    losses = [loss for _, loss in points if loss is not None]
    assert sum(losses[-10:]) / 10 < sum(losses[:5]) / 5  # it learns


@pytest.mark.parametrize(
    "wrong",
    [{"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, {"low": 1}, {"choices": []}, {}],
)
def test_a_range_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError):
        Dimension(**wrong)


RANGE = Dimension(low=1, high=2)


def test_a_search_changes_parameters_of_boosters_features_encoders_and_text():
    half_life = "features.half_life_days.region"
    leaves = Dimension(low=4, high=8, int=True)
    ranges = {"num_leaves": leaves, "encode.target_smoothing": RANGE, half_life: RANGE}
    check_space(find_problem("service_time"), ranges)
    check_space(find_problem("price"), {"text.alpha": RANGE, "train.lambda_l2": RANGE})
    assert setting("num_leaves") == "train.num_leaves"
    assert setting(half_life) == half_life


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("alpha", r"price\.tune\.space\.alpha.*learning_rate.*such as text\.alpha"),
        ("split.train", r"price\.tune\.space\.split\.train"),
        ("train.seed", r"price\.tune\.space\.train\.seed"),
        ("num_leaves", r"'price\.train\.num_leaves' is 1\.0: should be a valid integer"),
        ("text.alpah", r"unknown key 'price\.text\.alpah'; did you mean 'alpha'"),
    ],
)
def test_what_a_trial_cannot_change_is_refused(name, words):
    with pytest.raises(RetraceError, match=words):
        check_space(find_problem("price"), {name: RANGE})


def test_features_that_cannot_be_made_give_the_words_of_their_stage():
    """In this repository, whose clean table may be there or not."""
    point = {"encode.target_smoothing": "much"}
    words = "encode.target_smoothing"
    with pytest.raises(RetraceError, match=words), features_at(find_problem("price"), point):
        pass


BENCH = SimpleNamespace(
    problem=SimpleNamespace(name="toy", metric="mae", unit="s"),
    at=lambda _: nullcontext(BENCH),
)
TRIAL = Trial("abc", 1, 0, DONE, 0.1 + 0.2, 40, 1.25, {"num_leaves": 7}, (0.5, 0.25))
BAD = Trial("abc", 1, 1, FAILED, None, 0, 0.1, {"num_leaves": 8}, (), 'Error: "a", b\nc')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The trials of a problem `toy` in a Git repository with one commit."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    git("commit", "--allow-empty", "-qm", "start")
    return log.folder_of("toy")


def git(*words):
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def test_the_log_gives_back_what_was_appended_and_passes_over_a_torn_line(folder):
    path = log.new_path("toy")
    log.append(path, TRIAL)
    with path.open("a") as file:
        file.write("abc,1,9,done,0.")  # a process killed as it wrote
    log.append(log.new_path("toy"), BAD)
    trials, torn = log.read(folder)
    assert trials == [TRIAL, replace(BAD, reason='Error: "a", b c')]
    assert torn == 1
    assert path.read_text().count("fingerprint,seed") == 1


def test_trials_in_no_commit_survive_the_way_back_from_an_experiment(folder):
    log.append(log.new_path("toy"), TRIAL)
    git("add", ".")
    git("commit", "-qm", "Trials")
    log.append(log.new_path("toy"), BAD)
    Path("params.yaml").write_text("a: 1")
    git("add", "params.yaml")
    git("checkout", ".")
    assert [found.trial for found in log.read(folder)[0]] == [0, 1]


def test_git_merges_two_peoples_trials_and_both_warm_start(folder, monkeypatch):
    for branch, seed in (("ann", 1), ("bob", 2)):
        git("checkout", "-qb", branch, "main")
        path = log.new_path("toy")
        log.append(path, replace(TRIAL, seed=seed))
        log.append(path, replace(BAD, seed=seed))
        git("add", ".")
        git("commit", "-qm", branch)
    git("merge", "-q", "--no-edit", "ann")
    trials, torn = log.read(folder)
    assert sorted((found.seed, found.trial) for found in trials) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert torn == 0
    log.append(path, replace(TRIAL, fingerprint="other"))
    known = search.read_known(folder, "abc")
    assert len(known.trials) == 4
    assert known.others == 1

    earlier = []  # Ann's search learns from Bob's trials too

    def suggest(space, points, number, tuning):
        earlier.append(len(points))
        return {"num_leaves": 9}

    monkeypatch.setattr(search, "suggest", suggest)
    monkeypatch.setattr(trial, "_fit_and_score", lambda *_: (10, 0.5))
    tuning = TUNING.model_copy(update={"seed": 1})
    go = search.search(BENCH, tuning, known.trials, mark="abc", trials=4, record=lambda _: None)
    assert [found.trial for found in go] == [2, 3]
    assert earlier == [4, 5]


def test_a_trial_that_fails_is_recorded_with_its_reason_and_the_search_goes_on(monkeypatch):
    outcomes = [
        (10, 0.5),
        MemoryError(),
        lgb.basic.LightGBMError("bad\n allocation"),
        (10, float("nan")),
        (20, 0.4),
    ]

    def fit_and_score(bench, point, watch):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(trial, "_fit_and_score", fit_and_score)
    recorded = []
    found = list(search.search(BENCH, TUNING, [], mark="abc", trials=5, record=recorded.append))
    assert found == recorded
    assert [item.state for item in found] == [DONE, FAILED, FAILED, FAILED, DONE]
    assert [item.score for item in found] == [0.5, None, None, None, 0.4]
    assert found[1].reason == "out of memory"
    assert "allocation" in found[2].reason
    assert found[3].reason == "the score is nan"
    assert search.best(BENCH.problem, found, 1)[0].score == 0.4
    table = search.plot_table(BENCH.problem, found)
    assert list(table["number"]) == [1, 5]
    assert list(table["best"]) == [0.5, 0.4]


def test_the_median_rule_stops_what_is_worse_at_the_same_round():
    def rounds(curves, least, losses):
        watch = MedianStop(curves, least)
        for iteration, loss in enumerate(losses):
            env = SimpleNamespace(
                iteration=iteration, evaluation_result_list=[("valid", "rmse", loss, False)]
            )
            try:
                watch(env)
            except lgb.callback.EarlyStopException:
                return iteration + 1, watch
        return None, watch

    curves = [(0.9, 0.5), (0.8, 0.4, 0.3), (0.7, 0.6)]
    stopped, watch = rounds(curves, 3, [0.55] * 100)
    assert stopped == 50  # 0.55 is better than 0.8 at round 25, worse than 0.5 at round 50
    assert watch.stopped
    assert watch.seen == [0.55, 0.55]
    assert rounds(curves, 3, [0.45] * 74)[0] is None
    assert rounds(curves, 4, [9.0] * 100)[0] is None  # too few to compare with


def test_an_option_that_nobody_sets_makes_no_old_trial_worthless() -> None:
    class Newer(TrainParams):
        option: float | None = None

    problem = find_problem("price")
    values = {"learning_rate": 0.1, "num_leaves": 7, "min_data_in_leaf": 5, "feature_fraction": 1.0,
              "bagging_fraction": 1.0, "lambda_l2": 0.0, "max_bin": 63, "max_rounds": 9,
              "early_stopping_rounds": 3, "seed": 1, "interval": 0.9}  # fmt: skip

    def mark(base: TrainParams) -> str:
        bench = SimpleNamespace(base=base, objective={}, layout=Layout([]), problem=problem)
        return search.mark_of("md5", TUNING, bench)

    assert mark(Newer(**values)) == mark(TrainParams(**values))
    assert mark(Newer(**values, option=1.0)) != mark(TrainParams(**values))
    assert mark(TrainParams(**{**values, "max_rounds": 8})) != mark(TrainParams(**values))
