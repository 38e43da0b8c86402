"""What `retrace new` finds out of a table, what it refuses, and what it writes."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from commands.new import confirmed, costs_of
from experiments.new import lines, place
from experiments.new.columns import guess
from experiments.new.limits import limits
from experiments.new.plan import Plan, check_name, plan
from experiments.new.question import Answers
from experiments.new.reading import read
from experiments.new.times import form_of
from problems import defaults
from problems.costs import AlertCosts, alerts
from problems.orders.problem import PROBLEMS as OF_ORDERS
from retrace.base.errors import RetraceError
from retrace.checks import ValidateParams, measure, passes
from retrace.past.entities import EntityParams, Followed, state_of
from retrace.past.state import NotKept
from retrace.raw import read_raw
from retrace.raw.plain import Kind, Reading, read_plain
from tests.conftest import ROOT

N = 400
ORDERS_STUCK = OF_ORDERS["order_stuck"]


def frame(**columns: object) -> pd.DataFrame:
    """A table whose target follows from two columns, with noise."""
    rng = np.random.default_rng(1)
    size = rng.uniform(20, 120, N).round(1)
    town = rng.choice(["Bergen", "Oslo", "Tromsø"], N)
    level = 50 * size + np.where(town == "Oslo", 900, 0) + rng.normal(0, 200, N)
    found = pd.DataFrame({"size": size, "town": town, "worth": level.round(2)})
    return found.assign(**columns)


def write(folder: Path, rows: pd.DataFrame, name: str = "homes.csv", **how: object) -> Path:
    rows.to_csv(folder / name, index=False, **how)
    return folder / name


def planned(path: Path, target: str = "worth", **asked: object) -> Plan:
    return plan("homes", read(path, Answers(target=target, **asked)))


def left_out(found: Plan) -> set[str]:
    return {name for trap in found.traps for name in trap.leave_out}


def said(found: Plan) -> str:
    return "\n".join([*found.notes, *(trap.words for trap in found.traps)])


# ---- how values are written --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "decimal", "thousands", "signs"),
    [
        (["1.5", "1200.25", "3"], ".", "", []),
        (["1,5", "1200,25", "3"], ",", ".", []),
        (["1.234,50", "12,00", "7,10"], ",", ".", []),
        (["1,234", "12,345", "1,234,567"], ".", ",", []),
        (["1,234.50", "12.00", "1,000,000.00"], ".", ",", []),
        (["1 234,50", "12,00", "7,10"], ",", " ", []),
        (["$1,234.50", "$12.00", "$7.10"], ".", ",", ["$"]),
        (["12,5 €", "7,1 €", "1.200,0 €"], ",", ".", ["€"]),
        (["12.5%", "7.1%", "100%"], ".", "", ["%"]),
        (["NOK 5,649", "NOK 12,300", "NOK 900"], ".", ",", ["NOK"]),
        (["21.5 km/h", "7 km/h", "3.25 km/h"], ".", "", ["km/h"]),
        (["21.5 m²", "7 m²", "3.25 m²"], ".", "", ["m²"]),
        (["(12.30)", "(7.10)", "(3.00)", "4.50"], ".", "", ["()"]),
        (["−12.30", "−7.10", "4.50"], ".", "", ["−"]),
    ],
)
def test_the_signs_of_numbers_are_found(
    values: list[str], decimal: str, thousands: str, signs: list[str]
) -> None:
    column = pd.Series(values * 40, dtype="str")
    rows = pd.DataFrame({"x": column, "file": "f", "row": np.arange(len(column))})
    found = guess(rows, ["x"], "y")
    reading = found.reading
    if reading.has_signs or decimal == ",":
        assert (reading.decimal, reading.thousands, reading.signs) == (decimal, thousands, signs)
    assert found.columns["x"].sort in ("number", "whole")


@pytest.mark.parametrize("values", ["($1,250.50)", "$(1,250.50)", "−1,250.50"])
def test_numbers_below_zero_keep_their_sign(values: str) -> None:
    reading = Reading(thousands=",", signs=["$", "()", "−"])
    assert float(reading.number(pd.Series([values], dtype="str")).iloc[0]) == -1250.5


def test_seconds_since_1970_are_a_time_where_the_column_is_called_one(tmp_path: Path) -> None:
    seconds = 1_700_000_000 + 3600 * np.arange(N)
    rows = frame(created_at=seconds, amount=seconds + 7)
    found = planned(write(tmp_path, rows)).question
    assert found.time == "created_at"
    assert "seconds since 1970" in found.time_form.words
    assert planned(write(tmp_path, rows), time=("amount",)).question.time == "amount"


def test_a_time_with_gaps_is_not_that_of_the_prediction(tmp_path: Path) -> None:
    days = pd.date_range("2023-01-01", periods=N).strftime("%Y-%m-%d")
    rows = frame(sold=np.where(np.arange(N) % 9 == 0, "", days))
    found = planned(write(tmp_path, rows))
    assert found.question.time is None
    assert "sold is a time" in said(found)


def test_columns_that_are_called_as_the_place_of_a_row_are_read(tmp_path: Path) -> None:
    rows = frame().rename(columns={"size": "row", "town": "file"})
    sorts = planned(write(tmp_path, rows)).table.guessed.columns
    assert [sorts[name].sort for name in ("row.1", "file.1")] == ["number", "words"]


@pytest.mark.parametrize(
    ("values", "form", "words"),
    [
        (["2024-01-31", "2024-02-01", "2024-02-02"], None, "such as"),
        (["31.01.2024", "01.02.2024", "02.02.2024"], None, "day first"),
        (["01/31/2024", "02/01/2024", "02/02/2024"], None, "month first"),
        (["01/02/2024", "01/03/2024", "02/01/2024", "02/05/2024"], "%m/%d/%Y", "in order"),
        (["31-Jan-2024", "01-Feb-2024", "02-Feb-2024"], "%d-%b-%Y", "day first"),
        (["20240131", "20240201", "20240202"], "%Y%m%d", "20240131"),
        (["31.01.24", "01.02.24", "02.02.24"], "%d.%m.%y", "day first"),
    ],
)
def test_days_and_months_are_told_by_evidence(
    values: list[str], form: str | None, words: str
) -> None:
    found = form_of([pd.Series(values, dtype="str", name="day")])
    assert found is not None
    assert found.format == form
    assert words in found.words


@pytest.mark.parametrize("values", [["1.5", "2.25"], ["12", "13"], ["a-b", "c-d"], ["12-B", "7-C"]])
def test_what_is_no_time_is_none(values: list[str]) -> None:
    assert form_of([pd.Series(values * 10, dtype="str", name="x")]) is None


def test_a_day_and_an_hour_are_one_time() -> None:
    day = pd.Series(["30-01-2011", "30-01-2011", "31-01-2011"], dtype="str", name="dteday")
    hour = pd.Series([0, 23, 5], name="hr")
    found = form_of([day, hour])
    assert found is not None
    assert found.format == "%d-%m-%Y %H"


def test_columns_are_told_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = frame(
        id=np.arange(N) + 7,
        built=np.where(rng.random(N) < 0.05, "unknown", rng.integers(1900, 2020, N).astype(str)),
        garden=rng.choice(["yes", "no"], N),
        agent_id=rng.integers(100, 190, N),
        note=[f"a quiet place number {i % 97} near the sea" for i in range(N)],
        code=[f"x{i:04d}z" for i in rng.permutation(N)],
        sold=pd.date_range("2024-01-01", periods=N, freq="D").strftime("%d.%m.%Y"),
        same="1",
        nothing="",
    )
    raw = read_raw(write(tmp_path, rows), [], rest=True).rows
    found = guess(raw, [one for one in raw if one not in ("file", "row")], "worth")
    sorts = {name: one.sort for name, one in found.columns.items()}
    assert sorts == {
        "size": "number", "town": "words", "worth": "number", "id": "name", "built": "whole",
        "garden": "flag", "agent_id": "words", "note": "text", "code": "name", "sold": "time",
        "same": "one value", "nothing": "empty",
    }  # fmt: skip
    assert found.reading.missing == ["unknown"]


def test_names_become_names_of_python(tmp_path: Path) -> None:
    rows = frame().rename(columns={"size": "Size (m²) ", "town": "rule"})
    rows["2nd hand"] = np.arange(N) % 2
    text = planned(write(tmp_path, rows)).written.files["ingest/__init__.py"]
    for words in ('"Size_m²": "Size (m²)"', '"own_rule": "rule"', '"n_2nd_hand": "2nd hand"'):
        assert words in text


SHEET = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
{}</sheetData></worksheet>"""
BOOK = """<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="Homes" sheetId="1" r:id="rId1"/></sheets></workbook>"""
LINKS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}"
Target="{}"/></Relationships>"""
TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="xml" ContentType="application/xml"/></Types>"""


def cell(value: object) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def excel(rows: pd.DataFrame, path: Path) -> None:
    """Write the least that is an Excel file."""
    table = [[*rows], *rows.to_numpy(object).tolist()]
    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in table)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr("_rels/.rels", LINKS.format("officeDocument", "xl/workbook.xml"))
        file.writestr("xl/workbook.xml", BOOK)
        file.writestr("xl/_rels/workbook.xml.rels", LINKS.format("worksheet", "worksheets/a.xml"))
        file.writestr("xl/worksheets/a.xml", SHEET.format(lines))


def test_all_formats_read_the_same(tmp_path: Path) -> None:
    rows = frame(rooms=np.arange(N) % 5)
    write(tmp_path, rows)
    write(tmp_path, rows, "homes.tsv", sep="\t")
    write(tmp_path, rows, "bars.csv", sep="|")
    rows.to_parquet(tmp_path / "homes.parquet")
    rows.to_json(tmp_path / "homes.json", orient="records")
    rows.to_json(tmp_path / "homes.jsonl.gz", orient="records", lines=True)
    excel(rows, tmp_path / "homes.xlsx")
    (tmp_path / "months").mkdir()
    write(tmp_path / "months", rows.iloc[:150], "a.csv")
    write(tmp_path / "months", rows.iloc[150:], "b.csv")
    paths = [path for path in tmp_path.iterdir() if path.suffix != ".pytest"]
    found = {path.name: planned(path).written.files["checks.yaml"] for path in paths}
    assert len(found) == 8
    assert len({*found.values()}) == 1, found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}', "the file is an object; expected a list of records"),
        ("[1, 2]", "record 1 is a number"),
        ('[{"a": 1}', "not JSON"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "homes.json"
    path.write_text(text)
    with pytest.raises(RetraceError, match=words):
        planned(path)


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


# ---- what is written ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    rng = np.random.default_rng(8)
    more = {f"measure_{i:02}": rng.normal(0, 1, N) for i in range(30)}
    times = pd.date_range("2022-01-01", periods=N, freq="2D").strftime("%d.%m.%Y %H:%M")
    rows = frame(**more, seen=times, owner_id=rng.integers(0, 90, N))
    return planned(write(tmp_path_factory.mktemp("wide"), rows), time=("seen",), zone="Europe/Oslo")


def test_a_package_is_short_and_formatted_as_the_rest(wide: Plan, tmp_path: Path) -> None:
    files = {name: text for name, text in wide.written.files.items() if name.endswith(".py")}
    assert sum(bool(line.strip()) for text in files.values() for line in text.splitlines()) < 60
    for name, text in files.items():
        path = tmp_path / "problems/homes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-m", "ruff", "--config", str(ROOT / "pyproject.toml")]
    for how in (["format", "--check"], ["check", "--extend-ignore", "I001"]):
        done = subprocess.run(
            [*command[:3], *how, "--config", command[4], str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_line_is_longer_than_others_have_them(tmp_path: Path) -> None:
    words = [f"w{one}" for one in range(60)]
    for letters in range(8, 30, 4):
        names = {"k" * letters: np.array(words)[np.arange(N) % 60], "c" * letters: np.arange(N) % 3}
        names |= {"n" * letters: np.linspace(0, 1, N) ** 2}
        files = planned(write(tmp_path, frame(**names))).written.files
        lines = [
            one for path, text in files.items() if path.endswith(".py") for one in text.split("\n")
        ]
        assert max(len(one.removesuffix("  # fmt: skip")) for one in lines) <= 100


def test_params_of_a_small_table_with_time_take_less_than_a_screen(wide: Plan) -> None:
    entries = [line for entry in wide.written.lists.values() for line in entry]
    assert len([*entries, *wide.written.block]) <= 27


def test_the_yaml_files_are_as_before_when_a_problem_is_gone() -> None:
    params = (ROOT / "params.yaml").read_text("utf-8")
    more = params
    for top in ("worlds", "problems", "backtests"):
        more = lines.put(more, top, ["  homes:", "    world: homes", "    left_out:", "      a: b"])
    more = lines.append(more, ["homes:    # a file", "  train: {}"])
    read_back = yaml.safe_load(more)
    assert read_back["problems"]["homes"] == {"world": "homes", "left_out": {"a": "b"}}
    assert [*read_back["problems"]][-1] == "homes"
    assert read_back["homes"] == {"train": {}}
    for top in ("worlds", "problems", "backtests"):
        more = lines.take(more, top, "homes")
    assert lines.take_block(more, "homes") == params


@pytest.mark.parametrize(
    "value", ["a: b", "# no", "yes", "1.5", "", "with 'quotes'", "100 %", "-", "é", "2024-01-01"]
)
def test_any_text_is_a_scalar(value: str) -> None:
    assert yaml.safe_load(f"key: {lines.scalar(value)}") == {"key": value}


def test_nothing_is_left_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path, frame())
    found = planned(source)
    (tmp_path / "clone").mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    texts = {"params.yaml": "worlds:\n  a:\n    source: x\n", "dvc.yaml": "artifacts:\n"}
    for name, text in texts.items():
        Path(name).write_text(text)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(place.shutil, "copyfile", full)
    with pytest.raises(RetraceError, match=r"Cannot write data/external/homes\.csv: No space left"):
        place.write("homes", source, found.written)
    assert {path.name: path.read_text() for path in Path().iterdir() if path.is_file()} == texts
    assert not Path("problems").exists()
    assert not any(path.is_file() for path in Path(".dvc").rglob("*"))


# ---- limits ------------------------------------------------------------------------------------


def failed(checks: dict, rows: pd.DataFrame) -> list[str]:
    listed = ValidateParams.model_validate({"checks": checks}).listed()
    found = [(check, measure(rows, check)) for check in listed]
    return [f"{check.column} {check.title}" for check, value in found if not passes(check, value)]


def months(n: int = 24, rows: int = 200) -> pd.DataFrame:
    """Rows with a season, growth, and noise that is common to a month."""
    rng = np.random.default_rng(9)
    month = np.repeat(np.arange(n), rows)
    level = 1 + 0.02 * month + 0.3 * np.sin(2 * np.pi * month / 12) + rng.normal(0, 0.1, n)[month]
    day = pd.Timestamp("2022-01-01", tz="UTC") + pd.to_timedelta(month * 30.4, unit="D")
    return pd.DataFrame(
        {
            "at": day,
            "size": rng.lognormal(3, 0.5, len(month)),
            "town": rng.choice(["a", "b", "c", ""], len(month), p=[0.5, 0.3, 0.1, 0.1]),
            "y": rng.gamma(2, 10 * level),
            "month": month,
        }
    )


SORTS = {"size": "number", "town": "words", "y": "number"}


def test_limits_are_silent_on_the_next_month() -> None:
    table = months()
    wrong = 0
    for month in range(12, 24):
        before, now = table[table["month"] < month], table[table["month"] == month]
        checks = limits(before, SORTS, "y", "at")
        wrong += len(failed(checks, now)) + len(failed(checks, pd.concat([before, now])))
    assert wrong == 0


def test_parts_of_a_time_may_move_though_they_have_not_yet(tmp_path: Path) -> None:
    at = pd.date_range("2024-01-01", periods=N, freq="h")
    rows = frame(at=at, year=at.year, Season=1, day_of_week=at.day_of_week, birthday=at.month)
    schema = planned(write(tmp_path, rows)).written.files["schema.py"]
    assert '"dated": ("year", "day_of_week"' in schema or '"dated": ("day_of_week"' in schema
    assert "birthday" not in schema.partition("exempt")[2].partition("dated")[2].partition(")")[0]


@pytest.mark.parametrize(
    ("broken", "column"),
    [
        (lambda rows: rows.assign(y=rows["y"] * 100), "y quantile"),
        (lambda rows: rows.assign(y=rows["y"] / 100), "y quantile"),
        (lambda rows: rows.assign(size=-rows["size"]), "size quantile"),
        (
            lambda rows: rows.assign(size=np.where(rows.index % 2, np.nan, rows["size"])),
            "size missing",
        ),
        (lambda rows: rows.assign(town=""), "town missing_share"),
        (lambda rows: rows.assign(town="a"), "town top_share"),
        (lambda rows: rows.assign(y=rows["size"] * 1000, size=rows["y"]), "y quantile"),
        (lambda rows: rows.assign(y=12.0), "y top_share"),
    ],
)
def test_limits_catch_a_broken_file(broken, column: str) -> None:
    table = months()
    checks = limits(table, SORTS, "y", "at")
    assert any(one.startswith(column) for one in failed(checks, broken(table)))


# ---- history of entities -----------------------------------------------------------------------


def payments(n: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    at = np.datetime64("2024-01-01", "us") + np.sort(rng.integers(0, 90, n)).astype("m8[D]")
    known = at + rng.integers(0, 20, n).astype("m8[D]")
    y = np.where(rng.random(n) < 0.1, np.nan, rng.normal(5, 2, n))
    who = np.array([f"c{one}" for one in rng.integers(0, 25, n)], dtype=object)
    return {"id": np.arange(n), "at": at, "known": known, "who": who, "y": y}


def test_history_row_by_row_has_the_bits_of_the_table() -> None:
    followed = Followed(("who",), "y", "id", "at", "known")
    rows, settings = payments(), EntityParams()
    together = followed.as_of(rows, rows, settings)
    state = state_of(followed).empty(settings)
    events = followed.events(rows)
    waiting = next(events, None)
    for number in range(len(rows["id"])):
        one = {name: column[number : number + 1] for name, column in rows.items() if name != "y"}
        while waiting is not None and waiting.at < one["at"][0]:
            state.update(waiting)
            waiting = next(events, None)
        for name, value in state.look_up(one).items():
            assert np.array_equal(value, together[name][number : number + 1], equal_nan=True), name
    table = followed.at_end(rows, settings).to_table()
    again = state_of(followed).from_table(table, settings)
    pd.testing.assert_frame_equal(again.to_table(), table)
    late = {**rows, "at": np.full(300, np.datetime64("2025-01-01", "us"))}
    asked = {name: column for name, column in late.items() if name != "y"}
    for name, value in again.look_up(asked).items():
        expected = followed.as_of(asked, rows, settings)[name]
        assert np.array_equal(value, expected, equal_nan=True), name


def test_the_past_is_told_as_it_was_or_refused() -> None:
    followed = Followed(("who",), "y", "id", "at", "known")
    rows, settings = payments(), EntityParams()
    state, right, refused = followed.at_end(rows, settings), 0, 0
    together = followed.as_of(rows, rows, settings)
    for number in range(len(rows["id"])):
        one = {name: column[number : number + 1] for name, column in rows.items() if name != "y"}
        try:
            found = state.look_up(one)
        except NotKept:
            refused += 1
            continue
        right += 1
        for name, value in found.items():
            assert np.array_equal(value, together[name][number : number + 1], equal_nan=True), name
    assert right > 5
    assert refused > 100


def test_history_says_what_was_there_before_and_nothing_of_the_future() -> None:
    followed = Followed(("who",), "y", "id", "at", "known")
    rows = payments()
    found = followed.as_of(rows, rows, EntityParams())
    frame = pd.DataFrame(rows)
    row = frame.iloc[200]
    before = frame[(frame["who"] == row["who"]) & (frame["at"] < row["at"])]
    assert found["who_rows"][200] == len(before)
    assert found["who_days_since"][200] == (row["at"] - before["at"].max()).days
    known = before[(before["known"] < row["at"]) & before["y"].notna()]
    assert found["who_known"][200] == len(known)
    changed = {**rows, "y": np.where(rows["known"] >= rows["at"][200], 99.0, rows["y"])}
    again = followed.as_of(changed, changed, EntityParams())
    for name in found:
        assert np.array_equal(found[name][:200], again[name][:200], equal_nan=True), name


def test_a_history_that_is_switched_off_says_nothing() -> None:
    rows, known = {"size": np.ones(3)}, {"who_known": np.arange(3), "who_mean": np.ones(3)}
    found = defaults.features(rows, known, EntityParams(history=False))
    assert list(found) == ["size", "who_known", "who_mean"]
    assert np.isnan(found["who_known"]).all()
    assert np.isnan(found["who_mean"]).all()
    assert defaults.features(rows, known, EntityParams())["who_known"] is known["who_known"]


def test_a_history_is_one_option(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    day = pd.date_range("2023-01-01", periods=N, freq="D")
    path = write(tmp_path, frame(day=day, owner=rng.integers(0, 40, N)))
    files = planned(path, entities=("owner",)).written.files
    assert (
        'history("owner", target="worth", key="row_id", time="day")'
        in files["features/__init__.py"]
    )
    assert '"owner_mean"' in files["problem.py"]
    with pytest.raises(RetraceError, match="a history needs a time"):
        planned(path, entities=("owner",), no_time=True)
