"""Real listings, in every way of writing them: the same rows, and every row accounted for."""

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

from problems.contract import Ingested
from problems.price.ingest import RAW, Settings, ingest
from problems.price.schema import WORLD
from retrace.raw import read_raw

REAL = Path(__file__).parents[2] / "../shared/data/mercari/train.tsv"
ROWS, FREE = 7979, 7  # listings, and those with a price of 0
pytestmark = pytest.mark.skipif(not REAL.exists(), reason=f"no real listings at {REAL}")


@pytest.fixture(scope="module")
def real() -> Ingested:
    return ingest(REAL, Settings(max_quarantined=0.01))


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return read_raw(REAL, RAW).rows[list(RAW)]


def test_every_listing_is_clean_or_rejected(real: Ingested) -> None:
    assert real.rows_in == ROWS
    assert real.rejected["reason"].value_counts().to_dict() == {"price is 0": FREE}
    WORLD.schema.validate(real.clean, lazy=True)
    assert real.clean["listing_id"].is_monotonic_increasing


def test_clean_listings_look_like_the_whole_data_set(real: Ingested) -> None:
    """Figures of all 1,482,535 listings; a sample of 8,000 is near them."""
    assert real.clean["price_usd"].quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx(
        [10, 17, 29], abs=1
    )
    assert real.clean["shipping_paid_by_seller"].mean() == pytest.approx(0.45, abs=0.02)
    assert real.figures["brand_missing_share"] == pytest.approx(0.427, abs=0.02)
    assert real.figures["category_missing_share"] == pytest.approx(0.004, abs=0.003)
    assert real.figures["description_missing_share"] == pytest.approx(0.058, abs=0.01)


@pytest.mark.parametrize(
    "name", ["q.tsv", "q.csv", "minimal.csv", "q.csv.gz", "plain.tsv.gz", "t.parquet", "crlf.tsv"]
)
def test_all_forms_read_the_same(
    tmp_path: Path, raw: pd.DataFrame, real: Ingested, name: str
) -> None:
    path = tmp_path / name
    quoting = csv.QUOTE_MINIMAL if name.startswith("minimal") else csv.QUOTE_ALL
    if name == "t.parquet":
        raw.to_parquet(path)
    elif name == "plain.tsv.gz":
        path.write_bytes(gzip.compress(REAL.read_bytes()))
    elif name == "crlf.tsv":
        path.write_bytes(b"\xef\xbb\xbf" + REAL.read_bytes().replace(b"\n", b"\r\n"))
    else:
        raw.to_csv(path, index=False, quoting=quoting, sep="\t" if "tsv" in name else ",")  # type: ignore[call-overload]
    result = ingest(path, Settings(max_quarantined=0.01))
    pd.testing.assert_frame_equal(result.clean, real.clean)
    pd.testing.assert_frame_equal(
        result.rejected.drop(columns="file"), real.rejected.drop(columns="file")
    )


def test_every_field_in_quotes_as_it_stands(tmp_path: Path, real: Ingested) -> None:
    """Put the file's own fields in quotes, inner quotes doubled, without reading them first."""
    lines = REAL.read_text(encoding="utf-8").rstrip("\n").split("\n")
    with (tmp_path / "train.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL)
        writer.writerows(line.split("\t") for line in lines)
    result = ingest(tmp_path / "train.tsv", Settings(max_quarantined=0.01))
    pd.testing.assert_frame_equal(result.clean, real.clean)


def test_one_bad_row_costs_one_row(tmp_path: Path, real: Ingested) -> None:
    lines = REAL.read_bytes().split(b"\n")
    lines.insert(4000, b'one\t"field too few')
    lines.insert(10, b'9\t"x"\t3\t\t\t1\t1\tlone "quotes" 5"\tone field too many')
    (tmp_path / "train.tsv").write_bytes(b"\n".join(lines))
    result = ingest(tmp_path / "train.tsv", Settings(max_quarantined=0.01))
    pd.testing.assert_frame_equal(result.clean, real.clean)
    assert result.rejected["reason"].value_counts().to_dict() == {
        "price is 0": FREE,
        "wrong number of fields": 2,
    }
