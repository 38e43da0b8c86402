"""What is asked of stops: how long the driver will be there, when the route is planned."""

from problems.contract import Columns, Problem

HISTORY = ("region", "area_id", "address", "driver_id", "customer_id")  # from wide to narrow

PROBLEMS = {
    "service_time": Problem(
        name="service_time",
        world="service_time",
        task="regression",
        target="service_seconds",
        unit="seconds",
        metric="mae",
        scale="log",  # the noise of a stop is a share of it; the mean of logs is near the median
        key=("stop_id",),
        group=("route_id",),
        time="planned_at",
        known_at="departed_at",
        entities=HISTORY,
        offset="log_estimate",
        columns=Columns(
            numeric=(
                "boxes",
                "items",
                "weight_kg",
                "trips",
                "floor",
                "has_lift",
                "stairs_trips",
                "stairs_weight_kg",
                "position",
                "same_address_as_before",
                "hour",
                "weekday",
                "is_holiday",
                "days_to_christmas",
                "year_day",
                "rain_mm",
                "snow_cm",
                "temperature_c",
                "customer_days",
                *(
                    f"{entity}_{what}"
                    for entity in HISTORY
                    for what in ("effect", "weight", "count")
                ),
                "known_effect",
                "log_estimate",
            ),
            categorical=("dwelling", "region", "area_id"),
        ),
        slices=("region", "dwelling", "access", "season", "driver_tenure", "customer"),
    )
}
