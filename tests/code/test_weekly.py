"""The weekly list: what is new, kept open and over, the same in three forms."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from monitoring.weekly import to_csv, to_html, to_xlsx, weekly
from problems.served import OpenCases
from retrace.base.tables import Column, Table
from tests.pipeline.test_page import BROWSER, measured

AT = pd.Timestamp("2026-03-30T06:00", tz="Europe/Oslo")  # the week has a clock change
COLUMNS = {
    "case": Column("case", kind="text"), "risk": Column("risk", kind="share"),
    "due": Column("due", kind="text"), "why": Column("why", kind="text"),
}  # fmt: skip


def cases(names: list[str], at: pd.Timestamp = AT, **ended: str) -> OpenCases:
    frame = pd.DataFrame(
        {
            "case": names,
            "risk": np.linspace(1, 0.25, len(names)),
            "due": [at + pd.Timedelta(hours=7 * n) for n in range(len(names))],
            "why": ["=1+1 <b>bold</b>"] * len(names),
        }
    )
    frame["due"] = frame["due"].where(frame["case"] != "b")
    return OpenCases(at, Table(frame, "Open", COLUMNS), np.arange(len(names)) < 2, ended)


NOW = cases(["a", "new", "b"], done="completed on 25 Mar")
BEFORE = cases(["b", "done", "a", "lost"], AT - pd.DateOffset(days=7))


def test_each_case_is_new_or_kept_and_last_weeks_have_become_something() -> None:
    found = weekly("world", NOW, BEFORE)
    assert found.now.frame["status"].tolist() == ["kept open", "new", "kept open"]
    assert found.now.frame["last_week"].fillna(0).tolist() == [3, 0, 1]
    assert found.before.frame["became"].tolist() == [
        "kept open", "completed on 25 Mar", "kept open", "no longer in the data",
    ]  # fmt: skip
    assert found.before.frame["now"].fillna(0).tolist() == [3, 0, 1, 0]
    assert [*found.counts.values()] == [3, 1, 2, 4, 2]
    assert found.n_look == 2


def test_a_sheet_has_numbers_moments_and_no_formula() -> None:
    content = to_xlsx(weekly("world", NOW, BEFORE))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["Open", "Last week"]
    head, first, *_ = book.get_sheet_by_name("Open").to_python()
    row = dict(zip(head, first, strict=True))
    assert (row["#"], row["case"], row["risk"], row["# last week"]) == (1, "a", 1.0, 3)
    assert row["due"] == AT.tz_localize(None).to_pydatetime()
    assert row["why"] == "=1+1 <b>bold</b>"
    assert book.get_sheet_by_name("Open").to_python()[3][head.index("due")] == ""
    assert content == to_xlsx(weekly("world", NOW, BEFORE))  # the same lists, the same bytes


def test_a_csv_has_what_is_open_and_then_what_is_over() -> None:
    table = pd.read_csv(io.StringIO(to_csv(weekly("world", NOW, BEFORE))))
    assert table["case"].tolist() == ["a", "new", "b", "done", "lost"]
    assert table["status"].tolist()[3:] == ["completed on 25 Mar", "no longer in the data"]
    assert table["work_order"].isna().tolist() == [False] * 3 + [True] * 2
    assert table.loc[0, "due"] == "2026-03-30T06:00+02:00"


def test_the_first_week_has_no_list_before() -> None:
    found = weekly("world", NOW, None)
    assert set(found.now.frame["status"]) == {"new"}
    assert "Nothing was open then." in to_html(found)
    assert len(pd.read_csv(io.StringIO(to_csv(found)))) == 3
    assert to_xlsx(found)


def test_the_page_escapes_and_opens_without_a_network() -> None:
    html = to_html(weekly("world", NOW, BEFORE))
    assert "&lt;b&gt;bold" in html
    assert not re.search("<script|http", html)
    assert "Monday 30 March 2026, 06:00 CEST; last week" in html.replace("&#39;", "'")
    assert "was 3" in html


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_is_cut(tmp_path: Path, width: int) -> None:
    html = to_html(weekly("world", NOW, BEFORE)).replace("<details>", "<details open>")
    found = measured(html, width, tmp_path / "page")
    assert found["width"] == width
    assert found["found"] == []
