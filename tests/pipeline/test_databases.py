"""`dvc import-db`: listings, payments and a log of orders in a database, to clean tables.

What is built on a clean table depends on its bytes, and these are the same as from files.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy

from tests.conftest import change_params, run
from tests.pipeline.test_dag import lock, ran
from tests.postgres import INSTALLED, local_postgres

EVENT = (
    "case_id, activity, timestamp, resource, customer_id, customer_segment, region, product_group, "
    "supplier_id, n_items, order_value, promised_at"
)
QUERIES = {  # in a defined order, so that the same rows are the same bytes
    "price": "select * from listings order by train_id",
    "fraud": "select * from payments order by transaction_id",
    "orders": f"select {EVENT} from events order by number",
}
LATER = 100  # listings that are not there at first


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgresql",
            marks=[
                pytest.mark.slow,  # a server of its own
                pytest.mark.skipif(not INSTALLED, reason="PostgreSQL is not installed"),
            ],
        ),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/shop.db"
    else:
        with local_postgres() as found:
            yield found


def tables(raw: Path, worlds: list[str]) -> dict[str, pd.DataFrame]:
    """Return the simulated raw data of worlds as typed tables, missing text as NULL."""
    text = {"sep": "\t", "keep_default_na": False, "na_values": [""]}
    found = {"listings": pd.read_csv(raw / "price/train.tsv", **text)}
    if "fraud" in worlds:
        found["payments"] = pd.read_parquet(raw / "fraud/transactions.parquet")
    if "orders" in worlds:
        events = pd.read_parquet(raw / "orders/events.parquet")
        found["events"] = events.reset_index(names="number")
    return found


def write(engine: sqlalchemy.Engine, name: str, table: pd.DataFrame) -> None:
    """Append rows; SQLite has no times, so that they go there as text with their offset."""
    if engine.dialect.name == "sqlite":
        times = table.select_dtypes(["datetime", "datetimetz"])
        table = table.assign(**{key: table[key].astype("str") for key in times})
    table.to_sql(name, engine, index=False, if_exists="append")


@pytest.fixture
def place(url: str, request: pytest.FixtureRequest) -> Path:
    """A project with the worlds whose tables are in the database: of SQLite listings alone."""
    folder: Path = request.getfixturevalue("prices" if url.startswith("sqlite") else "clone")
    return folder


def test_tables_become_clean_ones_and_new_rows_are_fetched(place: Path, url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    worlds = [world for world in QUERIES if (place / "data/raw" / world).exists()]
    found = tables(place / "data/raw", worlds)
    now, later = found["listings"].iloc[:-LATER], found["listings"].iloc[-LATER:]
    for name, table in {**found, "listings": now}.items():
        write(engine, name, table)
    run(place, "dvc", "config", "--local", "db.shop.url", url)
    assert "shop: all answer" in run(place, "python", "-m", "commands", "doctor")
    (place / "data/external").mkdir(exist_ok=True)
    for world in worlds:
        file = f"data/external/{world}.csv"
        run(place, "dvc", "import-db", "--conn", "shop", "--sql", QUERIES[world], "-o", file)
        change_params(place, {"worlds": {world: {"source": file}}})

    before = lock(place)
    run(place, "dvc", "repro", "ingest")
    for world in worlds[1:]:  # the same clean table as that of the files
        assert clean(lock(place), world) == clean(before, world), world
    rows = ingested(place)
    assert rows == len(now)

    write(engine, "listings", later)
    run(place, "dvc", "update", "data/external/price.csv.dvc")
    run(place, "dvc", "repro", "ingest")
    assert ingested(place) == rows + LATER
    assert clean(lock(place), "price") == clean(before, "price")

    run(place, "dvc", "update", *(f"data/external/{world}.csv.dvc" for world in worlds))
    assert ran(run(place, "dvc", "repro", "ingest")) == []  # nothing new, the same bytes


def ingested(place: Path) -> int:
    return int(json.loads((place / "metrics/ingest/price.json").read_text())["rows_in"])


def clean(stages: dict, world: str) -> str:
    outs = stages[f"ingest@{world}"]["outs"]
    return next(out["md5"] for out in outs if out["path"] == f"data/clean/{world}.parquet")
