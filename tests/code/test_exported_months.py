"""Rows and outcomes out of the store, a file a month: what grows, what is closed, who reads it."""

import contextlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.exported import mature_until, write_months
from problems import parts
from problems.parts import find_problem
from problems.price.ingest import IngestSettings, ingest
from problems.rows import RowReader
from retrace.base.errors import RetraceError
from store.database import Store
from store.fact import outcome_facts, row_facts
from store.facts import WorldEvents
from store.loader import insert_predictions, row_of
from store.log import LoggedPrediction
from tests.conftest import ROOT

NOW = pd.Timestamp("2026-04-20T00:00Z")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(ROOT)
    found = Store(f"sqlite:///{tmp_path / 'store.db'}")
    found.upgrade()
    return found


def tell(store: Store, *days: str, amount: float = 20.0, outcome: bool = True) -> None:
    """Tell of a payment a day, and a week later that it was genuine."""
    problem, world = find_problem("fraud"), parts.world("fraud")
    at = [pd.Timestamp(day, tz="UTC") for day in days]
    rows = [
        {"transaction_id": f"T{one:%m%d}", "at": f"{one:%FT%TZ}", "customer_id": "C1",
         "terminal_id": "M1", "amount": amount}
        for one in at
    ]  # fmt: skip
    known = [
        {"transaction_id": f"T{one:%m%d}", "is_fraud": 0,
         "known_at": f"{one + pd.Timedelta(days=7):%FT%TZ}"}
        for one in at
    ]  # fmt: skip
    facts = row_facts(world, rows, RowReader.of_rows(world).read(rows))
    if outcome:
        told = RowReader.of_outcomes(world, problem).read(known)
        facts += outcome_facts(problem, parts.features("fraud").history, known, told)
    WorldEvents(store, [], 1000.0).add(facts)


def months(store: Store, folder: Path, now: pd.Timestamp = NOW, name: str = "fraud") -> list[Any]:
    found = write_months(store, find_problem(name), folder, now)
    return [(path.name, n_new) for path, n_new in found.items()]


def ids(path: Path) -> list[str]:
    return pd.read_csv(path)["transaction_id"].to_list()


def test_a_file_a_month_of_what_is_mature_and_known(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "fraud"
    assert mature_until(find_problem("fraud"), NOW) == NOW - pd.Timedelta(days=12)
    tell(store, "2026-02-03", "2026-03-31", "2026-04-01", "2026-04-07", "2026-04-09")
    tell(store, "2026-03-05", outcome=False)
    assert months(store, folder) == [("2026-02.csv", 1), ("2026-03.csv", 1), ("2026-04.csv", 2)]
    assert ids(folder / "2026-04.csv") == ["T0401", "T0407"]  # of the 9th not all are known yet
    text = (folder / "2026-02.csv").read_text()
    assert text == (
        "transaction_id,at,customer_id,terminal_id,amount,is_fraud,known_at\n"
        "T0203,2026-02-03T00:00:00Z,C1,M1,20.0,0,2026-02-10T00:00:00Z\n"
    )
    assert months(store, folder) == []


def test_the_open_month_grows_and_a_closed_one_keeps_its_bytes(
    store: Store, tmp_path: Path
) -> None:
    tell(store, "2026-03-02")
    assert months(store, tmp_path / "fraud", pd.Timestamp("2026-03-20T00:00Z")) == [
        ("2026-03.csv", 1)
    ]
    tell(store, "2026-03-30", "2026-04-02")
    tell(store, "2026-03-02", amount=30.0)  # a correction, while it is open
    assert months(store, tmp_path / "fraud") == [("2026-03.csv", 1), ("2026-04.csv", 1)]
    march = (tmp_path / "fraud/2026-03.csv").read_bytes()
    assert b"30.0" in march
    tell(store, "2026-03-15")  # too late
    tell(store, "2026-03-02", amount=40.0)
    assert months(store, tmp_path / "fraud") == []
    assert (tmp_path / "fraud/2026-03.csv").read_bytes() == march


def test_rows_that_the_store_does_not_know_stay(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "fraud"
    folder.mkdir()
    own = "transaction_id,at,customer_id,terminal_id,amount,is_fraud,known_at\n"
    own += "A1,2026-03-01T08:00:00Z,C9,M9,007.50,1,2026-03-02T08:00:00Z\n"
    (folder / "2026-03.csv").write_text(own)
    tell(store, "2026-03-02")
    assert months(store, folder, pd.Timestamp("2026-03-20T00:00Z")) == [("2026-03.csv", 1)]
    assert ids(folder / "2026-03.csv") == ["A1", "T0302"]
    assert "A1,2026-03-01T08:00:00Z,C9,M9,007.50,1," in (folder / "2026-03.csv").read_text()
    (folder / "2026-03.csv").write_text(own.replace("amount", "sum"))
    with pytest.raises(RetraceError, match=r"other columns than the store: .*sum"):
        months(store, folder, pd.Timestamp("2026-03-20T00:00Z"))


def test_into_another_folder(store: Store, tmp_path: Path) -> None:
    tell(store, "2026-03-02")
    found = write_months(store, find_problem("fraud"), tmp_path / "a", NOW, tmp_path / "b")
    assert [*found] == [tmp_path / "b/2026-03.csv"]
    assert not (tmp_path / "a").exists()


def test_a_listing_is_read_as_it_was_told_and_counts_in_its_first_month(
    store: Store, tmp_path: Path
) -> None:
    price = find_problem("price")
    row = {"listing_id": 7, "name": "Coat", "description": "", "condition": 2,
           "category_1": "Women", "category_2": "Coats", "category_3": "", "brand": "",
           "shipping_paid_by_seller": True}  # fmt: skip
    for month in (2, 3):
        at = round(datetime.fromisoformat(f"2026-0{month}-05T00:00+00:00").timestamp() * 1e6)
        line = LoggedPrediction(
            f"p{month}", f"r{month}", "price", "v", "f", "champion", "champion", "", "7", at, at,
            1, row, [], {"prediction": 9.0}, {},
        )  # fmt: skip
        with store.writing() as connection:
            insert_predictions(store, connection, [row_of(line)])
    known = [{"listing_id": 7, "price_usd": 18.0}]
    told = RowReader.of_outcomes(parts.world("price"), price).read(known)
    WorldEvents(store, [], 7.0).add(outcome_facts(price, None, known, told))
    folder = tmp_path / "price"
    assert months(store, folder, name="price") == [("2026-02.csv", 1)]
    with contextlib.chdir(tmp_path):
        (clean,) = ingest(folder, IngestSettings()).clean.to_dict("records")
    assert clean == {**row, "price_usd": 18.0}
