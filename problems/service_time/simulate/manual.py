"""The pilot's manual log: for some weeks drivers noted when each stop began and ended."""

import numpy as np
import pandas as pd

from problems.service_time.simulate.days import Days, timestamps
from problems.service_time.simulate.routes import RouteStops
from problems.service_time.simulate.settings import Floats, SimulateSettings, stream

PILOT_FIRST_DAY = 42  # six weeks after the start; assumed
NOTED = 0.9  # of stops; assumed
NOTE_SD = 8.0  # seconds between what happens and a look at the watch; assumed
TO_THE_MINUTE = 0.35  # of notes; others are to 5 seconds, from a stop-watch; assumed
FORGOTTEN, FORGOTTEN_SECONDS = 0.02, 180.0  # ends that were noted so much later; assumed


def manual_table(
    settings: SimulateSettings,
    days: Days,
    stops: RouteStops,
    started: Floats,
    ended: Floats,
    ids: pd.Index,
) -> pd.DataFrame:
    """Return the raw manual log, in order of stops."""
    rng = stream(settings, "manual")
    first = min(PILOT_FIRST_DAY, max(0, days.count - 7 * settings.pilot_weeks))
    pilot = (stops.day >= first) & (stops.day < first + 7 * settings.pilot_weeks)
    row = np.flatnonzero(pilot & (rng.random(stops.count) < NOTED))
    n = len(row)
    grain = np.where(rng.random(n) < TO_THE_MINUTE, 60.0, 5.0)
    begin = np.round((started[row] + rng.normal(0, NOTE_SD, n)) / grain) * grain
    late = np.where(rng.random(n) < FORGOTTEN, rng.exponential(FORGOTTEN_SECONDS, n), 0.0)
    end = np.round((ended[row] + rng.normal(0, NOTE_SD, n) + late) / grain) * grain
    return pd.DataFrame(
        {
            "stop_id": ids.take(row),
            "started_at": timestamps(begin),
            "ended_at": timestamps(np.maximum(end, begin + grain)),
        }
    )
