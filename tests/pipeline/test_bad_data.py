"""Bad data ends in one clear message, and loses nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from retrace.base.errors import RetraceError
from tests.conftest import change_params, run, run_stages

Lines = list[list[str]]
PRICE, BRAND, CONDITION = 5, 4, 2


def listings(folder: Path) -> Lines:
    text = (folder / "data/raw/price/train.tsv").read_text()
    return [line.split("\t") for line in text.splitlines()]


def use(folder: Path, lines: Lines) -> None:
    """Write listings into a file of the user's, and select it."""
    path = folder / "data/external/listings.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")
    change_params(folder, {"worlds": {"price": {"source": str(path.relative_to(folder))}}})


def refused(folder: Path, *stages: str) -> str:
    """Run stages of which the last must end with an error; return what it says."""
    *done, last = (f"{stage}@price" for stage in stages)
    run_stages(folder, *done)
    with pytest.raises(RetraceError) as error:
        run_stages(folder, last)
    return str(error.value)


def test_one_usable_row_is_too_few(prices: Path) -> None:
    use(prices, listings(prices)[:2])
    output = refused(prices, "ingest", "validate")
    assert "has 1 row(s); rows_min of problems/price/checks.yaml is" in output


def test_all_rows_in_quarantine(prices: Path) -> None:
    lines = listings(prices)
    for line in lines[1:]:
        line[CONDITION] = "good"
    use(prices, lines)
    change_params(prices, {"price": {"ingest": {"max_quarantined": 1.0}}})
    output = refused(prices, "ingest")
    assert "condition is not a whole number from 1 to 5 (first in row 1)" in output
    assert "data/quarantine/price.parquet" in output


def test_a_training_set_without_any_brand_still_gives_a_model(prices: Path) -> None:
    lines = listings(prices)
    for line in lines[1:]:
        line[BRAND] = ""
    use(prices, lines)
    names = ("ingest", "validate", "featurize", "train", "evaluate")
    run_stages(prices, *(f"{name}@price" for name in names))
    results = json.loads((prices / "metrics/validation/price.json").read_text())["results"]
    failed = [f"{result['column']} {result['check']}" for result in results if not result["passed"]]
    assert "brand missing_share" in failed
    assert all("brand" in check for check in failed), failed


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda price: price / 1000, "column 'price_usd': quantile at 0.5 is"),
        (lambda price: price * 100, "column 'price_usd': quantile at 0.5 is"),
        (lambda price: 10.0, "column 'price_usd': top_share is 1"),
    ],
)
def test_prices_in_another_unit_stop_the_dag(
    prices: Path, damage: Callable[[float], float], words: str
) -> None:
    lines = listings(prices)
    for line in lines[1:]:
        line[PRICE] = str(damage(float(line[PRICE]) + 0.5))
    use(prices, lines)
    output = refused(prices, "ingest", "validate")
    assert words in output
    assert "listing_id" in output  # the example rows


@pytest.mark.parametrize("source", ["data/external/none.tsv", "data/external/none"])
def test_a_missing_source_is_named_by_dvc_and_by_the_stage(prices: Path, source: str) -> None:
    change_params(prices, {"worlds": {"price": {"source": source}}})
    assert source in refused(prices, "ingest")
    assert source in run(prices, "dvc", "repro", ok=False)


def test_a_file_cut_off_in_a_row_is_named(prices: Path) -> None:
    use(prices, listings(prices))
    path = prices / "data/external/listings.tsv"
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\t") - 3])
    output = refused(prices, "ingest")
    assert "listings.tsv" in output
    assert "cut off" in output
