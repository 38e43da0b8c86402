"""`orders.ingest` of params.yaml."""

from typing import Literal, Self

from pydantic import Field, model_validator

from problems.contract import IngestParams
from retrace.raw.times import Clock, Zone

DAY = 86_400_000_000  # microseconds, as all times inside


class IngestSettings(IngestParams):
    """How a log is read, what completes an order, when it is looked at, and what stuck means.

    columns: the file's name of each column (case_id, activity, timestamp, resource, promised_at)
        that has another one than ours or the XES standard's.
    attributes: the further columns to carry; null carries all but those of `drop` and `keep`.
    known: columns that are carried although they seem to tell the future, such as a slot that was
        agreed on and is nearly always kept.
    keep: raw columns of the case to carry through as they are, such as a benchmark's split, or
        `file`, the name of the file of its first event.
    completion: the activities that complete an order. Where the log has none of them, an order is
        complete at its last event, once nothing has come for `quiet_days` (null: the P99 of the
        log's waits, at most a fifth of its time).
    withdrawal: the activities that end an order without completing it.
    starts: the activities that begin an order; others mean that it began before the log.
    repeated: whether events that equal an earlier one in all columns are kept, as logs have them,
        or rejected, as copies that an export made.
    usual_share: of orders, by their start, from whose waits the usual limits are found.
    sla_days: an order that takes longer is stuck; null for none.
    """

    format: Literal["log", "olist"] = "log"
    columns: dict[str, str] = Field(default_factory=dict)
    attributes: list[str] | None = None
    drop: list[str] = Field(default_factory=list)
    known: list[str] = Field(default_factory=list)
    keep: list[str] = Field(default_factory=list)
    time_zone: Zone = "UTC"
    time_format: str | None = None
    # Further from all others a time is a typing error.
    stray_gap_days: float = Field(365.0, gt=0)
    completion: list[str] = Field(default_factory=list)
    withdrawal: list[str] = Field(default_factory=list)
    starts: list[str] = Field(default_factory=list)
    repeated: Literal["keep", "reject"] = "keep"
    quiet_days: float | None = Field(default=None, gt=0)
    # After each instant with events, after each event (those of one instant follow each other by a
    # microsecond, in the order of the file), or each local morning.
    snapshots: Literal["after_event", "each_event", "daily"] = "after_event"
    daily_hour: int = Field(default=6, ge=0, le=23)
    usual_share: float = Field(0.6, gt=0, le=1)
    usual_quantile: float = Field(0.95, gt=0, lt=1)
    # A P95 of fewer is its longest wait; then that of all steps counts.
    usual_min_waits: int = Field(20, ge=1)
    sla_days: float | None = Field(default=None, gt=0)
    load_days: float = Field(30.0, gt=0)
    recent_days: float = Field(7.0, gt=0)
    most_activities: int = Field(30, ge=1)

    @property
    def clock(self) -> Clock:
        return Clock(self.time_zone, self.time_format, "orders.ingest")

    @model_validator(mode="after")
    def _ends_differ(self) -> Self:
        both = sorted(set(self.completion) & set(self.withdrawal))
        if both:
            raise ValueError(f"'{both[0]}' is under both `completion` and `withdrawal`")
        return self
