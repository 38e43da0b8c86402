"""Read times as UTC. A time without an offset is only a time together with its zone."""

import numpy as np
import pandas as pd

from retrace.base.errors import RetraceError
from retrace.raw.values import as_text

UTC = pd.DatetimeTZDtype("us", "UTC")
_DATE = r"\d{4}-?\d{2}-?\d{2}"
_OFFSET = r"(?::\d{2}(?:[.,]\d+)?\s*(?:UTC|[+-]\d{2}(?::?\d{2})?)|\d\s*Z)$"


def as_utc(raw: pd.Series, place: pd.DataFrame, zone: str | None) -> pd.Series:
    """Return a raw column as UTC; NaT where it is missing, unreadable or means no single moment.

    Offsets may differ from row to row. Times without one are local times of `zone`: those that a
    clock change skips, or that it makes happen twice, are NaT. `place` has `file` and `row`.

    Raises RetraceError for a time without offset when there is no `zone`.
    """
    kind = raw.dtype
    if isinstance(kind, pd.DatetimeTZDtype):
        converted: pd.Series = raw.dt.tz_convert("UTC").astype(UTC)
        return converted
    if pd.api.types.is_datetime64_dtype(kind):
        return _localized(raw, raw, place, zone)
    if pd.api.types.is_numeric_dtype(kind):
        return pd.Series(pd.NaT, raw.index, dtype=UTC)
    text = as_text(raw).str.strip().str.upper().rename(str(raw.name))
    text = text.where(text.str.match(_DATE), "")  # pandas reads "now" as a time
    absolute = text.str.contains(_OFFSET, regex=True)
    plain = text.str.replace(r"\s*UTC$", "Z", regex=True)
    moments = pd.to_datetime(plain.where(absolute), format="ISO8601", utc=True, errors="coerce")
    if not absolute.all():
        local = pd.to_datetime(text.mask(absolute), format="ISO8601", errors="coerce")
        moments = moments.astype(UTC).where(absolute, _localized(local, text, place, zone))
    read: pd.Series = moments.astype(UTC)
    return read


def _localized(
    local: pd.Series, text: pd.Series, place: pd.DataFrame, zone: str | None
) -> pd.Series:
    readable = local.notna()
    if zone is None and readable.any():
        first = int(np.flatnonzero(readable)[0])
        file, row = place["file"].iloc[first], place["row"].iloc[first]
        raise RetraceError(
            f"{file}: column '{text.name}', row {row}: '{text.iloc[first]}' has no offset from "
            f"UTC ({int(readable.sum()):,} of {len(text):,} rows have none). Write times with "
            "their offset, such as 2024-03-31T09:30:00+02:00, or set "
            "`service_time.ingest.time_zone` in params.yaml to the zone of times without one, "
            "such as Europe/Oslo."
        )
    zoned = local.dt.tz_localize(zone or "UTC", ambiguous="NaT", nonexistent="NaT")
    moments: pd.Series = zoned.dt.tz_convert("UTC").astype(UTC)
    return moments
