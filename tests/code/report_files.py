"""The files that a small report is made of."""

import html.parser
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retrace.base.params import Params
from retrace.base.tables import Column, Picture

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


TEXT, FLAG = Column("text", kind="text"), Column("flag", kind="flag")
