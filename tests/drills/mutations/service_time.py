"""What goes wrong with raw stops, customers and geofence events."""

import numpy as np
import pandas as pd

from tests.drills.mutations import (
    FEW,
    HOURS,
    SOME,
    Change,
    FileMutation,
    Mutation,
    Rng,
    chosen,
    cut,
    decimal_comma,
    doubled,
    later,
    leaked,
    lost,
    missing_where,
    mojibake,
    on,
    shifted,
    swapped,
    times,
    to,
    without,
)  # fmt: skip

SIZES = {
    "short": {"stops": 2500, "months": 12, "new_region_month": 8},
    "drill": {"stops": 6000, "months": 12, "new_region_month": 8},
    "full": {},
}
STOPS, CUSTOMERS, EVENTS = "stops.parquet", "customers.parquet", "geofence_events.parquet"
WEIGHT, BOXES, ITEMS, TEMPERATURE = ("weight_kg",), ("boxes",), ("items",), ("temperature_c",)
PLAN, ARRIVAL, PLACE = ("planned_at",), ("planned_arrival_at",), ("latitude", "longitude")
SECONDS = ("service_seconds", "arrived_at", "departed_at", "grade", "planned_arrival_at")
EVENT = ("enter", "exit", "event", *SECONDS)
ID = ("stop_id", "all but stop_id")


def _s(name: str, columns: tuple[str, ...], change: Change, strengths=None) -> Mutation:
    return Mutation(name, STOPS, columns, change, *([strengths] if strengths else []))


def _c(name: str, columns: tuple[str, ...], change: Change, strengths=None) -> Mutation:
    return Mutation(name, CUSTOMERS, columns, change, *([strengths] if strengths else []))


def _e(name: str, columns: tuple[str, ...], change: Change, strengths=None) -> Mutation:
    return Mutation(name, EVENTS, columns, change, *([strengths] if strengths else []))


def _dropped(event: str) -> Change:
    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        found = np.flatnonzero((frame["event"] == event).to_numpy())
        gone = found[chosen(len(found), strength, rng)]
        return frame.drop(frame.index[gone]).reset_index(drop=True)

    return apply


def _renumbered(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
    """Stops of some routes under the route before: two vans on one route."""
    return on("route_id", lambda v: v.iloc[0])(frame, strength, rng)


MUTATIONS = (
    _s("weight in grams", WEIGHT, times("weight_kg", 1000)),
    _s("weight in pounds", WEIGHT, times("weight_kg", 2.2046)),
    _s("weight in pounds, in scattered rows", WEIGHT, times("weight_kg", 2.2046, scattered=True)),
    _s("weight with a decimal comma", WEIGHT, on("weight_kg", decimal_comma, text=True)),
    _s("weight with its sign flipped", WEIGHT, times("weight_kg", -1)),
    _s("weight stuck at one value", WEIGHT, to("weight_kg", 20.0)),
    _s("weight 0", WEIGHT, to("weight_kg", 0.0)),
    _s("weight missing", WEIGHT, to("weight_kg", None)),
    _s("weight of the row before", WEIGHT, shifted("weight_kg")),
    _s("weight and items exchanged", (*WEIGHT, *ITEMS), swapped("weight_kg", "items")),
    _s("boxes and items exchanged", (*BOXES, *ITEMS), swapped("boxes", "items")),
    _s("boxes stuck at one value", BOXES, to("boxes", 4)),
    _s("boxes 0", BOXES, to("boxes", 0)),
    _s("boxes of the row before", BOXES, shifted("boxes")),
    _s("boxes with their sign flipped", BOXES, times("boxes", -1)),
    _s("items of the row before", ITEMS, shifted("items")),
    _s("items in dozens", ITEMS, on("items", lambda v: np.ceil(v / 12).astype(int))),
    Mutation("items tell the service time", STOPS, ITEMS,
             leaked("items", lambda rows: rows["truth"].astype(int)), truth="service_seconds"),
    _s("customer of the row before", ("customer", "customer_id"), shifted("customer_id")),
    _s("customer unknown", ("customer", "customer_id"), on("customer_id", lambda v: "X" + v)),
    _s("customer missing", ("customer", "customer_id"), to("customer_id", None)),
    _s("driver stuck at one value", ("driver_id",), to("driver_id", "D000001")),
    _s("driver missing", ("driver_id",), to("driver_id", None)),
    _s("routes merged", ("route_id", "route", *SECONDS), _renumbered),
    _s("position reversed", ("position",), on("position", lambda v: v.max() + 1 - v)),
    _s("position stuck at one value", ("position",), to("position", 1)),
    _s("slots renamed", ("slot",), on("slot", lambda v: v.str.replace("-", " to ")), SOME),
    _s("plan in another zone", (*PLAN, *ARRIVAL), later("planned_at"), HOURS),
    _s("plan in another zone, of some days", (*PLAN, *ARRIVAL), later("planned_at", whole=False)),
    _s("plan in the future", (*PLAN, *ARRIVAL),
       on("planned_at", lambda v: v + pd.Timedelta(days=3650), scattered=True), FEW),
    _s("plan without its offset", PLAN, on("planned_at", lambda v: v.str[:19], text=True)),
    _s("plan missing", PLAN, to("planned_at", None)),
    _s("planned arrival in another zone", ARRIVAL, later("planned_arrival_at"), HOURS),
    _s("planned arrival in another zone, of some days", ARRIVAL, later("planned_arrival_at", whole=False)),
    _s("planned arrival missing", ARRIVAL, to("planned_arrival_at", None)),
    _s("temperature in Fahrenheit", TEMPERATURE, on("temperature_c", lambda v: 1.8 * v + 32)),
    _s("temperature in Kelvin", TEMPERATURE, on("temperature_c", lambda v: v + 273.15)),
    _s("temperature stuck at one value", TEMPERATURE, to("temperature_c", 7.5)),
    _s("temperature missing", TEMPERATURE, to("temperature_c", None)),
    _s("rain with its sign flipped", ("rain_mm",), on("rain_mm", lambda v: -v - 0.1)),
    _s("snow in millimetres", ("snow_cm",), times("snow_cm", 10)),
    _s("temperature and snow exchanged", (*TEMPERATURE, "snow_cm"), swapped("temperature_c", "snow_cm")),
    _s("stops doubled under new ids", ID, doubled(identity="stop_id", letter="X")),
    _s("ids doubled", ID, on("stop_id", lambda v: v.iloc[0])),
    _s("stops lost in the middle", PLAN, lost(), (0.02, 0.2, 0.6)),
    _s("boxes renamed in the header", BOXES, without("boxes")),
    _c("coordinates exchanged", PLACE, swapped("latitude", "longitude")),
    _c("coordinates 0", PLACE, to("latitude", 0.0)),
    _c("coordinates of other customers", PLACE, shifted("longitude", by=37)),
    _c("coordinates with a decimal comma", PLACE, on("latitude", decimal_comma, text=True)),
    _c("region of other customers", ("region",), shifted("region", by=37)),
    _c("region missing", ("region",), to("region", None)),
    _c("region in a wrong encoding", ("region",), on("region", lambda v: mojibake(v + "a"))),
    _c("dwelling missing in one region", ("dwelling",), missing_where("dwelling", "region")),
    _c("dwelling renamed", ("dwelling",), on("dwelling", lambda v: v + "_v2"), SOME),
    _c("dwelling of other customers", ("dwelling",), shifted("dwelling", by=37)),
    _c("floor times 10", ("floor",), times("floor", 10)),
    _c("floor of other customers", ("floor",), shifted("floor", by=37)),
    _c("lifts reversed", ("has_lift",), on("has_lift", lambda v: ~v)),
    _c("lifts stuck at yes", ("has_lift",), to("has_lift", True)),
    _e("events in another zone", (*EVENT, "events"), later("at"), HOURS),
    _e("events in another zone, of some days", (*EVENT, "events"), later("at", whole=False)),
    _e("enter and exit exchanged", EVENT,
       on("event", lambda v: v.map({"enter": "exit", "exit": "enter"}))),
    _e("exits lost", EVENT, _dropped("exit")),
    _e("enters lost", EVENT, _dropped("enter")),
    _e("event in words", (*EVENT, "events"), on("event", lambda v: "geo" + v)),
    _e("times without seconds", EVENT, on("at", lambda v: v.dt.floor("min"))),
    _e("clock of the phones slow by half", EVENT, leaked("at", lambda r: (
        r.groupby("route_id")["at"].transform("min")
        + (r["at"] - r.groupby("route_id")["at"].transform("min")) / 2).astype("datetime64[us, UTC]"))),
    _e("events of other routes", ("route", *EVENT), shifted("route_id")),
    _e("customers of the event before", ("customer_id", "customer", *EVENT), shifted("customer_id")),
    FileMutation("stops cut off", STOPS, (STOPS,), cut),
    FileMutation("events cut off", EVENTS, (EVENTS,), cut),
)  # fmt: skip
