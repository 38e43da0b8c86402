"""What is held of facts that are wrong, and of facts that are right, when they come to a server.

    python -m bench records

The later half of the test window's clean rows is told to a store, row by row and outcome by
outcome, in the order in which they became known, with what the judged model had answered. Faults
are put in, of which the truth is known: at the rates of the simulator where it has them (vans that
drive by a door, exits that are lost), else at rates that are assumed. The limits in
params.yaml were chosen on the earlier half. Clean facts are told alone once more, for how many of
them are held.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import stages  # noqa: F401  (before NumPy: pins its instructions)

# isort: split
import numpy as np
import pandas as pd
from sqlalchemy import insert

from bench.results import Rows
from problems import parts
from problems.contract import Problem
from problems.parts import find_problem
from problems.rows import RowReader, to_json
from retrace.base import paths
from retrace.base.arrays import from_frame, join
from retrace.base.files import read_table
from serving.model import Served
from serving.settings import serving_params
from store.database import Store
from store.fact import Fact, outcome_facts, row_facts
from store.facts import WorldEvents
from store.judge import judges_of
from store.loader import Loader
from store.tables import predictions

AT_ONCE = 20  # facts in a request
SEED = 11
MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108: a folder of its own is made in it
LOOK_SECONDS = 30  # after which a fact is told

Frame = pd.DataFrame  # facts with `told_at` and `fault`, "" where there is none
Random = np.random.Generator


@dataclass(frozen=True)
class Faulty:
    """What puts faults into a problem's outcomes, and into its rows."""

    outcomes: Callable[[Frame, Random], Frame]
    rows: Callable[[Frame, Random], Frame] | None = None


# ---- faults --------------------------------------------------------------------------------------


def some(frame: Frame, share: float, chance: Random) -> Any:
    """Return places of facts that are right so far."""
    right = np.flatnonzero(frame["fault"] == "")
    return right[chance.random(len(right)) < share]


def put(frame: Frame, places: Any, kind: str, **columns: Any) -> None:
    for name, values in columns.items():
        place = frame.columns.get_loc(name)
        if isinstance(values, pd.Series) and values.dtype.kind == "M":
            values = values.dt.floor("us").dt.as_unit("us")
        frame.iloc[places, place] = values
    frame.iloc[places, frame.columns.get_loc("fault")] = kind


def runs(frame: Frame, number: int, length: int, chance: Random) -> Iterator[Any]:
    """Yield places of facts that are told one after the other, and are right so far."""
    for start in chance.choice(len(frame) - length, number, replace=False).tolist():
        places = np.arange(start, start + length)
        yield places[(frame["fault"].iloc[places] == "").to_numpy()]


def faulty_visits(frame: Frame, chance: Random) -> Frame:
    """Vans drive by, exits are lost; 1 % of the routes have a phone that is stuck, and 1 % one
    whose clock is hours off (assumed)."""
    frame = frame.sort_values(["route_id", "arrived_at"], ignore_index=True)
    passed, lost = driven_by()
    by = some(frame, passed["share"], chance)
    drawn = chance.integers(0, len(passed["seconds"]), len(by))
    arrived = frame["arrived_at"].iloc[by] - pd.to_timedelta(passed["before"][drawn], unit="s")
    departed = arrived + pd.to_timedelta(passed["seconds"][drawn].round(1), unit="s")
    put(frame, by, "drive-by", arrived_at=arrived, departed_at=departed, told_at=departed)
    exits = some(frame, lost, chance)
    end = frame.groupby("route_id")["departed_at"].transform("max").iloc[exits]
    exits, end = (
        exits[end > frame["departed_at"].iloc[exits]],
        end[end > frame["departed_at"].iloc[exits]],
    )
    put(frame, exits, "exit lost", departed_at=end, told_at=end)
    routes = frame["route_id"].unique()
    for kind in ("stuck", "clock off"):
        for route in routes[chance.random(len(routes)) < 0.01]:
            places = np.flatnonzero((frame["route_id"] == route) & (frame["fault"] == ""))
            if kind == "stuck" and len(places) > 2:
                first, *rest = places[chance.integers(0, len(places) - 1) :]
                same = {name: frame[name].iloc[first] for name in ("arrived_at", "departed_at")}
                put(frame, rest, kind, **same)
            elif kind == "clock off":
                off = pd.Timedelta(float(chance.choice([-12, -2, -1, 1, 2, 12])), unit="h")
                moved = {
                    name: frame[name].iloc[places] + off for name in ("arrived_at", "departed_at")
                }
                put(frame, places, kind, **moved)
    stay = (frame["departed_at"] - frame["arrived_at"]).dt.total_seconds()
    return frame.assign(service_seconds=stay)


def driven_by() -> tuple[dict[str, Any], float]:
    """Return how often the simulator's vans pass a customer's door before they stop there, for how
    many seconds and how long before; and how often an exit is lost."""
    from problems.service_time.simulate import (
        make_days,
        make_orders,
        make_presence,
        make_routes,
        make_service,
        make_visits,
        make_weather,
    )
    from problems.service_time.simulate.geofence import LOST_EXIT
    from problems.service_time.simulate.places import REGIONS
    from retrace.base.params import read_params

    settings = read_params(parts.simulator("service_time").settings, "service_time.simulate")
    settings = settings.model_copy(update={"stops": 20_000, "seed": SEED})
    days = make_days(settings)
    weather = make_weather(settings, days, len(REGIONS))
    customers, orders = make_orders(settings, days)
    stops, drivers = make_routes(settings, days, customers, orders)
    service = make_service(settings, days, weather, customers, drivers, stops)
    visits, _, _ = make_visits(settings, customers, stops, service)
    found = pd.DataFrame(vars(make_presence(customers, visits)))
    served = found[found["kind"] == 0].groupby(["route", "customer"])["start"].min()
    passed = found[found["kind"] == 2].join(served.rename("served"), on=["route", "customer"])
    passed = passed[passed["start"] < passed["served"]]
    figures = {
        "share": len(passed.drop_duplicates(["route", "customer"])) / len(served),
        "seconds": (passed["end"] - passed["start"]).to_numpy(),
        "before": (passed["served"] - passed["start"]).to_numpy(),
    }
    return figures, LOST_EXIT * settings.event_faults


def faulty_payments(frame: Frame, chance: Random) -> Frame:
    """Cents instead of euros (0.2 %), terminals whose clock is hours ahead (0.1 %), and terminals
    that send a payment again and again under new ids; all assumed."""
    put_places = some(frame, 0.002, chance)
    put(frame, put_places, "cents", amount=frame["amount"].iloc[put_places] * 100)
    ahead = some(frame, 0.001, chance)
    hours = pd.to_timedelta(chance.uniform(2, 20, len(ahead)), unit="h")
    put(frame, ahead, "clock ahead", at=frame["at"].iloc[ahead] + hours)
    again = []
    for place in some(frame, 0.0005, chance).tolist():
        n = int(chance.integers(4, 13))
        copies = frame.iloc[[place] * n].copy()
        steps = pd.to_timedelta(60 * np.arange(1, n + 1), unit="s")
        copies["transaction_id"] = [f"{one}-{i}" for i, one in enumerate(copies["transaction_id"])]
        copies["at"], copies["told_at"] = copies["at"] + steps, copies["told_at"] + steps
        again.append(copies.assign(fault="stuck"))
    return pd.concat([frame, *again], ignore_index=True)


def faulty_labels(frame: Frame, chance: Random) -> Frame:
    """Runs of 50 labels that are filled with 1, and 0.1 % that are known before the payment; both
    assumed."""
    for places in runs(frame, 4, 50, chance):
        wrong = places[(frame["is_fraud"].iloc[places] == 0).to_numpy()]
        frame.loc[places, "in_run"] = True
        put(frame, wrong, "filled with 1", is_fraud=1)
    early = some(frame, 0.001, chance)
    days = pd.to_timedelta(chance.uniform(10, 40, len(early)), unit="D")
    put(frame, early, "known too early", known_at=frame["known_at"].iloc[early] - days)
    return frame


def faulty_prices(frame: Frame, chance: Random) -> Frame:
    """Cents (0.5 %), hundreds (0.5 %), 9,999 for want of a price (0.3 %), columns that are filled
    down over 15 listings; all assumed."""
    for kind, factor in (("cents", 100.0), ("hundreds", 0.01)):
        places = some(frame, 0.005, chance)
        put(frame, places, kind, price_usd=frame["price_usd"].iloc[places] * factor)
    put(frame, some(frame, 0.003, chance), "placeholder", price_usd=9999.0)
    for first, *rest in runs(frame, 3, 15, chance):
        put(frame, np.array(rest), "filled down", price_usd=frame["price_usd"].iloc[first])
    return frame


def faulty_ends(frame: Frame, chance: Random) -> Frame:
    """Minutes or days instead of hours, ends that contradict the hours, ends that are known before
    they happen (0.3 % each), and runs of 8 that are the same; all assumed."""
    none: dict[str, Any] = {"completed_at": pd.NaT}
    for kind, factor in (("minutes", 60.0), ("days", 1 / 24)):
        places = some(frame, 0.003, chance)
        hours = frame["remaining_hours"].iloc[places] * factor
        put(frame, places, kind, remaining_hours=hours, **none)
    places = some(frame, 0.003, chance)
    hours = pd.to_timedelta(chance.uniform(1, 48, len(places)), unit="h")
    put(frame, places, "contradicts", completed_at=frame["completed_at"].iloc[places] - hours)
    places = some(frame, 0.003, chance)
    early = frame["completed_at"].iloc[places] - pd.Timedelta(2, unit="h")
    put(frame, places, "known too early", completed_known_at=early)
    for first, *rest in runs(frame, 8, 9, chance):
        same = frame["remaining_hours"].iloc[first]
        put(frame, np.array(rest), "filled down", remaining_hours=same, **none)
    return frame


def faulty_stuck(frame: Frame, chance: Random) -> Frame:
    """Two days' labels (600 each) that are filled with 1, and 0.3 % that are known before the order
    was looked at; both assumed."""
    for places in runs(frame, 2, 600, chance):
        wrong = places[(frame["gets_stuck"].iloc[places] == 0).to_numpy()]
        frame.loc[places, "in_run"] = True
        put(frame, wrong, "filled with 1", gets_stuck=1.0)
    early = some(frame, 0.003, chance)
    at = frame["snapshot_at"].iloc[early] - pd.Timedelta(3, unit="h")
    put(frame, early, "known too early", stuck_known_at=at)
    return frame


FAULTY = {
    "price": Faulty(faulty_prices),
    "service_time": Faulty(faulty_visits),
    "fraud": Faulty(faulty_labels, faulty_payments),
    "order_completion": Faulty(faulty_ends),
    "order_stuck": Faulty(faulty_stuck),
}


# ---- what is held of them ------------------------------------------------------------------------


class ServerClock:
    """The server's clock, in nanoseconds since 1970."""

    now = 0

    def __call__(self) -> int:
        return self.now


class Teller:
    """Tells facts to an empty store, and counts what is held."""

    def __init__(self, folder: Path, problem: Problem) -> None:
        self.problem, self.world = problem, parts.world(problem.world)
        self.store = Store(f"sqlite:///{folder / 'store.db'}")
        self.store.upgrade()
        self.clock = ServerClock()
        judges = judges_of([problem])
        judges = {name: replace(one, clock=self.clock) for name, one in judges.items()}
        self.events = WorldEvents(self.store, [], 10_000.0, judges)
        self.history = parts.features(problem.world).history
        self.changed = ""

    def answer(self, frame: Frame) -> None:
        """Put on record what was answered."""
        names = ["prediction", "lower", "upper"]
        empty = dict.fromkeys(("request", "version", "fingerprint", "arm", "subject"), "")
        empty |= {"problem": self.problem.name, "role": "champion", "row": "{}"}
        said = frame[[name for name in names if name in frame]]
        answers = said.to_dict("records")
        rows = [
            {**empty, "id": str(place), "name": name, "as_of": 1, "predicted_at": 1,
             "model_columns": b"", "latency_us": 0, "answer": pd.Series(answers[place]).to_json()}
            for place, name in enumerate(names_of(frame, self.problem.key))
        ]  # fmt: skip
        with self.store.writing() as connection:
            connection.execute(insert(predictions), rows)

    def tell_rows(self, frame: Frame) -> Frame:
        names = [one for one in frame if self._is_of_row(str(one))]
        reader = RowReader.of_rows(self.world)
        return self._tell(
            frame, names, reader, lambda rows, told: row_facts(self.world, rows, told)
        )

    def tell_outcomes(self, frame: Frame) -> Frame:
        wanted = {*self.problem.key, *self.world.outcomes}
        reader = RowReader.of_outcomes(self.world, self.problem)
        names = [one for one in frame if one in wanted and one in reader.by_name]
        return self._tell(
            frame,
            names,
            reader,
            lambda rows, told: outcome_facts(self.problem, self.history, rows, told),
        )

    def _is_of_row(self, name: str) -> bool:
        reader = RowReader.of_rows(self.world)
        return name not in self.world.outcomes and reader.column(name) is not None

    def _tell(
        self,
        frame: Frame,
        names: list[Any],
        reader: RowReader,
        facts_of: Callable[[Any, Any], list[Fact]],
    ) -> Frame:
        """Return the facts with `held`, the doubt or ""."""
        frame = frame.sort_values("told_at", kind="stable", ignore_index=True)
        arrays = from_frame(frame[names])
        at = frame["told_at"].astype("int64").to_numpy() // _per_second(frame["told_at"])
        found = np.full(len(frame), "", object)
        for start in range(0, len(frame), AT_ONCE):
            end = min(start + AT_ONCE, len(frame))
            self.clock.now = (int(at[end - 1]) + LOOK_SECONDS) * 1_000_000_000
            rows = [to_json(arrays, place) for place in range(start, end)]
            told = reader.read(rows)
            added = self.events.add(facts_of(rows, told), told)
            self.changed = self.changed or added.changed
            for one in added.held:
                found[start + one.place] = one.suspicion.doubt
        return frame.assign(held=found)


def _per_second(times: pd.Series) -> int:
    return {"us": 1_000_000, "ns": 1_000_000_000, "ms": 1000}[times.dt.unit]


def names_of(frame: Frame, key: tuple[str, ...]) -> list[str]:
    """Return the names of rows as facts have them."""
    names: list[str] = join([*from_frame(frame[list(key)]).values()], "|").tolist()
    return names


def later_half(problem: Problem) -> Frame:
    """Return the clean rows of the test window whose outcome became known in its later half."""
    clean = read_table(paths.clean(problem.world))
    said = read_table(paths.predictions(problem.name))
    kept = [name for name in ("prediction", "lower", "upper") if name in said]
    frame = said[[*problem.key, *kept]].merge(clean, on=list(problem.key))
    frame = frame[frame[problem.target].notna()]
    if problem.known_at is None:
        told = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(len(frame)), "s")
        frame = frame.assign(told_at=told)
    else:
        frame = frame.assign(told_at=frame[problem.known_at])
    for name in parts.world(problem.world).outcomes:  # only what is known by then is told
        if frame[name].dtype.kind == "M":
            frame[name] = frame[name].where(frame[name] <= frame["told_at"])
    if "remaining_hours" in frame and problem.target != "remaining_hours":
        known = frame["completed_at"].notna()
        frame["remaining_hours"] = frame["remaining_hours"].where(known)
    frame = frame.sort_values("told_at", kind="stable", ignore_index=True)
    return frame.iloc[len(frame) // 2 :].reset_index(drop=True).assign(fault="", in_run=False)


def held_of(problem: Problem, frame: Frame, faulty: Faulty | None) -> tuple[Frame, Frame, str]:
    """Return rows and outcomes with what is held of them, and whether the world has changed."""
    chance = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        teller = Teller(Path(folder), problem)
        teller.answer(frame)
        rows = frame.assign(told_at=frame[problem.time] if problem.time else frame["told_at"])
        if faulty is not None and faulty.rows is not None:
            rows = faulty.rows(rows, chance)
        told_rows = teller.tell_rows(rows)
        outcomes = frame if faulty is None else faulty.outcomes(frame.copy(), chance)
        return told_rows, teller.tell_outcomes(outcomes), teller.changed


def measured(names: list[str]) -> Rows:
    rows: Rows = []
    for name in names:
        problem = find_problem(name)
        frame = later_half(problem)
        clean = [*held_of(problem, frame, None)]
        clean_rows, clean_outcomes = clean[0], clean[1]
        for words, told in (("rows", clean_rows), ("outcomes", clean_outcomes)):
            n_held = int((told["held"] != "").sum())
            share = f"{100 * n_held / len(told):.2f} %"
            rows.append((f"`{name}`: clean {words} held", share, f"{n_held} of {len(told):,}"))
        faulty_rows, faulty_outcomes, changed = held_of(problem, frame, FAULTY[name])
        told = [faulty_outcomes] + ([faulty_rows] if FAULTY[name].rows else [])
        rows += list(_quality(name, told))
        if changed:
            rows.append((f"`{name}`: taken for a changed world", "yes", changed))
        rows += cost(name)
    return rows


def cost(name: str, n_told: int = 200) -> Rows:
    """What judging adds to telling one outcome: the transaction with all states of the model, with
    and without, in turn. The rest of a request is the same."""
    problem = find_problem(name)
    params = serving_params().model_copy(update={"late_days": 10_000.0})
    frame = later_half(problem).iloc[: 2 * n_told]
    seconds: dict[bool, list[float]] = {False: [], True: []}
    cpu: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        teller = Teller(Path(folder), problem)
        teller.answer(frame)
        store = teller.store
        served = Served.load(problem, store, Loader(store, Path(folder)), params=params)
        served.begin()
        states = [served.known] if served.known else []
        judges = teller.events.judges
        told = {True: WorldEvents(store, states, 10_000.0, judges)}
        told[False] = WorldEvents(store, states, 10_000.0)
        teller.events = told[False]
        teller.tell_rows(
            frame.assign(told_at=frame[problem.time] if problem.time else frame["told_at"])
        )
        teller.clock.now = time.time_ns()
        reader = RowReader.of_outcomes(teller.world, problem)
        wanted = [one for one in frame if str(one) in reader.by_name]
        arrays = from_frame(frame[wanted])
        for place in range(len(frame)):
            judged = place % 2 == 1
            rows = [to_json(arrays, place)]
            read = reader.read(rows)
            facts = outcome_facts(problem, teller.history, rows, read)
            began, worked = time.perf_counter(), time.process_time()
            told[judged].add(facts, read)
            seconds[judged].append(time.perf_counter() - began)
            cpu[judged].append(time.process_time() - worked)
    rows_: Rows = []
    for kind, found in (("by the clock", seconds), ("of CPU", cpu)):
        without, with_ = (1000 * float(np.median(found[one])) for one in (False, True))
        words = f"{without:.2f} ms without; {n_told} each, SQLite, load {os.getloadavg()[0]:.0f}"
        times = f"{with_:.2f} ms, {with_ / without:.2f} times"
        rows_.append((f"`{name}`: to store an outcome, {kind}", times, words))
    return rows_


def _quality(name: str, told: list[Frame]) -> Iterator[tuple[str, str, str]]:
    both = pd.concat([one[["fault", "held", "in_run"]] for one in told])
    wrong, held = both["fault"] != "", both["held"] != ""
    right = int((wrong & held).sum())
    of = f"{right} of {held.sum()} held"
    if among := int((held & ~wrong & both["in_run"]).sum()):  # nobody can tell them from the others
        of += f"; {among} of the others are 1 rightly, in a run that is filled with 1"
    yield f"**`{name}`: precision**", f"{right / held.sum():.2f}", of
    with_all = f"{right} of {wrong.sum()} faults among {len(both):,} facts"
    yield f"**`{name}`: recall**", f"{right / wrong.sum():.2f}", with_all
    for kind, of_kind in both[wrong].groupby("fault"):
        found = of_kind["held"] != ""
        doubts = Counter(of_kind["held"][found])
        words = ", ".join(f"{doubt} {number}" for doubt, number in doubts.most_common())
        yield (
            f"`{name}`: recall of '{kind}'",
            f"{found.mean():.2f}",
            f"{found.sum()} of {len(of_kind)}" + (f"; {words}" if words else ""),
        )
