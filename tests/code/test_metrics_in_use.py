"""Every metric can be the one that a problem is searched, judged, compared and replayed by."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import predictions
from experiments.tune import search
from experiments.tune.confirm import against_current
from experiments.tune.trial import Windows, loss_of, run_trial
from problems.contract import Columns, Problem
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.params import read_params
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from stages import backtest, evaluate, featurize, train
from tests.code.small_world import small_world
from workflow.evaluate import with_valid
from workflow.train import TrainParams

NAME = "visits"
PROBLEM = Problem(
    name=NAME,
    world=NAME,
    task="regression",
    target="count",
    unit="visits",
    metric="mae",
    key=("visit_id",),
    time="at",
    known_at="at",
    columns=Columns(numeric=("warmth",), categorical=("door",)),
    slices=("door",),
)
TARGETS = {"regression": "count", "binary": "busy", "multiclass": "size"}
EVERY = [(task, name) for name, metric in metrics.METRICS.items() for task in metric.tasks]


def visits(n: int = 1300) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    door = rng.choice(["front", "back"], n)
    warmth = rng.normal(0, 1, n)
    count = rng.poisson(np.exp(1.2 + 0.7 * warmth + np.where(door == "front", 0.5, -0.5)))
    start = pd.Timestamp("2024-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "visit_id": np.arange(n),
            "at": (start + pd.to_timedelta(np.arange(n) * 6, unit="h")).as_unit("us"),
            "door": pd.Series(door, dtype="str"),
            "warmth": warmth,
            "count": count,
            "busy": (count > 4).astype("int64"),
            "size": pd.Series(np.array(["few", "some", "many"])[np.digitize(count, [2, 6])]),
        }
    )


@pytest.mark.parametrize(("task", "metric"), EVERY)
def test_a_metric_goes_all_the_way(
    task: str, metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = replace(PROBLEM, task=task, target=TARGETS[task], metric=metric)
    small_world(tmp_path, monkeypatch, problem, visits())
    for stage in (featurize, train, evaluate):
        stage.main(NAME)
    figures = json.loads(Path(f"metrics/{NAME}.json").read_text())
    first = metrics.key_of(metric, "visits")
    assert list(figures)[:2] == [f"valid_{first}", first]
    score = figures[first]
    sign = 1 if metrics.METRICS[metric].higher_is_better else -1
    assert sign * score > sign * figures[f"naive_{first}"]  # the model has learnt
    compared = json.loads(paths.comparison(NAME).read_text())
    assert compared["naive"]["lower_95"] > 0

    again = predictions.predictions_at(NAME, "")
    context = predictions.read_context(problem)
    found = predictions.compare_predictions(problem, again, again, context)
    assert found.difference.mean == 0
    assert found.rows_left_out == 0

    base = read_params(TrainParams, f"{NAME}.train")
    bench = Windows.of(problem, base)
    trials = [
        run_trial(bench, point, [], fingerprint="f", seed=1, number=place, stop_after=9)
        for place, point in enumerate([{"learning_rate": 0.1}, {"learning_rate": 1e-6}])
    ]
    assert [trial.reason for trial in trials] == ["", ""]
    assert loss_of(problem, trials[0].score) < loss_of(problem, trials[1].score)
    assert search.best(problem, trials, 1) == trials[:1]
    assert against_current(bench, {"learning_rate": 1e-6}).upper < 0


def test_a_figure_that_rows_of_one_class_have_not_is_no_figure() -> None:
    problem = replace(PROBLEM, task="binary", metric="average_precision", unit="probability")
    held = pd.DataFrame({"outcome": [0.0, 1.0], "prediction": [0.2, 0.7]})
    assert with_valid(problem, held, {"auc": 1.0}) == {"valid_average_precision": 1.0, "auc": 1.0}
    assert with_valid(problem, held[:1], {"auc": 1.0}) == {"auc": 1.0}


@pytest.mark.parametrize("metric", ["r2", "poisson_deviance"])
def test_the_past_is_replayed_by_the_metric(
    metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_world(tmp_path, monkeypatch, replace(PROBLEM, metric=metric), visits())
    backtest.main(NAME)
    table = pd.read_csv(f"plots/{NAME}/backtest.csv")
    assert set(table["measure"]) == {metric}
    assert table["score"].notna().all()
    alone = table.loc[table["policy"] == "never", "score"]
    lost = alone.iloc[0] - alone.iloc[-1]  # of what is better when it is higher
    figures = json.loads(Path(f"metrics/backtest/{NAME}.json").read_text())
    sign = 1 if metrics.METRICS[metric].higher_is_better else -1
    assert figures["lost_alone"] == pytest.approx(sign * lost, rel=1e-3)


def test_counts_are_fitted_by_a_poisson_booster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = replace(PROBLEM, metric="poisson_deviance")
    small_world(tmp_path, monkeypatch, problem, visits())
    featurize.main(NAME)
    train.main(NAME)
    bundle = Bundle.load(paths.bundle(NAME))
    text = (paths.bundle(NAME) / "boosters/point.txt").read_text()
    assert "objective=poisson" in text
    assert "objective=quantile" in (paths.bundle(NAME) / "boosters/lower.txt").read_text()
    rows = visits()
    found = bundle.predict(from_frame(rows))
    assert (found["prediction"] > 0).all()
    assert found["prediction"].mean() == pytest.approx(rows["count"].mean(), rel=0.1)
    assert (found["lower"] <= found["prediction"]).all()
    assert (found["prediction"] <= found["upper"]).all()
