"""Every kind of check passes inside its limits, fails outside, and shows the rows that did it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from problems.contract import Ingested, World
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import write_json
from retrace.base.params import read_params
from retrace.checks import Check, ValidateParams, examples, measure, passes
from retrace.checks.columns import missing
from retrace.checks.profile import profile, ran_dry, scaled
from stages.validate import last_profile
from workflow.ingest import fewer_rows, in_and_out
from workflow.validate import check_schema, run_checks, stop_on_hard

ROWS = pd.DataFrame(
    {
        "number": [1.0, 2.0, 3.0, 4.0, 90.0],
        "flag": [True, True, False, True, True],
        "text": pd.Series(["a", "a", "b", "", None], dtype="str"),
        "empty": [np.nan] * 5,
    }
)


def world_of(pattern: str, typed: tuple[str, ...] = ()) -> World:
    """A world whose clean table may have columns of a pattern."""
    columns = {pattern: pa.Column(regex=True, required=False)}
    return World("toy", pa.DataFrameSchema(columns), ("id",), typed_prefixes=typed)


COUNTS, NUMBERS = world_of("count_.*"), world_of("number_.*", ("number", "text"))


def check(column: str, kind: str, **limits: float) -> Check:
    return Check(column=column, check=kind, level="soft", **limits)


@pytest.mark.parametrize(
    ("column", "kind", "at", "expected"),
    [
        ("number", "min", None, 1),
        ("number", "max", None, 90),
        ("number", "mean", None, 20),
        ("flag", "mean", None, 0.8),
        ("number", "quantile", 0.5, 3),
        ("number", "quantile", 1.0, 90),
        ("number", "z_share", 4.0, 0.2),
        ("number", "grid_share", 2.0, 0.6),
        ("number", "distinct", None, 5),
        ("text", "distinct", None, 2),
        ("text", "missing_share", None, 0.4),
        ("number", "missing_share", None, 0),
        ("text", "top_share", None, 2 / 3),
        ("flag", "top_share", None, 0.8),
    ],
)
def test_each_kind_passes_inside_its_limits_and_fails_outside(
    column: str, kind: str, at: float | None, expected: float
) -> None:
    sides = {} if at is None else {"at": at}
    found = measure(ROWS, check(column, kind, least=0, **sides))
    assert found == pytest.approx(expected)
    assert passes(check(column, kind, least=expected - 0.01, most=expected + 0.01, **sides), found)
    assert not passes(check(column, kind, least=expected + 0.01, **sides), found)
    assert not passes(check(column, kind, most=expected - 0.01, **sides), found)
    assert passes(check(column, kind, least=found, most=found, **sides), found)


@pytest.mark.parametrize("kind", ["min", "max", "mean", "top_share"])
def test_a_column_without_values_fails_what_cannot_be_measured(kind: str) -> None:
    for column in ("empty", "number"):
        nothing = check(column, kind, least=-1e9)
        rows = ROWS if column == "empty" else ROWS[:0]
        assert np.isnan(measure(rows, nothing))
        assert not passes(nothing, measure(rows, nothing))
    assert measure(ROWS, check("empty", "distinct", least=1)) == 0
    assert measure(ROWS, check("empty", "missing_share", most=1)) == 1


def test_a_constant_has_no_spread_but_what_differs_from_it_is_far() -> None:
    rows = pd.DataFrame({"x": [5.0] * 9 + [6.0]})
    assert measure(rows[:9], check("x", "z_share", at=6, most=0)) == 0
    assert measure(rows, check("x", "z_share", at=6, most=0)) == pytest.approx(0.1)


def test_an_empty_text_is_missing() -> None:
    assert missing(ROWS["text"]).tolist() == [False, False, False, True, True]
    assert missing(ROWS["empty"]).all()


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (check("number", "max", most=10), [90, 4]),
        (check("number", "mean", most=10), [90, 4]),
        (check("number", "min", least=2), [1, 2]),
        (check("number", "quantile", at=0.1, least=50), [1, 2]),
        (check("number", "z_share", at=4, most=0), [90, 1]),
        (check("number", "grid_share", at=2, least=1), [1, 3]),
        (check("text", "missing_share", most=0), [4, 90]),
        (check("text", "top_share", most=0.1), [1, 2]),
        (check("text", "distinct", least=5), [1, 2]),
    ],
)
def test_examples_show_why(wrong: Check, found: list) -> None:
    assert not passes(wrong, measure(ROWS, wrong))
    assert examples(ROWS, wrong, 2)["number"].tolist() == found


def test_examples_of_a_column_without_values_do_not_crash() -> None:
    for kind in ("min", "mean", "top_share", "distinct", "missing_share"):
        assert len(examples(ROWS, check("empty", kind, least=1e9), 3)) <= 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean: {}", r"'checks.number.mean' is \{\}: give `hard`, `soft` or both\."),
        ("men: {soft: {most: 1}}", r"'checks.number.men'; did you mean 'mean'\?$"),
        ("quantile: {soft: {most: 1}}", r"unknown key 'checks.number.quantile'; valid keys: "),
        ("p100: {soft: {most: 1}}", r"unknown key 'checks.number.p100'; did you mean 'p10'\?$"),
        ("mean: {sotf: {most: 1}}", r"'checks.number.mean.sotf'; did you mean 'soft'\?$"),
        ("mean: {soft: {mots: 1}}", r"'checks.number.mean.soft.mots'; did you mean 'most'\?$"),
        ("mean: {soft: {most: .nan}}", "'checks.number.mean.soft.most' is nan: .*finite number"),
        ("mean: {soft: {most: '1'}}", "'checks.number.mean.soft.most' is '1': .*valid number"),
        ("mean: {soft: at most 1}", "'checks.number.mean.soft' is 'at most 1': .*valid dict"),
        ("mean: {soft: {}}", r"'checks.number.mean.soft' is \{\}: give `least`, `most` or both"),
        ("mean: {hard: {least: 9, most: 1}}", "the range is empty: 9 is above 1"),
        ("mentions: {text: {loud: {most: 1}}}", r"'checks.number.mentions.text.loud'; valid keys"),
    ],
)
def test_a_check_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "checks.yaml"
    path.write_text(f"checks:\n  number:\n    {text}\n")
    with pytest.raises(RetraceError, match=message) as error:
        read_params(ValidateParams, "", path)
    assert str(error.value).startswith(f"{path}: ")


def test_every_limit_is_a_check_in_the_order_of_the_file() -> None:
    checks = {
        "number": {
            "p99": {"soft": {"least": 0.5}, "hard": {"least": -1, "most": 5e3}},
            "correlates_with": {"flag": {"soft": {"most": 0.9}}},
            "z6_share": {"soft": {"most": 0}},
        },
        "text": {"distinct": {"hard": {"least": 2}}},
    }
    assert ValidateParams(checks=checks).listed() == [
        Check("number", "quantile", "hard", 0.99, -1, 5000),
        Check("number", "quantile", "soft", 0.99, 0.5, None),
        Check("number", "correlates_with", "soft", None, None, 0.9, "flag"),
        Check("number", "z_share", "soft", 6, None, 0),
        Check("text", "distinct", "hard", None, 2, None),
    ]


def test_limits_are_written_for_people() -> None:
    both = check("number", "quantile", at=0.99, least=1, most=5000)
    assert (both.title, both.limit) == ("quantile at 0.99", "at least 1 and at most 5000")


def test_a_record_says_what_was_found() -> None:
    records = run_checks(
        ROWS,
        [check("number", "mean", most=10), check("empty", "mean", most=1)],
    )
    assert records[0] == {
        "column": "number",
        "check": "mean",
        "level": "soft",
        "found": 20.0,
        "limit": "at most 10",
        "passed": False,
    }
    assert (records[1]["found"], records[1]["passed"]) == (None, False)


def test_a_check_of_no_column_names_it_and_those_there_are() -> None:
    with pytest.raises(RetraceError, match=r"column\(s\) colour; .* number, flag, text, empty"):
        run_checks(ROWS, [check("colour", "mean", most=1)])


@pytest.mark.parametrize("kind", ["mean", "max", "quantile", "z_share"])
def test_a_number_of_a_text_column_is_refused_by_name(kind: str) -> None:
    at = {"at": 0.5} if kind in ("quantile", "z_share") else {}
    with pytest.raises(RetraceError, match=f"`{kind}` needs numbers; column 'text' has str"):
        run_checks(ROWS, [check("text", kind, most=1, **at)])


def test_only_hard_checks_stop_and_show_example_rows() -> None:
    def params(level: str) -> ValidateParams:
        return ValidateParams(example_rows=1, checks={"number": {"max": {level: {"most": 10}}}})

    soft, hard = params("soft"), params("hard")
    stop_on_hard(ROWS, soft, run_checks(ROWS, soft.listed()), "toy")
    with pytest.raises(RetraceError) as error:
        stop_on_hard(ROWS, hard, run_checks(ROWS, hard.listed()), "toy")
    text = str(error.value)
    assert "column 'number': max is 90.0, expected at most 10" in text
    assert "problems/toy/checks.yaml" in text
    assert "90.0  True" in text
    assert "\n    " in text


def test_a_broken_schema_names_column_check_and_rows() -> None:
    columns = {"number": pa.Column("float64", pa.Check.le(10)), "flag": pa.Column("bool")}
    world = World("toy", pa.DataFrameSchema(columns), ("number",))
    with pytest.raises(RetraceError) as error:
        check_schema(world, ROWS, 3)
    text = str(error.value)
    assert "problems/toy/schema.py" in text
    assert "column 'number': less_than_or_equal_to(10); 1 case(s)" in text
    assert "90.0" in text
    assert "flag" not in text.splitlines()[1]


@pytest.mark.parametrize(
    ("start", "stop", "share"), [(0, 100, 0.0), (30, 60, 1.0), (50, 100, 1.0), (0, 60, 1.0)]
)
def test_a_value_that_comes_or_goes_is_new_in_its_tenth(
    start: int, stop: int, share: float
) -> None:
    text = pd.Series(["old"] * 100, dtype="str")
    text.iloc[start:stop] = "other"
    rows = pd.DataFrame({"text": text})
    assert measure(rows, check("text", "new_share", most=0.1)) == share
    shown = examples(rows, check("text", "new_share", most=0.1), 3)
    assert len(shown) == (3 if share else 0)


def test_what_cannot_be_without_another_column_fails_where_that_one_is_gone() -> None:
    sent = Check("count_sent", "without", "soft", None, None, 0.01, "count_picked")
    rows = pd.DataFrame({"count_sent": [0, 1, 1, 2], "count_picked": [0, 1, 1, 1]})
    cases = (rows, rows.drop(columns="count_picked"), rows.drop(columns="count_sent"))
    records = [run_checks(table, [sent], COUNTS)[0] for table in cases]
    assert [record["passed"] for record in records] == [True, False, True]
    assert [record["found"] for record in records] == [0.0, 1.0, None]


def test_a_check_of_an_attribute_passes_where_a_log_has_none_and_fails_where_its_type_changed() -> (
    None
):
    checks = [check("number_value", "mean", most=10)]
    rows = pd.DataFrame({"id": ["a"]})
    assert run_checks(rows, checks, NUMBERS)[0]["passed"]
    turned = run_checks(rows.assign(text_value="1,5"), checks, NUMBERS)[0]
    assert (turned["column"], turned["found"], turned["passed"]) == ("number_value", None, False)
    with pytest.raises(RetraceError, match="number_value"):
        run_checks(rows, checks)


def test_a_factor_since_the_last_run_is_found_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    other = pd.DataFrame({"price": np.round(rng.lognormal(3, 0.8, 4000)) + 1, "flag": 2.0})
    before = profile(other[:3000].assign(flag=1.0))
    assert not [*scaled(before, profile(other))]
    assert not [*scaled([], profile(other))]
    ((column, factor),) = scaled(before, profile(other.assign(price=0.9 * other["price"])))
    assert column == "price"
    assert factor == pytest.approx(0.9, rel=0.03)


def test_only_a_run_of_the_same_source_is_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert last_profile("price", "mine.csv") == []
    paths.profile("price").parent.mkdir(parents=True)
    for written, found in (
        ({"source": "mine.csv", "columns": [{"column": "a"}]}, [{"column": "a"}]),
        ({"source": "yours.csv", "columns": [{"column": "a"}]}, []),
        ([{"column": "a"}], []),
    ):
        write_json(written, paths.profile("price"))
        assert last_profile("price", "mine.csv") == found


def test_a_column_that_ran_dry_since_the_last_run_is_found() -> None:
    rows = pd.DataFrame({"a": ["x", "y", "y"], "b": [1.0, 2.0, 2.0], "c": [5, 5, 5]})
    now = rows.assign(a=pd.Series([None] * 3, dtype="str"), b=2.0)
    assert [*ran_dry(profile(rows), profile(now))] == [("a", 2), ("b", 2)]
    assert not [*ran_dry([], profile(now))]


def test_a_column_that_a_source_may_lack_is_not_asked_for() -> None:
    world = replace(COUNTS, may_be_empty=("promise",))
    checks = [check("promise", "missing_share", most=0.2), Check("promise", "hours_after", "soft",
              None, 1, 9, "at")]  # fmt: skip
    at = pd.Series(pd.date_range("2025-01-01", periods=4, freq="h", tz="UTC"))
    rows = pd.DataFrame({"at": at, "promise": pd.Series(pd.NaT, at.index, at.dtype)})
    assert [record["passed"] for record in run_checks(rows, checks, world)] == [True, True]
    assert not run_checks(rows, checks, COUNTS)[0]["passed"]
    late = rows.assign(promise=at.where(at.index > 1))
    assert [record["passed"] for record in run_checks(late, checks, world)] == [False, False]


def test_a_value_of_few_orders_is_new_by_chance() -> None:
    rng = np.random.default_rng(3)
    orders = np.repeat(np.arange(100), 3)
    text = pd.Series(np.tile(["a", "b", "c"], 100), dtype="str")
    rare = text.mask(np.isin(orders, rng.choice(np.arange(60, 90), 4)) & (text == "b"), "rare")
    often = text.mask((orders >= 60) & (text == "b"), "often")
    found = [
        measure(pd.DataFrame({"order": orders, "text": one}), check("text", "new_share"), "order")
        for one in (rare, often)
    ]
    assert found[0] == 0.0
    assert found[1] > 0.2


def test_a_drift_within_chance_is_none() -> None:
    rng = np.random.default_rng(4)
    orders = np.repeat(np.arange(600), 10)
    kind = pd.Series(rng.choice(["a", "b"], 600)[orders], dtype="str")  # an order has one
    rows = pd.DataFrame({"order": orders, "kind": kind})
    assert measure(rows, check("kind", "drift"), "order") == 0.0
    moved = rows.assign(kind=kind.where(orders < 500, "b"))
    assert measure(moved, check("kind", "drift"), "order") > 0.1


def test_fewer_rows_than_in_the_last_run_are_said() -> None:
    now = Ingested(ROWS, ROWS[:0], "")
    assert [*fewer_rows(7, now)] == [
        "5 rows in, 2 fewer than in the last run. If nobody took them out, a file was cut, or one "
        "did not come."
    ]
    assert not [*fewer_rows(5, now), *fewer_rows(0, now)]


def test_rows_in_are_rows_used_and_rows_in_quarantine() -> None:
    rows = Ingested(ROWS, ROWS[:2], "")
    assert in_and_out(rows) == "7 rows in: 2 in quarantine, 5 used"
    events = Ingested(ROWS, ROWS[:2], "", rows_read=30)
    assert in_and_out(events) == "30 rows in: 2 in quarantine, 28 used, which make 5 clean rows"
