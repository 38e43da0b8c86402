"""What is likely a fault of an export is said, with its cause; what is certain is read."""

import numpy as np
import pandas as pd
import pytest

from retrace.raw.hints import hints, no_number
from retrace.raw.values import as_id, as_number, as_text, clean_text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["Nike", "NULL", r"\N"], "'NULL', are read as missing values"),
        (["DÃ©cor", "Home"], "wrong encoding. Export the table as UTF-8"),
        (["Tops &amp; Blouses", "Home"], "have HTML entities"),
        (["12,50", "8"], "a decimal comma"),
        (["1.234,50", "8"], "a decimal comma"),
        (["$12", "8"], "the sign of a currency"),
        (["12 €", "8"], "the sign of a currency"),
        (["1.234", "12.500", "1.000", "2.100", "3.400", "900", "80"], "separate thousands"),
    ],
)
def test_what_is_likely_a_fault_is_said_by_column(values: list[str], words: str) -> None:
    (said,) = hints(pd.DataFrame({"a": values, "b": "fine, or so", "c": 1.5}))
    assert said.startswith("column 'a'")
    assert words in said


@pytest.mark.parametrize(
    "values",
    [
        ["12.50", "8", "-3", "1e3"],
        ["12.345", "8.5", "1.234", "2.345", "3.456", "4.567"],  # kilograms
        ["1.234", "2.345", "3.456", "4.567", "5.678"],
        ["a $5 note, or 12,50", "Ångström", "Barnes & Noble", "nanny", "NA-12"],
    ],
)
def test_what_is_no_fault_is_not_said(values: list[str]) -> None:
    assert not [*hints(pd.DataFrame({"a": values}))]


def test_words_for_no_value_are_missing_in_every_type() -> None:
    words = ["NULL", " nan ", "None", r"\N", "N/A", "?", "<NA>", "", None]
    column = pd.Series(words, dtype="str")
    for read in (as_text, clean_text, as_id):
        assert read(column).tolist() == [""] * len(words)
    assert np.isnan(as_number(column)).all()
    assert as_text(pd.Series(["Nancy", "nullable", "no"])).tolist() == ["Nancy", "nullable", "no"]


def test_the_cause_is_named_where_a_number_has_one() -> None:
    found = no_number("price", pd.Series(["12,50", "$3", "x", "4.5"]))
    assert [(why.split(": ")[1], mask.tolist()) for why, mask in found] == [
        ("it has a decimal comma", [True, False, False, False]),
        ("it has the sign of a currency", [False, True, False, False]),
    ]
