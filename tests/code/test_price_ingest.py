"""Raw listings to clean rows: what is read how, and why a row is rejected."""

from pathlib import Path
from typing import Any

import pandas as pd
import pandera.errors
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from problems.contract import Ingested
from problems.price.ingest import (
    CLEAN,
    LISTING,
    RAW,
    REASONS,
    IngestSettings,
    asked,
    ingest,
    listings,
)
from problems.price.schema import COLUMNS, WORLD
from retrace.base.errors import RetraceError
from retrace.base.params import parse_section
from retrace.raw import blocks, fingerprint, packed
from tests.tries import tries

GOOD = {
    "train_id": "7",
    "name": "Red dress",
    "item_condition_id": "2",
    "category_name": "Women/Dresses/Midi",
    "brand_name": "Zara",
    "price": "12.5",
    "shipping": "1",
    "item_description": "Worn once",
}


def row(**values: str) -> dict[str, str]:
    return {**GOOD, **values}


def ingested(folder: Path, *rows: dict[str, str], name: str = "t.tsv", **params: Any) -> Ingested:
    lines = ["\t".join(rows[0]), *("\t".join(values.values()) for values in rows)]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return ingest(folder / name, IngestSettings(max_quarantined=0.1, **params))


def test_a_listing_is_typed_and_its_text_kept(tmp_path: Path) -> None:
    result = ingested(tmp_path, row(name="  Cafe\u0301\u00a0 table ", item_description='5" wide'))
    WORLD.schema.validate(result.clean)
    assert result.clean.to_dict("records") == [
        {
            "listing_id": 7,
            "name": "Café table",
            "description": '5" wide',
            "condition": 2,
            "category_1": "Women",
            "category_2": "Dresses",
            "category_3": "Midi",
            "brand": "Zara",
            "shipping_paid_by_seller": True,
            "price_usd": 12.5,
        }
    ]
    assert result.fingerprint == fingerprint(tmp_path / "t.tsv")


def test_what_is_not_there_is_empty_text(tmp_path: Path) -> None:
    bare = row(category_name="", brand_name="", item_description="No description yet")
    result = ingested(tmp_path, bare, row(train_id="8"))
    absent = result.clean.loc[0, ["category_1", "category_3", "brand", "description"]]
    assert list(absent) == [""] * 4
    assert result.figures == {
        "brand_missing_share": 0.5,
        "category_missing_share": 0.5,
        "description_missing_share": 0.5,
    }


@pytest.mark.parametrize(
    ("path", "levels"),
    [
        ("Women", ["Women", "", ""]),
        ("Women / Dresses", ["Women", "Dresses", ""]),
        ("Sports/Exercise/Dance/Ballet", ["Sports", "Exercise", "Dance/Ballet"]),
    ],
)
def test_category_levels(tmp_path: Path, path: str, levels: list[str]) -> None:
    clean = ingested(tmp_path, row(category_name=path)).clean
    assert list(clean.loc[0, ["category_1", "category_2", "category_3"]]) == levels


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"train_id": ""}, "id is not a whole number of at least 0"),
        ({"train_id": "-1"}, "id is not a whole number of at least 0"),
        ({"train_id": "7.5", "name": "", "price": "0"}, "id is not a whole number of at least 0"),
        ({"name": " \u00a0 "}, "name is empty"),
        ({"name": "", "shipping": "2"}, "name is empty"),
        ({"item_condition_id": "good"}, "condition is not a whole number from 1 to 5"),
        ({"item_condition_id": "6"}, "condition is not a whole number from 1 to 5"),
        ({"item_condition_id": "2.5"}, "condition is not a whole number from 1 to 5"),
        ({"shipping": ""}, "shipping is not 0 or 1"),
        ({"shipping": "2", "price": "x"}, "shipping is not 0 or 1"),
        ({"price": ""}, "price is missing"),
        ({"price": "$12"}, "price is not a number: it has the sign of a currency"),
        ({"price": "nan"}, "price is missing"),
        ({"price": "inf"}, "price is not finite"),
        ({"price": "-3"}, "price is negative"),
        ({"price": "0.0"}, "price is 0"),
    ],
)
def test_the_first_reason_rejects_a_row(
    tmp_path: Path, values: dict[str, str], reason: str
) -> None:
    result = ingested(tmp_path, row(train_id="1"), row(**values))
    assert result.clean["listing_id"].tolist() == [1]
    assert reason.split(":")[0] in REASONS
    assert result.rejected.to_dict("records") == [
        {"file": "t.tsv", "row": 2, "listing_id": values.get("train_id", "7"), "reason": reason}
    ]


def test_of_one_id_the_first_usable_row_stays(tmp_path: Path) -> None:
    result = ingested(tmp_path, row(price="0"), row(name="first"), row(name="second"))
    assert result.clean["name"].tolist() == ["first"]
    assert result.rejected[["row", "reason"]].to_numpy().tolist() == [
        [1, "price is 0"],
        [3, "id is that of an earlier row"],
    ]


def test_a_row_with_another_number_of_fields_is_rejected(tmp_path: Path) -> None:
    result = ingested(tmp_path, row(train_id="1"), row(brand_name="a\tb"), row(train_id="0"))
    assert result.clean["listing_id"].tolist() == [0, 1]
    assert result.rejected[["row", "reason"]].to_numpy().tolist() == [[2, REASONS[0]]]
    assert result.rows_in == 3


def test_all_rows_may_be_rejected(tmp_path: Path) -> None:
    for rows in [[row(price="0")], [{**row(), "price": "1\t2"}]]:
        result = ingested(tmp_path, *rows)
        assert result.clean.empty
        assert list(result.clean) == list(COLUMNS) == list(CLEAN)
        WORLD.schema.validate(result.clean)
        assert len(result.rejected) == 1
        assert result.figures == {}


def test_kept_columns_come_last_as_text(tmp_path: Path) -> None:
    result = ingested(tmp_path, {**row(), "split": "train", "more": "x"}, keep=["split"])
    assert list(result.clean) == [*COLUMNS, "split"]
    assert result.clean["split"].tolist() == ["train"]
    WORLD.schema.validate(result.clean)
    with pytest.raises(RetraceError, match=r"t\.tsv: no column 'window' in the header"):
        ingest(tmp_path / "t.tsv", IngestSettings(max_quarantined=0.1, keep=("window",)))


def test_a_file_with_other_names_is_the_same_table(tmp_path: Path) -> None:
    usual = ingested(tmp_path, {**row(), "split": "train"}, keep=["split"])
    theirs = {"train_id": "sku", "name": "title"}
    renamed = {theirs.get(name, name): value for name, value in row().items()}
    found = ingested(
        tmp_path, {**renamed, "split": "train"}, name="u.tsv", keep=["split"], columns=theirs
    )
    pd.testing.assert_frame_equal(found.clean, usual.clean)
    with pytest.raises(RetraceError, match="unknown name 'titel'"):
        ingested(tmp_path, renamed, columns={"titel": "title"})
    with pytest.raises(RetraceError, match=r"no column 'zzz'.*correct `columns\.price`"):
        ingested(tmp_path, renamed, columns={**theirs, "price": "zzz"})


def test_a_set_without_prices_is_not_for_training(tmp_path: Path) -> None:
    test_set = {("test_id" if name == "train_id" else name): GOOD[name] for name in RAW[:-1]}
    with pytest.raises(
        RetraceError, match=r"t\.tsv: no column 'train_id', 'price'.*Kaggle's test set.*params\.ya"
    ):
        ingested(tmp_path, test_set)


def test_a_folder_in_any_order_and_format_is_the_same_table(tmp_path: Path) -> None:
    rows = [row(train_id=str(number)) for number in range(4)]
    whole = ingested(tmp_path, *rows)
    parts = tmp_path / "parts"
    parts.mkdir()
    ingested(parts, *rows[2:], name="a.tsv")
    raw = pd.DataFrame(rows[:2])[::-1]
    raw["price"] = raw["price"].astype(float)
    raw["train_id"] = raw["train_id"].astype(int)
    raw["shipping"] = raw["shipping"] == "1"
    raw.to_parquet(parts / "b.parquet")
    result = ingest(parts, IngestSettings(max_quarantined=0.1))
    pd.testing.assert_frame_equal(result.clean, whole.clean)


def test_settings_refuse_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        IngestSettings(max_quarantined=1.1)
    with pytest.raises(RetraceError, match=r"price\.ingest\.keep.*taken or doubled: price"):
        parse_section(IngestSettings, {"max_quarantined": 0, "keep": ["price"]}, "price.ingest")


# ---- listings to be priced -----------------------------------------------------------------------


def test_listings_are_read_as_in_training(tmp_path: Path) -> None:
    rows = [row(train_id=str(number), brand_name="x  y") for number in range(3)]
    trained = ingested(tmp_path, *rows).clean.drop(columns="price_usd")
    raw = pd.DataFrame(rows).drop(columns="price")
    pd.testing.assert_frame_equal(listings(raw), trained)
    shuffled = raw.rename(columns={"train_id": "test_id"}).loc[[2, 0]]
    pd.testing.assert_frame_equal(listings(shuffled), trained.loc[[2, 0]])
    assert listings(raw[list(LISTING)])["listing_id"].tolist() == [0, 1, 2]
    assert listings(raw[:0]).empty
    renamed = raw.rename(columns={"name": "title"})
    pd.testing.assert_frame_equal(listings(renamed, {"name": "title"}), trained)


def test_listings_that_cannot_be_priced_are_refused_with_the_reason() -> None:
    raw = pd.DataFrame([row(), row(train_id="9", item_condition_id="0")])
    found = listings(raw)
    assert found["refused"].tolist() == ["", "condition is not a whole number from 1 to 5"]
    assert "refused" not in listings(raw[:1])
    with pytest.raises(RetraceError, match=r"no column shipping; found train_id.*Expected name"):
        listings(raw.drop(columns="shipping"))


def test_listings_of_a_file_come_in_pieces_without_ids_numbered_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_CHUNK", 100)
    monkeypatch.setattr(blocks, "BLOCK", 200)
    names = [f"Dress {number}" for number in range(20)]
    lines = ["\t".join((name, *(GOOD[one] for one in LISTING[1:]))) for name in names]
    lines.insert(5, "too\tfew")
    (tmp_path / "t.tsv").write_text("\n".join(["\t".join(LISTING), *lines]))
    pieces = list(asked(tmp_path / "t.tsv", IngestSettings()))
    found = pd.concat(pieces, ignore_index=True)
    assert len(pieces) > 5
    assert found["name"].tolist()[:-1] == names
    assert found["listing_id"].tolist()[:-1] == list(range(20))
    assert found["refused"].isna().tolist() == [True] * 20 + [False]
    assert found["refused"].iloc[-1] == "wrong number of fields"
    assert [*pieces[-1]] == [*pieces[0], "refused"]


# ---- the schema ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("listing_id", [1, 1]),
        ("listing_id", [-1, 1]),
        ("listing_id", [1.0, 2.0]),
        ("name", ["", "a"]),
        ("brand", [None, "a"]),
        ("condition", pd.array([0, 1], "int8")),
        ("condition", [1, 2]),
        ("price_usd", [0.0, 1.0]),
        ("price_usd", [float("inf"), 1.0]),
        ("price_usd", [float("nan"), 1.0]),
        ("shipping_paid_by_seller", ["yes", "no"]),
        ("split", [1, 2]),
    ],
)
def test_the_schema_refuses(tmp_path: Path, column: str, values: Any) -> None:
    clean = ingested(tmp_path, row(), row(train_id="8")).clean
    WORLD.schema.validate(clean, lazy=True)
    clean[column] = values
    with pytest.raises(pandera.errors.SchemaErrors):
        WORLD.schema.validate(clean, lazy=True)


def test_the_schema_refuses_a_missing_or_misplaced_column(tmp_path: Path) -> None:
    clean = ingested(tmp_path, row()).clean
    for wrong in [clean.drop(columns="brand"), clean[list(clean)[::-1]]]:
        with pytest.raises(pandera.errors.SchemaErrors):
            WORLD.schema.validate(wrong, lazy=True)


# ---- nothing is lost -----------------------------------------------------------------------------

GARBAGE = st.text('019.-" aé/\n\tinf', max_size=5) | st.sampled_from(list(GOOD.values()))


@settings(deadline=None, max_examples=tries(12))
@given(st.lists(st.tuples(*[GARBAGE] * len(RAW)), min_size=1, max_size=8))
def test_rows_in_are_rows_clean_and_rejected(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("garbage")
    raw = pd.DataFrame(rows, columns=list(RAW), dtype="str")
    raw.to_csv(folder / "t.csv", index=False, quoting=1)
    raw.to_parquet(folder / "t.parquet")
    result = ingest(folder / "t.csv", IngestSettings(max_quarantined=1))
    again = ingest(folder / "t.parquet", IngestSettings(max_quarantined=1))
    assert result.rows_in == again.rows_in == len(rows)
    assert result.rejected["row"].is_unique
    assert set(result.rejected["reason"]) <= set(REASONS)
    WORLD.schema.validate(result.clean)


@settings(deadline=None, max_examples=tries(12))
@given(st.text('0129.-"a\t\n', max_size=80), st.booleans())
def test_arbitrary_lines_are_conserved(
    tmp_path_factory: pytest.TempPathFactory, garbage: str, quoted: bool
) -> None:
    header = ['"' + name + '"' if quoted else name for name in GOOD]
    lines = ["\t".join(header), *garbage.splitlines(), "\t".join(GOOD.values())]
    path = tmp_path_factory.mktemp("lines") / "t.tsv"
    path.write_text("\n".join(lines) + "\n")
    result = ingest(path, IngestSettings(max_quarantined=1))
    places = sorted([*result.rejected["row"]])
    assert result.rows_in == len(result.clean) + len(places)
    assert set(places) <= set(range(1, result.rows_in + 1))
    if '"' not in garbage:
        assert result.rows_in == sum(line.strip(" ") != "" for line in lines) - 1
        assert result.clean["listing_id"].tolist() == [7]
