"""Classifiers: calibration, metrics, slices, and what the bundle promises."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from problems.contract import Columns, Problem
from retrace.base.arrays import from_frame
from retrace.base.errors import RetraceError
from retrace.encode.encoders import EncodeParams, Encoder
from retrace.encode.encoding import Encoding
from retrace.encode.folds import folds_of
from retrace.encode.text.model import TextModel, TextParams
from retrace.fit.bundle import Bundle
from retrace.fit.calibration import Calibration, logistic
from retrace.judge import metrics, plots
from retrace.judge.slices import binary_slice_table
from retrace.report.tables import slice_groups
from workflow.train import TrainParams, fit_bundle

PROBLEM = Problem(
    name="toy", world="toy", task="binary", target="late", unit="late", metric="average_precision",
    key=("id",), columns=Columns(numeric=("x", "z")),
)  # fmt: skip
PARAMS = TrainParams(
    learning_rate=0.1, num_leaves=7, min_data_in_leaf=20, feature_fraction=1.0,
    bagging_fraction=1.0, lambda_l2=1.0, max_bin=63, max_rounds=100, early_stopping_rounds=10,
    seed=1,
)  # fmt: skip


def rows(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    return frame, (rng.random(n) < logistic(2 * frame["x"].to_numpy() - 2)).astype(float)


def encoding(frame: pd.DataFrame, target: np.ndarray) -> Encoding:
    encode = EncodeParams(category_min_rows=1, target_smoothing=1.0, seed=1)
    text = TextParams(
        hash_bits=8, min_rows=1, alpha=1.0, signal_power=0.0, signal_floor=1.0,
        signal_prior_rows=1.0, max_iterations=1, seed=1,
    )  # fmt: skip
    rows, folds = from_frame(frame), folds_of({"id": np.arange(len(frame))}, 1)
    encoder, _ = Encoder.fit(
        rows, target, folds, numeric=("x", "z"), categorical=(), target_encoded=(), params=encode
    )
    return Encoding(encoder, TextModel.fit(rows, target, folds, (), text)[0], {})


def fitted() -> Bundle:
    windows = {
        name: rows(3000, seed) for seed, name in enumerate(("train", "valid", "calibration"))
    }
    return fit_windows(windows)[0]


def fit_windows(windows: dict, problem: Problem = PROBLEM) -> tuple:
    made = encoding(*windows["train"])
    matrices = {name: (made.transform(from_frame(f)), y) for name, (f, y) in windows.items()}
    return fit_bundle(problem, made, matrices, PARAMS)


def test_a_classifier_gives_calibrated_probabilities_and_nothing_else(tmp_path: Path) -> None:
    bundle = fitted()
    frame, target = rows(20_000, 9)
    found = bundle.predict(from_frame(frame))
    assert list(found) == ["prediction"]
    assert found["prediction"].mean() == pytest.approx(target.mean(), abs=0.015)
    assert metrics.roc_auc(target, found["prediction"]) > 0.8
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        bundle.save(tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert Path("calibration.json") in files
    assert Path("interval.json") not in files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    again = Bundle.load(tmp_path / "one").predict(from_frame(frame))
    assert np.array_equal(again["prediction"], found["prediction"])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_in_training_is_an_error_that_says_so(value: float) -> None:
    windows = {name: rows(200, 1) for name in ("train", "valid", "calibration")}
    windows["train"] = (windows["train"][0], np.full(200, value))
    with pytest.raises(RetraceError, match=rf"all 200 rows .* 'late' = {value:g}"):
        fit_windows(windows)


def test_a_target_that_is_no_class_is_an_error() -> None:
    windows = {name: rows(200, 1) for name in ("train", "valid", "calibration")}
    windows["train"] = (windows["train"][0], windows["train"][1] * 2)
    with pytest.raises(RetraceError, match="other than 0 and 1, such as 2"):
        fit_windows(windows)


def test_calibration_finds_slope_and_intercept() -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(-2, 2, 200_000)
    actual = (rng.random(len(score)) < logistic(0.5 * score - 1)).astype(float)
    found = Calibration.fit(actual, score)
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.intercept == pytest.approx(-1, abs=0.04)


@pytest.mark.parametrize("actual", [np.zeros(50), np.ones(50), np.r_[np.ones(4), np.zeros(46)]])
def test_calibration_without_enough_of_a_class_keeps_the_scores(actual: np.ndarray) -> None:
    found = Calibration.fit(actual, np.linspace(-3, 3, 50))
    assert (found.slope, found.intercept) == (1.0, 0.0)


def test_calibration_never_turns_the_order_round() -> None:
    score = np.linspace(-3, 3, 100)
    assert Calibration.fit((score < 0).astype(float), score).slope > 0


@given(st.lists(st.tuples(st.booleans(), st.integers(-40, 40)), min_size=1, max_size=80))
def test_calibrated_probabilities_rise_with_the_score(pairs: list[tuple[bool, int]]) -> None:
    actual, score = (np.array(column, float) for column in zip(*pairs, strict=True))
    p = Calibration.fit(actual, score).apply(np.sort(score))
    assert (np.diff(p) >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_ranking_metrics_are_those_of_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    actual, score = (np.array(column, float) for column in zip(*pairs, strict=True))
    if not 0 < actual.sum() < len(actual):
        return
    assert metrics.average_precision(actual, score) == pytest.approx(
        average_precision_score(actual, score)
    )
    assert metrics.roc_auc(actual, score) == pytest.approx(roc_auc_score(actual, score))


def test_slices_of_a_classifier() -> None:
    scored = pd.DataFrame({"outcome": [1.0, 0, 0, 0], "prediction": [0.9, 0.1, 0.2, 0.3]})
    table = binary_slice_table(scored, pd.DataFrame({"day": ["a", "a", "b", "b"]}), 3)
    assert table["positives"].tolist() == [1, 0]
    assert table["average_precision"].fillna(-1).tolist() == [1, -1]
    assert table["predicted_rate"].tolist() == pytest.approx([0.5, 0.25])
    assert table["observed_rate"].tolist() == [0.5, 0]
    assert table["small"].tolist() == [1, 1]


def test_calibration_plot_is_finer_where_probabilities_are_high() -> None:
    p = np.linspace(0, 1, 1000)
    scored = pd.DataFrame({"outcome": (p > 0.99).astype(float), "prediction": p})
    table = plots.binary_calibration(scored)
    assert table["rows"].sum() == 1000
    assert table["rows"].iloc[-1] == 1
    assert table["rows"].iloc[0] == 500
    assert (np.diff(table["prediction"]) > 0).all()
    errors = plots.binary_residuals(scored)
    assert (errors["p10"] <= errors["p90"]).all()


def test_losses_exist_for_every_metric() -> None:
    assert metrics.log_losses([1, 0], [0.5, 0.0]) == pytest.approx([np.log(2), 1e-6], rel=1e-3)


def test_the_reports_slices_of_a_classifier() -> None:
    row = {"slice": "night", "rows": "90", "positives": "3", "log_loss": "0.1", "small": "0"}
    table = [
        {
            **row,
            "value": "day",
            "average_precision": "0.5",
            "predicted_rate": "0.04",
            "observed_rate": "0.02",
        },
        {
            **row,
            "value": "night",
            "average_precision": "",
            "predicted_rate": "0",
            "observed_rate": "0",
        },
    ]
    day, night = slice_groups(table)["night"]
    assert (day.error, day.error_length, day.bias_length) == ("0.500", 0.5, 1.0)
    assert day.bias.startswith("+2.0")
    assert (night.error, night.error_length) == ("none", 0.0)


def test_the_balanced_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(5)
    y = (rng.random(400) < 0.1).astype(float)
    p = np.round(np.clip(0.1 + 0.3 * y + rng.normal(0, 0.2, 400), 0, 1), 2)

    def accuracy(threshold: float) -> float:
        recall, false = metrics.rates_at(y, p, threshold)
        return (recall + 1 - false) / 2

    chosen = metrics.balanced_threshold(y, p)
    assert accuracy(chosen) == pytest.approx(max(map(accuracy, np.unique(p))))
    assert metrics.balanced_threshold(np.zeros(3), p[:3]) == 1.0


def test_false_positives_at_a_recall() -> None:
    y = [1, 0, 1, 0, 0, 1]
    p = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert [metrics.false_positives_at(y, p, r) for r in (0.0, 1 / 3, 2 / 3, 1.0)] == [0, 0, 1, 3]
    assert np.isnan(metrics.false_positives_at([0, 0], [0.1, 0.2], 0.5))
    tied = metrics.false_positives_at([1, 0, 0], [0.5, 0.5, 0.1], 1.0)
    assert tied == 1
