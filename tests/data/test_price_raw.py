"""Listings in the form of real ones, in every way of writing them: the same rows, none lost."""

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

from problems.contract import Ingested
from problems.price.ingest import RAW, IngestSettings, ingest
from problems.price.schema import WORLD
from retrace.raw import read_raw
from tests.data import forms

ROWS, FREE = 416, 4  # listings, and those with a price of 0


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return forms.listings(tmp_path_factory.mktemp("listings") / "train.tsv")


@pytest.fixture(scope="module")
def real(file: Path) -> Ingested:
    return ingest(file, IngestSettings(max_quarantined=0.02))


@pytest.fixture(scope="module")
def raw(file: Path) -> pd.DataFrame:
    return read_raw(file, RAW).rows[list(RAW)]


def test_every_listing_is_clean_or_rejected(real: Ingested) -> None:
    assert real.rows_in == ROWS
    assert real.rejected["reason"].value_counts().to_dict() == {"price is 0": FREE}
    WORLD.schema.validate(real.clean, lazy=True)
    assert real.clean["listing_id"].is_monotonic_increasing


def test_what_real_listings_surprise_with_is_read_as_it_stands(real: Ingested) -> None:
    odd = real.clean[real.clean["listing_id"] >= 9000].set_index("listing_id")
    assert odd.loc[9001, "name"] == 'Vintage 12" vinyl "Abbey Road"'
    assert odd.loc[9003, "brand"] == "Viktor & Rolf"
    assert odd.loc[9002, "description"] == ""  # the site's words for none
    assert odd.loc[9006, ["category_1", "category_2", "category_3", "brand"]].tolist() == [""] * 4
    assert odd.loc[9007, "name"] == "N\u00e9cessaire \u4e0a\u6d77"
    assert odd.loc[9008, "description"] == "3 for [rm], 5 for [rm]"
    assert odd.loc[9010, "price_usd"] == 2009.0
    assert {ROWS - 16 + 4, ROWS - 16 + 14} <= set(real.rejected["row"])


@pytest.mark.parametrize(
    "name", ["q.tsv", "q.csv", "minimal.csv", "q.csv.gz", "plain.tsv.gz", "t.parquet", "crlf.tsv"]
)
def test_all_forms_read_the_same(
    tmp_path: Path, file: Path, raw: pd.DataFrame, real: Ingested, name: str
) -> None:
    path = tmp_path / name
    quoting = csv.QUOTE_MINIMAL if name.startswith("minimal") else csv.QUOTE_ALL
    if name == "t.parquet":
        raw.to_parquet(path)
    elif name == "plain.tsv.gz":
        path.write_bytes(gzip.compress(file.read_bytes()))
    elif name == "crlf.tsv":
        path.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    else:
        raw.to_csv(path, index=False, quoting=quoting, sep="\t" if "tsv" in name else ",")  # type: ignore[call-overload]
    result = ingest(path, IngestSettings(max_quarantined=0.02))
    pd.testing.assert_frame_equal(result.clean, real.clean)
    pd.testing.assert_frame_equal(
        result.rejected.drop(columns="file"), real.rejected.drop(columns="file")
    )


def test_every_field_in_quotes_as_it_stands(tmp_path: Path, file: Path, real: Ingested) -> None:
    """Put the file's own fields in quotes, inner quotes doubled, without reading them first."""
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    with (tmp_path / "train.tsv").open("w", encoding="utf-8", newline="") as quoted:
        writer = csv.writer(quoted, delimiter="\t", quoting=csv.QUOTE_ALL)
        writer.writerows(line.split("\t") for line in lines)
    result = ingest(tmp_path / "train.tsv", IngestSettings(max_quarantined=0.02))
    pd.testing.assert_frame_equal(result.clean, real.clean)


def test_one_bad_row_costs_one_row(tmp_path: Path, file: Path, real: Ingested) -> None:
    lines = file.read_bytes().split(b"\n")
    lines.insert(200, b'one\t"field too few')
    lines.insert(10, b'9\t"x"\t3\t\t\t1\t1\tlone "quotes" 5"\tone field too many')
    (tmp_path / "train.tsv").write_bytes(b"\n".join(lines))
    result = ingest(tmp_path / "train.tsv", IngestSettings(max_quarantined=0.02))
    pd.testing.assert_frame_equal(result.clean, real.clean)
    assert result.rejected["reason"].value_counts().to_dict() == {
        "price is 0": FREE,
        "wrong number of fields": 2,
    }
