"""The orders simulator: its log, its calibration, what makes it hard, and its truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from problems.contract import Simulated
from problems.orders.simulate import SimulateSettings, simulate
from problems.orders.simulate.calendar import CALENDARS, WorkCalendar, make_calendar
from problems.orders.simulate.flow import Flow, make_flow
from problems.orders.simulate.process import ACTIVITIES, EDGES, NUMBER
from problems.orders.simulate.truth import make_truth
from tests.code.order_waits import (
    ENDS,
    SETTINGS,
    between,
    firsts,
    hours,
    mae,
    outcomes,
    per_order,
    waits,
)


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return make_calendar(SETTINGS)


@pytest.fixture(scope="module")
def flow(calendar: WorkCalendar) -> Flow:
    return make_flow(SETTINGS, calendar, "world", calendar.end_hours)


@pytest.fixture(scope="module")
def events(simulated: Simulated) -> pd.DataFrame:
    return waits(simulated.raw["events.parquet"])


@pytest.fixture(scope="module")
def orders(events: pd.DataFrame) -> pd.DataFrame:
    return per_order(events)


@pytest.fixture(scope="module")
def judged(simulated: Simulated, events: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    return outcomes(SETTINGS, simulated, events, orders)


# The log


def test_the_log_has_its_columns_and_types(simulated: Simulated) -> None:
    time, text = "datetime64[us, UTC]", "str"
    log = {
        "case_id": text, "activity": text, "timestamp": time, "resource": text,
        "customer_id": text, "customer_segment": text, "region": text, "product_group": text,
        "supplier_id": text, "n_items": "int64", "order_value": "float64", "promised_at": time,
    }  # fmt: skip
    assert simulated.raw["events.parquet"].dtypes.astype(str).to_dict() == log
    truth = {
        "order_id": text, "snapshot_at": time,
        "remaining_hours_median": "float64", "stuck_probability": "float64",
    }  # fmt: skip
    assert simulated.truth.dtypes.astype(str).to_dict() == truth


def test_the_log_is_sorted_and_ends_on_its_day(simulated: Simulated) -> None:
    log = simulated.raw["events.parquet"]
    again = log.sort_values(["timestamp", "case_id"], kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(log, again)
    local = log["timestamp"].dt.tz_convert(SETTINGS.time_zone)
    assert local.min() >= pd.Timestamp("2024-04-01", tz=SETTINGS.time_zone)
    assert local.max() < pd.Timestamp("2025-10-01", tz=SETTINGS.time_zone)
    assert local.max() > pd.Timestamp("2025-09-30 20:00", tz=SETTINGS.time_zone)
    assert log.drop(columns="resource").notna().all(axis=None)
    assert 0.1 < log["resource"].isna().mean() < 0.5


def test_orders_begin_placed_and_go_allowed_ways(events: pd.DataFrame) -> None:
    assert events["case_id"].nunique() == SETTINGS.orders
    assert set(events["activity"]) == set(ACTIVITIES)
    assert (events.groupby("case_id")["activity"].first() == "placed").all()
    allowed = {(edge.source, edge.target) for edge in EDGES}
    pairs = events.dropna(subset="next")[["activity", "next"]].drop_duplicates()
    assert set(pairs.itertuples(index=False, name=None)) == allowed
    assert events.loc[events["activity"].isin(ENDS), "next"].isna().all()
    assert events["wait"].min() > 0  # no two events of a case at one instant


def test_attributes_are_those_of_the_case(events: pd.DataFrame) -> None:
    attributes = list(events.loc[:, "customer_id":"promised_at"])
    assert (events.groupby("case_id")[attributes].nunique() == 1).all(axis=None)
    assert (events["promised_at"] > events.groupby("case_id")["timestamp"].transform("min")).all()
    by_customer = events.groupby("customer_id")[["customer_segment", "region"]].nunique()
    assert (by_customer == 1).all(axis=None)


def test_any_order_may_be_open_and_few_are_withdrawn(orders: pd.DataFrame) -> None:
    is_open = ~orders["last"].isin(ENDS)
    assert 0.01 < is_open.mean() < 0.04
    assert is_open[orders["settled"]].mean() < 0.002
    assert 0.01 < (orders["last"] == "cancelled").mean() < 0.04


# Calibration


def test_delivery_takes_as_long_as_at_olist(events: pd.DataFrame, orders: pd.DataFrame) -> None:
    delivered = events[events["activity"] == "delivered"].set_index("case_id")["timestamp"]
    days = (hours(delivered - orders["start"]) / 24)[orders["settled"]].dropna()
    assert days.median() == pytest.approx(10.2, abs=1.2)
    assert days.quantile(0.9) == pytest.approx(23.5, abs=3.0)
    assert 0.5 < np.log(days).std() < 0.72


def test_promises_are_late_for_few_and_too_early_for_hardly_any_region(
    orders: pd.DataFrame,
) -> None:
    closed = orders[orders["settled"] & (orders["last"] == "closed")]
    late = closed["end"] > closed["promised_at"]
    assert late.mean() == pytest.approx(0.08, abs=0.02)
    assert late.groupby(closed["region"]).mean().between(0.01, 0.2).all()
    promised = hours(closed["promised_at"] - closed["start"]) / 24
    taken = hours(closed["end"] - closed["start"]) / 24
    assert 19 < promised.median() < 26
    assert (promised > 1.5 * taken).mean() > 0.5


@pytest.mark.parametrize(
    ("activity", "least", "most"),
    [
        ("customer_asked", 0.10, 0.20),
        ("supplier_out_of_stock", 0.06, 0.14),
        ("delivery_failed", 0.05, 0.12),
    ],
)
def test_shares_of_orders_that_leave_the_straight_way(
    events: pd.DataFrame, activity: str, least: float, most: float
) -> None:
    assert least < events.groupby("case_id")["activity"].agg(lambda a: activity in set(a)).mean()
    assert events.loc[events["activity"] == activity, "case_id"].nunique() < most * SETTINGS.orders


def test_steps_are_repeated(events: pd.DataFrame) -> None:
    again = events.duplicated(["case_id", "activity"])
    repeats = {*events.loc[again, "activity"]}
    assert repeats >= {"customer_asked", "validated", "credit_check", "picked", "dispatched"}
    assert 0.12 < again.groupby(events["case_id"]).any().mean() < 0.25


# What makes it hard


def test_work_waits_over_the_weekend(events: pd.DataFrame, flow: Flow) -> None:
    work = events[events["activity"].isin(["credit_check", "picked", "dispatched"])]
    share = work["local"].dt.day_of_week.value_counts(normalize=True)
    assert share[6] < 0.04 < share[5] < 0.12
    assert share[0] > 1.05 * share[3]  # Mondays clear the backlog
    slot = np.arange(flow.log_load.shape[1])
    weekday = slot // 6 % 7  # within an hour of the local day
    queue = flow.log_load[NUMBER["validated"]]
    morning = slot % 6 == 1
    assert queue[morning & (weekday == 0)].mean() > queue[morning & (weekday == 3)].mean() + 0.2


def test_nights_are_quiet(events: pd.DataFrame) -> None:
    picked = events.loc[events["activity"] == "picked", "local"].dt.hour
    assert ((picked >= 22) | (picked < 6)).mean() < 0.06
    placed = events.loc[events["activity"] == "placed", "local"].dt.hour
    assert (placed >= 18).mean() > 0.2  # customers order in the evening


def test_the_season_brings_orders_queues_and_delays(
    events: pd.DataFrame, orders: pd.DataFrame
) -> None:
    a_day = orders.groupby(orders["start"].dt.strftime("%Y-%m")).size()
    usual = a_day.loc["2024-08":"2024-10"].mean()
    assert a_day["2024-11"] > 1.2 * usual
    assert a_day["2024-12"] > 1.2 * usual
    transit = events[events["activity"] == "dispatched"].groupby(events["local"].dt.month)["wait"]
    assert transit.median()[12] > 1.2 * transit.median()[[3, 4, 5]].mean()
    late = (orders["end"] > orders["promised_at"]) & orders["settled"]
    season = orders["start"].dt.strftime("%Y-%m").isin(["2024-11", "2024-12"])
    assert late[season].mean() > 1.5 * late[~season].mean()


def test_longer_queues_make_longer_waits(events: pd.DataFrame, flow: Flow) -> None:
    """Beyond what season and weekday explain: within a month, by weekday."""
    rows = flow.activity == NUMBER["validated"]
    wait = np.append(np.diff(flow.at), 1.0)[rows].clip(0.01)
    slot = (flow.at[rows] / 4).astype(int)
    frame = pd.DataFrame({"wait": np.log(wait), "load": flow.log_load[NUMBER["validated"]][slot]})
    frame["group"] = slot // 180 * 100 + slot % 42
    frame = frame[flow.order[rows] < 0.9 * SETTINGS.orders]
    within = frame[["wait", "load"]] - frame.groupby("group")[["wait", "load"]].transform("mean")
    slope = (within["wait"] * within["load"]).sum() / (within["load"] ** 2).sum()
    assert slope > 0.2


def test_month_14_changes_credit_checks_and_picking(events: pd.DataFrame) -> None:
    change = pd.Timestamp("2025-05-01", tz=SETTINGS.time_zone)
    span = pd.Timedelta("100D")
    near = events[(events["timestamp"] > change - span) & (events["timestamp"] < change + span)]
    after = (near["timestamp"] > change).rename("after")
    checked = near["next"] == "credit_check"
    check = near[checked].groupby(["customer_segment", after])["wait"].mean().unstack()
    slower = check[True] / check[False]
    assert slower["small_business"] > 1.35
    assert slower[["private", "enterprise"]].between(0.9, 1.25).all()  # they share the queue
    moved = near["region"].isin(["inland", "coast", "north"])
    pick = near[near["next"] == "picked"].groupby([moved, after])["wait"].mean().unstack()
    assert pick[True][True] > 1.3 * pick[False][True]
    assert pick[True][False] == pytest.approx(pick[False][False], rel=0.15)
    place = near[near["activity"] == "picked"].groupby([moved, after])["resource"].agg(set)
    assert place[True, False] == {"warehouse_2"}
    assert place[True, True] == {"warehouse_1"}


def test_suppliers_are_short_of_goods_in_spells(events: pd.DataFrame) -> None:
    tried = events[(events["activity"] == "credit_check") & events["next"].notna()]
    short = (tried["next"] == "supplier_out_of_stock").astype(float)
    week = tried["timestamp"].dt.strftime("%Y-%j").str[:7]
    by = [tried["supplier_id"], week]
    rate, rows = short.groupby(by).mean(), short.groupby(by).size()
    rate = rate[rows >= 4]
    assert (rate > 0.3).mean() > 0.05
    assert (rate == 0).mean() > 0.4


@pytest.mark.parametrize(
    ("who", "after", "sd", "least"),
    [
        ("customer_id", "customer_asked", "customer_log_sd", 0.08),
        ("supplier_id", "supplier_out_of_stock", "supplier_log_sd", 0.15),
        ("customer_id", "dispatched", "customer_log_sd", 0.02),
    ],
)
def test_customers_and_suppliers_keep_their_habits(
    events: pd.DataFrame, who: str, after: str, sd: str, least: float
) -> None:
    """Waits of one party are alike: the variance between parties beyond that of chance."""
    alike = between(events, who, after)
    none = waits(simulate(SimulateSettings(futures=0, **{sd: 0.0})).raw["events.parquet"])
    assert alike > least
    assert abs(between(none, who, after)) < least / 2


# The truth


def test_the_truth_has_each_snapshot_once(simulated: Simulated) -> None:
    log, truth = simulated.raw["events.parquet"], simulated.truth
    before_end = log[~log["activity"].isin(ENDS)]
    assert len(truth) == len(before_end)
    both = before_end.merge(
        truth, left_on=["case_id", "timestamp"], right_on=["order_id", "snapshot_at"]
    )
    assert len(both) == len(truth)
    assert (truth["remaining_hours_median"] > 0).all()
    assert truth["stuck_probability"].between(0, 1, inclusive="neither").all()


def test_half_of_the_outcomes_are_below_the_median(judged: pd.DataFrame) -> None:
    rows = judged[judged["remaining"].notna()]
    below = rows["remaining"] < rows["remaining_hours_median"]
    assert below.mean() == pytest.approx(0.5, abs=0.015)
    first = firsts(rows)
    of = below[first.index].groupby(first["activity"])
    z = (of.mean() - 0.5) / (0.5 / np.sqrt(of.size()))
    assert len(z) == len(ACTIVITIES) - 2
    assert z.abs().max() < 4.0
    for by in ("region", "customer_segment", "product_group"):
        assert below.groupby(rows[by]).mean().between(0.46, 0.54).all(), by
    tenth = pd.qcut(rows["remaining_hours_median"], 10)
    assert below.groupby(tenth).mean().between(0.47, 0.53).all()


def test_no_other_median_is_better(judged: pd.DataFrame) -> None:
    rows = judged[judged["remaining"].notna()]
    actual, median = rows["remaining"], rows["remaining_hours_median"]
    best = mae(actual, median)
    for factor in (0.95, 1.05):
        assert mae(actual, factor * median) > best
    by_step = actual.groupby(rows["activity"]).transform("median")
    for shrunk in (0.05, 0.2, 1.0):
        assert mae(actual, (1 - shrunk) * median + shrunk * by_step) > best
        assert mae(actual, (1 - shrunk) * median + shrunk * actual.median()) > best
    wobbly = median * np.exp(np.random.default_rng(1).normal(0, 0.1, len(rows)))
    assert mae(actual, wobbly) > best


def test_the_probability_of_stuck_is_what_comes(judged: pd.DataFrame) -> None:
    rows = judged[judged["stuck"].notna()]
    error = rows["stuck"] - rows["stuck_probability"]
    assert abs(error.mean()) < 0.012
    first = firsts(rows)
    tenth = pd.qcut(first["stuck_probability"], 10)
    for by in (first["activity"], tenth, first["region"], first["customer_segment"]):
        of = first["stuck_probability"].groupby(by)
        chance = np.sqrt((of.mean() * (1 - of.mean())) / of.size())
        assert (error.groupby(by).mean().abs() < 4 * chance + 0.01).all()
    scored = (error**2).mean()
    base = rows["stuck"].groupby(rows["activity"]).transform("mean")
    for weight in (-0.15, 0.15, 1.0):
        other = (1 - weight) * rows["stuck_probability"] + weight * base
        assert ((rows["stuck"] - other) ** 2).mean() > scored
    assert 0.1 < rows["stuck"].mean() < 0.4


def test_the_noise_is_not_small_and_the_rules_are_far_off(judged: pd.DataFrame) -> None:
    rows = judged[judged["remaining"].notna()]
    actual = rows["remaining"]
    oracle = mae(actual, rows["remaining_hours_median"])
    by_step = actual.groupby(rows["activity"]).transform("median")
    assert oracle > 0.3 * mae(actual, actual.median())
    assert mae(actual, by_step) > 1.25 * oracle
    assert mae(actual, hours(rows["promised_at"] - rows["timestamp"])) > 2 * oracle


def test_the_truth_does_not_see_the_future(calendar: WorkCalendar, flow: Flow) -> None:
    """Everything after an hour is deleted; what was known before it is as it was."""
    settings = SETTINGS.model_copy(update={"futures": 8})
    until = 24.0 * 480  # later than the waits from which the usual ones come
    past = flow.at < until
    day, slot = int(until / 24), int(until / 4)
    cut = replace(
        flow.until(until),
        log_load=flow.log_load[:, :slot],
        orders=replace(flow.orders, short=np.where(np.arange(calendar.hours // 24 + 1) < day,
                                                   flow.orders.short, np.nan)),
    )  # fmt: skip
    event, median, stuck = make_truth(settings, calendar, flow)
    known = past[event]
    usual = np.ceil(settings.usual_share * flow.placed)  # the same orders say what is usual
    then = settings.model_copy(update={"usual_share": (usual - 0.5) / cut.placed})
    seen, median_then, stuck_then = make_truth(then, calendar, cut)
    assert len(seen) == known.sum() > 80_000
    np.testing.assert_array_equal(median_then, median[known])
    np.testing.assert_array_equal(stuck_then, stuck[known])


# The calendar


def test_work_is_done_in_working_hours(calendar: WorkCalendar) -> None:
    friday = calendar.local.get_loc(pd.Timestamp("2024-04-12 16:00", tz=SETTINGS.time_zone))
    begin = np.full(len(CALENDARS), float(friday))
    done = calendar.finish(np.arange(len(CALENDARS)), begin, np.full(len(CALENDARS), 6.0))
    ends = dict(
        zip(CALENDARS, calendar.timestamps(done).tz_convert(SETTINGS.time_zone), strict=True)
    )
    assert ends["always"] == pd.Timestamp("2024-04-12 22:00", tz=SETTINGS.time_zone)
    assert ends["office"].strftime("%a %H") in ("Mon 09", "Mon 10")
    assert ends["warehouse"].strftime("%a %H:%M") < "Sat 06:30"
    begin = np.sort(np.random.default_rng(1).uniform(0, 10_000, 500))
    for number in range(len(CALENDARS)):
        done = calendar.finish(np.full(500, number), begin, np.full(500, 2.0))
        assert (done > begin).all()
        assert (np.diff(done) > -0.2).all()  # who comes first is done first


def test_holidays_are_off(events: pd.DataFrame) -> None:
    day = events["local"].dt.strftime("%m-%d")
    picked = (events["activity"] == "picked").groupby(events["local"].dt.date).sum()
    christmas = picked[[date for date in picked.index if date.strftime("%m-%d") == "12-25"]]
    assert christmas.max() < 0.35 * picked.median()
    assert (day == "12-25").any()
