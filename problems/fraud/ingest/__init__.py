"""Raw card payments, under any names and in any readable format, to clean typed rows.

`source` is a file, a folder of files of one table (such as one a day), or a folder with the tables
`transactions` and `labels`. Whatever column is not asked for is never read: a fraud scenario, or a
score of another system, cannot reach the features.
"""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from problems.contract import Ingested, IngestParams, Reader
from retrace.base.errors import RetraceError
from retrace.raw import fingerprint, read_mapped
from retrace.raw.hints import no_number
from retrace.raw.reasons import Mask, Reasons, also, first_reason, quarantine
from retrace.raw.times import Clock, Zone, read_times
from retrace.raw.values import as_id, as_number, as_text

CLEAN = ("transaction_id", "at", "customer_id", "terminal_id", "amount", "is_fraud", "known_at")
IDS = ("transaction_id", "customer_id", "terminal_id")
PAYMENT = ("transaction_id", "at", "customer_id", "terminal_id", "amount")
LABELS = {"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}
BULK = 0.999  # the share of times that certainly is not in the future


class IngestSettings(IngestParams):
    """`fraud.ingest` of params.yaml.

    columns: the file's name of each column that has another one than ours.
    label_delay_days: when labels are known, for data without a column known_at.
    currency: the one currency of amounts, where the data has the column.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    label_delay_days: float | None = Field(default=None, ge=0)
    time_zone: Zone = "UTC"
    time_format: str | None = None
    currency: str | None = None
    future_gap_days: float = Field(30.0, gt=0)
    most_a_day: int = Field(1000, ge=1)

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if self.label_delay_days is not None and "known_at" in self.columns:
            raise ValueError("give `label_delay_days` or map `known_at`, not both")
        return self


def ingest(source: Path, settings: IngestSettings) -> Ingested:
    """Read the payments at `source` into clean rows, sorted by time and id.

    Clean: `CLEAN`, as problems.fraud.schema has them. Rejected: `file`, `row`, `transaction_id`
    and `reason`, the first that applies; of rows with one id the first usable one is clean.

    Raises RetraceError for tables that cannot be read, for a mapping that names a missing column,
    for two currencies that no setting decides, and where nothing says when labels are known.
    """
    raw, rejected = _read(source, settings)
    clean, reasons = _typed(raw, settings)
    reason = first_reason(reasons, raw.index)
    usable = clean[reason == ""]
    crowded = f"more than {settings.most_a_day} transactions of one customer on one day"
    reason = also(reason, crowded, usable.index[_crowded(usable, settings.most_a_day)])
    usable = clean[reason == ""]
    again = usable.index[usable["transaction_id"].duplicated()]
    reason = also(reason, "id is that of an earlier row", again)
    good = clean[reason == ""]
    moved = float((good["at"].diff() < pd.Timedelta(0)).mean()) if len(good) else 0.0
    bad = raw.loc[reason != "", ["file", "row"]].assign(
        transaction_id=clean.loc[reason != "", "transaction_id"], reason=reason[reason != ""]
    )
    figures = {"out_of_order_share": moved}
    if len(good):
        figures["fraud_share"] = float(good["is_fraud"].mean())
    return Ingested(
        good.sort_values(["at", "transaction_id"], ignore_index=True),
        quarantine([bad, *rejected], "transaction_id"),
        fingerprint(source),
        figures,
    )


def _read(source: Path, settings: IngestSettings) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Return raw rows under our names with labels, and what is rejected before it has a type."""
    apart = source.is_dir() and any(path.name.startswith("labels") for path in source.iterdir())
    labels = ("is_fraud",) if not apart else ()
    known = ("known_at",) if not apart else ()
    in_payments = {
        name: column
        for name, column in settings.columns.items()
        if not apart or name not in ("is_fraud", "known_at")
    }
    table = read_mapped(
        source,
        [*PAYMENT, *labels],
        [*known, "currency"],
        in_payments,
        name="transactions" if apart else None,
    )
    raw, rejected = table.rows, [table.malformed]
    if apart:
        raw, unknown = _with_labels(raw, source, settings)
        rejected += unknown
    if "known_at" not in raw and settings.label_delay_days is None:
        raise RetraceError(
            f"{source}: nothing says when a label was known. Map the column with "
            "`fraud.ingest.columns.known_at`, or set `fraud.ingest.label_delay_days`."
        )
    return raw, rejected


def _with_labels(
    raw: pd.DataFrame, source: Path, settings: IngestSettings
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Join the table `labels`; a label of no transaction, or a second one, is rejected."""
    names = ("transaction_id", "is_fraud", "known_at")
    mapping = {name: column for name, column in settings.columns.items() if name in names}
    table = read_mapped(source, names[:2], names[2:], mapping, name="labels")
    labels = table.rows.assign(transaction_id=as_id(table.rows["transaction_id"]))
    ids = as_id(raw["transaction_id"])
    unknown = ~labels["transaction_id"].isin(ids)
    again = ~unknown & labels["transaction_id"].duplicated()
    place = ["file", "row", "transaction_id"]
    rejected = [
        table.malformed,
        labels.loc[unknown, place].assign(reason="label of an unknown transaction"),
        labels.loc[again, place].assign(reason="second label of a transaction"),
    ]
    kept = labels[~unknown & ~again].set_index("transaction_id").drop(columns=["file", "row"])
    joined = raw.assign(**{str(name): ids.map(kept[name]) for name in kept})
    return joined, rejected


def _typed(raw: pd.DataFrame, settings: IngestSettings) -> tuple[pd.DataFrame, Reasons]:
    clock = Clock(settings.time_zone, settings.time_format, "fraud.ingest")
    times = read_times(raw["at"], clock, raw)
    at = times.at
    amount = as_number(raw["amount"])
    label = as_text(raw["is_fraud"]).str.strip().str.lower().map(LABELS)
    if settings.label_delay_days is not None:
        known = at + pd.Timedelta(settings.label_delay_days, unit="D")
        of_label: Reasons = []
    else:
        labelled = read_times(raw["known_at"], clock, raw)
        known, of_label = labelled.at, labelled.reasons("time of the label")
    ids = {name: as_id(raw[name]) for name in IDS}
    clean = pd.DataFrame(
        {
            **{name: ids.get(name, at) for name in PAYMENT[:4]},
            "amount": amount,
            "is_fraud": label.fillna(0).astype("int8"),
            "known_at": known,
        }
    )
    checks: Reasons = [(f"{name} is empty", ids[name].eq("").to_numpy(bool)) for name in IDS]
    checks += [
        *times.reasons("time"),
        ("time is in the future", _future(at, settings.future_gap_days)),
        *no_number("amount", raw["amount"]),
        ("amount is not a finite number", ~np.isfinite(amount)),
        ("amount is 0", amount == 0),
        ("amount is negative: a refund is no payment", amount < 0),
        *_currency(raw, settings.currency),
        ("label is missing or neither 0 nor 1", label.isna().to_numpy(bool)),
        *of_label,
        ("label is known before the transaction (known_at < at)", (known < at).to_numpy(bool)),
    ]
    return clean, checks


def _future(at: pd.Series, gap_days: float) -> Mask:
    """Mark times that lie further after the bulk of the data than the data's own end can.

    The machine's clock must not decide: the same data gives the same rows in any year.
    """
    last: Any = at.quantile(BULK, interpolation="lower")
    limit = pd.Timestamp(last) + pd.Timedelta(gap_days, unit="D")
    return np.asarray(at > limit, dtype=bool)


def _currency(raw: pd.DataFrame, wanted: str | None) -> Reasons:
    if "currency" not in raw:
        return []
    found = as_text(raw["currency"]).str.strip().str.upper()
    names = found[found != ""].value_counts().to_dict()
    if wanted is None and len(names) > 1:
        listed = ", ".join(
            f"{name} ({rows:,} rows)" for name, rows in sorted(names.items(), key=str)
        )
        raise RetraceError(
            f"Amounts are in {len(names)} currencies: {listed}. Choose the one to keep with "
            "`fraud.ingest.currency` in params.yaml, or convert the amounts before."
        )
    if wanted is None:
        return []
    return [(f"currency is not {wanted}", found.ne(wanted.upper()).to_numpy(bool))]


def _crowded(rows: pd.DataFrame, most: int) -> Mask:
    """Mark the days on which one customer has more rows than a person can make."""
    day = rows["at"].dt.floor("D")
    size = rows.groupby([rows["customer_id"], day])["amount"].transform("size")
    return (size > most).to_numpy(bool)


READER = Reader(IngestSettings, ingest)
