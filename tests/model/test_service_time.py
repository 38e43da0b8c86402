"""How the service time model behaves in a small simulated world whose truth is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from problems import parts
from problems.predict import predict
from problems.service_time import rules
from problems.service_time.evaluation import EvaluateSettings
from problems.service_time.evaluation.routes import service_levels
from problems.service_time.problem import PROBLEMS
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from retrace.past.splits import SplitParams, split
from stages.simulate import write_raw
from tests.model import fitting

PROBLEM = PROBLEMS["service_time"]
PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["service_time"]
STOPS = 8000


@dataclass(frozen=True)
class Trained:
    """A fitted model read back from disk; all clean stops, and the scored ones of the test window.

    Scored stops have outcome, prediction and interval, and the plans of rule, naive and oracle.
    """

    bundle: Bundle
    rows: pd.DataFrame
    scored: pd.DataFrame


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("service_time")
    simulator = parts.simulator("service_time")
    settings = simulator.settings(**{**PARAMS["simulate"], "stops": STOPS})
    simulated = simulator.simulate(settings)
    for name, frame in simulated.raw.items():
        write_raw(frame, folder / "raw" / name)
    ingest = parts.reader("service_time")
    rows = ingest.ingest(folder / "raw", ingest.settings(**PARAMS["ingest"])).clean
    windows = split(rows, SplitParams(**PARAMS["split"]), PROBLEM.group, PROBLEM.time)
    fitting.fit(PROBLEM, rows, windows)[0].save(folder / "bundle")
    bundle = Bundle.load(folder / "bundle")
    train, test = rows[windows == "train"], rows[windows == "test"]
    baselines = EvaluateSettings(**PARAMS["evaluate"])
    scored = test.assign(
        outcome=test[PROBLEM.target],
        **predict(PROBLEM, bundle, test, past=rows),
        rule=rules.rule(PROBLEM, train, test, baselines),
        naive=rules.naive(PROBLEM, train, test, baselines),
        oracle=rules.oracle(PROBLEM, test, simulated.truth),
    )
    return Trained(bundle, rows, scored)


def planned(world: Trained, **changes: object) -> pd.Series:
    """Predict the test window's stops with some columns changed, in seconds."""
    stops = world.scored[world.rows.columns].drop(columns=PROBLEM.target).assign(**changes)
    return predict(PROBLEM, world.bundle, stops, past=world.rows)["prediction"]


def test_it_beats_rule_and_naive_and_comes_near_the_oracle(world: Trained) -> None:
    mae = {
        plan: metrics.mae(world.scored["outcome"], world.scored[plan])
        for plan in ("prediction", "rule", "naive", "oracle")
    }
    assert mae["prediction"] < mae["rule"] - 20
    assert mae["prediction"] < 0.9 * mae["naive"]
    assert mae["oracle"] < mae["prediction"] < 1.12 * mae["oracle"]


def test_intervals_cover_and_contain_the_point(world: Trained) -> None:
    scored = world.scored
    assert (scored["lower"] <= scored["prediction"]).all()
    assert (scored["prediction"] <= scored["upper"]).all()
    covered = metrics.coverage(scored["outcome"], scored["lower"], scored["upper"])
    assert 0.85 < covered < 0.95


def test_plans_are_on_time_as_often_as_they_say(world: Trained) -> None:
    """Of stops about 50, 80 and 90 %; routes planned longer are on time more often."""
    levels = service_levels(world.scored).set_index("planned_with").loc[["p50", "p80", "p90"]]
    assert levels["stops_on_time"].tolist() == pytest.approx([0.5, 0.8, 0.9], abs=0.07)
    assert levels["routes_on_time"].is_monotonic_increasing
    assert levels.loc["p80", "routes_on_time"] > levels.loc["p50", "routes_on_time"] + 0.2


@pytest.mark.parametrize(
    ("more", "at_least"),
    [
        ({"boxes": 4}, 30),
        ({"weight_kg": 20.0}, 20),
        ({"items": 20}, 3),
    ],
)
def test_more_to_carry_does_not_mean_less_time(world: Trained, more: dict, at_least: float) -> None:
    changes = {name: world.scored[name] + step for name, step in more.items()}
    longer = planned(world, **changes) - world.scored["prediction"]
    assert longer.mean() > at_least
    assert (longer > -15).mean() > 0.95


def test_a_higher_floor_without_lift_takes_longer(world: Trained) -> None:
    blocks = world.scored["dwelling"] == "block"
    by_floor = [
        planned(world, floor=np.int16(floor), has_lift=False)[blocks].mean()
        for floor in (0, 1, 2, 4)
    ]
    assert np.diff(by_floor).min() > 5
    lift = planned(world, floor=np.int16(4), has_lift=True)[blocks].mean()
    assert lift < by_floor[-1] - 50


def test_stairs_cost_more_with_more_boxes(world: Trained) -> None:
    def climb(boxes: int) -> float:
        load = {"boxes": np.int32(boxes), "weight_kg": 7.0 * boxes, "has_lift": False}
        up, down = (planned(world, floor=np.int16(floor), **load) for floor in (4, 0))
        return float((up - down).mean())

    assert climb(8) > 1.5 * climb(2)


def test_slow_customers_are_planned_longer_next_time(world: Trained) -> None:
    past = world.rows.copy()
    slow = past["customer_id"].str[-1].isin([*"01234"])
    past.loc[slow, "service_seconds"] *= 1.4
    stops = world.scored[world.rows.columns]
    longer = predict(PROBLEM, world.bundle, stops, past=past)["prediction"]
    longer = np.log(longer / world.scored["prediction"])
    assert longer[slow].mean() > longer[~slow].mean() + 0.1


@pytest.mark.parametrize("column", ["customer_id", "driver_id", "area_id", "region", "dwelling"])
def test_whoever_is_unknown_gets_a_sensible_time(world: Trained, column: str) -> None:
    times = planned(world, **{column: "never heard of"})
    assert np.isfinite(times).all()
    assert times.between(60, 3600).all()
    assert times.mean() == pytest.approx(world.scored["prediction"].mean(), rel=0.2)


def test_nothing_known_of_anyone_or_of_the_weather_still_gives_a_time(world: Trained) -> None:
    stops = world.scored[world.rows.columns].assign(
        rain_mm=np.nan, snow_cm=np.nan, temperature_c=np.nan
    )
    nothing = predict(PROBLEM, world.bundle, stops, past=world.rows[:0])["prediction"]
    assert nothing.between(60, 3600).all()
    assert nothing.mean() == pytest.approx(world.scored["outcome"].mean(), rel=0.25)


def test_a_route_is_planned_the_same_alone_and_among_others(world: Trained) -> None:
    routes = world.scored["route_id"].unique()[:3]
    alone = pd.concat(
        [
            predict(PROBLEM, world.bundle, stops[world.rows.columns], past=world.rows)
            for _, stops in world.scored[world.scored["route_id"].isin(routes)].groupby("route_id")
        ]
    )
    together = world.scored.loc[alone.index, alone.columns]
    pd.testing.assert_frame_equal(alone, together, rtol=1e-9)


def test_outcomes_are_not_needed_and_not_used(world: Trained) -> None:
    last = world.scored["route_id"] == world.scored["route_id"].iloc[-1]
    stops = world.scored.loc[last, world.rows.columns]
    without = stops.drop(
        columns=["service_seconds", "arrived_at", "departed_at", "grade", "source"]
    )
    past = world.rows[~world.rows["route_id"].isin(stops["route_id"])]
    pd.testing.assert_frame_equal(
        predict(PROBLEM, world.bundle, without, past=past),
        predict(PROBLEM, world.bundle, stops, past=world.rows),
    )
