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

from retrace.errors import RetraceError
from retrace.report import charts, page
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
            "metrics/comparison/P.json": {"rule": worse},
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
    make()
    found = re.search(r"<caption>Months</caption>.*?</table>", render(), re.DOTALL)
    assert found
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", found[0])
    assert cells == ["month", "mae usd", "new share", "2025-12", "9.88", percent(0.25)]


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
    shares = [percent(share).replace("\N{NARROW NO-BREAK SPACE}", " ") for share in (0.184, 0.0009)]
    assert shares == ["18 %", "0.09 %"]
    assert interval(0.0862, 0.1467) == "0.086 to 0.147"
    assert count(7972.0) == "7,972"
    assert figure("mae_seconds", 84.21).text == "84.2 seconds"
    assert figure("route_mae_minutes", 8.365).label == "mean absolute error by route"
    assert figure("naive_mae_usd", 9.5).label == "mean absolute error of the naive average"
