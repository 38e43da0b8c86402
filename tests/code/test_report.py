"""The report: self-contained, the same to the byte, and nothing that users wrote runs."""

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

from retrace.base.errors import RetraceError
from retrace.base.tables import Column
from retrace.report import charts, page
from retrace.report.inputs import read_problem
from retrace.report.page import problem_part
from retrace.report.screen import first_screen
from tests.code.report_files import (
    DECLARED,
    DVC_YAML,
    FILES,
    HOSTILE,
    METRIC,
    PARAMS,
    ROOT,
    TABLES,
    TEXT,
    Elements,
    Fitting,
    compared,
    text_of,
)

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
