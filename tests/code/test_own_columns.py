"""How `retrace new` reads what is written in a table."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.new.columns import guess
from experiments.new.times import form_of
from retrace.base.errors import RetraceError
from retrace.raw import read_raw
from retrace.raw.plain import Reading
from tests.code.own_tables import N, frame, planned, said, write


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


def test_the_halves_of_a_day_are_no_signs_of_numbers(tmp_path: Path) -> None:
    times = pd.date_range("2023-01-01", periods=N, freq="7h").strftime("%m/%d/%Y %I:%M %p")
    found = planned(write(tmp_path, frame(sold=times, fee=[f"${n}" for n in range(N)])))
    assert found.table.guessed.reading.signs == ["$"]


def test_numbers_that_are_taken_for_words_and_columns_without_values_are_said(
    tmp_path: Path,
) -> None:
    minutes = np.where(np.arange(N) % 8 == 1, "> 40", np.arange(N) % 40)
    found = planned(write(tmp_path, frame(minutes=minutes, gone="", country="NO")))
    words = (
        "minutes is taken for words, for 50 of its values are no numbers, such as '> 40' (row 2)"
    )
    assert words in said(found)
    assert "empty, or with one value, and not used: gone, country" in said(found)
    assert "taken for words" not in said(planned(write(tmp_path, frame())))


def test_digits_of_one_length_are_codes_where_some_begin_with_a_zero(tmp_path: Path) -> None:
    zips = np.array(["02139", "02140", "10115"])[np.arange(N) % 3]
    rows = frame(zip=zips, month=np.array(["01", "02", "11"])[np.arange(N) % 3], n=zips)
    rows.loc[0, "n"] = "7"
    sorts = {
        raw: one.sort for raw, one in planned(write(tmp_path, rows)).table.guessed.columns.items()
    }
    assert (sorts["zip"], sorts["month"], sorts["n"]) == ("words", "whole", "whole")


@pytest.mark.parametrize(
    ("target", "values", "unit"),
    [
        ("worth", "${:,.0f}", "dollars"),
        ("worth", "{} days", "days"),
        ("worth", "{}", "units"),
        ("worth (EUR)", "${:,.0f}", "EUR"),
    ],
)
def test_a_unit_stands_in_the_name_or_beside_the_numbers(
    tmp_path: Path, target: str, values: str, unit: str
) -> None:
    rows = frame().rename(columns={"worth": target})
    rows[target] = [values.format(round(one)) for one in rows[target]]
    assert planned(write(tmp_path, rows), target).question.unit == unit


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
    camel = rows.rename(columns={"created_at": "createdAt", "amount": "format"})
    assert planned(write(tmp_path, camel)).question.time == "createdAt"


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


def test_of_a_workbook_it_is_said_which_sheet_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    excel(frame(), tmp_path / "one.xlsx")
    second = '<sheet name="Key" sheetId="2" r:id="rId1"/></sheets>'
    monkeypatch.setattr(f"{__name__}.BOOK", BOOK.replace("</sheets>", second))
    excel(frame(), tmp_path / "two.xlsx")
    assert "the sheet 'Homes' is read, and not Key" in said(planned(tmp_path / "two.xlsx"))
    assert "the sheet" not in said(planned(tmp_path / "one.xlsx"))


@pytest.mark.parametrize(
    ("wrap", "inside"), [({}, "['data']"), (None, "")], ids=["in an object", "records in records"]
)
def test_the_command_that_is_told_makes_a_table_of_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: dict[str, object] | None, inside: str
) -> None:
    records = frame().rename(columns={"size": "home.size"}).to_dict("records")
    records = [one | {"home": {"size": one.pop("home.size")}} for one in records]
    path = tmp_path / "homes.json"
    path.write_text(json.dumps(records if wrap is None else {"next": None, "data": records}))
    with pytest.raises(RetraceError) as error:
        planned(path)
    line = re.search(r'python -c "(.*)"`', str(error.value))
    assert line is not None
    assert f"'homes.json')){inside})" in line[1]
    monkeypatch.chdir(tmp_path)
    exec(line[1])
    assert "home_size" in planned(tmp_path / "own.csv").written.files["problem.py"]


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
