"""GPS pings: where each phone says that its van is, every few seconds, near stops and in stays."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from problems.service_time.simulate.days import timestamps
from problems.service_time.simulate.geofence import Clocks, Flaps, Presence
from problems.service_time.simulate.places import to_degrees
from problems.service_time.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream
from problems.service_time.simulate.visits import PULL_METRES, Visits

PULL_SECONDS = 9.0  # to pull in or out; assumed
NEAR_METRES = 250.0  # phones save power between stops; assumed
BIAS_METRES, JITTER_METRES = 4.0, 3.5  # sd a stay, and of each fix, each way; assumed
FLAP_METRES = (62.0, 95.0)  # how far off a fix is in a flap: beyond the fence
LATE = 0.003  # pings that are received after later ones; assumed
CHUNK_VISITS = 30_000  # about two million pings at a time


@dataclass(frozen=True)
class _Moves:
    """Straight movements of vans between two times and places; shape (moves,)."""

    visit: Ints
    start: Floats
    end: Floats
    from_x: Floats
    from_y: Floats
    to_x: Floats
    to_y: Floats


def pings_table(
    settings: SimulateSettings,
    visits: Visits,
    presence: Presence,
    flaps: Flaps,
    clocks: Clocks,
    routes: pd.Index,
) -> pd.DataFrame:
    """Return the raw table of pings, nearly in order of time within a route."""
    rng = stream(settings, "pings")
    edges = np.flatnonzero(np.append(True, visits.last))
    cuts = np.unique(edges[np.searchsorted(edges, np.arange(0, visits.count, CHUNK_VISITS))])
    cuts = np.append(cuts[cuts < visits.count], visits.count)
    parts = [
        _chunk(settings, rng, visits, presence, flaps, int(a), int(b)) for a, b in pairwise(cuts)
    ]
    route, at, latitude, longitude, accuracy = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    del parts
    return pd.DataFrame(
        {
            "route_id": routes.take(route),
            "at": timestamps(np.round(clocks.reading(route, at), 1)),
            "latitude": latitude,
            "longitude": longitude,
            "accuracy_m": accuracy,
        }
    )


def _chunk(
    settings: SimulateSettings,
    rng: np.random.Generator,
    visits: Visits,
    presence: Presence,
    flaps: Flaps,
    begin: int,
    end: int,
) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Return route, true time, latitude, longitude and accuracy for the visits of whole routes."""
    moves = _moves(visits, np.arange(begin, end))
    every = settings.ping_seconds
    route = visits.route[moves.visit]
    phase = every * rng.random(int(route.max() - route.min()) + 1)[route - route.min()]
    lowest = np.ceil((moves.start - phase) / every)
    count = np.maximum(np.ceil((moves.end - phase) / every) - lowest, 0).astype(np.int64)
    row = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    at = phase[row] + (lowest[row] + nth) * every + rng.uniform(-every / 6, every / 6, len(row))
    span = np.maximum(moves.end - moves.start, 1e-9)[row]
    part = np.clip((at - moves.start[row]) / span, 0.0, 1.0)
    x = moves.from_x[row] + part * (moves.to_x - moves.from_x)[row]
    y = moves.from_y[row] + part * (moves.to_y - moves.from_y)[row]
    visit = moves.visit[row]
    kept = _near(visits, visit, x, y)
    visit, at, x, y = visit[kept], at[kept], x[kept], y[kept]
    bias = rng.normal(0, BIAS_METRES, (2, end - begin))[:, visit - begin]
    noise = rng.normal(0, JITTER_METRES, (2, len(at))) + bias
    flap = _in_flap(visits, presence, flaps, visit, at)
    angle, off = rng.uniform(0, 2 * np.pi, len(at)), rng.uniform(*FLAP_METRES, len(at))
    x = x + np.where(flap, off * np.cos(angle), noise[0])
    y = y + np.where(flap, off * np.sin(angle), noise[1])
    latitude, longitude = to_degrees(x, y)
    accuracy = np.where(flap, 38.0, 7.0) * np.exp(rng.normal(0, 0.35, len(at)))
    received = at + np.where(rng.random(len(at)) < LATE, rng.exponential(60.0, len(at)), 0.0)
    order = np.lexsort((received, visits.route[visit]))
    return (
        visits.route[visit[order]],
        at[order],
        latitude[order],
        longitude[order],
        np.round(accuracy[order], 1),
    )


def _moves(visits: Visits, v: Ints) -> _Moves:
    """Return how vans move: in, stand, out, and over each leg with its hold in the middle."""
    before = np.maximum(v - 1, 0)
    x, y, via_x, via_y = visits.x[v], visits.y[v], visits.via_x[v], visits.via_y[v]
    in_x, in_y = _toward(x, y, visits.via_x[before], visits.via_y[before], PULL_METRES)
    out_x, out_y = _toward(x, y, via_x, via_y, PULL_METRES)
    start, end = visits.start[v], visits.end[v]
    pull = np.minimum(PULL_SECONDS, (end - start) / 3)
    out_seconds = np.maximum(np.hypot(via_x - out_x, via_y - out_y), 7.5) / visits.speed[v]
    at_via = end + out_seconds
    on = ~visits.last[v]
    after = np.minimum(v + 1, visits.count - 1)
    to_x, to_y = _toward(visits.x[after], visits.y[after], via_x, via_y, PULL_METRES)
    go = at_via + visits.hold[v]
    arrive = visits.start[after]
    # The first approach of a route and the last departure are seen from NEAR_METRES on.
    first = np.append(True, visits.last[:-1])[v]
    far_x, far_y = _toward(x, y, visits.via_x[before], visits.via_y[before], NEAR_METRES)
    off_x, off_y = _toward(x, y, via_x, via_y, NEAR_METRES)
    near = (NEAR_METRES - PULL_METRES) / visits.speed[before]
    gone = (NEAR_METRES - PULL_METRES) / visits.speed[v]
    pieces = [
        (v[first], (start - near)[first], start[first], far_x[first], far_y[first],
         in_x[first], in_y[first]),
        (v, start, start + pull, in_x, in_y, x, y),
        (v, start + pull, end - pull, x, y, x, y),
        (v, end - pull, end, x, y, out_x, out_y),
        (v[on], end[on], at_via[on], out_x[on], out_y[on], via_x[on], via_y[on]),
        (v[on], at_via[on], go[on], via_x[on], via_y[on], via_x[on], via_y[on]),
        (v[on], go[on], arrive[on], via_x[on], via_y[on], to_x[on], to_y[on]),
        (v[~on], end[~on], (end + gone)[~on], out_x[~on], out_y[~on], off_x[~on], off_y[~on]),
    ]  # fmt: skip
    return _Moves(*(np.concatenate([piece[i] for piece in pieces]) for i in range(7)))


def _toward(
    x: Floats, y: Floats, to_x: Floats, to_y: Floats, metres: float
) -> tuple[Floats, Floats]:
    far = np.maximum(np.hypot(to_x - x, to_y - y), 1e-9)
    return x + metres * (to_x - x) / far, y + metres * (to_y - y) / far


def _near(visits: Visits, visit: Ints, x: Floats, y: Floats) -> Bools:
    """Return which places are near the stop before or after, or a door that is passed."""
    after = np.minimum(visit + 1, visits.count - 1)
    near = np.hypot(x - visits.x[visit], y - visits.y[visit]) <= NEAR_METRES + 1
    near |= np.hypot(x - visits.x[after], y - visits.y[after]) <= NEAR_METRES
    by = np.hypot(x - visits.via_x[visit], y - visits.via_y[visit]) <= NEAR_METRES
    result: Bools = near | (by & (visits.passes[visit] >= 0))
    return result


def _in_flap(visits: Visits, presence: Presence, flaps: Flaps, visit: Ints, at: Floats) -> Bools:
    """Return which pings of a stay fall into one of its own flaps."""
    own = presence.kind[flaps.presence] == 0
    start, end = flaps.start[own], flaps.end[own]
    of = presence.visit[flaps.presence[own]]
    order = np.lexsort((start, of))
    key = of[order] * 1e7 + (start[order] - visits.start[of[order]])
    found = np.searchsorted(key, visit * 1e7 + (at - visits.start[visit]), side="right") - 1
    hit = order[np.maximum(found, 0)]
    result: Bools = (found >= 0) & (of[hit] == visit) & (at >= start[hit]) & (at < end[hit])
    return result
