"""A model's text is only handed to LightGBM when it is of the shape that LightGBM writes."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.base.arrays import from_frame
from retrace.base.errors import RetraceError
from retrace.encode.encoders import EncodeParams, Encoder
from retrace.encode.encoding import Encoding
from retrace.encode.folds import folds_of
from retrace.encode.text.model import TextModel
from retrace.fit.boosters import booster_from_text, booster_to_text
from retrace.fit.bundle import Bundle
from retrace.fit.bundle_files import bundle_fingerprint
from retrace.fit.intervals import Interval
from retrace.fit.modeltext import ModelTextError, check_model_text
from retrace.fit.reference import Reference
from tests.tries import tries

ROWS = pd.DataFrame(np.random.default_rng(1).random((300, 4)), columns=list("abcd"))
ROWS["d"] = (ROWS["d"] * 8).astype("int32")
ARRAYS = from_frame(ROWS)
TARGET = (ROWS["a"] + ROWS["d"] % 3).to_numpy()
SETTINGS = {"verbosity": -1, "num_leaves": 6, "min_data_in_leaf": 5, "min_data_per_group": 5}
DATA = lgb.Dataset(ROWS, TARGET, categorical_feature=["d"])
BOOSTER = lgb.train({**SETTINGS, "objective": "regression"}, DATA, 4)
TEXT = booster_to_text(BOOSTER)


def test_what_lightgbm_writes_passes_and_predicts_the_same() -> None:
    check_model_text(TEXT, 4)
    again = booster_from_text(TEXT, "point.txt", 4)
    assert np.array_equal(again.predict(ROWS), BOOSTER.predict(ROWS))


def test_a_model_of_one_leaf_passes() -> None:
    constant = lgb.train(SETTINGS, lgb.Dataset(ROWS, np.ones(300)), 2)
    check_model_text(booster_to_text(constant), 4)


def first(key: str, change: Callable[[list[str]], list[str]]) -> str:
    """Change the numbers of the first line of `key`, and keep the size of its tree."""
    lines = TEXT.split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(f"{key}="))
    before = lines[at]
    lines[at] = f"{key}=" + " ".join(change(before.split("=")[1].split(" ")))
    sizes = next(i for i, line in enumerate(lines) if line.startswith("tree_sizes="))
    if at > sizes:
        numbers = lines[sizes].split("=")[1].split(" ")
        numbers[0] = str(int(numbers[0]) + len(lines[at]) - len(before))
        lines[sizes] = "tree_sizes=" + " ".join(numbers)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("split_feature", lambda n: ["4", *n[1:]], "values other than 0 to 3"),
        ("split_feature", lambda n: ["-1", *n[1:]], "values other than 0 to 3"),
        ("left_child", lambda n: ["0", *n[1:]], "a node below itself"),
        ("left_child", lambda n: ["-9", *n[1:]], "values other than"),
        ("right_child", lambda n: [n[1], *n[1:]], "no parent, or with two"),
        ("leaf_value", lambda n: n[1:], "numbers, not 6"),
        ("leaf_value", lambda n: ["1e999", *n[1:]], "too large"),
        ("leaf_value", lambda n: ["nan", *n[1:]], "something else than numbers"),
        ("num_leaves", lambda n: ["99999999"], "expected 1 to"),
        ("num_cat", lambda n: ["0"], "categorical splits"),
        ("cat_boundaries", lambda n: [*n[:-1], "9999"], "numbers, not 9999"),
        ("is_linear", lambda n: ["1"], "linear leaves"),
        ("num_class", lambda n: ["7"], "expected 1"),
        ("max_feature_idx", lambda n: ["1"], "one entry a column"),
        ("objective", lambda n: ["custom:x"], "unknown objective"),
        ("tree_sizes", lambda n: ["1", *n[1:]], "not the sizes"),
    ],
)
def test_what_would_lead_lightgbm_astray_is_refused(
    key: str, change: Callable[[list[str]], list[str]], words: str
) -> None:
    with pytest.raises(ModelTextError, match=words):
        check_model_text(first(key, change))
    with pytest.raises(RetraceError, match=r"point\.txt is not a LightGBM model"):
        booster_from_text(first(key, change), "point.txt", 4)


@settings(max_examples=tries(60), deadline=None)
@given(st.integers(0, len(TEXT) - 1), st.text(max_size=8), st.integers(0, 30))
def test_any_damage_is_refused_or_read(at: int, put: str, lost: int) -> None:
    text = TEXT[:at] + put + TEXT[at + lost :]
    try:
        booster = booster_from_text(text, "point.txt", 4)
    except RetraceError:
        return
    assert booster.predict(ROWS).shape == (300,)


INTERVAL = {"level": 0.9, "middles": [0, 1], "lower": [0, 0], "upper": [0, 0], "above": {},
            "n_calibration": 1}  # fmt: skip


def interval(**changes: object) -> str:
    return json.dumps({**INTERVAL, **changes})


# ---- the bundle around it ----------------------------------------------------------------------


def encoding() -> Encoding:
    params = EncodeParams(category_min_rows=1, target_smoothing=1.0, seed=1)
    encoder, _ = Encoder.fit(
        ARRAYS, TARGET, folds_of({"id": np.arange(300)}, 1), numeric=["a", "b", "c"],
        categorical=["d"], target_encoded=[], params=params,
    )  # fmt: skip
    return Encoding(encoder, TextModel(8, 0.0, (), ()), {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle = Bundle(
        problem="toy", task="regression", unit="USD", scale="identity", encoding=encoding(),
        boosters=dict.fromkeys(("point", "lower", "upper"), BOOSTER), offset=None,
        promise=Interval(0.9, [0.0], [-0.1], [0.1], {"p50": [0.0]}, 10), card={},
        reference=Reference(np.zeros((9, 4), np.float32), np.zeros(5), np.zeros(5)),
    )  # fmt: skip
    bundle.save(tmp_path)
    assert all(np.isfinite(v).all() for v in Bundle.load(tmp_path).predict(ARRAYS).values())
    return tmp_path


def signed(folder: Path) -> None:
    """Make the fingerprint fit, as someone does who means harm."""
    about = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(
        json.dumps({**about, "fingerprint": bundle_fingerprint(folder)})
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("interval.json", "{}"),
        ("interval.json", '{"level": "x", "middles": [0], "lower": [0], "upper": [0]}'),
        ("interval.json", interval(middles=[0, 0])),
        ("interval.json", interval(upper=[1])),
        ("interval.json", interval(above={"p50": []})),
        ("interval.json", interval(lower=[0, "NaN"])),
        ("interval.json", "[]"),
        ("card.json", "7"),
        ("encoder.json", "{}"),
        ("encoder.json", "null"),
        ("encoder.json", "[" * 100_000),
        ("text.npz", "no archive"),
        ("reference.npz", "no archive"),
        ("boosters/lower.txt", "tree\n"),
        ("boosters/lower.txt", ""),
    ],
)
def test_files_that_do_not_fit_are_refused(folder: Path, file: str, content: str) -> None:
    (folder / file).write_text(content)
    signed(folder)
    with pytest.raises(RetraceError):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"task": "other"},
        {"columns": ["a"]},
        {"offset": "z"},
        {"scale": 7},
        {"format": []},
        {"features": "f"},
    ],
)
def test_a_description_that_does_not_fit_is_refused(folder: Path, change: dict) -> None:
    about = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(about | change))
    with pytest.raises(RetraceError):
        Bundle.load(folder)


def test_a_missing_file_and_a_list_for_a_description_are_refused(folder: Path) -> None:
    (folder / "card.json").unlink()
    signed(folder)
    with pytest.raises(RetraceError, match=r"card\.json is missing"):
        Bundle.load(folder)
    (folder / "bundle.json").write_text("[1]")
    with pytest.raises(RetraceError, match="format None"):
        Bundle.load(folder)


def test_arrays_that_are_objects_or_packed_are_refused(folder: Path) -> None:
    np.savez(folder / "text.npz", hash_bits=np.array([{}], dtype=object), intercept=0.0)
    signed(folder)
    with pytest.raises(RetraceError, match="allow_pickle=False"):
        Bundle.load(folder)
    with zipfile.ZipFile(folder / "text.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hash_bits.npy", bytes(10_000_000))
    signed(folder)
    with pytest.raises(RetraceError, match="is compressed"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": np.zeros((9, 3))},
        {"columns": np.zeros(4)},
        {"losses": np.zeros(4)},
        {"predictions": np.zeros((5, 1)), "losses": np.zeros((5, 1))},
        {"losses": np.array(["a"] * 5)},
    ],
)
def test_a_reference_that_does_not_fit_is_refused(folder: Path, change: dict) -> None:
    found = Bundle.load(folder).reference
    assert found is not None
    np.savez(folder / "reference.npz", **{**found.to_arrays(), **change})
    signed(folder)
    with pytest.raises(RetraceError, match="the drift reference"):
        Bundle.load(folder)


def test_a_pipe_that_never_ends_is_refused(folder: Path) -> None:
    import os

    (folder / "card.json").unlink()
    os.mkfifo(folder / "card.json")
    with pytest.raises(RetraceError, match="is no file"):
        Bundle.load(folder)


def test_features_without_a_column_are_refused_by_name(folder: Path) -> None:
    with pytest.raises(RetraceError, match=r"needs the column\(s\) b;"):
        Bundle.load(folder).predict(from_frame(ROWS.drop(columns="b")))
