"""What `retrace new` finds out of a table, and what it refuses."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from commands.new import confirmed, costs_of
from experiments.new.plan import check_name, plan
from experiments.new.question import Answers
from experiments.new.reading import read
from problems.costs import AlertCosts, alerts
from retrace.base.errors import RetraceError
from retrace.raw.plain import Kind, Reading, read_plain
from tests.code.own_tables import ORDERS_STUCK, N, frame, left_out, planned, said, write
from tests.conftest import ROOT

# ---- the question ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task", "metric", "scale"),
    [
        (np.linspace(-3, 3, N), "regression", "rmse", "identity"),
        (np.exp(np.linspace(0, 8, N)), "regression", "rmsle", "log"),
        (np.arange(N) % 2, "binary", "auc", "identity"),
        (np.arange(N) % 10 == 0, "binary", "average_precision", "identity"),
        (np.where(np.arange(N) % 3 == 0, "B", "M"), "binary", "auc", "identity"),
        (np.arange(N) % 4, "multiclass", "log_loss", "identity"),
        (np.array(["a", "b", "c"])[np.arange(N) % 3], "multiclass", "log_loss", "identity"),
        (
            np.repeat([0, 1, 2, 3, 9], [200, 120, 50, 29, 1]),
            "regression",
            "poisson_deviance",
            "identity",
        ),
        (
            np.repeat([0, 1, 2, 3, 4, 5], [110, 140, 90, 40, 15, 5]),  # most often 1
            "regression",
            "poisson_deviance",
            "identity",
        ),
        (np.maximum(np.arange(N) * 7 - 560, 0), "regression", "rmse", "identity"),
    ],
)
def test_the_task_follows_from_the_target(
    tmp_path: Path, values: object, task: str, metric: str, scale: str
) -> None:
    found = planned(write(tmp_path, frame(y=values)), "y").question
    assert (found.task, found.metric, found.scale) == (task, metric, scale)


def test_a_target_named_as_a_measure_is_a_number_though_it_has_few_values(tmp_path: Path) -> None:
    assert planned(write(tmp_path, frame(quality=np.arange(N) % 6)), "quality").question.task == (
        "regression"
    )


def test_of_two_words_the_rarer_one_is_found_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, frame(y=np.where(np.arange(N) % 3 == 0, "B", "M")))
    assert planned(path, "y").question.truths == {"m": False, "b": True}
    assert planned(path, "y", positive="M").question.truths == {"m": True, "b": False}


@pytest.mark.parametrize(
    ("words", "yes"),
    [(("ja", "nein"), "ja"), (("oui", "non"), "oui"), (("No", "Sí"), "Sí"), (("NO", "Yes"), "yes")],
)
def test_yes_and_no_are_known_in_other_languages_and_any_case(
    tmp_path: Path, words: tuple[str, str], yes: str
) -> None:
    y = np.array(words)[np.arange(N) % 2]
    y = np.where(np.arange(N) == 0, "no", y) if yes == "yes" else y
    found = planned(write(tmp_path, frame(y=y)), "y").question
    assert (found.task, found.positive) == ("binary", yes)


def test_a_yes_or_no_with_gaps_is_read_as_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, frame(y=np.array(["yes", "no", ""])[np.arange(N) % 3]))
    found = planned(path, "y")
    assert '"y": pa.Column("float64", nullable=True)' in found.written.files["schema.py"]
    kinds = {"y": Kind("float64", nullable=True), "row_id": Kind("str")}
    reading = Reading(truths={"y": {"yes": True, "no": False}}, row_id="row_id")
    clean = read_plain(path, kinds, key=("row_id",), reading=reading).clean
    assert (clean["y"].sum(), clean["y"].isna().sum()) == (134, 133)


def test_on_a_terminal_an_empty_answer_takes_the_guess(tmp_path: Path) -> None:
    day = pd.date_range("2023-01-01", periods=N, freq="D")
    table = read(write(tmp_path, frame(day=day)), Answers("worth"))
    asked: list[str] = []

    def answer(words: str) -> str:
        asked.append(words)
        return {"Unit": "EUR", "Time": "none"}.get(words.split()[0], "")

    found = confirmed(table, answer).question
    assert (found.unit, found.time, found.task) == ("EUR", None, "regression")
    assert "Task: regression, binary or multiclass [regression]: " in asked


def test_costs_make_an_evaluation_and_can_be_asked(tmp_path: Path) -> None:
    path = write(tmp_path, frame(sold=np.arange(N) % 3 == 0))
    found = planned(path, costs=(0.6, 1.0), currency="EUR").written
    assert 'EVALUATION = forecasts("EUR")' in found.files["evaluation/__init__.py"]
    block = yaml.safe_load("\n".join(found.block))["homes"]["evaluate"]
    assert (block["cost_over"], block["cost_under"]) == (0.6, 1.0)
    table = read(path, Answers("sold"))
    said = confirmed(table, lambda words: "2,25" if words.startswith("Cost") else "")
    files = plan("homes", said).written.files
    assert "EVALUATION = alerts()" in files["evaluation/__init__.py"]
    with pytest.raises(RetraceError, match="costs are of a number, or of yes or no"):
        planned(path, "town", costs=(1.0, 1.0))


@pytest.mark.parametrize("words", ["1", "a,b", "-1,2", "0,0", "1,2,3", "nan,1"])
def test_costs_that_are_none_are_refused(words: str) -> None:
    with pytest.raises(RetraceError, match="expected two costs"):
        costs_of(words)


@pytest.mark.parametrize(("act", "miss", "threshold"), [(1.0, 10.0, 0.1), (1.0, 2.0, 0.5)])
def test_acting_costs_least_from_the_threshold_of_both_costs(
    act: float, miss: float, threshold: float
) -> None:
    rng = np.random.default_rng(1)
    p = rng.random(20_000)
    scored = pd.DataFrame({"prediction": p, "outcome": rng.random(len(p)) < p, "rule": p})
    found, settings = alerts("EUR"), AlertCosts(cost_act=act, cost_miss=miss)
    problem = ORDERS_STUCK
    chosen = found.threshold(problem, scored, settings)
    assert chosen == pytest.approx(threshold, abs=0.06)
    scored = scored.assign(threshold=chosen, rule_threshold=2.0)
    figures = found.headline(problem, scored, settings)
    assert figures["cost_per_row"] < figures["rule_cost_per_row"]
    assert figures["rule_cost_per_row"] == figures["cost_per_row_without_acting"]


# ---- traps -------------------------------------------------------------------------------------


def test_columns_that_add_up_to_the_target_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.poisson(20, N), rng.poisson(9, N)
    found = planned(write(tmp_path, frame(a=a, b=b, total=a + b)), "total")
    assert left_out(found) == {"a", "b"}
    assert "a + b = total in 100.0% of the rows" in said(found)
    params = yaml.safe_load("\n".join(["problems:", *found.written.lists["problems"]]))
    assert [*params["problems"]["homes"]["left_out"]] == ["a", "b"]


def test_a_product_another_unit_and_another_scale_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    price, pieces = rng.uniform(1, 9, N), rng.integers(1, 9, N)
    found = planned(write(tmp_path, frame(price=price, pieces=pieces, sum=price * pieces)), "sum")
    assert left_out(found) == {"price", "pieces"}
    assert left_out(planned(write(tmp_path, frame(cents=frame()["worth"] * 100)))) == {"cents"}
    logs = np.log(frame()["worth"] - frame()["worth"].min() + 1).round(4)
    assert left_out(planned(write(tmp_path, frame(in_logs=logs)))) == {"in_logs"}


def test_what_is_written_down_afterwards_is_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    left = rng.random(N) < 0.4
    why = np.where(left & (rng.random(N) < 0.6), "moved", "")
    start = pd.date_range("2023-01-01", periods=N, freq="D")
    ended = start + pd.to_timedelta(rng.integers(5, 90, N), unit="D")
    found = planned(write(tmp_path, frame(begun=start, ended=ended, why=why, left=left)), "left")
    assert left_out(found) == {"why", "ended"}
    assert found.question.time == "begun"
    assert "is after begun in 100% of the rows" in said(found)


def test_honest_columns_stay(tmp_path: Path) -> None:
    found = planned(write(tmp_path, frame()))
    assert left_out(found) == set()
    assert [trap for trap in found.traps if not trap.words.startswith("size tells")] == []


def test_order_twins_few_rows_and_the_future_are_said(tmp_path: Path) -> None:
    rows = frame(kind=np.array(["a", "b", "c"])[np.minimum(np.arange(N) // 195, 2)])
    found = planned(write(tmp_path, pd.concat([rows, rows.head(60)])), "kind")
    assert "the rows are in the order of kind" in said(found)
    assert "120 rows (26.1%) equal another one: they are in one window" in said(found)
    assert "too few rows to learn, or to judge by: c (10)" in said(found)
    assert 'group=("row_twins",)' in found.written.files["problem.py"]
    later = frame(at=pd.date_range("2099-01-01", periods=N, freq="h"))
    assert "at is in the future in 100.0% of the rows, such as 2099-01-01" in said(
        planned(write(tmp_path, later))
    )


def test_rows_of_one_id_that_are_alike_are_drawn_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    who = rng.integers(0, 60, N)
    level = rng.normal(0, 3, 60)[who] + rng.normal(0, 0.5, N)
    found = planned(write(tmp_path, frame(patient_id=[f"p{i}" for i in who], level=level)), "level")
    assert 'group=("patient_id",)' in found.written.files["problem.py"]
    assert (
        '"patient_id"' not in found.written.files["problem.py"].split("columns=")[1].split(")")[0]
    )


def test_whole_numbers_that_are_names_are_told_from_measures(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    shop, age = rng.integers(0, 40, N), rng.integers(18, 80, N)
    level = rng.normal(0, 3, 40)[shop] + 0.1 * age + rng.normal(0, 0.5, N)
    found = planned(write(tmp_path, frame(shop=shop, age=age, level=level)), "level")
    assert 'group=("shop",)' in found.written.files["problem.py"]
    assert '"age"' in found.written.files["problem.py"]
    assert "rows of one shop are alike" in said(found)


def test_rows_of_few_values_that_are_equal_by_chance_are_no_twins(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    kind, floor = rng.choice(["a", "b"], N), rng.integers(0, 3, N)
    rows = pd.DataFrame({"kind": kind, "floor": floor, "sold": rng.random(N) < 0.4})
    found = planned(write(tmp_path, rows), "sold")
    assert "equal another one" not in said(found)
    assert "group" not in found.written.files["problem.py"]


def test_what_each_value_tells_is_seen_in_few_rows_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    caught = rng.random(N) < 0.3
    week = np.where(caught, rng.integers(1, 52, N), 52)
    assert "week tells 9" in said(
        planned(write(tmp_path, frame(week=week, caught=caught)), "caught")
    )


@pytest.mark.parametrize("header", ["", "Unnamed: 0"])
def test_numbers_of_rows_without_a_name_are_not_used(tmp_path: Path, header: str) -> None:
    rows = pd.concat([pd.DataFrame({header: np.arange(1, N + 1) * 2}), frame()], axis=1)
    found = planned(write(tmp_path, rows))
    assert found.question.key is None
    assert "numbers of rows, in a column without a name, are not used" in said(found)
    assert "column" not in found.written.files["ingest/__init__.py"]


def test_a_target_with_gaps_is_said(tmp_path: Path) -> None:
    rows = frame()
    rows.loc[:49, "worth"] = np.nan
    found = planned(write(tmp_path, rows))
    assert "50 of 400 rows have no worth: they are in no window" in said(found)


def test_what_is_written_down_with_the_outcome_is_left_out(tmp_path: Path) -> None:
    """Rows without an outcome lack it too; what is empty elsewhere, or in part of them, stays."""
    place = np.arange(N)
    rows = frame(
        days_on_market=np.where(place < 48, np.nan, place % 17),
        note=np.where(place % 9 == 0, np.nan, place % 5),
        garden=np.where(place < 35, np.nan, place % 7),
    )
    rows.loc[:49, "worth"] = np.nan
    assert left_out(planned(write(tmp_path, rows))) == {"days_on_market"}
    rows.loc[:47, ["size", "town", "note", "garden"]] = np.nan  # empty rows
    assert left_out(planned(write(tmp_path, rows))) == set()


# ---- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "asked", "words"),
    [
        (lambda rows: rows, {"target": "wort"}, r"no column 'wort'; did you mean 'worth'\?"),
        (lambda rows: rows, {"target": "WORTH"}, r"did you mean 'worth'\?"),
        (lambda rows: rows, {"time": ("when",)}, "no column 'when'"),
        (lambda rows: rows[["worth"]], {}, "has one column"),
        (lambda rows: rows.head(1), {}, "has 1 row; 100 are the fewest"),
        (lambda rows: rows.assign(worth=7), {}, "is '7' in all 400 rows"),
        (lambda rows: rows.assign(worth=""), {}, "has no value in any row"),
        (
            lambda rows: rows.assign(worth=[f"home {i}" for i in range(N)]),
            {},
            "400 different values in 400 rows",
        ),
        (lambda rows: rows, {"task": "binary"}, r"values, such as .*binary needs two"),
        (lambda rows: rows, {"target": "town", "task": "regression"}, "has no numbers"),
        (
            lambda rows: rows,
            {"time": ("town",)},
            r"'(Oslo|Bergen|Tromsø)' .*cannot be read as a time",
        ),
        (lambda rows: rows.assign(town=rows["worth"] > 0), {"target": "town"}, "in all 400 rows"),
        (
            lambda rows: pd.concat([rows, rows[["size"]]], axis=1),
            {},
            r"'size' more than once \(columns 1, 4\)",
        ),
        (
            lambda rows: pd.concat(
                [rows, pd.DataFrame(np.zeros((N, 2000))).add_prefix("c")], axis=1
            ),
            {},
            "2,003 columns; 1,000 are the most",
        ),
        (
            lambda rows: rows.assign(
                worth=[
                    f"much {i}" if i % 20 == 3 else str(one) for i, one in enumerate(rows["worth"])
                ]
            ),
            {"task": "regression"},
            r"20 of 400 values are no numbers, such as 'much 3' \(row 4\)",
        ),
        (lambda rows: rows.assign(worth=rows["worth"] * 1e40), {}, "too large to be learnt"),
        (
            lambda rows: rows.assign(
                day=np.where(np.arange(N) % 2, "2023-13-31", "31/01/2023"), worth=rows["worth"]
            ),
            {"time": ("day",)},
            "cannot be read as a time",
        ),
        (lambda rows: rows, {"known_at": "town"}, "--known-at town: .* cannot be read as a time"),
        (lambda rows: rows, {"zone": "Mars"}, "--zone Mars: not a time zone"),
        (lambda rows: rows, {"drop": ("worth",)}, "--drop worth and --target worth"),
        (lambda rows: rows, {"drop": ("size", "town")}, "leaves no column to predict from"),
        (lambda rows: rows, {"group": "worth"}, "it is the target"),
        (lambda rows: rows, {"metric": "auc", "task": "regression"}, "--metric auc is of binary"),
        (
            lambda rows: rows,
            {"target": "town", "positive": "Oslo", "task": "multiclass"},
            "is of a target with two values",
        ),
        (lambda rows: rows, {"no_time": True, "time": ("size",)}, "one of both"),
    ],
)
def test_bad_input_is_a_clear_error(tmp_path: Path, change, asked, words: str) -> None:
    path = write(tmp_path, change(frame()))
    with pytest.raises(RetraceError, match=words):
        planned(path, **{"target": "worth", **asked})


def test_a_file_without_a_header_or_that_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("\n".join(f"{i},{i * 2.5},7" for i in range(300)))
    with pytest.raises(RetraceError, match=r"has no header: its first line is 0, 0.0, 7"):
        planned(path)
    path = tmp_path / "titled.csv"
    path.write_text("Homes sold\n\n" + frame().to_csv(index=False))
    with pytest.raises(RetraceError, match=r"2 lines above .* 'Homes sold'.*tail -n \+3"):
        planned(path)
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(RetraceError, match=r"a NUL byte|not UTF-8"):
        planned(path)


def test_lists_in_cells_are_refused_and_can_be_dropped(tmp_path: Path) -> None:
    path = tmp_path / "homes.parquet"
    frame(tags=[["a", "b"]] * N).to_parquet(path)
    with pytest.raises(RetraceError, match=r"column 'tags' has lists or records .*--drop tags"):
        planned(path)
    assert planned(path, drop=("tags",)).question.target == "worth"


def test_few_values_of_another_type_cost_their_rows_only(tmp_path: Path) -> None:
    rows = frame()
    rows["size"] = rows["size"].astype(str)
    rows.loc[[10, 20], "size"] = ["about 50", "n. a. "]
    found = planned(write(tmp_path, rows))
    assert "2 rows cannot be used (size is not a number): 11, 21" in said(found)


@pytest.mark.parametrize("name", ["2homes", "my-homes", "class", "år", "", "h" * 50])
def test_a_name_that_is_none_of_python_is_refused_with_one_that_is(name: str) -> None:
    with pytest.raises(RetraceError, match=r"cannot be the name .* such as '[a-z]\w*'"):
        check_name(name)


@pytest.mark.parametrize("name", ["price", "orders", "train", "simulators"])
def test_a_name_that_is_taken_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(RetraceError, match="already"):
        check_name(name)
