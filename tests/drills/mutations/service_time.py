"""What goes wrong with raw stops, customers and geofence events."""

import numpy as np
import pandas as pd

from tests.drills import mutations as ways

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


_s = ways.of_table(STOPS)
_c = ways.of_table(CUSTOMERS)
_e = ways.of_table(EVENTS)


def _dropped(event: str) -> ways.Change:
    def apply(frame: pd.DataFrame, strength: float, rng: ways.Rng) -> pd.DataFrame:
        found = np.flatnonzero((frame["event"] == event).to_numpy())
        gone = found[ways.chosen(len(found), strength, rng)]
        return frame.drop(frame.index[gone]).reset_index(drop=True)

    return apply


def _renumbered(frame: pd.DataFrame, strength: float, rng: ways.Rng) -> pd.DataFrame:
    """Stops of some routes under the route before: two vans on one route."""
    return ways.on("route_id", lambda v: v.iloc[0])(frame, strength, rng)


MUTATIONS = (
    _s("weight in grams", WEIGHT, ways.times("weight_kg", 1000)),
    _s("weight in pounds", WEIGHT, ways.times("weight_kg", 2.2046)),
    _s("weight in pounds, in scattered rows", WEIGHT, ways.times("weight_kg", 2.2046, scattered=True)),
    _s("weight with a decimal comma", WEIGHT, ways.on("weight_kg", ways.decimal_comma, text=True)),
    _s("weight with its unit", WEIGHT, ways.on("weight_kg", lambda v: v + " kg", text=True)),
    _s("weight times 0.9", WEIGHT, ways.times("weight_kg", 0.9)),
    _s("weight with its sign flipped", WEIGHT, ways.times("weight_kg", -1)),
    _s("weight stuck at one value", WEIGHT, ways.to("weight_kg", 20.0)),
    _s("weight 0", WEIGHT, ways.to("weight_kg", 0.0)),
    _s("weight missing", WEIGHT, ways.to("weight_kg", None)),
    _s("weight of the row before", WEIGHT, ways.shifted("weight_kg")),
    _s("weight and items exchanged", (*WEIGHT, *ITEMS), ways.swapped("weight_kg", "items")),
    _s("boxes and items exchanged", (*BOXES, *ITEMS), ways.swapped("boxes", "items")),
    _s("boxes stuck at one value", BOXES, ways.to("boxes", 4)),
    _s("boxes 0", BOXES, ways.to("boxes", 0)),
    _s("boxes of the row before", BOXES, ways.shifted("boxes")),
    _s("boxes with their sign flipped", BOXES, ways.times("boxes", -1)),
    _s("items of the row before", ITEMS, ways.shifted("items")),
    _s("items in dozens", ITEMS, ways.on("items", lambda v: np.ceil(v / 12).astype(int))),
    ways.Mutation("items tell the service time", STOPS, ITEMS,
             ways.leaked("items", lambda rows: rows["truth"].astype(int)), truth="service_seconds"),
    _s("customer of the row before", ("customer", "customer_id"), ways.shifted("customer_id")),
    _s("customer unknown", ("customer", "customer_id"), ways.on("customer_id", lambda v: "X" + v)),
    _s("customer missing", ("customer", "customer_id"), ways.to("customer_id", None)),
    _s("driver stuck at one value", ("driver_id",), ways.to("driver_id", "D000001")),
    _s("driver missing", ("driver_id",), ways.to("driver_id", None)),
    _s("routes merged", ("route_id", "route", *SECONDS), _renumbered),
    _s("position reversed", ("position",), ways.on("position", lambda v: v.max() + 1 - v)),
    _s("position stuck at one value", ("position",), ways.to("position", 1)),
    _s("slots renamed", ("slot",), ways.on("slot", lambda v: v.str.replace("-", " to ")), ways.SOME),
    _s("plan in another zone", (*PLAN, *ARRIVAL), ways.later("planned_at"), ways.HOURS),
    _s("plan in another zone, of some days", (*PLAN, *ARRIVAL), ways.later("planned_at", whole=False)),
    _s("plan in the future", (*PLAN, *ARRIVAL),
       ways.on("planned_at", lambda v: v + pd.Timedelta(days=3650), scattered=True), ways.FEW),
    _s("plan without its offset", PLAN, ways.on("planned_at", lambda v: v.str[:19], text=True)),
    _s("plan missing", PLAN, ways.to("planned_at", None)),
    _s("planned arrival in another zone", ARRIVAL, ways.later("planned_arrival_at"), ways.HOURS),
    _s("planned arrival in another zone, of some days", ARRIVAL, ways.later("planned_arrival_at", whole=False)),
    _s("planned arrival missing", ARRIVAL, ways.to("planned_arrival_at", None)),
    _s("temperature in Fahrenheit", TEMPERATURE, ways.on("temperature_c", lambda v: 1.8 * v + 32)),
    _s("temperature in Kelvin", TEMPERATURE, ways.on("temperature_c", lambda v: v + 273.15)),
    _s("temperature stuck at one value", TEMPERATURE, ways.to("temperature_c", 7.5)),
    _s("temperature missing", TEMPERATURE, ways.to("temperature_c", None)),
    _s("rain with its sign flipped", ("rain_mm",), ways.on("rain_mm", lambda v: -v - 0.1)),
    _s("snow in millimetres", ("snow_cm",), ways.times("snow_cm", 10)),
    _s("temperature and snow exchanged", (*TEMPERATURE, "snow_cm"), ways.swapped("temperature_c", "snow_cm")),
    _s("stops doubled under new ids", ID, ways.doubled(identity="stop_id", letter="X")),
    _s("ids doubled", ID, ways.on("stop_id", lambda v: v.iloc[0])),
    _s("stops lost in the middle", PLAN, ways.lost(), (0.02, 0.2, 0.6)),
    _s("stops cut at the end of a row", ("fewer",), ways.ended(), (0.02, 0.2, 0.6)),
    _s("driver missing, in words", ("driver_id",), ways.on("driver_id", ways.null_words)),
    _s("boxes renamed in the header", BOXES, ways.without("boxes")),
    _c("coordinates exchanged", PLACE, ways.swapped("latitude", "longitude")),
    _c("coordinates 0", PLACE, ways.to("latitude", 0.0)),
    _c("coordinates of other customers", PLACE, ways.shifted("longitude", by=37)),
    _c("coordinates with a decimal comma", PLACE, ways.on("latitude", ways.decimal_comma, text=True)),
    _c("region of other customers", ("region",), ways.shifted("region", by=37)),
    _c("region missing", ("region",), ways.to("region", None)),
    _c("region in a wrong encoding", ("region",), ways.on("region", lambda v: ways.mojibake(v + "a"))),
    _c("region as HTML", ("region",), ways.on("region", lambda v: v + "&amp;")),
    _c("region missing, in words", ("region",), ways.on("region", ways.null_words)),
    _c("dwelling missing in one region", ("dwelling",), ways.missing_where("dwelling", "region")),
    _c("dwelling renamed", ("dwelling",), ways.on("dwelling", lambda v: v + "_v2"), ways.SOME),
    _c("dwelling of other customers", ("dwelling",), ways.shifted("dwelling", by=37)),
    _c("floor times 10", ("floor",), ways.times("floor", 10)),
    _c("floor of other customers", ("floor",), ways.shifted("floor", by=37)),
    _c("lifts reversed", ("has_lift",), ways.on("has_lift", lambda v: ~v)),
    _c("lifts stuck at yes", ("has_lift",), ways.to("has_lift", True)),
    _e("events in another zone", (*EVENT, "events"), ways.later("at"), ways.HOURS),
    _e("events in another zone, of some days", (*EVENT, "events"), ways.later("at", whole=False)),
    _e("enter and exit exchanged", EVENT,
       ways.on("event", lambda v: v.map({"enter": "exit", "exit": "enter"}))),
    _e("exits lost", EVENT, _dropped("exit")),
    _e("enters lost", EVENT, _dropped("enter")),
    _e("event in words", (*EVENT, "events"), ways.on("event", lambda v: "geo" + v)),
    _e("times without seconds", EVENT, ways.on("at", lambda v: v.dt.floor("min"))),
    _e("clock of the phones slow by half", EVENT, ways.leaked("at", lambda r: (
        r.groupby("route_id")["at"].transform("min")
        + (r["at"] - r.groupby("route_id")["at"].transform("min")) / 2).astype("datetime64[us, UTC]"))),
    _e("events of other routes", ("route", *EVENT), ways.shifted("route_id")),
    _e("customers of the event before", ("customer_id", "customer", *EVENT), ways.shifted("customer_id")),
    ways.FileMutation("stops cut off", STOPS, (STOPS,), ways.cut),
    ways.FileMutation("events cut off", EVENTS, (EVENTS,), ways.cut),
)  # fmt: skip
