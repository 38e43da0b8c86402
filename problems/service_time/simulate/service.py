"""How long a stop takes: what is knowable when the route is planned, and the noise of the day.

The service time runs from the moment the driver pulls in to park until the van has pulled out
again: parking, re-stacking the van, scanning and carrying (as Oda has published).

    median = (parking + re-stacking and scanning + carrying + hand-over) x exp(habits)
    service time = median x exp(noise), noise normal with `settings.noise_log_sd`

The mean at the default settings is about 420 s, Oda's 7 minutes; for comparison, parcels take
109 s (Amazon 2021, planned). The numbers of seconds below are assumed, if nothing else is said.
Oda's most important features were weight, items and boxes, then area, then the customer's earlier
service times, floor and lift: the parts below have these in that order of variance.
"""

from dataclasses import dataclass

import numpy as np

from problems.service_time.simulate.days import Days, Weather
from problems.service_time.simulate.drivers import Drivers
from problems.service_time.simulate.places import AREAS, REGIONS, Customers, region_openings
from problems.service_time.simulate.routes import RouteStops
from problems.service_time.simulate.settings import Floats, SimulateSettings, stream

SCALE = 1.22  # all seconds, so that the mean at the default settings is 420
PARK_SECONDS = 40.0
PARK_TROUBLE = np.array([115.0, 40.0, 5.0])  # more at the worst hour, by kind of area
TROUBLE_HOURS = (6.0, 8.0, 9.5, 11.0, 14.5, 16.5, 18.0, 20.0, 23.0)  # local
TROUBLE_SHARE = (0.3, 0.9, 0.7, 0.4, 0.5, 1.0, 0.9, 0.6, 0.8)  # of the worst; evenings fill up
RESTACK_SECONDS = 25.0
BOX_SECONDS = 7.0  # find, scan and re-stack one box
ITEM_SECONDS = 0.6  # loose items, bags and returns
HANDOVER_SECONDS = 30.0
BOXES_A_TRIP, KG_A_TRIP = 2.0, 18.0  # what a driver carries at once
WALK_SECONDS = np.array([36.0, 46.0, 58.0, 70.0])  # there and back, one trip; by dwelling
FLOOR_SECONDS = 18.0  # up and down one floor of stairs, one trip, empty-handed
LIFT_SECONDS, LIFT_FLOOR_SECONDS = 26.0, 3.0  # wait, and per floor; one trip
AREA_LOG_SD = 0.07
LEARNING_LOG, LEARNING_DAYS = 0.22, 50.0  # a driver's first day, and how fast it wears off
CHRISTMAS_LOG = 0.07  # gifts, guests and full hallways, at the height of it
SNOW_LOG_A_CM = np.array([0.008, 0.006, 0.003, 0.002])  # unploughed paths, by dwelling
SNOW_CM_MAX = 30.0
RAIN_LOG_A_MM, RAIN_MM_MAX = 0.004, 15.0
FROST_LOG = 0.04  # below -8 degrees
NEW_REGION_LOG, NEW_REGION_DAYS = 0.10, 90.0  # unknown streets and doors, and how fast learnt


@dataclass(frozen=True)
class Service:
    """One entry a stop, in seconds; shape (stops,)."""

    median: Floats
    mean: Floats
    actual: Floats


def make_service(
    settings: SimulateSettings,
    days: Days,
    weather: Weather,
    customers: Customers,
    drivers: Drivers,
    stops: RouteStops,
) -> Service:
    """Draw the service times, and return what could be known of them."""
    known = (
        SCALE
        * work_seconds(customers, stops)
        * np.exp(
            habits_log(settings, days, customers, drivers, stops)
            + weather_log(weather, customers, stops)
        )
    )
    sd = settings.noise_log_sd
    median = known * np.exp(-(sd**2) / 2)  # so that noise does not change the mean
    noise = stream(settings, "noise").normal(0, sd, stops.count)
    return Service(median, known, median * np.exp(noise))


def work_seconds(customers: Customers, stops: RouteStops) -> Floats:
    """Return the seconds that an average driver needs for an average customer."""
    who = stops.customer
    trouble = np.interp(stops.local_hour, TROUBLE_HOURS, TROUBLE_SHARE)
    park = PARK_SECONDS + PARK_TROUBLE[customers.kind[who]] * trouble
    park = np.where(stops.same_place, 0.0, park)  # the van stands there already
    stack = RESTACK_SECONDS + BOX_SECONDS * stops.boxes + ITEM_SECONDS * stops.items
    trips = np.maximum(1.0, np.maximum(stops.boxes / BOXES_A_TRIP, stops.weight_kg / KG_A_TRIP))
    floor = customers.floor[who]
    stairs = FLOOR_SECONDS * floor * (1.0 + stops.weight_kg / trips / KG_A_TRIP)
    lift = np.where(floor > 0, LIFT_SECONDS + LIFT_FLOOR_SECONDS * floor, 0.0)
    one_trip = WALK_SECONDS[customers.dwelling[who]] + np.where(
        customers.has_lift[who], np.minimum(lift, stairs), stairs
    )
    result: Floats = park + stack + trips * one_trip + HANDOVER_SECONDS
    return result


def habits_log(
    settings: SimulateSettings,
    days: Days,
    customers: Customers,
    drivers: Drivers,
    stops: RouteStops,
) -> Floats:
    """Return the log of what customer, driver, area and season make of it."""
    rng = stream(settings, "areas")
    area = rng.normal(0, AREA_LOG_SD, len(REGIONS) * AREAS)
    years = (stops.day - days.count / 2) / 365.25
    customer = (
        customers.habit_log[stops.customer] + customers.habit_log_per_year[stops.customer] * years
    )
    in_job = np.clip(stops.day - drivers.hired[stops.driver], 0.0, None)
    driver = drivers.skill_log[stops.driver] + LEARNING_LOG * np.exp(-in_job / LEARNING_DAYS)
    region = customers.region[stops.customer]
    opening = region_openings(settings, days)[region]
    new = np.where(opening > 0, NEW_REGION_LOG * np.exp((opening - stops.day) / NEW_REGION_DAYS), 0)
    result: Floats = (
        area[customers.area[stops.customer]]
        + customer
        + driver
        + new
        + settings.drift_log_per_year * years
        + CHRISTMAS_LOG * days.christmas[stops.day]
    )
    return result


def weather_log(weather: Weather, customers: Customers, stops: RouteStops) -> Floats:
    """Return the log of what the forecast weather adds; forecast errors are part of the noise."""
    region = customers.region[stops.customer]
    snow = np.minimum(weather.snow_cm[region, stops.day], SNOW_CM_MAX)
    rain = np.minimum(weather.rain_mm[region, stops.day], RAIN_MM_MAX)
    frost = weather.temperature_c[region, stops.day] < -8.0
    result: Floats = (
        SNOW_LOG_A_CM[customers.dwelling[stops.customer]] * snow
        + RAIN_LOG_A_MM * rain
        + FROST_LOG * frost
    )
    return result
