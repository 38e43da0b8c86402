"""Where boosters start from, and the average of one from the offset and one from the mean."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from retrace.base import paths
from retrace.base.files import read_table
from retrace.encode.encoding import Encoding
from retrace.fit.boosters import (
    BoosterParams,
    Layout,
    booster_from_text,
    booster_to_text,
    fit_rounds,
)
from retrace.fit.bundle import Bundle, predict_scaled
from retrace.fit.starts import MEAN, averaged, layout_for, named, objective_for, seen_by
from tests.code.small_world import small_world
from tests.code.test_final import run
from tests.code.test_metrics_in_use import NAME, PROBLEM, TARGETS, visits
from workflow.train import LARGER

LAYOUT = Layout(["a", "b", "linear"], offset="linear")
PARAMS = BoosterParams(num_leaves=7, min_data_in_leaf=5)
L2 = {"objective": "regression", "metric": "rmse"}


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(400, 3)).astype(np.float32)
    matrix[:, 2] = 5 + matrix[:, 0]
    return matrix, 5 + matrix[:, 0] + np.sign(matrix[:, 1]) + rng.normal(0, 0.1, 400)


def fitted(names: tuple[str, ...], rows: tuple[np.ndarray, np.ndarray]) -> dict:
    layouts = {name: layout_for(name, LAYOUT) for name in names}
    return {
        name: fit_rounds(
            seen_by(name, own, rows), own, PARAMS, objective_for(name, L2), 30 + len(name)
        )
        for name, own in layouts.items()
    }


@pytest.mark.parametrize(("start", "count"), [("both", 2), ("both+extra", 4)])
def test_the_average_of_boosters_is_one_that_can_be_written_and_read(rows, start, count) -> None:
    both = fitted(named("point", start), rows)
    assert len({booster_to_text(one) for one in both.values()}) == count
    found, share = averaged(both)
    assert ([*found], share) == (["point"], 0.5)
    layout = Layout(LAYOUT.columns, offset="linear", share=share)
    expected = np.mean(
        [
            predict_scaled({"point": one}, layout_for(name, LAYOUT), rows[0])["point"]
            for name, one in both.items()
        ],
        axis=0,
    )
    assert predict_scaled(found, layout, rows[0])["point"] == pytest.approx(expected, abs=1e-9)
    again = booster_from_text(booster_to_text(found["point"]), "here", 3)
    assert np.array_equal(again.predict(rows[0]), found["point"].predict(rows[0]))
    assert again.num_trees() == sum(one.num_trees() for one in both.values())


@pytest.mark.parametrize(("start", "share"), [("offset", 1.0), ("mean", 0.0)])
def test_one_start_stays_as_it_is(rows, start: str, share: float) -> None:
    alone = fitted(named("point", start), rows)
    found, own = averaged(alone)
    assert own == share
    assert found["point"] is next(iter(alone.values()))


def test_from_the_mean_the_offset_is_not_seen(rows) -> None:
    (booster,) = fitted(("point" + MEAN,), rows).values()
    assert booster.feature_importance("split")[2] == 0
    assert booster.predict(rows[0]).mean() == pytest.approx(rows[1].mean(), abs=0.05)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_a_bundle_keeps_its_start_and_a_row_has_the_bits_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    metric = {"regression": "mae", "binary": "auc", "multiclass": "log_loss"}[task]
    problem = replace(PROBLEM, task=task, target=TARGETS[task], metric=metric)
    small_world(tmp_path, monkeypatch, problem, visits())
    params = yaml.safe_load(Path("params.yaml").read_text())
    params[NAME]["encode"] = {"linear": True}
    params[NAME]["train"] |= {"start": "both", "extra_trees": True, "max_rounds": 20}
    params[NAME]["split"] = {"by": "hash"}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run()
    bundle = Bundle.load_judged(paths.bundle(NAME))
    assert bundle.share == 0.5
    assert {"point", "point" + MEAN, "point.extra", "point.mean.extra"} <= {*bundle.card["rounds"]}
    encoding = Encoding.load(paths.features(NAME) / "judged")
    matrix = read_table(paths.window(NAME, "judged/test"))[encoding.columns].to_numpy(np.float32)
    together = bundle.scores(matrix)
    alone = [bundle.scores(matrix[place : place + 1]) for place in range(20)]
    for name, scores in together.items():
        assert np.array_equal([one[name][0] for one in alone], scores[:20])


def test_larger_trees_are_taken_where_they_err_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stumps cannot say that two columns work together; larger trees can."""
    rows = visits()
    rng = np.random.default_rng(6)
    rows["count"] = 5.0 * (rows["warmth"].gt(0) ^ rows["door"].eq("front"))
    rows["count"] += rng.uniform(0, 1, len(rows))
    problem = replace(PROBLEM, metric="mae", scale="identity")
    small_world(tmp_path, monkeypatch, problem, rows)
    params = yaml.safe_load(Path("params.yaml").read_text())
    params[NAME]["train"] |= {"num_leaves": 2, "larger_trees": True, "max_rounds": 40}
    params[NAME]["split"] = {"by": "hash"}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run()
    bundle = Bundle.load(paths.bundle(NAME))
    assert bundle.card["trees"] == LARGER
    assert booster_to_text(bundle.boosters["point"]).count("num_leaves=2\n") == 0
