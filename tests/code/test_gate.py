"""The gate's decision on predictions of the same rows."""

import numpy as np
import pandas as pd
import pytest

from retrace.judge.gate import Band, GateParams, decide

PARAMS = GateParams(
    min_gain=0.02, slice_min_rows=50, slice_max_worse=0.05, coverage=Band(least=0.85, most=0.95)
)
N = 1000


def rows(error: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    outcome = rng.normal(100, 10, N)
    noise = rng.normal(0, 1, N)
    return pd.DataFrame(
        {
            "outcome": outcome,
            "prediction": outcome + error * noise,
            "lower": outcome - np.where(np.arange(N) % 10, 1, -1),
            "upper": outcome + 2,
            "rule": outcome + 4 * noise,
            "noise": noise,
        }
    )


def verdict(challenger, champion, **more):
    more = {"task": "regression", "metric": "mae", "params": PARAMS, **more}
    return decide(challenger, champion, **more)


def test_a_first_champion_must_beat_the_rule():
    assert verdict(rows(), None).passed
    refused = verdict(rows(error=5.0), None)
    assert [reason.startswith("not better than the rule") for reason in refused.reasons] == [True]


def test_better_by_enough_and_beyond_chance():
    table = rows()
    champion = table["outcome"] + 1.2 * table["noise"]
    found = verdict(table, champion)
    assert found.passed
    assert found.gain == pytest.approx(1 - 1 / 1.2)
    little = verdict(table, table["outcome"] + 1.01 * table["noise"])
    assert "at least 2.00% are worth a change" in little.reasons[0]
    other = np.random.default_rng(2).normal(0, 1, N)
    same = verdict(table, table["outcome"] + other)
    assert "beyond chance" in same.reasons[0]
    assert verdict(table, table["outcome"] + 0.5 * table["noise"]).reasons[0].startswith("worse")


def test_a_slice_that_gets_worse_stops_a_better_mean():
    table = rows()
    part = pd.Series(np.where(np.arange(N) % 5, "most", "few"), index=table.index)
    champion = table["outcome"] + np.where(part == "few", 0.5, 2.0) * table["noise"]
    found = verdict(table, champion, labels=pd.DataFrame({"part": part}))
    assert found.champion is not None
    assert found.champion.lower > 0
    assert found.reasons == (
        "slice part few is 100.0% worse than the champion; at most 5.0% (200 rows)",
    )
    small = PARAMS.model_copy(update={"slice_min_rows": 201})
    assert verdict(table, champion, labels=pd.DataFrame({"part": part}), params=small).passed


def test_blocks_widen_the_interval():
    table = rows()
    day = pd.Series(np.arange(N) // 250, index=table.index)
    champion = table["outcome"] + np.where(day < 1, 2.0, 0.9) * table["noise"]
    assert verdict(table, champion).passed
    assert "beyond chance" in verdict(table, champion, blocks=day).reasons[0]


def test_coverage_and_calibration_stay_in_their_band():
    table = rows()
    assert verdict(table, None).band == pytest.approx(0.9)
    narrow = table.assign(upper=table["lower"])
    assert "coverage is 0; it must be 0.85 to 0.95" in verdict(narrow, None).reasons[0]

    rng = np.random.default_rng(3)
    p = rng.uniform(0.05, 0.6, N)
    binary = pd.DataFrame({"outcome": rng.random(N) < p, "prediction": p, "rule": 0.01})
    ask = {"task": "binary", "metric": "average_precision"}
    params = PARAMS.model_copy(update={"calibration": Band(least=0.8, most=1.25)})
    assert verdict(binary, None, **ask, params=params).passed
    halved = binary.assign(prediction=p / 2)
    assert "calibration is 0." in verdict(halved, None, **ask, params=params).reasons[-1]


def test_other_rows_are_a_bug():
    table = rows()
    with pytest.raises(ValueError, match="same rows"):
        verdict(table, table["outcome"].iloc[1:])
