"""The tables of the evaluation for the report: titles, columns in words, pictures."""

import pandas as pd

from retrace.base.tables import Column, Picture, Table

STOPS = Column("stops", kind="count")
MAE = Column("mean absolute error", "seconds")
BIAS = Column("bias", "seconds")
COVERAGE = Column("inside the interval", kind="share")


def service_level(frame: pd.DataFrame) -> Table:
    said = [
        f"with {row['planned_with']}, {row['planned_minutes_a_stop']:.1f} minutes a stop, "
        f"{100 * row['stops_on_time']:.0f} % of stops and "
        f"{100 * row['routes_on_time']:.0f} % of routes are on time"
        for _, row in frame[frame["planned_with"].isin(["p80", "rule"])].iterrows()
    ]
    return Table(
        frame,
        "On time, by what is planned",
        {
            "planned_with": Column("planned with", kind="text"),
            "stops_on_time": Column("stops on time", kind="share"),
            "routes_on_time": Column("routes on time", kind="share"),
            "planned_minutes_a_stop": Column("planned a stop", "minutes"),
        },
        Picture(
            "curves",
            x="planned_minutes_a_stop",
            y=("stops_on_time", "routes_on_time"),
            caption=f"Planned {'; '.join(said)}.",
        ),
    )


def routes(frame: pd.DataFrame) -> Table:
    added, rest = (
        frame[f"mean_{name}_minutes"].iloc[0] for name in ("sum_of_errors", "error_of_sum")
    )
    return Table(
        frame,
        "Whole routes",
        {
            "planned_with": Column("planned with", kind="text"),
            "routes": Column("routes", kind="count"),
            "mean_error_of_sum_minutes": Column("error of the route's sum", "minutes"),
            "mean_sum_of_errors_minutes": Column("errors of its stops, added up", "minutes"),
            "bias_minutes": Column("bias", "minutes"),
        },
        Picture(
            "side by side",
            y=("mean_sum_of_errors_minutes", "mean_error_of_sum_minutes"),
            caption="On a route late and early stops cancel: planned with the model, errors that "
            f"add up to {added:.1f} minutes leave {rest:.1f} on its sum.",
        ),
    )


def months(frame: pd.DataFrame) -> Table:
    return Table(
        frame,
        "Month by month",
        {
            "month": Column("month", kind="month"),
            "stops": STOPS,
            "mae_seconds": MAE,
            "rule_mae_seconds": Column("mean absolute error of the rule", "seconds"),
            "coverage": COVERAGE,
            "christmas_share": Column("near Christmas", kind="share"),
        },
        Picture(
            "lines",
            x="month",
            y=("mae_seconds", "rule_mae_seconds"),
            shade="christmas_share",
            caption="Error of the model and of the rule by month; the darker a month, the more of "
            "its stops are near Christmas.",
        ),
    )


def fairness(frame: pd.DataFrame) -> Table:
    n = int(frame["planned_shorter"].sum())
    said = f"In red, planned shorter than others with certainty: {n} of {len(frame)} groups."
    return Table(
        frame,
        "Who is planned shorter?",
        {
            "slice": Column("group by", kind="text"),
            "value": Column("group", kind="text"),
            "stops": STOPS,
            "bias_seconds": BIAS,
            "relative_bias_seconds": Column("bias beyond that of all", "seconds"),
            "lower_95": Column("95 % from", "seconds"),
            "upper_95": Column("to", "seconds"),
            "planned_shorter": Column("planned shorter", kind="flag"),
        },
        Picture(
            "intervals",
            y=("relative_bias_seconds",),
            lower="lower_95",
            upper="upper_95",
            mark="planned_shorter",
            caption=said if n else "No group is planned shorter than others with certainty.",
        ),
    )


def visits(frame: pd.DataFrame) -> Table:
    return Table(
        frame,
        "Service times found from events, against the true ones",
        {
            "grade": Column("grade", kind="text"),
            "stops": STOPS,
            "matched_share": Column("true stops found", kind="share"),
            "median_error_seconds": Column("median error", "seconds"),
            "p90_error_seconds": Column("90 % of errors below", "seconds"),
            "bias_seconds": BIAS,
            "false_visit_share": Column("false visits", kind="share"),
        },
    )


def planned_bands(frame: pd.DataFrame) -> Table:
    return Table(
        frame,
        "By planned time",
        {
            "planned": Column("planned time", kind="text"),
            "stops": STOPS,
            "median_actual_seconds": Column("median of the real times", "seconds"),
            "mae_seconds": MAE,
            "bias_seconds": BIAS,
            "median_interval_seconds": Column("median width of the interval", "seconds"),
            "coverage": COVERAGE,
        },
        Picture(
            "bars",
            y=("mae_seconds", "median_interval_seconds"),
            rows="stops",
            caption="The longer the planned time, the larger the errors, and the interval says so.",
        ),
    )
