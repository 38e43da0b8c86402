"""How many bikes are rented in an hour."""

from problems.contract import Columns, Problem

WEATHER = ("temp", "feelingTemp", "humidity", "windspeed")
BIKES = Problem(
    name="bikes",
    world="bikes",
    task="regression",
    target="count",
    unit="bikes",
    metric="mae",
    key=("instant",),
    time="at",
    known_at="at",
    scale="log",
    columns=Columns(
        numeric=("at_hour", "at_weekday", *WEATHER, "workingday", "holiday"),
        categorical=("hour", "weathersit"),
    ),
    slices=("weathersit", "workingday"),
)
PROBLEMS = {"bikes": BIKES}
