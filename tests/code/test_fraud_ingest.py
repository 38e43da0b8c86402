"""Card payments as people deliver them: other names, other formats, and everything wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.featurize import features_of
from problems.fraud.features import FeatureSettings
from problems.fraud.ingest import CLEAN, IngestSettings, ingest
from problems.fraud.schema import WORLD
from retrace.base.arrays import to_frame
from retrace.base.errors import RetraceError

FEATURES = FeatureSettings(
    time_zone="UTC", night_from=0, night_until=6, prior_rows=10.0, prior_rate=0.01
)
HANDBOOK = {
    "transaction_id": "TRANSACTION_ID",
    "at": "TX_DATETIME",
    "customer_id": "CUSTOMER_ID",
    "terminal_id": "TERMINAL_ID",
    "amount": "TX_AMOUNT",
    "is_fraud": "TX_FRAUD",
}


def settings(**changes: object) -> IngestSettings:
    base = {"max_quarantined": 0.5, "future_gap_days": 30.0, "most_a_day": 50}
    return IngestSettings(**{**base, **changes})  # type: ignore[arg-type]


def payments(n: int = 40) -> pd.DataFrame:
    at = pd.date_range("2025-01-01", periods=n, freq="h", tz="UTC")
    return pd.DataFrame(
        {
            "transaction_id": [f"t{i:03}" for i in range(n)],
            "at": at,
            "customer_id": [f"c{i % 3}" for i in range(n)],
            "terminal_id": [f"m{i % 4}" for i in range(n)],
            "amount": 10.0 + np.arange(n),
            "is_fraud": (np.arange(n) % 10 == 0).astype(int),
            "known_at": at + pd.Timedelta(3, unit="D"),
        }
    )


def read(tmp_path: Path, rows: pd.DataFrame, **changes: object):
    rows.to_parquet(tmp_path / "transactions.parquet")
    return ingest(tmp_path / "transactions.parquet", settings(**changes))


def reasons(found) -> list[str]:
    assert found.rows_in == len(found.clean) + len(found.rejected)
    return found.rejected["reason"].tolist()


def test_good_rows_keep_the_schema(tmp_path: Path) -> None:
    found = read(tmp_path, payments())
    assert list(found.clean) == list(CLEAN)
    WORLD.schema.validate(found.clean)
    assert found.clean["is_fraud"].sum() == 4


def test_rows_out_of_order_are_sorted_and_counted(tmp_path: Path) -> None:
    rows = payments()
    found = read(tmp_path, rows.sample(frac=1, random_state=1))
    assert found.clean["transaction_id"].tolist() == rows["transaction_id"].tolist()
    assert found.figures["out_of_order_share"] > 0.3
    assert read(tmp_path, rows).figures["out_of_order_share"] == 0


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("at", pd.Timestamp("2099-01-01", tz="UTC"), "time is in the future"),
        ("at", pd.NaT, "time cannot be read"),
        ("amount", -5.0, "amount is negative: a refund is no payment"),
        ("amount", 0.0, "amount is 0"),
        ("amount", np.inf, "amount is not a finite number"),
        ("is_fraud", 2, "label is missing or neither 0 nor 1"),
        ("customer_id", "", "customer_id is empty"),
        (
            "known_at",
            pd.Timestamp("2024-12-31", tz="UTC"),
            "label is known before the transaction (known_at < at)",
        ),
        ("transaction_id", "t006", "id is that of an earlier row"),
    ],
)
def test_a_bad_value_costs_its_row(tmp_path: Path, column: str, value: object, reason: str) -> None:
    rows = payments()
    rows.loc[7, column] = value
    found = read(tmp_path, rows)
    assert reasons(found) == [reason]
    assert found.rejected["row"].tolist() == [8]
    assert len(found.clean) == 39


def test_two_currencies_need_a_decision(tmp_path: Path) -> None:
    rows = payments().assign(currency="EUR")
    rows.loc[[3, 5], "currency"] = "USD"
    with pytest.raises(RetraceError, match=r"2 currencies: EUR \(38 rows\), USD \(2 rows\)"):
        read(tmp_path, rows)
    found = read(tmp_path, rows, currency="EUR")
    assert reasons(found) == ["currency is not EUR"] * 2


def test_labels_of_unknown_transactions_are_quarantined(tmp_path: Path) -> None:
    rows = payments()
    rows.drop(columns=["is_fraud", "known_at"]).to_csv(tmp_path / "transactions.csv", index=False)
    labels = rows[["transaction_id", "is_fraud", "known_at"]].copy()
    labels.loc[4, "transaction_id"] = "nobody"
    labels.loc[40] = labels.loc[5]
    labels.to_csv(tmp_path / "labels.csv", index=False)
    found = ingest(tmp_path, settings())
    assert found.rejected[["file", "row", "reason"]].to_numpy().tolist() == [
        ["labels.csv", 5, "label of an unknown transaction"],
        ["labels.csv", 41, "second label of a transaction"],
        ["transactions.csv", 5, "label is missing or neither 0 nor 1"],
    ]
    assert found.clean["is_fraud"].sum() == 4


def test_a_customer_with_20_000_payments_a_day_is_a_machine(tmp_path: Path) -> None:
    rows = payments()
    many = pd.concat([rows.iloc[[0]]] * 20_000, ignore_index=True)
    many["transaction_id"] = "x" + many.index.astype(str)
    many["customer_id"] = "robot"
    found = read(tmp_path, pd.concat([rows, many]), max_quarantined=1.0)
    assert len(found.clean) == 40
    assert set(reasons(found)) == {"more than 50 transactions of one customer on one day"}


def test_ids_that_change_type_between_files_are_the_same(tmp_path: Path) -> None:
    rows = payments().assign(customer_id=[7] * 40)
    rows[:20].to_csv(tmp_path / "day1.csv", index=False)
    rows[20:30].astype({"customer_id": "float64"}).to_parquet(tmp_path / "day2.parquet")
    rows[30:].astype({"customer_id": "str"}).to_parquet(tmp_path / "day3.parquet")
    found = ingest(tmp_path, settings())
    assert found.clean["customer_id"].unique().tolist() == ["7"]
    assert len(found.clean) == 40


def test_when_labels_are_known_must_be_said_once(tmp_path: Path) -> None:
    rows = payments().drop(columns="known_at")
    with pytest.raises(RetraceError, match="label_delay_days"):
        read(tmp_path, rows)
    found = read(tmp_path, rows, label_delay_days=7)
    assert (found.clean["known_at"] - found.clean["at"] == pd.Timedelta(7, unit="D")).all()
    with pytest.raises(ValueError, match="not both"):
        settings(label_delay_days=7, columns={"known_at": "when"})


def handbook(label: str = "TX_FRAUD") -> pd.DataFrame:
    rows = payments().rename(columns={**HANDBOOK, "is_fraud": label}).drop(columns="known_at")
    return rows.assign(
        TX_DATETIME=rows["TX_DATETIME"].dt.tz_localize(None),
        TX_TIME_SECONDS=0,
        TX_TIME_DAYS=0,
        TX_FRAUD_SCENARIO=rows[label] * 2,
    )


@pytest.mark.parametrize("label", ["TX_FRAUD", "TX_FRAUD_SCENARIO_2", "amount_flag"])
def test_no_label_or_scenario_reaches_the_features(tmp_path: Path, label: str) -> None:
    mapping = {**HANDBOOK, "is_fraud": label}
    clean = read(tmp_path, handbook(label), columns=mapping, label_delay_days=7).clean
    assert list(clean) == list(CLEAN)
    frame = to_frame(features_of("fraud", clean, FEATURES))
    assert not {label, "is_fraud", "TX_FRAUD_SCENARIO"} & {*frame}
    other = clean.assign(is_fraud=1 - clean["is_fraud"])  # no label is known within its 40 hours
    pd.testing.assert_frame_equal(frame, to_frame(features_of("fraud", other, FEATURES)))
    unlabelled = clean.drop(columns=["is_fraud", "known_at"])
    found = to_frame(features_of("fraud", unlabelled, FEATURES, clean))
    pd.testing.assert_frame_equal(frame, found)


def test_a_wrong_mapping_names_the_closest_column(tmp_path: Path) -> None:
    with pytest.raises(RetraceError, match=r"TX_AMOUNTS.*TX_AMOUNT"):
        read(tmp_path, handbook(), columns={**HANDBOOK, "amount": "TX_AMOUNTS"}, label_delay_days=7)


def test_local_times_are_read_in_their_zone(tmp_path: Path) -> None:
    rows = payments().assign(at=payments()["at"].dt.tz_localize(None).astype(str))
    rows["known_at"] = rows["known_at"].dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")
    found = read(tmp_path, rows, time_zone="Europe/Oslo").clean
    assert found["at"].iloc[0] == pd.Timestamp("2024-12-31T23:00Z")
    assert found["known_at"].iloc[0] == pd.Timestamp("2025-01-03T22:00Z")
