"""What the settings of the deliveries simulator change, and what they leave alone."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from problems.service_time.simulate import SimulateSettings, simulate
from problems.service_time.simulate.places import REGIONS
from tests.code.deliveries import SETTINGS, ZONE

# SimulateSettings


def test_the_same_settings_give_the_same_tables() -> None:
    one, two, other = (
        simulate(SimulateSettings(stops=1500, seed=seed, pings=True)) for seed in (3, 3, 4)
    )
    for file, frame in one.raw.items():
        pd.testing.assert_frame_equal(frame, two.raw[file])
    pd.testing.assert_frame_equal(one.truth, two.truth)
    assert not one.truth["service_seconds"].equals(other.truth["service_seconds"])


def test_pings_and_faults_change_nothing_else() -> None:
    plain = simulate(SimulateSettings(stops=1500))
    pings = simulate(SimulateSettings(stops=1500, pings=True))
    clean = simulate(SimulateSettings(stops=1500, event_faults=0.0))
    for file, frame in plain.raw.items():
        pd.testing.assert_frame_equal(frame, pings.raw[file])
    pd.testing.assert_frame_equal(plain.truth, clean.truth)
    events = clean.raw["geofence_events.parquet"]
    assert not events.duplicated().any()
    assert (events["event"] == "enter").sum() == (events["event"] == "exit").sum()


def test_the_number_of_stops_scales_customers_and_routes() -> None:
    small, large = (simulate(SimulateSettings(stops=stops)) for stops in (5_000, 20_000))
    for file, key, most in (("customers", "customer_id", 6), ("stops", "route_id", 6)):
        counts = [s.raw[f"{file}.parquet"][key].nunique() for s in (small, large)]
        assert 2.5 < counts[1] / counts[0] < most
    spans = [s.raw["stops.parquet"]["planned_at"].agg(["min", "max"]) for s in (small, large)]
    assert all(span["max"] - span["min"] > pd.Timedelta("690D") for span in spans)


@pytest.mark.parametrize("stops", [1, 2, 7, 15, 100, 999])
def test_any_number_of_stops(stops: int) -> None:
    simulated = simulate(SimulateSettings(stops=stops))
    assert len(simulated.raw["stops.parquet"]) == len(simulated.truth) == stops


def test_one_route() -> None:
    settings = SimulateSettings(stops=12, months=1, pings=True, pilot_weeks=0)
    simulated = simulate(settings)
    assert simulated.raw["stops.parquet"]["route_id"].nunique() == 1
    assert len(simulated.raw["geofence_events.parquet"]) >= 20
    assert len(simulated.raw["manual_log.parquet"]) == 0
    assert len(simulated.raw["gps_pings.parquet"]) > 300


def test_settings_change_what_they_name() -> None:
    late = simulate(SimulateSettings(stops=3000, start="2022-03-01", months=7, new_region_month=5))
    local = late.raw["stops.parquet"]["planned_arrival_at"].dt.tz_convert(ZONE)
    assert local.min() >= pd.Timestamp("2022-03-01", tz=ZONE)
    assert local.max() < pd.Timestamp("2022-10-01", tz=ZONE)
    never = simulate(SimulateSettings(stops=3000, new_region_month=99))
    assert set(never.raw["customers.parquet"]["region"]) == set(REGIONS[:-1])
    loud = simulate(SimulateSettings(stops=3000, noise_log_sd=0.4)).truth
    noise = np.log(loud["service_seconds"] / loud["median_seconds"])
    assert noise.std() == pytest.approx(0.4, rel=0.05)
    assert loud["service_seconds"].mean() == pytest.approx(420, rel=0.1)


@pytest.mark.parametrize(
    "wrong", [{"noise_log_sd": 0.2}, {"stops": 0}, {"months": 0}, {"stop": 10}, {"seed": -1}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SimulateSettings.model_validate(wrong)


def test_a_company_that_grows_had_fewer_customers_at_first() -> None:
    settings = SETTINGS.model_copy(update={"stops": 2000, "growth": 4.0, "christmas": 0.0})
    stops = simulate(settings).raw["stops.parquet"]
    usual = simulate(settings.model_copy(update={"growth": 1.0})).raw["stops.parquet"]
    assert len(stops) == len(usual) == 2000

    def share_of_first_third(rows: pd.DataFrame) -> float:
        at = rows["planned_at"]
        return float((at < at.min() + (at.max() - at.min()) / 3).mean())

    assert share_of_first_third(stops) < 0.8 * share_of_first_third(usual)
