"""Tables, pictures, numbers and parameters, as the report draws and writes them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc_render.vega_templates import get_template

from retrace.base.tables import Column, Picture
from retrace.report import charts
from retrace.report.inputs import ShownTable
from retrace.report.numbers import amount, cells, chance, count, interval, number, percent
from retrace.report.parameters import changed_sections
from retrace.report.pictures import drawing
from tests.code.report_files import FLAG, HOSTILE, ROOT, TEXT, Fitting, PromisedShare, text_of


def test_digits_of_a_column() -> None:
    plain = Column("error")
    assert cells(plain, ["102.14", "-9.5", ""]) == ["102", "−10", ""]
    assert cells(plain, ["-15.125", "3.25"]) == ["−15.1", "3.2"]
    assert cells(plain, ["1234.5", "0.01"]) == ["1,234", "0.0100"]
    assert cells(plain, ["1557", "0"]) == ["1,557", "0"]
    shares = cells(Column("s", kind="share"), ["0.9979", "1", "0.00001"])
    assert [text_of(text) for text in shares] == ["99.8 %", "100 %", "under 0.01 %"]
    assert cells(Column("chosen", kind="flag"), ["1", "0", ""]) == ["yes", "no", ""]
    assert cells(Column("grade", kind="text"), ["nan", "1.50", "inf"]) == ["nan", "1.50", "inf"]
    assert cells(Column("paid", kind="money"), ["3.456", "-2"]) == ["3.46", "−2.00"]
    chances = cells(Column("q", kind="chance"), ["1.9e-178", "0.04"])
    assert [text.replace("\N{NARROW NO-BREAK SPACE}", " ") for text in chances] == [
        "< 0.001", "0.040"
    ]  # fmt: skip


DRAWN: dict[str, tuple[Picture, dict[str, Column], dict[str, list[Any]], list[str]]] = {
    "curves": (
        Picture("curves", x="cost", y=("stops", "routes")),
        {"plan": TEXT, "stops": Column("of stops", kind="share"),
         "routes": Column("of routes", kind="share"), "cost": Column("planned", "minutes")},
        {"plan": ["p50", "rule"], "stops": [0.5, 0.4], "routes": [0.3, 0.2], "cost": [7.6, 6.5]},
        ["p50", "rule", "of stops", "of routes", "planned, minutes"],
    ),
    "marked": (
        Picture("curves", x="at", y=("cost",), mark="chosen", log=True),
        {"at": Column("threshold"), "cost": Column("cost per 1,000"), "chosen": FLAG},
        {"at": [0.1, 0.2, 0.4], "cost": [90, 80, 120], "chosen": [0, 1, 0]},
        ["threshold", "cost per 1,000"],
    ),
    "lines": (
        Picture("lines", x="month", y=("mae", "rule"), shade="busy"),
        {"month": Column("month", kind="month"), "mae": Column("model", "seconds"),
         "rule": Column("the rule", "seconds"), "busy": Column("near a feast", kind="share")},
        {"month": ["2025-11", "2025-12", "2026-01"], "mae": [110, 126, 108],
         "rule": [160, 188, 150], "busy": [0.0, 0.874, 0.03]},
        ["Nov", "Jan", "2026", "near a feast", "87 %", "seconds", "the rule"],
    ),
    "side by side": (
        Picture("side by side", y=("added", "rest")),
        {"plan": TEXT, "added": Column("added up", "minutes"), "rest": Column("sum", "minutes")},
        {"plan": ["model", "rule"], "added": [39.4, 58.1], "rest": [11.9, 32.0]},
        ["model", "rule", "11.9", "58.1", "added up", "minutes"],
    ),
    "intervals": (
        Picture("intervals", y=("bias",), lower="low", upper="high", mark="short"),
        {"by": TEXT, "group": TEXT, "bias": Column("bias", "seconds"), "low": Column("from"),
         "high": Column("to"), "short": FLAG},
        {"by": ["region", "tenure"], "group": ["the_west", "new"], "bias": [-7.5, 9.2],
         "low": [-14.5, 2.8], "high": [-0.3, 15.6], "short": [1, 0]},
        ["region: the west", "tenure: new", "bias, seconds"],
    ),
    "bars": (
        Picture("bars", y=("cost", "width"), rows="rows"),
        {"band": TEXT, "rows": Column("rows", kind="count"), "cost": Column("mean cost", "USD"),
         "width": Column("width", "USD")},
        {"band": ["under 10", "200 and more"], "rows": [314, 10], "cost": [3.44, 71.4],
         "width": [15.6, 665.4]},
        ["200 and more", "71.4", "665", "mean cost, USD"],
    ),
}  # fmt: skip


def drawn(name: str, **changes: list[Any]) -> str:
    """Return the text of a table's picture, empty where it has none."""
    picture, columns, table, _ = DRAWN[name]
    table = table | changes
    rows = [
        dict(zip(table, map(str, row), strict=True)) for row in zip(*table.values(), strict=True)
    ]
    spec = drawing(ShownTable(name, name, columns, rows, picture))
    if spec is None:
        return ""
    svg = charts.draw_spec(spec, "x")
    assert not re.search(r"NaN|undefined|Infinity|null|<script|<img", svg)
    return text_of(svg) + (" (red)" if "var(--bad)" in svg else "")


@pytest.mark.parametrize("name", DRAWN)
def test_a_table_is_drawn_as_it_declares(name: str) -> None:
    """With its words, also with empty cells, with words for numbers and with one row."""
    seen = drawn(name)
    for words in DRAWN[name][3]:
        assert words in seen
    table = DRAWN[name][2]
    for column in table:
        for wrong in ("", "many", HOSTILE):
            drawn(name, **{column: [wrong, *table[column][1:]]})
    assert drawn(name, **{column: values[:1] for column, values in table.items()})
    empty = {
        key: [""] * len(table[key])
        for key, column in DRAWN[name][1].items()
        if column.kind not in ("text", "month")
    }
    assert drawn(name, **empty) == ""


def test_red_is_for_what_is_marked() -> None:
    assert drawn("intervals").endswith("(red)")
    assert not drawn("intervals", short=[0, 0]).endswith("(red)")


def test_months_without_shade_and_over_years() -> None:
    assert "near a feast" not in drawn("lines", busy=[0.0] * 3)
    n = 30
    seen = drawn(
        "lines",
        month=[f"{2024 + month // 12}-{month % 12 + 1:02d}" for month in range(n)],
        mae=[9.0] * n,
        rule=[11.0] * n,
        busy=[0.87 if month % 12 == 11 else 0.0 for month in range(n)],
    )
    assert seen.count("near a feast") == 2
    assert all(words in seen for words in ("Jan", "2024", "2025", "2026", "Jul"))
    assert "Feb" not in seen


def test_templates_of_dvc_yaml_exist() -> None:
    """The built-in templates of `dvc plots`, or files of .dvc/plots."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    plots = [plot for stage in stages for plot in stage.get("do", stage).get("plots", [])]
    for plot in plots:
        for properties in plot.values() if isinstance(plot, dict) else []:
            if "template" in properties:
                get_template(properties["template"], str(ROOT / ".dvc/plots"))


def test_parameters_are_those_that_change_a_default_with_their_comments(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(
        "orders:\n  train:\n    unit: h       # as planners count\n    rounds: 50    # enough\n"
        "    coverage:\n      least: 0.9  # <b>promised</b>\n"
        "late:\n  train:\n    rounds: 70    # of the problem's own\n  split: {}\n"
    )
    sections = {
        "train": Fitting(rounds=70, unit="h", coverage=PromisedShare(least=0.9)),
        "split": PromisedShare(),
    }
    (section,) = changed_sections(sections, ["late", "orders"], path)
    assert section.key == "late.train"
    assert [(p.name, p.value, p.default, p.comment) for p in section.parameters] == [
        ("rounds", "70", "10", "of the problem's own"),
        ("coverage.least", "0.9", "0.8", "<b>promised</b>"),
        ("unit", "h", "", "as planners count"),
    ]
    (section,) = changed_sections({"train": sections["train"]}, ["orders"], path)
    assert section.key == "orders.train"


def test_numbers() -> None:
    values = [0.65, 10.94, 1234.5, 5.0, -0.5, 0.0, 0.00001]
    texts = ["0.650", "10.9", "1,234", "5", "−0.500", "0", "1.0e-05"]
    assert [number(value) for value in values] == texts
    shares = [text_of(percent(share)) for share in (0.184, 0.0009, 0.9989, 1.0)]
    assert shares == ["18 %", "0.09 %", "99.9 %", "100 %"]
    assert interval(0.0862, 0.1467) == "0.086 to 0.147"
    assert count(7972.0) == "7,972"
    assert amount(Column("error", "seconds"), 84.21) == "84.2 seconds"
    assert amount(Column("cost", "EUR", "money"), 9.5) == "9.50 EUR"
    assert chance(0.25) == "0.250"
