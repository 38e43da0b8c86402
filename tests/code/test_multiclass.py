"""A problem of three classes through the stages: featurize, train, evaluate, backtest."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.contract import Columns, Problem
from retrace.base.arrays import from_frame, take
from retrace.base.errors import RetraceError
from retrace.fit.bundle import Bundle
from retrace.fit.calibration import Temperature, softmax
from retrace.judge import metrics
from retrace.judge.gate import Band, GateParams, decide
from retrace.judge.slices import class_slice_table
from stages import backtest, evaluate, featurize, train
from tests.code.small_world import small_world

NAME = "flowers"
CLASSES = ("blue", "red", "white")
PROBLEM = Problem(
    name=NAME,
    world=NAME,
    task="multiclass",
    target="colour",
    unit="flower",
    metric="log_loss",
    key=("flower_id",),
    time="at",
    known_at="at",
    columns=Columns(numeric=("height",), categorical=("soil",)),
    slices=("soil",),
)


def flowers(n: int = 1500) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    soil = rng.choice(["clay", "sand"], n)
    height = rng.normal(0, 1, n)
    score = np.column_stack([np.zeros(n), 2 * height, np.where(soil == "clay", 1.5, -1.5)])
    score += rng.gumbel(0, 0.7, (n, 3))
    start = pd.Timestamp("2024-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "flower_id": np.arange(n),
            "at": (start + pd.to_timedelta(np.arange(n) * 6, unit="h")).as_unit("us"),
            "soil": pd.Series(soil, dtype="str"),
            "height": height,
            "colour": pd.Series(np.array(CLASSES)[score.argmax(axis=1)], dtype="str"),
        }
    )


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a world that is only in memory went through the stages."""
    folder = tmp_path_factory.mktemp("flowers")
    with pytest.MonkeyPatch.context() as patch:
        small_world(folder, patch, PROBLEM, flowers())
        for stage in (featurize, train, evaluate):
            stage.main(NAME)
    return folder


@pytest.fixture
def world(judged: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the tables and the model of that world."""
    small_world(judged, monkeypatch, PROBLEM, flowers())
    return judged


def test_a_prediction_says_what_made_it_and_when(world: Path) -> None:
    records = pd.read_parquet(f"data/predictions/{NAME}.parquet")
    said = {name: records[name].unique().tolist() for name in ("problem", "version", "role")}
    assert said == {"problem": [NAME], "version": [""], "role": ["test"]}
    fingerprint = Bundle.load_judged(Path(f"models/{NAME}")).fingerprint
    assert len(fingerprint) > 8
    assert records["fingerprint"].unique().tolist() == [fingerprint]
    assert records["prediction_id"].is_unique
    rows = flowers().set_index("flower_id").loc[records["flower_id"]]
    assert records["as_of"].tolist() == rows["at"].tolist()
    assert records["outcome"].tolist() == rows["colour"].tolist()


def test_three_classes_go_through_the_stages(world: Path) -> None:
    figures = json.loads(Path(f"metrics/{NAME}.json").read_text())
    assert list(figures)[:2] == ["valid_log_loss", "log_loss"]
    assert figures["log_loss"] < 0.8 * figures["naive_log_loss"]
    assert figures["log_loss"] < 0.9 * figures["rule_log_loss"]
    assert figures["rule_log_loss"] < figures["naive_log_loss"]
    assert figures["accuracy"] > 0.6
    assert 0.5 < figures["macro_f1"] <= 1

    records = pd.read_parquet(f"data/predictions/{NAME}.parquet")
    shares = records[[f"probability_{name}" for name in CLASSES]]
    assert np.allclose(shares.sum(axis=1), 1)
    most_probable = shares.idxmax(axis=1).str.removeprefix("probability_")
    assert (records["prediction"] == most_probable).all()
    mean = float(
        -np.log([row[f"probability_{row.outcome}"] for _, row in records.iterrows()]).mean()
    )
    assert figures["log_loss"] == pytest.approx(mean)

    by_class = (
        pd.read_csv(f"metrics/slices/{NAME}.csv").query("slice == 'class'").set_index("value")
    )
    assert by_class["rows"].sum() == len(records)
    assert by_class["observed_rate"].sum() == pytest.approx(1, abs=1e-4)
    assert (by_class["predicted_rate"] - by_class["observed_rate"]).abs().max() < 0.1
    one = records["outcome"] == "red"
    said = records["prediction"] == "red"
    assert by_class.loc["red", "recall"] == pytest.approx((said & one).sum() / one.sum(), abs=1e-4)
    assert by_class.loc["red", "precision"] == pytest.approx(
        (said & one).sum() / said.sum(), abs=1e-4
    )

    names = ("predicted.png", "residuals.csv", "calibration.csv", "coverage.csv", "importance.csv")
    assert all((world / "plots" / NAME / name).stat().st_size for name in names)
    comparison = json.loads(Path(f"metrics/comparison/{NAME}.json").read_text())
    assert comparison["naive"]["lower_95"] > 0
    assert comparison["naive"]["loss_difference"] == pytest.approx(
        figures["naive_log_loss"] - figures["log_loss"]
    )


def test_the_bundle_says_the_same_after_it_was_read_again(world: Path) -> None:
    bundle = Bundle.load(Path(f"models/{NAME}"))
    rows = from_frame(flowers(100))
    found = bundle.predict(rows)
    assert list(found) == ["prediction", *(f"probability_{name}" for name in CLASSES)]
    bundle.save(world / "again")
    again = Bundle.load(world / "again")
    for other in (bundle.point(rows), again.predict(rows)):
        assert all(np.array_equal(other[name], found[name]) for name in found)
    for row in range(3):  # one row gives the bits that it has among many
        here = slice(row, row + 1)
        alone = again.predict(take(rows, here))
        assert all(np.array_equal(alone[name], found[name][here]) for name in found)


HOSTILE = {
    "boosters/point.txt": [
        ("num_class=3", "num_class=300"),
        ("num_tree_per_iteration=3", "num_tree_per_iteration=1"),
        ("multiclass num_class:3", "multiclass num_class:99"),
    ],
    "encoder.json": [('"white"', '"red"'), ('"blue",', "")],
    "calibration.json": [('"temperature": ', '"temperature": -')],
}


@pytest.mark.parametrize(
    ("file", "old", "new"), [(file, *pair) for file, pairs in HOSTILE.items() for pair in pairs]
)
def test_a_bundle_whose_classes_do_not_fit_is_refused(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    Bundle.load(Path(f"models/{NAME}")).save(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    monkeypatch.setattr(
        "retrace.fit.bundle_files.bundle_fingerprint", lambda _: about["fingerprint"]
    )
    about = json.loads((tmp_path / "bundle.json").read_text())
    with pytest.raises(RetraceError):
        Bundle.load(tmp_path)


def test_the_past_is_replayed_by_class(world: Path) -> None:
    backtest.main(NAME)
    table = pd.read_csv(f"plots/{NAME}/backtest.csv")
    assert set(table["policy"]) == {"never", "every", "alarm"}
    assert set(table["measure"]) == {"log_loss"}
    assert table["score"].between(0.2, 1.0).all()
    figures = json.loads(Path(f"metrics/backtest/{NAME}.json").read_text())
    every = table[table["policy"] == "every"].dropna(subset=["score"])
    assert figures["log_loss_every"] == pytest.approx(
        np.average(every["score"], weights=every["rows"]), rel=1e-4
    )


def scored(n: int = 600) -> pd.DataFrame:
    """Rows whose model is right in 8 of 10, and says so; the rule knows nothing."""
    rng = np.random.default_rng(1)
    outcome = pd.Series(rng.choice(CLASSES, n))
    guess = outcome.where(rng.random(n) < 0.8, pd.Series(rng.choice(CLASSES, n)))
    model = pd.DataFrame({name: np.where(guess == name, 0.86, 0.07) for name in CLASSES})
    rows = pd.DataFrame({"outcome": outcome, "prediction": guess})
    rows = rows.join(model.add_prefix(metrics.prefix()))
    return metrics.beside(rows, pd.DataFrame(1 / 3, rows.index, list(CLASSES)), "rule")


def test_the_gate_compares_probabilities() -> None:
    rows = scored()
    limits = GateParams(
        min_gain=0.01, slice_min_rows=50, slice_max_worse=0.05,
        calibration=Band(least=0.9, most=1.1),
    )  # fmt: skip
    how = {"task": "multiclass", "metric": "log_loss", "params": limits}
    assert decide(rows, None, **how).passed
    worse = metrics.said(rows) * 0.8 + 0.2 / 3
    assert decide(rows, worse, **how).passed
    same = decide(rows, metrics.said(rows), **how)
    assert "beyond chance" in same.reasons[0]
    two = metrics.said(rows)[["blue", "red"]]  # a champion that does not know a class
    assert decide(rows, two, **how).champion.mean > 1
    sure = rows.assign(**{f"probability_{n}": (rows["prediction"] == n) * 1.0 for n in CLASSES})
    assert "calibration is" in decide(sure, None, **how).reasons[-1]


def test_a_class_that_is_not_known_costs_as_much_as_an_impossible_one() -> None:
    rows = scored(2).assign(outcome=["blue", "green"])
    assert metrics.losses("log_loss", rows).iloc[1] == pytest.approx(-np.log(1e-6))
    table = class_slice_table(rows, pd.DataFrame({"half": ["a", "b"]}), 1)
    assert table.set_index("value").loc["b", "accuracy"] == 0


def test_the_temperature_mends_scores_that_are_too_sure() -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(0, 2, (4000, 3))
    actual = (score + rng.gumbel(0, 1, score.shape)).argmax(axis=1).astype(np.float64)
    assert Temperature.fit(actual, score).temperature == pytest.approx(1, abs=0.06)
    assert Temperature.fit(actual, 3 * score).temperature == pytest.approx(3, abs=0.2)
    assert Temperature.fit(actual[:10], 3 * score[:10]).temperature == 1
    assert np.allclose(softmax(np.array([[1000.0, 0.0]])), [[1, 0]])


def test_a_problem_of_classes_refuses_what_estimates_a_number() -> None:
    with pytest.raises(ValueError, match="no offset"):
        Problem(**{**vars(PROBLEM), "offset": "height"})
