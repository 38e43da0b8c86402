"""Every form of time that exports have is one moment, in every world that reads times."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from problems.fraud import ingest as fraud
from problems.orders import ingest as orders
from problems.orders.ingest.olist import EVENTS, TABLES
from problems.service_time import ingest as service_time
from retrace.base.errors import RetraceError
from retrace.raw.times import Clock, read_times
from tests.conftest import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
OSLO = "Europe/Oslo"
STARTS = pd.date_range("2025-05-10 08:15:30", periods=8, freq="25h", tz="UTC").as_unit("us")
ENDS = STARTS + pd.Timedelta(minutes=5)
Write = Callable[[pd.DatetimeIndex], object]


def _text(form: str, zone: str = "UTC") -> Write:
    return lambda at: list(at.tz_convert(zone).strftime(form))


def _since_1970(unit: str) -> Write:
    return lambda at: at.tz_localize(None).astype(f"datetime64[{unit}]").astype("int64").tolist()


FORMS: dict[str, Write] = {
    "Z": _text("%Y-%m-%dT%H:%M:%SZ"),
    "+00": _text("%Y-%m-%d %H:%M:%S+00"),
    "+00:00": _text("%Y-%m-%d %H:%M:%S+00:00"),
    "+0530": _text("%Y-%m-%dT%H:%M:%S.000%z", "Asia/Kolkata"),
    " UTC": _text("%Y-%m-%d %H:%M:%S UTC"),
    "GMT": _text("%Y-%m-%d %H:%M:%S GMT"),
    "space before the offset": _text("%Y-%m-%d %H:%M:%S %z", "America/New_York"),
    "local": _text("%Y-%m-%d %H:%M:%S", OSLO),
    "local with a comma": _text("%Y-%m-%d %H:%M:%S,000", OSLO),
    "slashes": _text("%Y/%m/%d %H:%M:%S", OSLO),
    "compact": _text("%Y%m%dT%H%M%SZ"),
    "day first": _text("%d/%m/%Y %H:%M:%S", OSLO),
    "day first with dots": _text("%-d.%-m.%Y %H:%M:%S", OSLO),
    "month first": _text("%m/%d/%Y %I:%M:%S %p", OSLO),
    "seconds": _since_1970("s"),
    "milliseconds": _since_1970("ms"),
    "microseconds": _since_1970("us"),
}
TYPED: dict[str, Write] = {
    "UTC": lambda at: at,
    "another zone": lambda at: at.tz_convert("Asia/Tokyo").as_unit("ms"),
    "local": lambda at: at.tz_convert(OSLO).tz_localize(None).as_unit("ns"),
    "seconds": _since_1970("s"),
    "decimal seconds": lambda at: np.array(_since_1970("us")(at)) / 1e6,
    "milliseconds": _since_1970("ms"),
}


def _mixed(at: pd.DatetimeIndex) -> list[str]:
    """Write each row in another form."""
    names = [name for name in FORMS if name != "month first"]
    return [str(FORMS[names[i % len(names)]](at)[i]) for i in range(len(at))]  # type: ignore[index]


def _save(folder: Path, name: str, suffix: str, frame: pd.DataFrame) -> Path:
    path = folder / f"{name}{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    return path


def _settings(module: object, name: str, **changes: object):
    own = PARAMS[name]["ingest"] | {"max_quarantined": 1.0, "time_zone": OSLO} | changes
    return module.IngestSettings(**own)  # type: ignore[attr-defined]


def run_fraud(folder: Path, suffix: str, starts: object, ends: object, **changes: object):
    rows = pd.DataFrame({"at": starts, "known_at": ends})
    for name in ("transaction_id", "customer_id", "terminal_id"):
        rows[name] = [f"{name[0]}{i:03}" for i in range(len(rows))]
    path = _save(folder, "payments", suffix, rows.assign(amount=1.5, is_fraud=0))
    found = fraud.ingest(path, _settings(fraud, "fraud", **changes))
    clean = found.clean.sort_values("transaction_id")
    return found, clean["at"], clean["known_at"]


def run_orders(folder: Path, suffix: str, starts: object, ends: object, **changes: object):
    names = [f"c{i:03}" for i in range(len(starts))]  # type: ignore[arg-type]
    parts = [
        pd.DataFrame({"case_id": names, "activity": activity, "timestamp": at})
        for activity, at in (("new", starts), ("done", ends))
    ]
    path = _save(folder, "events", suffix, pd.concat(parts))
    changes = {"completion": ["done"], "stray_gap_days": 9e3, "starts": ["new"]} | changes
    found = orders.ingest(path, _settings(orders, "orders", **changes))
    clean = found.clean.sort_values("order_id")
    return found, clean["started_at"], clean["completed_at"]


def run_olist(folder: Path, suffix: str, starts: object, ends: object, **changes: object):
    names = [f"c{i:03}" for i in range(len(starts))]  # type: ignore[arg-type]
    for name, columns in TABLES.items():
        table = pd.DataFrame({one: [""] * len(names) for one in columns}).assign(order_id=names)
        if name == "orders":
            table[EVENTS["purchased"]], table[EVENTS["delivered"]] = starts, ends
            table["order_estimated_delivery_date"] = ends
        _save(folder, name, suffix, table)
    changes = {"completion": ["delivered"], "format": "olist", "stray_gap_days": 9e3} | changes
    found = orders.ingest(folder, _settings(orders, "orders", **changes))
    clean = found.clean.sort_values("order_id")
    assert (clean["promised_at"].dropna() == clean["completed_at"]).all()
    return found, clean["started_at"], clean["completed_at"]


def run_service_time(folder: Path, suffix: str, starts: object, ends: object, **changes: object):
    routes = [f"R{i:03}" for i in range(len(starts))]  # type: ignore[arg-type]
    home = {"customer_id": ["C"], "latitude": [59.91], "longitude": [10.75], "region": ["west"]}
    house = {"dwelling": ["block"], "floor": [2], "has_lift": [False], "opened_at": ["2020-01-01"]}
    _save(folder, "customers", suffix, pd.DataFrame(home | house))
    stops = pd.DataFrame({"stop_id": routes, "route_id": routes, "planned_at": starts})
    load = dict.fromkeys(["weight_kg", "items", "boxes", "rain_mm", "snow_cm", "temperature_c"], 1)
    about = {"driver_id": "D", "customer_id": "C", "position": 1, "slot": "08:00-10:00"}
    _save(folder, "stops", suffix, stops.assign(planned_arrival_at=starts, **about, **load))
    parts = [
        pd.DataFrame({"route_id": routes, "customer_id": "C", "event": event, "at": at})
        for event, at in (("enter", starts), ("exit", ends))
    ]
    _save(folder, "geofence_events", suffix, pd.concat(parts))
    settings = _settings(service_time, "service_time", edge_seconds=0.0, **changes)
    found = service_time.ingest(folder, settings)
    clean = found.clean.sort_values("stop_id")
    assert (clean["planned_at"] == clean["arrived_at"]).all()
    return found, clean["arrived_at"], clean["departed_at"]


WORLDS = {
    "fraud": run_fraud,
    "orders": run_orders,
    "olist": run_olist,
    "service_time": run_service_time,
}
in_every_world = pytest.mark.parametrize("world", WORLDS)


def _same(found: pd.Series, expected: pd.DatetimeIndex) -> None:
    assert str(found.dtype) == "datetime64[us, UTC]"
    assert found.tolist() == expected.tolist()


@in_every_world
@pytest.mark.parametrize("form", [*FORMS, "mixed"])
def test_text_of_any_form(tmp_path: Path, world: str, form: str) -> None:
    write = FORMS.get(form, _mixed)
    _, starts, ends = WORLDS[world](tmp_path, ".csv", write(STARTS), write(ENDS))
    _same(starts, STARTS)
    _same(ends, ENDS)


@in_every_world
@pytest.mark.parametrize("form", TYPED)
def test_typed_columns(tmp_path: Path, world: str, form: str) -> None:
    write = TYPED[form]
    _, starts, ends = WORLDS[world](tmp_path, ".parquet", write(STARTS), write(ENDS))
    _same(starts, STARTS)
    _same(ends, ENDS)


@in_every_world
def test_a_day_that_may_be_a_month_needs_a_format(tmp_path: Path, world: str) -> None:
    write, starts = _text("%d/%m/%Y %H:%M:%S", OSLO), STARTS[:3] - pd.Timedelta(days=8)
    texts = write(starts), write(starts + pd.Timedelta(minutes=5))
    name = "orders" if world == "olist" else world
    told = rf"'02/05/2025 .*day or the month first.*`{name}\.ingest\.time_format`"
    with pytest.raises(RetraceError, match=told):
        WORLDS[world](tmp_path, ".csv", *texts)
    _, found, _ = WORLDS[world](tmp_path, ".csv", *texts, time_format="%d/%m/%Y %H:%M:%S")
    _same(found, starts)


@in_every_world
def test_both_hours_of_a_clock_change_by_their_offsets(tmp_path: Path, world: str) -> None:
    starts = pd.DatetimeIndex(["2025-10-26T00:30Z", "2025-10-26T01:30Z", "2025-03-30T01:30Z"])
    write = _text("%Y-%m-%d %H:%M:%S%z", OSLO)
    assert [text[11:13] for text in write(starts)] == ["02", "02", "03"]
    ends = starts + pd.Timedelta(minutes=5)
    _, found, _ = WORLDS[world](tmp_path, ".csv", write(starts), write(ends))
    _same(found, starts.as_unit("us"))


@in_every_world
def test_local_times_of_the_hours_of_a_clock_change(tmp_path: Path, world: str) -> None:
    """What is no single moment is in quarantine with its reason, and stops nothing."""
    odd = ["2025-10-26 02:51:00", "2025-03-30 02:30:00"]
    texts = [*odd, *FORMS["local"](STARTS)]  # type: ignore[misc]
    ends = ["2025-10-26 04:00:00", "2025-03-30 04:00:00", *FORMS["local"](ENDS)]  # type: ignore[misc]
    found, starts, _ = WORLDS[world](tmp_path, ".csv", texts, ends)
    reasons = found.rejected.sort_values("row")["reason"].tolist()
    assert "happened twice: clocks were put back" in reasons[0]
    assert "does not exist: clocks were put forward" in reasons[1]
    assert starts.tolist()[-len(STARTS) :] == STARTS.tolist()


@in_every_world
def test_without_a_zone_local_times_are_refused(tmp_path: Path, world: str) -> None:
    if world != "service_time":
        with pytest.raises(ValueError, match="time_zone"):
            WORLDS[world](tmp_path, ".csv", [], [], time_zone="Oslo")
        return
    texts = FORMS["local"](STARTS)
    with pytest.raises(RetraceError, match=r"stops\.csv: column 'planned_at', row 1: .*time_zone"):
        WORLDS[world](tmp_path, ".csv", texts, texts, time_zone=None)


# ---- the reader itself ---------------------------------------------------------------------------

LOCAL = Clock(OSLO, params="orders.ingest")
NO_TIMES = (
    *("", "soon", "now", "10:00", "17", "-1", "1", "0.5", "2025", "20251301", "99999999999999"),
    *("2025-02-30", "2025-13-01", "2025-01-01 24:00:00", "2025-01-01 10:61"),
    *("2025-01-01 13:00 PM", "2025-01-01 10:00+99", "2025-01-01 10:00:00 CET"),
)


def _read(*values: object, clock: Clock = LOCAL, exact: bool = True):
    return read_times(pd.Series(list(values)), clock, exact=exact)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_unread(text: str) -> None:
    for column in ([text], [text, "2025-01-31 10:00:00Z"], [text, "31/01/2025", 1738317600]):
        found = _read(*map(str, column))
        assert found.unread.tolist() == [True] + [False] * (len(column) - 1)


def test_microseconds_are_kept_and_smaller_parts_cut_off() -> None:
    found = _read("2025-01-01T00:00:00.123456Z", "2025-01-01 00:00:00.123456789+00:00", "soon")
    assert found.at.dt.microsecond.tolist()[:2] == [123456, 123456]
    exact = _read(1_735_689_600_123_456_789).at[0]
    assert exact == pd.Timestamp("2025-01-01T00:00:00.123456Z")


def test_rows_in_order_tell_the_two_hours_apart() -> None:
    texts = ["01:30", "02:10", "02:50", "02:10", "02:51", "03:00"]
    found = _read(*(f"2025-10-26 {text}" for text in texts), "2026-10-25 02:00", "2026-10-25 02:00")
    utc = ["23:30", "00:10", "00:50", "01:10", "01:51", "02:00"]
    assert found.at.dt.strftime("%H:%M").tolist()[:6] == utc
    assert found.twice.tolist() == [False] * 6 + [True, True]  # never back: either hour


@pytest.mark.parametrize(
    "texts",
    [
        ["2025-10-26 02:50", "2025-10-26 02:10", "2025-10-26 02:50", "2025-10-26 02:10"],  # twice
        ["2025-10-26 02:50", "2025-10-26 02:10", "2025-10-26 01:00"],  # not sorted elsewhere
        ["2025-10-26 02:50", "2024-10-27 02:10"],  # years apart
    ],
)
def test_rows_out_of_order_tell_nothing(texts: list[str]) -> None:
    found = _read(*texts)
    assert (found.twice == [":00" not in text for text in texts]).all()
    assert found.at[found.twice].isna().all()


def test_a_deadline_in_a_clock_change_is_the_later_moment() -> None:
    found = _read("2025-03-30 02:30", "2025-10-26 02:30", exact=False)
    expected = ["2025-03-30T01:00:00+00:00", "2025-10-26T01:30:00+00:00"]
    assert [at.isoformat() for at in found.at] == expected
    assert not (found.skipped | found.twice | found.unread).any()


def test_days_and_months_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(RetraceError, match=r"1 times have the day first, such as '13/01/2025', an"):
        _read("13/01/2025", "01/13/2025", "01/02/2025")
    same = _read("01/01/2025", "02.02.2025")  # the same either way
    assert same.at.dt.tz_convert(OSLO).dt.day.tolist() == [1, 2]


def test_with_a_format_times_with_the_year_first_are_iso() -> None:
    by_day = Clock("UTC", "%d/%m/%y %H:%M")
    found = _read("01/02/25 10:00", "2025-02-01 10:00", "2025-02-01T11:00+01", clock=by_day)
    assert (found.at == pd.Timestamp("2025-02-01T10:00Z")).all()
    odd = _read("2025-13-01", "2025-01-13", clock=Clock("UTC", "%Y-%d-%m"))
    assert odd.at[0] == pd.Timestamp("2025-01-13T00:00Z")
    assert odd.unread.tolist() == [False, True]
