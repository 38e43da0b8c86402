"""The orders simulator: its log, its calibration, what makes it hard, and its truth."""

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from problems.contract import Simulated
from problems.orders.simulate import SimulateSettings, simulate
from problems.orders.simulate.calendar import CALENDARS, WorkCalendar, make_calendar
from problems.orders.simulate.flow import Flow, make_flow
from problems.orders.simulate.process import ACTIVITIES, EDGES, NUMBER
from problems.orders.simulate.truth import make_truth, summarise
from retrace.base.files import write_table

SETTINGS = SimulateSettings(orders=16_000, futures=100)
ENDS = ("closed", "cancelled")


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


def hours(span: pd.Series) -> pd.Series:
    return span.dt.total_seconds() / 3600


def waits(log: pd.DataFrame) -> pd.DataFrame:
    """The log by case and time, with the hours until the next event of the case, and its name."""
    rows = log.sort_values(["case_id", "timestamp"], kind="stable", ignore_index=True)
    later = rows.groupby("case_id")[["timestamp", "activity"]].shift(-1)
    local = rows["timestamp"].dt.tz_convert(SETTINGS.time_zone)
    return rows.assign(
        wait=hours(later["timestamp"] - rows["timestamp"]), next=later["activity"], local=local
    )


def per_order(events: pd.DataFrame) -> pd.DataFrame:
    """One row an order, by its id: start, end, last activity, and `settled`: started so early that
    hardly any is still open for the log's end alone.
    """
    by = events.groupby("case_id")
    table = by.first().drop(columns=["activity", "wait", "next", "resource"])
    table = table.rename(columns={"timestamp": "start"})
    table["end"], table["last"] = by["timestamp"].last(), by["activity"].last()
    table["settled"] = table["start"] < table["start"].max() - pd.Timedelta("75D")
    return table


def outcomes(
    settings: SimulateSettings, simulated: Simulated, events: pd.DataFrame, orders: pd.DataFrame
) -> pd.DataFrame:
    """The truth of settled orders beside what came: `remaining` (NaN if never) and `stuck`.

    Stuck by its definition, order by order: some wait from the snapshot on longer than the usual
    P95 after its activity, or completion later than `sla_days` after the start; NaN where the order
    was withdrawn or is open, and no limit was passed.
    """
    usual = orders.index[: int(np.ceil(settings.usual_share * len(orders)))]
    limit = events[events["case_id"].isin(usual)].groupby("activity")["wait"].quantile(0.95)
    rows = events.join(orders[["start", "end", "last", "settled"]], on="case_id")
    rows = rows[rows["settled"] & ~rows["activity"].isin(ENDS)].iloc[::-1]
    over = rows["wait"] > rows["activity"].map(limit)
    over = over.groupby(rows["case_id"]).cummax()
    over |= hours(rows["end"] - rows["start"]) > 24 * settings.sla_days
    closed = rows["last"] == "closed"
    rows["remaining"] = hours(rows["end"] - rows["timestamp"]).where(closed)
    rows["stuck"] = over.astype(float).where(closed | over)
    return rows.iloc[::-1].merge(
        simulated.truth.rename(columns={"order_id": "case_id", "snapshot_at": "timestamp"}),
        on=["case_id", "timestamp"],
        validate="1:1",
    )


def mae(actual: pd.Series, predicted: pd.Series | float) -> float:
    return float((actual - predicted).abs().mean())


def firsts(rows: pd.DataFrame) -> pd.DataFrame:
    """One snapshot an order and activity: nearly independent rows within an activity."""
    return rows.drop_duplicates(["case_id", "activity"])


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


def test_no_season_on_request() -> None:
    flat = simulate(SimulateSettings(orders=6000, season_peak=0.0, futures=0)).raw["events.parquet"]
    placed = flat[flat["activity"] == "placed"]["timestamp"].dt.strftime("%Y-%m").value_counts()
    assert placed[["2024-11", "2024-12"]].mean() < 1.15 * placed.loc["2024-08":"2024-10"].mean()


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


def test_no_change_beyond_the_months() -> None:
    """Up to the change both worlds are one; without it the other warehouse goes on."""
    settings = SimulateSettings(orders=3000, futures=0)
    changed, same = (
        simulate(settings.model_copy(update={"change_month": month})).raw["events.parquet"]
        for month in (14, 99)
    )
    before = pd.Timestamp("2025-05-01", tz=SETTINGS.time_zone)
    pd.testing.assert_frame_equal(
        changed[changed["timestamp"] < before], same[same["timestamp"] < before]
    )
    assert not changed.equals(same)
    north = same[(same["region"] == "north") & (same["activity"] == "picked")]
    assert set(north["resource"]) == {"warehouse_2"}


def test_the_change_of_the_process_is_told() -> None:
    settings = SimulateSettings(orders=300, months=5, futures=0, change_month=3)
    change = simulate(settings).changes[0]
    assert (change.at, change.kind) == ("2024-06-01", "sudden")
    assert simulate(settings.model_copy(update={"change_month": 6})).changes == ()


def test_a_month_of_slow_carriers_is_told_and_leaves_the_rest_alone() -> None:
    settings = SimulateSettings(orders=3000, months=8, futures=0, change_month=99, season_peak=0.0)
    usual = simulate(settings)
    slow = simulate(settings.model_copy(update={"slow_carrier_month": 4}))
    assert usual.changes == ()
    (change,) = slow.changes or ()
    assert (change.at, change.until, change.kind) == ("2024-07-01", "2024-08-01", "seasonal")
    before = pd.Timestamp("2024-07-01", tz=SETTINGS.time_zone)
    logs = [one.raw["events.parquet"] for one in (usual, slow)]
    pd.testing.assert_frame_equal(*(log[log["timestamp"] < before] for log in logs))
    transit = []
    for log in logs:
        found = waits(log)
        begun = found["timestamp"].between(before, before + pd.DateOffset(months=1))
        on_the_way = found[begun & (found["activity"] == "dispatched")]
        transit.append(on_the_way["wait"].median())
    assert 1.35 < transit[1] / transit[0] < 1.75


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


def between(events: pd.DataFrame, who: str, after: str) -> float:
    """Correlation of two waits of one party, without what a region or product has in common."""
    rows = events[(events["activity"] == after) & events["wait"].notna()]
    log = np.log(rows["wait"])
    common = (
        [rows["region"], rows["product_group"]] if after != "customer_asked" else [rows["next"]]
    )
    for by in common:
        log = log - log.groupby(by).transform("mean")
    size = log.groupby(rows[who]).transform("size")
    others = (log.groupby(rows[who]).transform("sum") - log) / (size - 1)
    return float((log * others)[size > 1].mean() / log.var())


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


def test_more_noise_makes_the_oracle_worse() -> None:
    errors = []
    for noise in (0.2, 0.4, 0.6):
        settings = SimulateSettings(orders=3000, futures=40, noise_log_sd=noise)
        made = simulate(settings)
        events = waits(made.raw["events.parquet"])
        rows = outcomes(settings, made, events, per_order(events)).dropna(subset="remaining")
        errors.append(mae(rows["remaining"], rows["remaining_hours_median"]))
    assert errors[0] < 0.8 * errors[1] < 0.8 * 0.9 * errors[2]


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


def test_withdrawn_futures_say_nothing() -> None:
    inf = np.inf
    left = np.array([[3.0, inf, 1.0, 2.0], [inf, 4.0, inf, 6.0]])
    stuck = np.array([[True, False, False, False], [True, False, False, False]])
    median, probability = summarise(left, stuck)
    np.testing.assert_allclose(median, [2.0, 5.0])
    np.testing.assert_allclose(probability, [1.25 / 3.5, 1.25 / 3.5])


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


# SimulateSettings


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (
        simulate(SimulateSettings(orders=800, seed=s, futures=20)) for s in (3, 3, 4)
    )
    for name, made in (("one", one), ("two", two)):
        write_table(made.raw["events.parquet"], tmp_path / f"{name}.parquet")
        write_table(made.truth, tmp_path / f"{name}_truth.parquet")
    for suffix in ("", "_truth"):
        a, b = ((tmp_path / f"{name}{suffix}.parquet").read_bytes() for name in ("one", "two"))
        assert a == b
    assert not one.raw["events.parquet"].equals(other.raw["events.parquet"])


def test_the_number_of_futures_changes_the_truth_alone() -> None:
    few, many, none = (simulate(SimulateSettings(orders=1000, futures=f)) for f in (60, 240, 0))
    for made in (many, none):
        pd.testing.assert_frame_equal(few.raw["events.parquet"], made.raw["events.parquet"])
    assert len(none.truth) == 0
    assert list(none.truth) == list(few.truth)
    for column in ("remaining_hours_median", "stuck_probability"):
        assert few.truth[column].corr(many.truth[column]) > 0.98


@pytest.mark.parametrize("orders", [1, 2, 7, 100])
@pytest.mark.parametrize("months", [1, 18])
def test_any_number_of_orders(orders: int, months: int) -> None:
    made = simulate(SimulateSettings(orders=orders, months=months, futures=20))
    assert made.raw["events.parquet"]["case_id"].nunique() == orders
    assert np.isfinite(made.truth["remaining_hours_median"]).all()


def test_time_and_memory_grow_linearly() -> None:
    seconds, peaks = [], []
    for orders in (10_000, 40_000):
        began = time.process_time()
        simulate(SimulateSettings(orders=orders, futures=0))
        seconds.append(time.process_time() - began)
    for orders in (2_500, 10_000):
        tracemalloc.start()
        simulate(SimulateSettings(orders=orders, futures=0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert seconds[1] < 6 * seconds[0]
    assert peaks[1] < 5 * peaks[0]


def test_parties_scale_with_orders() -> None:
    small, large = (
        simulate(SimulateSettings(orders=n, futures=0)).raw["events.parquet"]
        for n in (3000, 12_000)
    )
    for column in ("customer_id", "supplier_id"):
        assert 2 < large[column].nunique() / small[column].nunique() < 6


def test_without_rework_all_orders_go_straight() -> None:
    log = simulate(SimulateSettings(orders=500, rework=0.0, futures=0)).raw["events.parquet"]
    straight = ["placed", "validated", "credit_check", "picked", "dispatched", "delivered"]
    assert set(log["activity"]) == {*straight, "closed"}


@pytest.mark.parametrize(
    "wrong",
    [{"orders": 0}, {"months": 0}, {"noise_log_sd": 0.0}, {"load_power": 1.0}, {"order": 10},
     {"seed": -1}, {"usual_share": 0.0}, {"time_zone": "Mars/Crater"}],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SimulateSettings.model_validate(wrong)


def test_a_company_grows_in_orders_customers_and_staff() -> None:
    made = simulate(
        SimulateSettings(orders=2000, futures=0, growth=4.0, months=12, season_peak=0.0)
    )
    events = made.raw["events.parquet"]
    cases = events.groupby("case_id").agg(
        start=("timestamp", "min"), end=("timestamp", "max"), customer=("customer_id", "first")
    )
    assert len(cases) == pytest.approx(2000, rel=0.02)
    third = pd.cut(cases["start"].astype("int64"), 3, labels=False)
    counts = third.value_counts().sort_index()
    assert counts[2] / counts[0] == pytest.approx(4 ** (2 / 3), rel=0.3)
    customers = cases.groupby(third)["customer"].nunique()
    assert customers[2] > 1.5 * customers[0]
    days = (cases["end"] - cases["start"]).groupby(third).median().dt.total_seconds() / 86_400
    assert days[1] == pytest.approx(days[0], rel=0.25)  # queues are no longer for the staff
