"""Routes are what planners plan: errors of single stops partly cancel over one."""

import pandas as pd

QUANTILES = ("p50", "p80", "p90")


def by_route(scored: pd.DataFrame) -> pd.DataFrame:
    """Return one row per route, in seconds: <plan>_error of the sum, <plan>_absolute of the stops.

    Only the scored stops of a route count; the plans are model, rule and naive.
    """
    plans = {"model": "prediction", "rule": "rule", "naive": "naive"}
    errors = {f"{name}_error": scored[plan] - scored["outcome"] for name, plan in plans.items()}
    absolute = {f"{name}_absolute": errors[f"{name}_error"].abs() for name in plans}
    return pd.DataFrame({**errors, **absolute}).groupby(scored["route_id"]).sum()


def service_levels(scored: pd.DataFrame) -> pd.DataFrame:
    """How often stops and whole routes are done in the planned service time, by plan.

    Routes planned with every stop's P80 are on time more often than 80 %: late and early stops
    cancel.
    """
    plans = {**{name: scored[name] for name in QUANTILES}, "rule": scored["rule"]}
    actual = scored["outcome"].groupby(scored["route_id"]).sum()
    return pd.DataFrame(
        [
            {
                "planned_with": name,
                "stops_on_time": (scored["outcome"] <= plan).mean(),
                "routes_on_time": (actual <= plan.groupby(scored["route_id"]).sum()).mean(),
                "planned_minutes_a_stop": plan.mean() / 60,
            }
            for name, plan in plans.items()
        ]
    )
