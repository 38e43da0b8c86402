"""The report: self-contained, the same to the byte, and nothing that users wrote runs in it."""

import html.parser
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from dvc.render.converter.vega import VegaConverter
from dvc_render.vega import VegaRenderer
from dvc_render.vega_templates import get_template

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.base.tables import Column, Picture
from retrace.report import charts, page
from retrace.report.inputs import ShownTable, read_problem
from retrace.report.numbers import amount, cells, chance, count, interval, number, percent
from retrace.report.page import problem_part
from retrace.report.parameters import changed_sections
from retrace.report.pictures import drawing
from retrace.report.screen import first_screen

ROOT = Path(__file__).parents[2]
HOSTILE = '</style></svg><script>alert("1")</script><img src=x onerror=alert(2)>'


def compared(mean: float, lower: float, upper: float, of: float) -> dict[str, float]:
    """A comparison with a baseline whose RMSLE is `of`."""
    shares = {"share_lower_95": lower / of**2, "share_upper_95": upper / of**2}
    return {
        "loss_difference": mean, "lower_95": lower, "upper_95": upper, "rows": 400, **shares,
    }  # fmt: skip


FILES: dict[str, Any] = {
    "metrics/ingest/W.json": {
        "rows_in": 1010,
        "rows_out": 1000,
        "rows_quarantined": 10,
        "brand_missing_share": 0.4,
        "fingerprint": "f3906ad29d7d2cc2a70110a12e533f743b33",
    },
    "metrics/validation/W.json": {
        "checks": 1,
        "failed": 0,
        "results": [
            {
                "column": "brand",
                "check": "missing_share",
                "level": "soft",
                "found": 0.4,
                "limit": "at most 0.7",
                "passed": True,
            }
        ],
    },
    "metrics/profile/W.json": {
        "source": "data/raw/W",
        "columns": [
            {
                "column": "brand",
                "type": "str",
                "missing_share": 0.4,
                "distinct": 2,
                "top": [["Nike", 0.7], ["Apple", 0.3]],
            },
            {
                "column": "price_usd",
                "type": "float64",
                "missing_share": 0.0,
                "distinct": 90,
                "quantiles": [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 90.5],
                "histogram": {"edges": [1.0, 30.0, 60.0], "shares": [0.8, 0.2]},
            },
            {"column": "empty", "type": "object", "missing_share": 1.0, "distinct": 0},
        ],
    },
    "metrics/P.json": {
        "rmsle": 0.53,
        "mae_usd": 10.955,
        "rule_rmsle": 0.65,
        "naive_rmsle": 0.54,
        "cost_usd": 9.5,
        "rule_cost_usd": 12.0,
        "coverage_90": 0.91,
    },
    "metrics/comparison/P.json": {
        "coverage": {"share": 0.91, "lower_95": 0.88, "upper_95": 0.94, "rows": 400},
        "rule": compared(0.14, 0.1, 0.18, of=0.65),
        "naive": compared(0.01, -0.02, 0.04, of=0.54),
    },
    "models/P/card.json": {"rows": {"train": 600, "calibration": 100}, "rounds": {"point": 40}},
    "models/P/bundle.json": {"unit": "USD", "fingerprint": "b6c37a09a145"},
}
WORDS = {
    "rmsle": Column("RMSLE"),
    "mae_usd": Column("mean absolute error", "USD"),
    "rule_rmsle": Column("RMSLE of the rule"),
    "naive_rmsle": Column("RMSLE of the naive"),
    "cost_usd": Column("cost per prediction", "USD", "money"),
    "rule_cost_usd": Column("cost per prediction of the rule", "USD", "money"),
    "coverage_90": Column("inside the interval", kind="share"),
    "oracle_ratio": Column("error as a multiple of the oracle's"),
}
MONTHS = {
    "title": "Month by month",
    "columns": {
        "month": asdict(Column("month", kind="month")),
        "mae_usd": asdict(Column("mean absolute error", "USD")),
        "new_share": asdict(Column("new", kind="share")),
    },
    "picture": asdict(Picture("lines", x="month", y=("mae_usd",), caption="How it went.")),
}
METRIC: dict[str, Any] = {
    "name": "rmsle",
    "words": "RMSLE",
    "unit": "",
    "higher_is_better": False,
    "loss": "squared log error",
    "of_losses": "root",
}
DECLARED: dict[str, Any] = {
    "problem": {"task": "regression", "unit": "USD", "world": "W"},
    "metric": METRIC,
    "figures": {key: asdict(column) for key, column in WORDS.items()},
    "tables": {"months": MONTHS},
}
FILES["metrics/tables/P/tables.json"] = DECLARED
TABLES: dict[str, dict[str, list[Any]]] = {
    "metrics/slices/P.csv": {
        "slice": ["category", "category"],
        "value": ["Women", "NA"],
        "rows": [300, 9],
        "error": [0.5, 2.5],
        "bias": [-3.0, 1.0],
        "coverage": [0.92, 0.4],
        "small": [0, 1],
    },
    "metrics/tables/P/months.csv": {
        "month": ["2025-12"],
        "mae_usd": [9.87654],
        "new_share": [0.25],
    },
    "plots/P/importance.csv": {"column": ["text", "brand"], "gain_share": [0.7, 0.3]},
    "plots/P/learning.csv": {
        "round": [1, 2, 3],
        "train": [0.9, 0.7, 0.6],
        "valid": [0.9, 0.8, 0.85],
    },
    "plots/P/calibration.csv": {
        "prediction": [5.0, 20.0, 80.0],
        "outcome": [6.0, 19.0, 90.0],
        "rows": [40, 40, 40],
    },
    "plots/P/coverage.csv": {
        "slice": ["category: Women", "category: NA"],
        "coverage": [0.92, 0.8],
        "rows": [300, 9],
    },
    "plots/P/residuals.csv": {
        "band": [5.0, 20.0, 80.0],
        **{name: [1.0, 0.0, -1.0] for name in ("p10", "p25", "median", "p75", "p90")},
        "unit": ["% of the outcome"] * 3,
    },
}
PARAMS = """
worlds:
{worlds}
problems:
{problems}
price:
  simulate:
    rows: 10   # few
  train:
    rounds: 50   # <b>enough</b>
    seeds: [1, 2]
"""
DVC_YAML = """
stages:
  train:
    foreach: ${problems}
    do:
      cmd: train ${key} ${item.world}
      plots:
      - plots/${key}/importance.csv: {template: importance, x: gain_share, y: column}
      - plots/${key}/learning.csv: {template: learning, x: round, y: valid, title: Loss}
  evaluate:
    foreach: ${problems}
    do:
      cmd: evaluate
      plots:
      - plots/${key}/calibration.csv: {template: calibration, x: prediction, y: outcome}
      - plots/${key}/coverage.csv: {template: coverage, x: coverage, y: slice}
      - plots/${key}/predicted.png
      - plots/${key}/residuals.csv:
        - {template: residuals, x: band, y: median}
        - {template: linear, x: band, y: p90, x_label: built in}
  report:
    cmd: report
artifacts:
  price: {path: models/price, desc: suggests a price}
"""


class PromisedShare(Params):
    least: float = 0.8


class Fitting(Params):
    rounds: int = 10
    seeds: tuple[int, ...] = (1, 2)
    coverage: PromisedShare = PromisedShare()
    unit: str  # must be given


Make = Callable[..., None]
XY = {"x": "coverage", "y": "slice"}
SECTIONS = {"train": Fitting(rounds=50, unit="h")}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Write the inputs of a report over `problems` (name: world) into an empty folder."""
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(DVC_YAML)
    shutil.copytree(ROOT / ".dvc/plots", tmp_path / ".dvc/plots")

    def write(problems: dict[str, str] | None = None, **changes: Any) -> None:
        problems = problems or {"price": "price"}
        worlds = dict.fromkeys(problems.values())
        Path("params.yaml").write_text(
            PARAMS.format(
                worlds="\n".join(f"  {name}: {{source: data/raw/{name}}}" for name in worlds),
                problems="\n".join(f"  {name}: {{world: {of}}}" for name, of in problems.items()),
            )
        )
        for path, value in (FILES | TABLES | changes).items():
            for name in worlds if "/W." in path else problems:
                file = Path(re.sub(r"\b[WP]\b", name, path))
                file.parent.mkdir(parents=True, exist_ok=True)
                if file.suffix == ".csv":
                    pd.DataFrame(value).to_csv(file, index=False)
                else:
                    file.write_text(json.dumps(value))
        for name in problems:
            Path("plots", name, "predicted.png").write_bytes(b"\x89PNG picture")

    return write


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots out: drawing is most of the time that a report takes."""
    monkeypatch.setattr(page, "read_plots", lambda name, world: [])


def render() -> str:
    """The whole page, as `stages.page` and `stages.report` make it."""
    problems = yaml.safe_load(Path("params.yaml").read_text())["problems"]
    return page.page([problem_part(name, SECTIONS) for name in problems], {})


class Elements(html.parser.HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in ("meta", "img") else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""


def text_of(content: str) -> str:
    text = re.sub(r"\s+", " ", Elements(content).text)
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_self_contained(make: Make) -> None:
    make()
    content = render()
    found = Elements(content)
    assert not found.open
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "base", "image"}
    assert not re.search(r"https?://|@import|@font-face", content)
    for target in re.findall(r"url\(([^)]*)\)", content):
        assert target.startswith("#")
    for _, attributes in found.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")


def test_ids_are_unique_and_links_lead_somewhere(make: Make, no_plots: None) -> None:
    make({"price": "price", "other": "price"})
    tags = Elements(render()).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(a.get("href") or "")[1:] for tag, a in tags if tag == "a"} <= set(ids)


def test_same_bytes_twice(make: Make) -> None:
    make()
    first = render()
    charts.draw(charts.Plot(Path("plots/price/coverage.csv"), {"template": "coverage"} | XY), "x")
    assert render() == first


def test_nothing_that_users_wrote_runs(make: Make) -> None:
    top = [HOSTILE, 0.7]
    results = [FILES["metrics/validation/W.json"]["results"][0] | {"column": HOSTILE}]
    brand = FILES["metrics/profile/W.json"]["columns"][0]
    make(
        **{
            "metrics/slices/P.csv": TABLES["metrics/slices/P.csv"] | {"value": [HOSTILE, "b"]},
            "plots/P/coverage.csv": TABLES["plots/P/coverage.csv"] | {"slice": [HOSTILE, "b"]},
            "plots/P/importance.csv": {"column": [HOSTILE, "brand"], "gain_share": [0.7, 0.3]},
            "plots/P/residuals.csv": TABLES["plots/P/residuals.csv"] | {"unit": [HOSTILE] * 3},
            "metrics/tables/P/months.csv": TABLES["metrics/tables/P/months.csv"]
            | {"month": [HOSTILE]},
            "metrics/profile/W.json": {"columns": [brand | {"top": [top]}]},
            "metrics/ingest/W.json": FILES["metrics/ingest/W.json"] | {"quarantined": {HOSTILE: 1}},
            "metrics/validation/W.json": {"checks": 1, "failed": 0, "results": results},
        }
    )
    content = render()
    found = Elements(content)
    assert not found.open
    assert not {"script", "b"} & {tag for tag, _ in found.tags}
    assert sum(tag == "img" for tag, _ in found.tags) == 1
    assert found.text.count(HOSTILE) >= 4


def test_verdicts_in_plain_words(make: Make, no_plots: None) -> None:
    make()
    text = text_of(render())
    assert (
        "18 % better than the rule: RMSLE 0.530 vs 0.650, certain (95 % interval: 13 to 24 %)."
        in text
    )
    assert (
        "No certain difference from the naive average: RMSLE 0.530 vs 0.540, "
        "95 % interval: 3.4 % worse to 7.1 % better." in text
    )
    assert "9.50 USD per prediction, 2.50 USD (21 %) less than the rule" in text
    assert (
        "Suggests a price. Cost per prediction: 9.50 USD, with the rule 12.00 USD; "
        "the model saves 2.50 USD (21 %)." in text
    )
    assert "91.0 % inside the 90 % interval" in text
    assert "all data checks passed" in text


def test_a_ranking_is_judged_by_the_loss_that_says_so(make: Make, no_plots: None) -> None:
    """No interval of a share follows from losses of rows: each number is in its own unit."""
    metric = METRIC | {"words": "average precision", "loss": "log loss", "of_losses": None}
    figures = {"average_precision": 0.82, "rule_average_precision": 0.06}
    words = {key: asdict(Column("average precision")) for key in figures}
    make(
        **{
            "metrics/P.json": figures,
            "metrics/tables/P/tables.json": DECLARED | {"metric": metric, "figures": words},
        }
    )
    text = text_of(render())
    assert "better, certain (log loss lower by 0.100 to 0.180)" in text
    assert "Better than the rule: average precision 0.820 vs 0.0600, certain" in text
    assert "uncertain (log loss −0.0400 to 0.0200 higher)" in text


@pytest.mark.parametrize(
    ("share", "words"), [(0.6, "inside, too few for 90 %"), (0.99, "inside, too many for 90 %")]
)
def test_a_broken_promise_is_said(make: Make, no_plots: None, share: float, words: str) -> None:
    make(**{"metrics/P.json": FILES["metrics/P.json"] | {"coverage_90": share}})
    assert words in text_of(render())


def test_worse_than_the_rule_is_said(make: Make, no_plots: None) -> None:
    worse = compared(-0.1, -0.2, -0.05, of=0.5)
    make(
        **{
            "metrics/P.json": FILES["metrics/P.json"] | {"rule_rmsle": 0.5},
            "metrics/comparison/P.json": FILES["metrics/comparison/P.json"] | {"rule": worse},
        }
    )
    text = text_of(render())
    assert "6.0 % worse than the rule" in text
    assert "0 of 1 beat the business rule" in text


@pytest.mark.parametrize(("mean", "said"), [(-0.02, True), (0.02, False)])
def test_a_model_that_does_not_beat_the_rule_on_validation_says_so(
    make: Make, no_plots: None, mean: float, said: bool
) -> None:
    valid = compared(mean, mean - 0.03, mean + 0.03, of=0.5)
    make(
        **{
            "metrics/comparison/P.json": FILES["metrics/comparison/P.json"] | {"valid_rule": valid},
        }
    )
    words = "the model does not beat the rule on 400 rows of validation: its squared log error is "
    assert (f"{words}0.0200 higher (95 %: " in text_of(render())) == said
    assert any(words in line for line in first_screen(read_problem("price"))) == said


def test_a_soft_failure_is_visible(make: Make, no_plots: None) -> None:
    check = FILES["metrics/validation/W.json"]["results"][0] | {"passed": False, "found": 0.9}
    make(**{"metrics/validation/W.json": {"checks": 1, "failed": 1, "results": [check]}})
    text = text_of(render())
    assert "1 data check failed softly" in text
    assert "1 of 1 failed softly" in text
    assert "soft failure" in text


def test_oracle_present_and_absent(make: Make, no_plots: None) -> None:
    make()
    assert "than the oracle" not in text_of(render())
    oracle = compared(-0.06, -0.08, -0.04, of=0.424)
    make(
        **{
            "metrics/P.json": FILES["metrics/P.json"] | {"oracle_ratio": 1.25},
            "metrics/comparison/P.json": FILES["metrics/comparison/P.json"] | {"oracle": oracle},
        }
    )
    text = text_of(render())
    assert "25 % short of the best" in text
    assert "RMSLE 0.530 vs 0.424" in text


def test_two_problems_of_one_world_show_its_data_once(make: Make, no_plots: None) -> None:
    make({"price": "price", "other": "price"})
    content = render()
    assert content.count("Columns of the clean table") == 1
    assert 'Its data is that of <a href="#data-price">' in content
    text = text_of(content)
    assert "2 problems: every model beats its business rule" in text


def test_own_tables_of_a_problem(make: Make, no_plots: None) -> None:
    """Columns in words with their units, numbers with sensible digits, beside the picture."""
    make()
    found = re.search(r"<h4[^>]*>Month by month</h4>.*?</table>", render(), re.DOTALL)
    assert found
    assert '<figure role="img"' in found[0]
    texts = [text_of(cell) for cell in re.findall(r"<t[hd]\b.*?</t[hd]>", found[0])]
    assert texts == ["month", "mean absolute error USD", "new", "Dec 2025", "9.88", "25 %"]


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


TEXT, FLAG = Column("text", kind="text"), Column("flag", kind="flag")
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


def test_tables_without_picture_and_without_rows(make: Make, no_plots: None) -> None:
    columns = {"name": asdict(TEXT), "amount_usd": asdict(Column("amount", "USD"))}
    odd = {"title": "Odd one", "columns": columns, "picture": None}
    tables = {"odd": odd, "nothing": odd | {"title": "Nothing"}}
    make(
        **{
            "metrics/tables/P/tables.json": DECLARED | {"tables": tables},
            "metrics/tables/P/odd.csv": {},
            "metrics/tables/P/nothing.csv": {},
        }
    )
    Path("metrics/tables/price/odd.csv").write_text("name,amount_usd\na,3.14159\nb\nc,1,2,many\n")
    Path("metrics/tables/price/nothing.csv").write_text("name,amount_usd\n")
    content = render()
    found = re.search(r"<h4[^>]*>Odd one</h4>.*?</table>", content, re.DOTALL)
    assert found
    assert '<figure role="img"' not in content
    texts = [text_of(cell) for cell in re.findall(r"<t[hd]\b.*?</t[hd]>", found[0])]
    assert texts == ["text", "amount USD", "a", "3.14", "b", "", "c", "1.00"]
    assert ">Nothing<" not in content


def test_small_slices_are_said_to_be_small(make: Make, no_plots: None) -> None:
    make()
    rows = re.findall(r"<tr( class=\"small\")?><th scope=\"row\">(Women|NA)", render())
    assert rows == [("", "Women"), (' class="small"', "NA")]


def test_quarantine_with_and_without_reasons(make: Make, no_plots: None) -> None:
    make()
    assert "10 rows, each with its reason in data/quarantine/price.parquet" in text_of(render())
    reasons = {"price is 0": 3, "no name": 7}
    make(**{"metrics/ingest/W.json": FILES["metrics/ingest/W.json"] | {"quarantined": reasons}})
    text = text_of(render())
    assert text.index("no name") < text.index("price is 0")


@pytest.mark.parametrize(
    "path",
    [
        "metrics/price.json",
        "metrics/comparison/price.json",
        "metrics/slices/price.csv",
        "metrics/profile/price.json",
        "metrics/validation/price.json",
        "metrics/ingest/price.json",
        "models/price/card.json",
        "plots/price/learning.csv",
        "plots/price/predicted.png",
    ],
)
def test_a_missing_file_is_named(make: Make, path: str) -> None:
    make()
    Path(path).unlink()
    with pytest.raises(RetraceError, match=rf"{re.escape(path)} is missing.*dvc repro"):
        render()


def test_unknown_template_and_column_are_named(make: Make) -> None:
    make()
    path = Path("plots/price/coverage.csv")
    for wrong in ({"template": "none"} | XY, {"template": "coverage", "x": "no", "y": "slice"}):
        with pytest.raises(RetraceError, match=r"coverage\.csv cannot be drawn"):
            charts.draw(charts.Plot(path, wrong), "x")


def test_plots_are_those_of_dvc(make: Make) -> None:
    """The specification is what `dvc plots show` fills in for the same definition."""
    make()
    tables = [path.replace("P", "price") for path in TABLES if path.startswith("plots/")]
    plots = charts.read_plots("price", "price")
    assert {plot.path.as_posix() for plot in plots} == {"plots/price/predicted.png", *tables}
    assert [plot.title for plot in plots][:2] == ["Importance", "Loss"]
    for plot in (plot for plot in plots if plot.path.suffix == ".csv"):
        name, rows = plot.path.as_posix(), charts.read_text_rows(plot.path)
        converter = VegaConverter(name, {name: rows}, dict(plot.properties))
        data, properties = converter.flat_datapoints("workspace")
        renderer = VegaRenderer(data, name, template_dir=".dvc/plots", **properties)
        spec = renderer.get_filled_template()
        assert charts.filled(plot) == spec | {"title": spec["title"] | {"text": ""}}
        assert "<DVC_" not in json.dumps(spec)


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
