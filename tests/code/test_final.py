"""The final fit: which rows each model may see, and what its promise is made from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from problems.predict import predict
from retrace.base import paths
from retrace.base.files import read_table
from retrace.encode.encoders import Encoder
from retrace.encode.encoding import Encoding
from retrace.encode.text.model import TextModel
from retrace.fit.boosters import BoosterParams, Layout, best_rounds
from retrace.fit.bundle import JUDGED, Bundle
from retrace.past.final import final_rows
from retrace.past.splits import SplitParams, split
from stages import evaluate, featurize, train
from tests.code.small_world import small_world
from tests.code.test_metrics_in_use import NAME, PROBLEM, TARGETS, visits
from workflow.folds import without_fold
from workflow.train import few_words

SHARES = {"train": 0.6, "valid": 0.1, "calibration": 0.1, "test": 0.2}


def rows(days: int) -> pd.DataFrame:
    """Ten rows a day, whose outcome is known after three days, of every tenth after nine."""
    at = pd.date_range("2025-01-01", periods=10 * days, freq="144min", tz="UTC")
    late = np.where(np.arange(len(at)) % 10 == 0, 9, 3)
    known_at = at + pd.to_timedelta(late, unit="D")
    end = at.max()
    return pd.DataFrame(
        {
            "id": np.arange(len(at)),
            "at": at,
            "y": 1.0,
            "known_at": pd.Series(known_at).where(known_at <= end).to_numpy(),
        }
    ).assign(known_at=lambda frame: pd.to_datetime(frame["known_at"], utc=True))


def masks(frame: pd.DataFrame, **params: object) -> tuple[pd.Series, dict[str, np.ndarray]]:
    settings = SplitParams.model_validate({**SHARES, **params})
    known = {"target": "y", "known_at": "known_at"}
    windows = split(frame, settings, ["id"], "at", **known)
    return windows, final_rows(frame, windows, settings, ["id"], "at", **known)


@pytest.mark.parametrize("mature", [None, 0.98])
def test_the_judged_model_sees_what_was_known_when_the_test_began(mature: float | None) -> None:
    frame = rows(200)
    windows, found = masks(frame, by="time", mature_share=mature)
    begun = frame.loc[windows == "test", "at"].min()
    assert (frame.loc[found["judged"], "known_at"] < begun).all()
    assert not (found["judged"] & (windows == "test")).any()
    newest = frame.loc[found["judged"], "at"].max()
    assert begun - newest < pd.Timedelta(10, unit="D")
    assert found["judged"].sum() > (windows == "train").sum()


def test_rows_of_the_gaps_teach_and_young_ones_do_not() -> None:
    frame = rows(200)
    windows, found = masks(frame, by="time", mature_share=0.98)
    assert (found["judged"] & windows.isna()).any()
    young = frame["at"] > frame["known_at"].max() - pd.Timedelta(9, unit="D")
    assert not (found["shipped"] & young).any()
    assert (found["shipped"] & (windows == "test")).any()


def test_a_short_log_teaches_all_that_its_windows_have() -> None:
    frame = rows(25)  # of which the split takes a lower age than that of 98 %, after nine days
    windows, found = masks(frame, by="time", mature_share=0.98)
    assert found["judged"][windows.isin(["train", "valid", "calibration"])].all()
    assert found["shipped"][windows.notna()].all()


def test_by_days_the_delay_is_kept_at_both_ends() -> None:
    frame = rows(100)
    days = {"train": 50, "valid": 10, "calibration": 10, "delay": 9, "test": 21}
    windows, found = masks(frame, by="days", days=days)
    last = frame["at"].max().floor("D")
    assert frame.loc[found["shipped"], "at"].max() < last - pd.Timedelta(8, unit="D")
    begun = frame.loc[windows == "test", "at"].min()
    assert frame.loc[found["judged"], "at"].max() < begun - pd.Timedelta(9, unit="D")


def test_without_an_order_the_windows_decide() -> None:
    windows, found = masks(rows(100), by="hash")
    assert (found["judged"] == (windows != "test")).all()
    assert found["shipped"].all()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    problem = replace(PROBLEM, task="regression", target=TARGETS["regression"], metric="mae")
    small_world(tmp_path, monkeypatch, problem, visits())
    return tmp_path


def run() -> dict[str, float]:
    for stage in (featurize, train, evaluate):
        stage.main(NAME)
    figures: dict[str, float] = json.loads(paths.metrics(NAME).read_text())
    return figures


def test_test_figures_are_of_the_judged_model_and_the_other_ships(world: Path) -> None:
    run()
    shipped, judged = Bundle.load(paths.bundle(NAME)), Bundle.load_judged(paths.bundle(NAME))
    assert shipped.fingerprint != judged.fingerprint
    fitted = {fit: read_table(paths.window(NAME, f"{fit}/fitted")) for fit in ("judged", "shipped")}
    test = read_table(paths.window(NAME, "test"), list(PROBLEM.key))
    both = fitted["judged"].merge(test, on=list(PROBLEM.key))
    assert both.empty
    assert len(fitted["shipped"].merge(test, on=list(PROBLEM.key))) == len(test)
    assert shipped.card["rows"]["fitted"] == len(fitted["shipped"])
    assert judged.card["rows"]["fitted"] == len(fitted["judged"])
    assert shipped.card["rounds"] == judged.card["rounds"]
    records = read_table(paths.predictions(NAME))
    assert set(records["fingerprint"]) == {judged.fingerprint}
    clean = read_table(paths.clean(PROBLEM.world))
    asked = records[list(PROBLEM.key)].merge(clean, on=list(PROBLEM.key), how="left")
    problem = replace(PROBLEM, task="regression", target=TARGETS["regression"], metric="mae")
    found = predict(problem, judged, asked, past=clean)
    assert np.array_equal(found["prediction"], records["prediction"])


def test_no_row_behind_a_promise_was_fitted_on(world: Path) -> None:
    """By time the newest known rows, which no booster that scored them had seen; where these are
    few, older ones besides, scored by fits without their fold."""
    run()
    held = read_table(paths.held(NAME))
    seen = read_table(paths.window(NAME, "train"), list(PROBLEM.key))
    assert held[~held["older"]].merge(seen, on=list(PROBLEM.key)).empty
    assert len(held[held["older"]].merge(seen, on=list(PROBLEM.key))) == held["older"].sum() > 0
    assert not held.duplicated(list(PROBLEM.key)).any()
    assert held.loc[held["older"], "at"].max() < held.loc[~held["older"], "at"].min()
    shipped = Bundle.load(paths.bundle(NAME))
    test = read_table(paths.window(NAME, "test"))
    assert shipped.card["rows"]["held"] == len(held) + len(test)


def test_without_it_the_model_that_the_windows_chose_ships(world: Path) -> None:
    before = run()
    params = yaml.safe_load((world / "params.yaml").read_text())
    params[NAME]["train"] |= {"final": False}
    (world / "params.yaml").write_text(yaml.safe_dump(params))
    without = run()
    assert not (paths.bundle(NAME) / JUDGED).exists()
    assert list(without) == list(before)
    assert without != before


def test_a_booster_that_early_stopping_did_not_end_is_said(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    said = capsys.readouterr().out
    warnings = Bundle.load(paths.bundle(NAME)).card["warnings"]
    assert any("used all 60 rounds" in warning for warning in warnings)
    assert all(f"WARNING: {warning}" in said for warning in warnings)


def test_a_validation_window_of_few_rows_is_said_to_choose_by_chance() -> None:
    few, more = ({"valid": (np.zeros((n, 1), np.float32), np.zeros(n))} for n in (8, 30))
    assert "8 rows" in few_words(few, folds_choose=False)[0]
    assert few_words(few, folds_choose=True) == few_words(more, folds_choose=False) == []


def test_folds_choose_the_rounds_of_few_rows_by_what_they_have_not_seen() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(300, 4)).astype(np.float32)
    params = BoosterParams(num_leaves=7, min_data_in_leaf=5)
    objective = {"objective": "regression", "metric": "rmse"}
    layout = Layout(["a", "b", "c", "d"])
    told = 3.0 * matrix[:, 0].astype(np.float64) + rng.normal(0, 0.1, 300)
    for target, least, most in [(told, 50, 1000), (rng.normal(size=300), 1, 20)]:
        folds = []
        for fold in range(5):
            out = np.arange(300) % 5 == fold
            folds.append(((matrix[~out], target[~out]), (matrix[out], target[out])))
        rounds, scores = best_rounds(folds, layout, params, objective)
        assert least <= rounds <= most
        assert [len(one) for one in scores] == [60] * 5


def test_a_linear_model_does_not_tell_boosters_of_the_fold_that_is_left_out() -> None:
    """Scores out of fold know the other folds: boosters lose by it on the one left out."""
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(400, 12)).astype(np.float32)
    corner = 4.0 * ((matrix[:, 0] > 0.5) & (matrix[:, 1] > 0.5))
    target = matrix.sum(axis=1, dtype=np.float64) + corner + rng.normal(0, 1, 400)
    folds = rng.integers(0, 5, 400)
    names = [f"x{place}" for place in range(12)]
    encoder = Encoder(tuple(names), (), ())
    encoding, matrix = Encoding(encoder, TextModel(0, 0.0, (), ()), {}).with_linear(
        matrix, target, folds, binary=False
    )
    layout = Layout(encoding.columns, offset="linear")
    problem = replace(PROBLEM, task="regression")
    params = BoosterParams(num_leaves=7, min_data_in_leaf=5, learning_rate=0.1)
    fold = 2
    out = matrix[folds == fold], target[folds == fold]
    clean = without_fold(problem, encoding, (matrix, target), folds, fold)
    assert np.array_equal(clean[0][:, :-1], matrix[folds != fold][:, :-1])
    changed = np.where(folds == fold, -target, target)
    again = without_fold(problem, encoding, (matrix, changed), folds, fold)
    assert np.array_equal(clean[0], again[0])  # nothing of the fold is in it
    told = matrix[folds != fold], target[folds != fold]
    objective = {"objective": "regression", "metric": "rmse"}
    found = {
        name: np.mean((best_rounds([(train, out)], layout, params, objective)[1][0] - out[1]) ** 2)
        for name, train in (("clean", clean), ("told", told))
    }
    assert found["clean"] < found["told"]
