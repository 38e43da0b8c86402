"""The report: self-contained, the same to the byte, and nothing that users wrote runs in it."""

import html.parser
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from dvc.render.converter.vega import VegaConverter
from dvc_render.vega import VegaRenderer
from dvc_render.vega_templates import get_template

from retrace.base.errors import RetraceError
from retrace.report import charts, own, page
from retrace.report.numbers import count, figure, interval, number, percent
from retrace.report.page import render
from retrace.report.parameters import read_sections

ROOT = Path(__file__).parents[2]
HOSTILE = '</style></svg><script>alert("1")</script><img src=x onerror=alert(2)>'

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
    "metrics/profile/W.json": [
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
    "metrics/P.json": {
        "rmsle": 0.53,
        "mae_usd": 10.955,
        "rule_rmsle": 0.65,
        "naive_rmsle": 0.54,
        "cost_usd": 9.5,
        "coverage_90": 0.91,
    },
    "metrics/comparison/P.json": {
        "coverage": {"share": 0.91, "lower_95": 0.88, "upper_95": 0.94, "rows": 400},
        "rule": {"loss_difference": 0.14, "lower_95": 0.1, "upper_95": 0.18, "rows": 400},
        "naive": {"loss_difference": 0.01, "lower_95": -0.02, "upper_95": 0.04, "rows": 400},
    },
    "models/P/card.json": {"rows": {"train": 600, "calibration": 100}, "rounds": {"point": 40}},
    "models/P/bundle.json": {"unit": "USD", "fingerprint": "b6c37a09a145"},
}
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
"""
Make = Callable[..., None]
XY = {"x": "coverage", "y": "slice"}


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
    monkeypatch.setattr(page, "read_plots", lambda params: {})


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
    charts.draw(charts.Plot(Path("plots/price/coverage.csv"), {"template": "coverage"} | XY), 9)
    assert render() == first


def test_nothing_that_users_wrote_runs(make: Make) -> None:
    top = [HOSTILE, 0.7]
    results = [FILES["metrics/validation/W.json"]["results"][0] | {"column": HOSTILE}]
    make(
        **{
            "metrics/slices/P.csv": TABLES["metrics/slices/P.csv"] | {"value": [HOSTILE, "b"]},
            "plots/P/coverage.csv": TABLES["plots/P/coverage.csv"] | {"slice": [HOSTILE, "b"]},
            "plots/P/importance.csv": {"column": [HOSTILE, "brand"], "gain_share": [0.7, 0.3]},
            "plots/P/residuals.csv": TABLES["plots/P/residuals.csv"] | {"unit": [HOSTILE] * 3},
            "metrics/tables/P/months.csv": {HOSTILE: [HOSTILE]},
            "metrics/profile/W.json": [FILES["metrics/profile/W.json"][0] | {"top": [top]}],
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
        "18 % better than the rule: RMSLE 0.530 vs 0.650, "
        "certain (95 % interval of the loss difference 0.100 to 0.180)." in text
    )
    assert (
        "No certain difference from the naive average: RMSLE 0.530 vs 0.540, "
        "95 % interval of the loss difference −0.0200 to 0.0400 includes zero." in text
    )
    assert "91.0 % inside the 90 % interval" in text
    assert "all data checks passed" in text


@pytest.mark.parametrize(
    ("share", "words"), [(0.6, "inside, too few for 90 %"), (0.99, "inside, too many for 90 %")]
)
def test_a_broken_promise_is_said(make: Make, no_plots: None, share: float, words: str) -> None:
    make(**{"metrics/P.json": FILES["metrics/P.json"] | {"coverage_90": share}})
    assert words in text_of(render())


def test_worse_than_the_rule_is_said(make: Make, no_plots: None) -> None:
    worse = {"loss_difference": -0.1, "lower_95": -0.2, "upper_95": -0.05, "rows": 400}
    make(
        **{
            "metrics/P.json": FILES["metrics/P.json"] | {"rule_rmsle": 0.5},
            "metrics/comparison/P.json": FILES["metrics/comparison/P.json"] | {"rule": worse},
        }
    )
    text = text_of(render())
    assert "6.0 % worse than the rule" in text
    assert "0 of 1 beat the business rule" in text


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
    oracle = {"loss_difference": -0.06, "lower_95": -0.08, "upper_95": -0.04, "rows": 400}
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
    assert 'The data is that of <a href="#data-price">' in content
    text = text_of(content)
    assert "2 problems: every model beats its business rule" in text


def test_own_tables_of_a_problem(make: Make, no_plots: None) -> None:
    """Columns in words with their units, numbers with sensible digits, beside the picture."""
    make()
    found = re.search(r"<h4[^>]*>Month by month</h4>.*?</table>", render(), re.DOTALL)
    assert found
    assert '<figure role="img"' in found[0]
    cells = [text_of(cell) for cell in re.findall(r"<t[hd]\b.*?</t[hd]>", found[0])]
    assert cells == ["month", "MAE USD", "new share", "2025-12", "9.88", "25 %"]


def test_digits_of_a_column() -> None:
    assert own.cells("mae_seconds", ["102.14", "-9.5", ""]) == ["102", "−10", ""]
    assert own.cells("bias", ["-15.125", "3.25"]) == ["−15.1", "3.2"]
    assert own.cells("wide", ["1234.5", "0.01"]) == ["1,234", "0.0100"]
    assert own.cells("stops", ["1557", "0"]) == ["1,557", "0"]
    shares = [text_of(text) for text in own.cells("on_share", ["0.9979", "1", "0", "0.00001"])]
    assert shares == ["99.8 %", "100 %", "0 %", "under 0.01 %"]
    assert own.cells("planned_shorter", ["1", "0"]) == ["yes", "no"]
    assert own.cells("word", ["nan", "B", "inf"]) == ["nan", "B", "inf"]
    assert own.heading("rule_mae_seconds", ["1"]) == own.Heading("MAE of the rule", "seconds", True)


OWN: dict[str, dict[str, list[Any]]] = {
    "service_level": {
        "planned_with": ["p50", "p80", "rule"],
        "stops_on_time": [0.51, 0.81, 0.46],
        "routes_on_time": [0.31, 0.998, 0.18],
        "planned_minutes_a_stop": [7.58, 9.85, 6.54],
    },
    "routes": {
        "planned_with": ["model", "rule"],
        "routes": [468, 468],
        "mean_error_of_sum_minutes": [11.9, 32.0],
        "mean_sum_of_errors_minutes": [39.4, 58.1],
        "bias_minutes": [-7.0, -27.6],
    },
    "months": {
        "month": ["2025-11", "2025-12", "2026-01"],
        "stops": [3918, 4102, 90],
        "mae_seconds": [110.0, 125.7, 108.0],
        "rule_mae_seconds": [160.2, 188.1, 150.0],
        "coverage": [0.89, 0.89, 0.9],
        "christmas_share": [0.0, 0.874, 0.03],
    },
    "fairness": {
        "slice": ["region", "driver_tenure"],
        "value": ["oslo_west", "new"],
        "stops": [2725, 3216],
        "bias_seconds": [-28.0, -11.1],
        "relative_bias_seconds": [-7.5, 9.2],
        "lower_95": [-14.5, 2.8],
        "upper_95": [-0.3, 15.6],
        "planned_shorter": [1, 0],
    },
    "suggested_bands": {
        "suggested": ["under 10 USD", "10 to 20 USD", "200 USD and more"],
        "rows": [314, 1737, 10],
        "mean_cost_usd": [3.44, 5.4, 71.4],
        "median_interval_usd": [15.6, 28.1, 665.4],
    },
}
CAPTIONS = {
    "service_level": "Planned with p80, 9.85 minutes a stop, 81 % of stops and 99.8 % of routes "
    "are on time; planned with the rule, 6.54 minutes a stop, 46 % of stops and 18 % of routes "
    "are on time.",
    "routes": "On a route late and early stops cancel: planned with the model, errors that add up "
    "to 39.4 minutes leave 11.9 minutes on its sum.",
    "months": "Error of the model and the rule by month; "
    "the darker a month, the larger its Christmas share.",
    "fairness": "In red, planned shorter than others with certainty: 1 of 2 groups, "
    "whose bars lie wholly left of zero.",
    "suggested_bands": "From “under 10 USD” to “10 to 20 USD”: mean cost 3.44 to 5.40 USD, "
    "median interval 15.6 to 28.1 USD; faded bars have fewer than 30 rows.",
}
SEEN = {
    "service_level": ["p50", "p80", "rule", "stops", "routes", "planned minutes a stop"],
    "routes": ["model", "rule", "11.9 (70 % cancels)", "58.1"],
    "months": ["Nov", "Jan", "2026", "Christmas", "87 %", "MAE, seconds"],
    "fairness": ["region: oslo west", "driver tenure: new", "← planned shorter · seconds"],
    "suggested_bands": ["200 USD and more", "71.4", "665", "mean cost, USD"],
}


def rows_of(table: dict[str, list[Any]]) -> list[dict[str, str]]:
    return [
        dict(zip(table, map(str, row), strict=True)) for row in zip(*table.values(), strict=True)
    ]


def drawn(name: str, rows: list[dict[str, str]]) -> str:
    """Return the text of a table's picture, empty where it has none."""
    (table,) = own.own_tables({name: rows})
    assert all(len(row) == len(table.headings) for row in table.rows)
    if table.drawing is None:
        return ""
    svg = charts.draw_spec(table.drawing.spec, 1)
    assert not re.search(r"NaN|undefined|Infinity|null|<script|<img", svg)
    return text_of(svg)


def test_own_tables_have_pictures(make: Make, no_plots: None) -> None:
    make(**{f"metrics/tables/P/{name}.csv": table for name, table in OWN.items()})
    content = render()
    assert content == render()
    assert content.count('<figure role="img"') == len(OWN)
    titles = [content.index(f">{own.TITLES[name]}<") for name in OWN]
    assert titles[:4] == sorted(titles[:4])
    text = text_of(content)
    for name, caption in CAPTIONS.items():
        assert caption in text, name
        seen = drawn(name, rows_of(OWN[name]))
        for words in SEEN[name]:
            assert words in seen, (name, words)
    assert "var(--bad)" in content


@pytest.mark.parametrize("name", OWN)
def test_pictures_survive_what_tables_lack(name: str) -> None:
    """Without a column, with one row, with empty cells and words for numbers, with no row left."""
    table = OWN[name]
    first = next(iter(table))
    for column in table:
        drawn(name, rows_of({key: cells for key, cells in table.items() if key != column}))
        for wrong in ("", "many", "nan", HOSTILE):
            drawn(name, rows_of(table | {column: [wrong, *table[column][1:]]}))
    assert drawn(name, rows_of(table)[:1])
    assert drawn(name, rows_of(table | {first: [HOSTILE] * len(table[first])}))
    zeros = {key: [0] * len(cells) for key, cells in table.items() if key != first}
    assert drawn(name, rows_of({first: table[first]} | zeros))
    empty = {key: [""] * len(cells) for key, cells in table.items()}
    assert drawn(name, rows_of(empty)) == ""
    assert own.own_tables({name: []}) == []


def test_months_without_christmas_and_over_years() -> None:
    table = OWN["months"]
    quiet = drawn("months", rows_of(table | {"christmas_share": [0.0] * 3}))
    assert "MAE, seconds" in quiet
    assert "Christmas" not in quiet
    n = 30
    many = {
        "month": [f"{2024 + month // 12}-{month % 12 + 1:02d}" for month in range(n)],
        "auc": [0.9] * n,
        "christmas_share": [0.87 if month % 12 == 11 else 0.0 for month in range(n)],
    }
    seen = drawn("months", rows_of(many))
    assert seen.count("Christmas") == 2
    assert all(words in seen for words in ("Jan", "2024", "2025", "2026", "Jul", "AUC"))
    assert "Feb" not in seen


def test_fair_plans_are_not_accused(make: Make, no_plots: None) -> None:
    fair = OWN["fairness"] | {"upper_95": [0.3, 15.6], "planned_shorter": [0, 0]}
    make(**{"metrics/tables/P/fairness.csv": fair})
    content = render()
    assert "No group is planned shorter than others with certainty" in content
    assert "var(--bad)" not in content[content.index("<body>") :]


def test_unknown_tables_stay_tables(make: Make, no_plots: None) -> None:
    make(**{"metrics/tables/P/odd_one.csv": {"name": ["a"], "amount_usd": [3.14159]}})
    file = Path("metrics/tables/price/odd_one.csv")
    file.write_text("name,amount_usd\na,3.14159\nb\nc,1,too,many\n")
    Path("metrics/tables/price/nothing.csv").write_text("name,amount\n")
    Path("metrics/tables/price/months.csv").unlink()
    content = render()
    found = re.search(r"<h4[^>]*>Odd one</h4>.*?</table>", content, re.DOTALL)
    assert found
    assert '<figure role="img"' not in content
    cells = [text_of(cell) for cell in re.findall(r"<t[hd]\b.*?</t[hd]>", found[0])]
    assert cells == ["name", "amount USD", "a", "3.14", "b", "", "c", "1.00"]
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
            charts.draw(charts.Plot(path, wrong), 1)


def price_plots() -> list[charts.Plot]:
    return charts.read_plots({"problems": {"price": {"world": "price"}}})["price"]


def test_plots_are_those_of_dvc(make: Make) -> None:
    """The specification is what `dvc plots show` fills in for the same definition."""
    make()
    tables = [path.replace("P", "price") for path in TABLES if path.startswith("plots/")]
    plots = price_plots()
    assert {plot.path.as_posix() for plot in plots} == {"plots/price/predicted.png", *tables}
    assert [plot.title for plot in plots][:2] == ["Importance", "Loss"]
    for plot in (plot for plot in plots if plot.path.suffix == ".csv"):
        name, rows = plot.path.as_posix(), charts.read_rows(plot.path)
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


def test_parameters_keep_their_comments(make: Make) -> None:
    make()
    (section,) = read_sections(["price", "price"], skip=("simulate",))
    assert section.key == "price.train"
    assert [(p.name, p.value, p.comment) for p in section.parameters] == [
        ("rounds", "50", "<b>enough</b>"),
        ("seeds", "1, 2", ""),
    ]


def test_numbers() -> None:
    values = [0.65, 10.94, 1234.5, 5.0, -0.5, 0.0, 0.00001]
    texts = ["0.650", "10.9", "1,234", "5", "−0.500", "0", "1.0e-05"]
    assert [number(value) for value in values] == texts
    shares = [text_of(percent(share)) for share in (0.184, 0.0009, 0.9989, 1.0)]
    assert shares == ["18 %", "0.09 %", "99.9 %", "100 %"]
    assert interval(0.0862, 0.1467) == "0.086 to 0.147"
    assert count(7972.0) == "7,972"
    assert figure("mae_seconds", 84.21).text == "84.2 seconds"
    assert figure("route_mae_minutes", 8.365).label == "mean absolute error by route"
    assert figure("naive_mae_usd", 9.5).label == "mean absolute error of the naive average"
