"""`monitoring` of params.yaml."""

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from retrace.base.params import Params, read_params

MONITORING = "monitoring"  # the block of params.yaml


def _known(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"'{zone}' is no time zone, such as Europe/Oslo")
    return zone


class NoticeParams(Params):
    """When people are told."""

    digest_minutes: float = Field(10.0, ge=0)  # after a message, what follows waits and is one
    most_an_hour: int = Field(6, ge=1)  # messages; then everything waits
    most_lines: int = Field(8, ge=1)  # notices of a message; then "and 3 more"


class MonitoringParams(Params):
    """How live predictions are watched; no stage reads it."""

    time_zone: Annotated[str, AfterValidator(_known)] = "UTC"  # of days and weeks
    days: int = Field(35, ge=7)  # that are looked at again when outcomes come late
    most_rows: int = Field(20_000, ge=500)  # answers of a window that figures are of
    # Performance of a window raises no alarm before so many of its outcomes are known: those known
    # first are seldom like the others.
    least_known: float = Field(0.8, gt=0, le=1)
    volume_change: float = Field(0.5, gt=0, lt=1)  # share of the usual answers of a day that lacks
    volume_weeks: int = Field(4, ge=2)  # of the same weekday, before anything is usual
    refused_share: float = Field(0.05, gt=0, lt=1)  # of rows
    error_share: float = Field(0.01, gt=0, lt=1)  # of requests
    worse_slice: float = Field(0.25, gt=0)  # by which the loss of a slice is above the others'
    quiet_days: float = Field(7.0, ge=0)  # a cause that comes back earlier is no new alarm
    notices: NoticeParams = NoticeParams()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def monitoring_params() -> MonitoringParams:
    return read_params(MonitoringParams, MONITORING)
