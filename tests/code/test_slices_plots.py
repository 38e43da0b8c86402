"""Tables by slice and what is drawn: right on a few rows, and no crash on very few."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrace.judge import metrics, plots
from retrace.judge.slices import bands, slice_table

BANDS = ["p10", "p25", "median", "p75", "p90"]


def scored(outcome: list[float], prediction: list[float], width: float = 1.0) -> pd.DataFrame:
    rows = pd.DataFrame({"outcome": outcome, "prediction": prediction}, dtype="float64")
    return rows.assign(lower=rows["prediction"] - width, upper=rows["prediction"] + width)


# Slices


def test_each_value_of_each_label_is_measured() -> None:
    rows = scored([10, 20, 30, 40], [11, 20, 33, 30])
    labels = pd.DataFrame({"size": ["big", "small", "big", "big"], "all": "all"})
    table = slice_table(rows, labels, metrics.mae, min_rows=2)
    assert table[["slice", "value", "rows", "small"]].to_numpy().tolist() == [
        ["size", "big", 3, 0],
        ["size", "small", 1, 1],
        ["all", "all", 4, 0],
    ]
    assert table["error"].tolist() == pytest.approx([14 / 3, 0, 3.5])
    assert table["bias"].tolist() == pytest.approx([-2, 0, -1.5])
    assert table["coverage"].tolist() == pytest.approx([1 / 3, 1, 0.5])


def test_slices_keep_the_order_of_labels_and_show_the_largest_first() -> None:
    labels = pd.DataFrame({"z": ["b", "a", "c", "c"], "a": ["x", "y", "y", "y"]})
    table = slice_table(scored([1] * 4, [1] * 4), labels, metrics.mae, min_rows=1)
    assert list(zip(table["slice"], table["value"], strict=True)) == [
        ("z", "c"),
        ("z", "a"),
        ("z", "b"),
        ("a", "y"),
        ("a", "x"),
    ]


def test_bands_without_rows_are_left_out_and_rows_without_a_label_too() -> None:
    rows = scored([1, 2, 300], [1, 2, 300])
    labels = pd.DataFrame({"band": bands(rows["outcome"], [10, 100], "USD")})
    assert slice_table(rows, labels, metrics.mae, 1)["value"].tolist() == [
        "under 10 USD",
        "100 USD and more",
    ]
    labels = pd.DataFrame({"name": ["a", None, "a"]})
    assert slice_table(rows, labels, metrics.mae, 1)["rows"].tolist() == [2]


def test_no_rows_give_an_empty_table_with_its_columns() -> None:
    labels = pd.DataFrame({"name": pd.Series([], dtype="str")})
    table = slice_table(scored([], []), labels, metrics.mae, 1)
    full = slice_table(scored([1], [1]), pd.DataFrame({"name": ["a"]}), metrics.mae, 1)
    assert table.empty
    assert table.columns.tolist() == full.columns.tolist()
    assert plots.coverage_by_slice(table).empty


def test_an_index_of_its_own_does_not_matter() -> None:
    rows = scored([10, 20, 30], [11, 20, 33]).set_axis([7, 3, 9])
    labels = pd.DataFrame({"size": ["big", "small", "big"]}, index=rows.index)
    table = slice_table(rows, labels, metrics.mae, 1)
    assert table["error"].tolist() == [2, 0]


def test_a_band_begins_with_its_edge() -> None:
    names = bands(pd.Series([0.0, 9.99, 10.0, 19.99, 20.0, 500.0]), [10, 20], "s")
    assert names.tolist() == [
        *["under 10 s"] * 2,
        *["10 to 20 s"] * 2,
        *["20 s and more"] * 2,
    ]
    assert names.cat.ordered
    assert names.min() == "under 10 s"


# Tables that are drawn


@given(st.integers(0, 300), st.integers(1, 60), st.booleans())
def test_bins_differ_by_one_row_at_most_and_follow_the_values(n: int, k: int, tied: bool) -> None:
    values = pd.Series(np.random.default_rng(n).permutation(n) // (3 if tied else 1))
    bins = plots._binned(values, k)
    sizes = np.bincount(bins, minlength=k + 1)
    assert sizes[0] == 0
    assert len(sizes) == k + 1
    assert sizes[1:].max() - sizes[1:].min() <= 1
    assert (np.diff(bins[np.argsort(values.to_numpy(), kind="stable")]) >= 0).all()


def test_residuals_on_a_log_scale_are_per_cent_of_the_outcome() -> None:
    rows = scored([99.0] * 5 + [999.0] * 5, [149.0] * 5 + [499.0] * 5)
    table = plots.residuals(rows, "log", "USD", n_bins=2)
    assert table["band"].tolist() == [99, 999]
    assert table[BANDS].to_numpy().tolist() == [pytest.approx([50] * 5), pytest.approx([-50] * 5)]
    assert table["unit"].unique().tolist() == ["% of the outcome"]


def test_residuals_in_the_unit_of_the_outcome() -> None:
    rows = scored(list(range(100)), [i + i % 10 for i in range(100)])
    table = plots.residuals(rows, "identity", "s")
    assert table["unit"].unique().tolist() == ["s"]
    assert table["median"].tolist() == pytest.approx([4.5] * 10)
    assert (table[BANDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert table["band"].is_monotonic_increasing


def test_calibration_is_by_tenth_of_the_prediction() -> None:
    prediction = np.linspace(1, 50, 50)
    table = plots.calibration(scored(list(prediction * 2), list(prediction)))
    assert table["rows"].tolist() == [5] * 10
    assert table["outcome"].tolist() == pytest.approx((2 * table["prediction"]).tolist())


@pytest.mark.parametrize(
    ("outcome", "prediction"),
    [
        ([5], [4]),
        ([1, 2, 3], [1, 2, 2]),
        ([5] * 30, [5] * 30),
        (list(range(30)), [5] * 30),
        ([5] * 30, list(range(30))),
        ([0, 0, 0], [0, 0, 0]),
        ([0.1, 0.2], [0.3, 0.4]),
    ],
)
@pytest.mark.parametrize("scale", ["log", "identity"])
def test_few_rows_and_constants_are_drawn(
    outcome: list, prediction: list, scale: str, tmp_path: Path
) -> None:
    rows = scored(outcome, prediction)
    residuals = plots.residuals(rows, scale, "s")
    assert len(residuals) == len(plots.calibration(rows)) == min(10, len(rows))
    assert np.isfinite(residuals[BANDS]).all(axis=None)
    assert plots.calibration(rows)["rows"].sum() == len(rows)
    plots.predicted_png(rows, "s", scale, tmp_path / "one.png")
    plots.predicted_png(rows, "s", scale, tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_no_rows_give_empty_tables() -> None:
    nothing = scored([], [])
    assert plots.residuals(nothing, "log", "s").empty
    assert plots.calibration(nothing).empty


def test_coverage_has_only_slices_that_say_something() -> None:
    table = pd.DataFrame(
        {
            "slice": ["size", "size"],
            "value": ["big", "tiny"],
            "rows": [300, 3],
            "coverage": [0.9, 0.3],
            "small": [0, 1],
        }
    )
    assert plots.coverage_by_slice(table).to_dict("records") == [
        {"slice": "size: big", "coverage": 0.9, "rows": 300}
    ]
