"""Numbers, ids and reasons of raw tables."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrace.base.errors import RetraceError
from retrace.raw import read_raw
from retrace.raw.reasons import also, first_reason, quarantine
from retrace.raw.values import as_id, as_integer, as_number, as_text, clean_text
from tests.code.raw_tables import several

# ---- values --------------------------------------------------------------------------------------


def test_numbers() -> None:
    found = as_number(pd.Series(["1", " 2.5 ", "+1e3", ".5", "inf", "1e999", "-3"]))
    assert found.tolist() == [1, 2.5, 1000, 0.5, np.inf, np.inf, -3]
    unreadable = ["", "nan", "1,000", "$3", "0x10", "1_0", "٣", None]
    assert np.isnan(as_number(pd.Series(unreadable))).all()
    assert as_number(pd.Series([1, 2])).tolist() == [1.0, 2.0]
    assert as_number(pd.Series([1, "2"], dtype=object)).tolist() == [1.0, 2.0]


@several
@given(st.lists(st.floats(allow_nan=False)))
def test_numbers_keep_every_bit(numbers: list[float]) -> None:
    text = pd.Series([repr(number) for number in numbers], dtype="str")
    assert as_number(text).tolist() == numbers


def test_whole_numbers_and_text() -> None:
    found = as_integer(pd.Series(["7", "7.0", " 7 ", "+7", "-7", "7.5", "", "x", "1" * 19]))
    assert found.fillna(0).tolist() == [7, 7, 7, 7, -7, 0, 0, 0, 0]
    assert as_text(pd.Series([1.5, np.nan, 3.0])).tolist() == ["1.5", "", "3"]
    cleaned = clean_text(pd.Series(["  a\u00a0 \nb", "e\u0301", None]))
    assert cleaned.tolist() == ["a b", "é", ""]


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrace.raw.packed._BOMB_BYTES", 1 << 20)
    path = tmp_path / "t.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb\n" + b"1\t2\n" * 2_000_000))
    with pytest.raises(RetraceError, match="have unpacked to more than"):
        read_raw(path, ["a"])


# ---- ids, separators and reasons -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype", "ids"),
    [
        ([12, 7], "int64", ["12", "7"]),
        ([12.0, np.nan, 12345678901234.0], "float64", ["12", "", "12345678901234"]),
        ([12.5, 7.0], "float64", ["12.5", "7"]),
        ([12, None], "Int64", ["12", ""]),
        ([" 12 ", "12.0", "012", "012.00", "a\u00a0 b", "1.5", None], "str",
         ["12", "12", "012", "012", "a b", "1.5", ""]),
        ([7, "7", 7.0, None], "object", ["7", "7", "7", ""]),
        (["x", "y"], "category", ["x", "y"]),
    ],
)  # fmt: skip
def test_an_id_is_the_same_text_in_every_table(values: list, dtype: str, ids: list[str]) -> None:
    found = as_id(pd.Series(values, dtype=dtype, index=range(5, 5 + len(values))))
    assert found.tolist() == ids
    assert found.index[0] == 5


def test_of_several_reasons_the_first_counts() -> None:
    index = pd.Index([3, 4, 5])
    reason = first_reason(
        [("a", np.array([True, False, False])), ("b", np.array([True, True, False]))], index
    )
    assert reason.to_dict() == {3: "a", 4: "b", 5: ""}
    assert also(reason, "c", pd.Index([5])).tolist() == ["a", "b", "c"]


def test_rejected_rows_come_in_the_order_of_the_files() -> None:
    one = pd.DataFrame({"file": ["b", "a"], "row": [1, 2], "id": ["x", "y"], "reason": "odd"})
    other = pd.DataFrame({"file": ["a"], "row": [1], "reason": ["short"], "text": ["1,"]})
    found = quarantine([one, other], "id")
    assert found.to_numpy().tolist() == [
        ["a", 1, "", "short"], ["a", 2, "y", "odd"], ["b", 1, "x", "odd"]
    ]  # fmt: skip
