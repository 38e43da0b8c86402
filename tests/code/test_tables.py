"""Tables of the report: what they declare holds for every column."""

import pandas as pd
import pytest

from problems.contract import Evaluation, Problem
from problems.orders.problem import STUCK
from problems.price.problem import PROBLEMS
from retrace.base.tables import Column, Picture, Table
from workflow.evaluate import declared, words_of

PRICE = PROBLEMS["price"]


def test_a_table_declares_each_of_its_columns() -> None:
    frame = pd.DataFrame({"band": ["low"], "rows": [3]})
    with pytest.raises(ValueError, match="declares band; it has band, rows"):
        Table(frame, "By band", {"band": Column("band", kind="text")})


def test_declarations_go_to_json_in_order() -> None:
    frame = pd.DataFrame({"band": ["low"], "mae": [3.0]})
    columns = {"band": Column("band", kind="text"), "mae": Column("error", "USD")}
    tables = {
        name: Table(frame, name, columns, Picture("bars", ("mae",)) if name == "z" else None)
        for name in ("z", "a")
    }
    found = declared(PRICE, Evaluation(), {"rmsle": 0.5}, tables)
    assert [*found["tables"]] == ["z", "a"]
    assert found["tables"]["z"]["columns"]["mae"] == {
        "words": "error", "unit": "USD", "kind": "number"
    }  # fmt: skip
    assert found["tables"]["z"]["picture"]["kind"] == "bars"
    assert found["tables"]["a"]["picture"] is None
    assert found["metric"]["of_losses"] == "root"


@pytest.mark.parametrize(
    ("problem", "key", "column"),
    [
        (PRICE, "rmsle", Column("RMSLE")),
        (PRICE, "rule_mae_usd", Column("mean absolute error of the rule", "USD")),
        (PRICE, "coverage_90", Column("outcomes inside the 90 % interval", kind="share")),
        (PRICE, "oracle_ratio", Column("error as a multiple of the oracle's")),
        (PRICE, "bias_usd", Column("bias", "USD")),
        (PRICE, "calls_5", Column("the first 5 calls", kind="share")),
        (STUCK, "naive_average_precision", Column("average precision of the naive average")),
    ],
)
def test_figures_have_words_and_units(problem: Problem, key: str, column: Column) -> None:
    evaluation = Evaluation(words={"calls_*": Column("the first * calls", kind="share")})
    assert words_of(problem, evaluation, key) == column
