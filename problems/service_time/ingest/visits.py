"""Sessions to visits: one start and end per stop, without overlaps, and how far to trust them.

Grades: A is a clean pair of events; B a pair with merged flaps, or one that was cut because several
stops share the time; C one whose enter or exit was lost and is inferred from the route.
"""

import numpy as np
import pandas as pd

from problems.service_time.ingest.choice import candidates, choose
from problems.service_time.ingest.geometry import Points, metres_between
from problems.service_time.ingest.settings import IngestSettings
from retrace.raw.reasons import first_reason

NO_SESSION = "no events of its route at its customer's fence"
DRIVEN_BY = "only driven by: shorter in the fence than dwell_min_seconds"
REVERSED = "exit before enter"
TOO_LONG = "stay longer than stay_max_seconds"
NO_EXIT = "exit lost, and the stop after does not tell it"
NO_ENTER = "enter lost, and the stop before does not tell it"
TOO_SHORT = "stay shorter than dwell_min_seconds without what other stops share of it"

DISTANCE_BANDS = 12  # of the driving times between stops
PASSES = 4  # of cutting overlaps; one is enough where only neighbours overlap


def find_visits(
    stops: pd.DataFrame, sessions: pd.DataFrame, settings: IngestSettings
) -> pd.DataFrame:
    """Return `start`, `end` (seconds since 1970), `grade` and `reason` of each stop.

    stops: fence, route, boxes, latitude and longitude, in the order of route and position; index
    0 to n-1. sessions: see `events.sessions`. Where there is no visit, `reason` says why and the
    others are missing.
    """
    rows = stops[["fence", "route", "boxes", "latitude", "longitude"]].copy()
    rows["rank"] = rows.groupby("route").cumcount()
    rows["weight"] = settings.split_stop_seconds + settings.split_box_seconds * rows["boxes"]
    found = candidates(sessions, settings)
    rows["session"] = choose(rows["fence"].to_numpy(), rows["route"].to_numpy(), found)
    chosen = rows[rows["session"] >= 0]
    columns = ["start", "end", "has_enter", "has_exit", "flaps"]
    chosen = chosen.join(found[columns], on="session")
    chosen["unit"] = _units_of(chosen, settings.dwell_min_seconds)
    chosen = chosen.sort_values(["unit", "rank"])
    chosen.loc[~chosen.duplicated("unit"), "weight"] += settings.split_parking_seconds
    units = _infer(_merged(chosen), settings)
    units = _cut_overlaps(units, settings.dwell_min_seconds)
    visits = _shared(chosen, units)
    visits = visits.reindex(rows.index)
    visits["reason"] = _reasons(rows, sessions, visits, settings)
    visits["grade"] = visits["grade"].where(visits["reason"] == "")
    return visits[["start", "end", "grade", "reason"]]


def _units_of(chosen: pd.DataFrame, tolerance: float) -> pd.Series:
    """Number the units: stops whose sessions are the same, or begin and end together.

    Nothing but the size of the orders tells how a unit's stops share its time.
    """
    whole = chosen["has_enter"] & chosen["has_exit"]
    keys = chosen[["route", "session", "rank"]].assign(
        start=chosen["start"].where(whole, np.inf), end=chosen["end"]
    )
    begins = _new_group(keys.sort_values(["route", "start", "session"]), "start", tolerance)
    keys["together"] = begins.cumsum()
    ends = _new_group(keys.sort_values(["together", "end", "session"]), "end", tolerance)
    return ends.cumsum()


def _new_group(ordered: pd.DataFrame, column: str, tolerance: float) -> pd.Series:
    """Mark rows that are further than `tolerance` from the row before, in the same group."""
    group = "together" if "together" in ordered else "route"
    same = (ordered[group] == ordered[group].shift()) & (
        (ordered["session"] == ordered["session"].shift())
        | ((ordered[column] - ordered[column].shift()) <= tolerance)
    )
    return ~same


def _merged(chosen: pd.DataFrame) -> pd.DataFrame:
    """Return one row per unit, by route and time."""
    groups = chosen.groupby("unit")
    units = groups.agg(
        route=("route", "first"),
        start=("start", "min"),
        end=("end", "max"),
        has_enter=("has_enter", "all"),
        has_exit=("has_exit", "all"),
        low=("rank", "min"),
        high=("rank", "max"),
        weight=("weight", "sum"),
    )
    for column in ("latitude", "longitude"):
        units[f"first_{column}"] = groups[column].first()
        units[f"last_{column}"] = groups[column].last()
    units["cut"] = groups.size() > 1
    return units.sort_values(["route", "start", "low"])


def _infer(units: pd.DataFrame, settings: IngestSettings) -> pd.DataFrame:
    """Infer lost exits from the unit after, and lost enters from the one before.

    The time between two stops is the median of what whole visits show for such a distance. What
    cannot be inferred is NaN.
    """
    after = units.groupby("route")[["start", "low", "has_enter"]].shift(-1)
    before = units.groupby("route")[["end", "high", "has_exit", "has_enter"]].shift(1)
    here = Points(units["last_latitude"].to_numpy(), units["last_longitude"].to_numpy())
    there = Points(
        units["first_latitude"].shift(-1).to_numpy(), units["first_longitude"].shift(-1).to_numpy()
    )
    metres = pd.Series(metres_between(here, there), units.index)
    follows = (after["low"] == units["high"] + 1) & after["has_enter"].eq(True)
    gap = after["start"] - units["end"]
    whole = units["has_exit"] & follows & (gap >= 0)
    driving = pd.Series(_typical(metres[whole], gap[whole], metres), units.index)
    led = (before["high"] == units["low"] - 1) & before["has_exit"].eq(True)
    end = (after["start"] - driving).where(follows)
    start = (before["end"] + driving.shift(1)).where(led)
    units["inferred"] = ~(units["has_enter"] & units["has_exit"])
    units["start"] = units["start"].where(units["has_enter"], start)
    units["end"] = units["end"].where(units["has_exit"], end)
    stay = units["end"] - units["start"]
    possible = stay.between(settings.dwell_min_seconds, settings.stay_max_seconds)
    units.loc[units["inferred"] & ~possible, ["start", "end"]] = np.nan
    return units


def _typical(metres: pd.Series, seconds: pd.Series, wanted: pd.Series) -> np.ndarray:
    """Return the median seconds by band of distance, interpolated at the distances `wanted`."""
    if metres.empty:
        return np.zeros(len(wanted))
    band = (metres.rank(method="first") * DISTANCE_BANDS / (len(metres) + 1)).astype(int)
    middle = pd.DataFrame({"metres": metres, "seconds": seconds}).groupby(band).median()
    return np.asarray(np.interp(wanted, middle["metres"], middle["seconds"]))


def _cut_overlaps(units: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Cut units that overlap in time, since a driver serves one stop after the other.

    A later unit inside an earlier one of a later stop was served first. Otherwise, of two that
    overlap, the van was at the first stop until it left that fence, if it stayed long in the second
    one alone; or until it entered the second one, if it had been long in the first one alone. If
    neither or both, the sizes of the orders decide.
    """
    units = units.dropna(subset=["start", "end"])
    for _ in range(PASSES):
        units = units.sort_values(["route", "start", "end", "low"])
        after = units.groupby("route")[["start", "end", "low", "weight"]].shift(-1)
        overlap = after["start"] < units["end"]
        if not overlap.any():
            break
        served_first = overlap & (after["low"] < units["low"])
        served_first &= units["end"] - after["end"] >= tolerance
        early = after["start"] - units["start"] >= tolerance
        late = after["end"] - units["end"] >= tolerance
        share = units["weight"] / (units["weight"] + after["weight"])
        fair = units["start"] + share * (after["end"] - units["start"])
        fair = fair.clip(after["start"], np.maximum(units["end"], after["start"]))
        border = fair.mask(late & ~early, units["end"]).mask(early & ~late, after["start"])
        cut = overlap & ~served_first
        begin = border.where(cut).groupby(units["route"]).shift(1)
        units["cut"] |= overlap | begin.notna()
        units["end"] = units["end"].mask(cut, border)
        units["start"] = begin.fillna(units["start"].mask(served_first, after["end"]))
    return units


def _shared(chosen: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Split each unit's time among its stops, in planned order and in proportion to `weight`."""
    ordered = chosen[["unit", "weight", "flaps"]]
    ordered = ordered.join(units[["start", "end", "cut", "inferred"]], on="unit")
    weight = ordered.groupby("unit")["weight"]
    until = weight.cumsum() / weight.transform("sum")
    since = until.groupby(ordered["unit"]).shift(1).fillna(0.0)
    length = ordered["end"] - ordered["start"]
    inferred, cut = ordered["inferred"].eq(True), ordered["cut"].eq(True) | (ordered["flaps"] > 0)
    grade = np.select([inferred, cut], ["C", "B"], "A")
    return pd.DataFrame(
        {
            "start": ordered["start"] + since * length,
            "end": ordered["start"] + until * length,
            "grade": pd.Series(grade, ordered.index, dtype="str"),
        }
    )


def _reasons(
    rows: pd.DataFrame, sessions: pd.DataFrame, visits: pd.DataFrame, settings: IngestSettings
) -> "pd.Series[str]":
    """Return why stops have no visit, "" for those that have one."""
    ordered = sessions.sort_values(["fence", "first_at"])
    before = ordered.groupby("fence")[["has_enter", "has_exit"]].shift(1)
    only_enter = ordered["has_enter"] & ~ordered["has_exit"]
    only_exit = ordered["has_exit"] & ~ordered["has_enter"]
    was_enter = before["has_enter"].eq(True) & before["has_exit"].eq(False)
    was_exit = before["has_exit"].eq(True) & before["has_enter"].eq(False)
    reversed_fences = ordered.loc[only_enter & was_exit, "fence"]
    long_fences = ordered.loc[only_exit & was_enter, "fence"]
    stay = visits["end"] - visits["start"]
    none, missing = rows["session"] < 0, stay.isna()
    lost = rows["session"].map(sessions["has_exit"]).eq(False)
    masks = [
        (NO_SESSION, none & ~rows["fence"].isin(sessions["fence"])),
        (DRIVEN_BY, none),
        (REVERSED, (missing | visits["grade"].eq("C")) & rows["fence"].isin(reversed_fences)),
        (TOO_LONG, missing & rows["fence"].isin(long_fences)),
        (NO_EXIT, missing & lost),
        (NO_ENTER, missing),
        (TOO_SHORT, stay < settings.dwell_min_seconds),
        (TOO_LONG, stay > settings.stay_max_seconds),
    ]
    return first_reason([(text, mask.to_numpy(bool)) for text, mask in masks], rows.index)
