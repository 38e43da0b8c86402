"""Measure what people wait for, and write RESULTS.md.

    python -m bench               all but drift, some 30 minutes
    python -m bench dag predict   two parts
    python -m bench public sepsis sepsis.csv     a public data set; without one, which there are
    python -m bench serving       what a request costs, beside peers: see bench/serving.py
    python -m bench shadow        what challengers in shadow cost the champion
    python -m bench drift         what the alarms notice, of all problems or (drift-fraud) of one

Seconds are by the clock of this machine, which may be busy: compare ratios, not seconds.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from bench import public
from bench.clone import ROOT, command, copy_project, cpu_seconds, run_stage, set_params
from bench.results import Rows, write
from experiments.tune import log

STAGES = ("simulate", "ingest", "validate", "featurize", "train", "evaluate")


def empty_dag(folder: Path, n_stages: int) -> None:
    """A DAG of as many stages that do nothing but pass a file on."""
    stages = {
        f"s{i}": {
            "cmd": f"echo {i} > out{i}",
            "deps": [f"out{i - 1}"] if i else ["params.yaml"],
            "outs": [f"out{i}"],
        }
        for i in range(n_stages)
    }
    (folder / "params.yaml").write_text("a: 1\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    command(folder, "git", "init", "-q")
    command(folder, "dvc", "init", "-q")
    command(folder, "dvc", "repro")


def dag(folder: Path) -> Rows:
    """`dvc repro`: from nothing, and with one training parameter changed."""
    copy_project(folder)
    (folder / "dvc.lock").unlink()  # else what Git keeps of the results need not be made again
    whole, _, printed = command(folder, "dvc", "repro")
    n_stages = printed.count("Running stage")
    set_params(folder, "price.train.num_leaves", 31)
    one, _, printed = command(folder, "dvc", "repro")
    ran = [line.split("'")[1] for line in printed.splitlines() if "Running stage" in line]
    return [
        ("`dvc repro` from nothing", f"{whole:.0f} s", f"{n_stages} stages, default sizes"),
        ("one training parameter changed", f"{one:.0f} s", ", ".join(ran)),
    ]


def nothing_changed(folder: Path) -> Rows:
    from bench.unchanged import unchanged

    project, bare = folder / "project", folder / "bare"
    project.mkdir()
    bare.mkdir()
    copy_project(project)
    stages = command(project, "dvc", "stage", "list", "--name-only")[2].split()
    empty_dag(bare, len(stages))
    return unchanged(project, bare)


def growth(
    folder: Path,
    name: str,
    size_key: str,
    sizes: tuple[int, ...],
    unit: str,
    stages: tuple[str, ...] = STAGES,
) -> Rows:
    """The stages of one problem, at growing sizes."""
    copy_project(folder)
    rows: Rows = []
    for size in sizes:
        set_params(folder, size_key, size)
        total, most = 0.0, 0.0
        begun, load = cpu_seconds(), os.getloadavg()[0]
        for stage in stages:
            before = cpu_seconds()
            seconds, gigabytes, _ = run_stage(folder, stage, name)
            total, most = total + seconds, max(most, gigabytes)
            more = f"{cpu_seconds() - before:.0f} s of CPU, {gigabytes:.1f} GB"
            rows.append((f"{stage}, {size:,} {unit}", f"{seconds:.0f} s", more))
            print(" | ".join(rows[-1]), flush=True)
        more = f"{cpu_seconds() - begun:.0f} s of CPU, {most:.1f} GB; load {load:.0f} at its start"
        rows.append((f"**all stages, {size:,} {unit}**", f"{total:.0f} s", more))
    return rows


def listings(folder: Path) -> Rows:
    return growth(folder, "price", "price.simulate.rows", (10_000, 100_000, 1_482_535), "listings")


def stops(folder: Path) -> Rows:
    sizes = (10_000, 100_000, 1_000_000)
    return growth(folder, "service_time", "service_time.simulate.stops", sizes, "stops")


def payments(folder: Path) -> Rows:
    """From simulated payments to their features."""
    sizes = (100_000, 1_000_000, 10_000_000)
    return growth(folder, "fraud", "fraud.simulate.transactions", sizes, "payments", STAGES[:4])


def events(folder: Path) -> Rows:
    """From a simulated event log to snapshots and their features."""
    copy_project(folder)
    set_params(folder, "orders.simulate.futures", 0)
    rows: Rows = []
    for n_orders in (13_000, 130_000, 1_300_000):
        set_params(folder, "orders.simulate.orders", n_orders)
        total, most = 0.0, 0.0
        for stage in STAGES[:4]:
            name = "order_completion" if stage == "featurize" else "orders"
            seconds, gigabytes, _ = run_stage(folder, stage, name)
            if stage == "simulate":
                raw = folder / "data" / "raw" / "orders" / "events.parquet"
                unit = f"{pq.ParquetFile(raw).metadata.num_rows:,} events"
            else:
                total, most = total + seconds, max(most, gigabytes)
            rows.append((f"{stage}, {unit}", f"{seconds:.0f} s", f"{gigabytes:.1f} GB"))
        rows.append((f"**log to features, {unit}**", f"{total:.0f} s", f"{most:.1f} GB"))
    return rows


def pings(folder: Path) -> Rows:
    """`ingest` from pings alone, at growing numbers of them."""
    copy_project(folder)
    set_params(folder, "service_time.simulate.pings", True)
    rows: Rows = []
    for n_stops in (9_000, 90_000, 310_000):
        set_params(folder, "service_time.simulate.stops", n_stops)
        run_stage(folder, "simulate", "service_time")
        raw = folder / "data" / "raw" / "service_time"
        (raw / "geofence_events.parquet").unlink()
        n_pings = pq.ParquetFile(raw / "gps_pings.parquet").metadata.num_rows
        seconds, gigabytes, _ = run_stage(folder, "ingest", "service_time")
        rows.append((f"ingest, {n_pings:,} pings", f"{seconds:.0f} s", f"{gigabytes:.1f} GB"))
    return rows


PREDICTED = (100_000, 1_482_535)
PREDICT = """
import stages, time
import pandas as pd
from pathlib import Path
from problems.parts import find_problem
from problems.predict import predict
from problems.price.ingest import listings
from retrace.fit.bundle import Bundle
raw = pd.read_csv('data/raw/price/train.tsv', sep='\\t', dtype='str', keep_default_na=False)
raw = pd.concat([raw] * 2, ignore_index=True).head(40_000)
raw['train_id'] = [str(i) for i in range(len(raw))]
raw = raw[raw['name'] != '']
problem, bundle = find_problem('price'), Bundle.load(Path('models/price'))
best = 0.0
for _ in range(3):
    start = time.process_time()
    predict(problem, bundle, listings(raw), num_threads=1)
    best = max(best, len(raw) / (time.process_time() - start))
print(round(best))
"""


def throughput(folder: Path) -> Rows:
    """Raw text to price and interval, on one core; and whole files by `retrace predict`."""
    copy_project(folder)
    for stage in STAGES[:5]:
        run_stage(folder, stage, "price")
    _, gigabytes, printed = command(folder, sys.executable, "-c", PREDICT)
    rate, more = int(printed.split()[-1]), f"one core; {gigabytes:.1f} GB"
    rows: Rows = [("raw listing to price and interval", f"{rate:,} rows/s", more)]
    for size in PREDICTED:
        set_params(folder, "price.simulate.rows", size)
        run_stage(folder, "simulate", "price")
        words = ("-m", "commands", "predict", "price", "data/raw/price/train.tsv", "-o", "out.csv")
        before = cpu_seconds()
        seconds, gigabytes, printed = command(folder, sys.executable, *words)
        cpu = cpu_seconds() - before
        load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
        if f"{size:,} rows" not in printed:
            raise RuntimeError(f"not all rows are there: {printed}")
        name = f"`retrace predict price`, {size:,} listings"
        rows.append((name, f"{seconds:.0f} s", f"{cpu:.0f} s of CPU, {gigabytes:.2f} GB; {load}"))
    return rows


def one_row(_folder: Path) -> Rows:
    """A clean row to its answer, by the models of this project, which must be reproduced."""
    _, _, printed = command(ROOT, sys.executable, "-m", "bench.rows")
    return [tuple(line.split(" | ")) for line in printed.splitlines()]


def foreseen(_folder: Path) -> Rows:
    """Losses foreseen without outcomes, on the clean rows of this project, in four replays."""
    problems = list(yaml.safe_load((ROOT / "params.yaml").read_text())["backtests"])
    _, _, printed = command(ROOT, sys.executable, "-m", "bench.foreseen", *problems)
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    return [tuple(line.strip("| ").split(" | ")) for line in lines]


TRIALS = 20


def tune(folder: Path) -> Rows:
    """The same trials by `retrace tune`, and as one `dvc exp run` each."""
    copy_project(folder)
    trials = folder / log.folder_of("price")
    shutil.rmtree(trials, ignore_errors=True)
    command(folder, "dvc", "repro", "evaluate@price")
    command(folder, "git", "add", "--all")
    identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    command(folder, "git", *identity, "commit", "--quiet", "--message", "Bench")
    words = (sys.executable, "-m", "commands", "tune", "price", "--trials", str(TRIALS))
    ours, _, _ = command(folder, *words)
    points = [trial.parameters for trial in log.read(trials)[0]]
    theirs = 0.0
    for point in points:
        settings = [f"--set-param=++price.train.{name}={value}" for name, value in point.items()]
        theirs += command(folder, "dvc", "exp", "run", *settings, "evaluate@price")[0]
    per_minute = [60 * len(points) / seconds for seconds in (ours, theirs)]
    return [
        ("`retrace tune price`", f"{per_minute[0]:.0f} trials/min", f"{len(points)} trials"),
        ("the same as `dvc exp run`", f"{per_minute[1]:.1f} trials/min", "train and evaluate"),
        (
            "ratio",
            f"{per_minute[0] / per_minute[1]:.1f}",
            "with the start of the commands; one after the other, so other load moves it",
        ),
    ]


def drift_of(problem: str) -> Callable[[Path], Rows]:
    """The alarm of one problem on simulations with other seeds."""

    def measure(_folder: Path) -> Rows:
        from bench.drift import study

        return study(problem)

    return measure


def watched(_folder: Path) -> Rows:
    """What a watch notices on live weeks of simulations with other seeds."""
    from bench.watched import SEEDS, study

    return [line for name in SEEDS for line in study(name)]


def watch_scale(folder: Path) -> Rows:
    """What a pass of the watch costs, beside a store that grows by a million answers a day."""
    from bench.watched import scales

    return scales(folder)


def rollout(_folder: Path) -> Rows:
    """How often a rollout's verdict is false, and how soon it is right, in simulated traffic."""
    from bench.rollout import measured

    return measured()


def explored(_folder: Path) -> Rows:
    """What a few drawn answers repair, where the outcome depends on what is told."""
    from bench.explored import measured

    return measured()


def records(_folder: Path) -> Rows:
    """What is held of wrong facts and of right ones; this project must be reproduced."""
    from bench.records import FAULTY, measured

    return measured([*FAULTY])


DRIFT = ("service_time", "fraud", "order_completion", "order_stuck")
PARTS: dict[str, tuple[str, Callable[[Path], Rows]]] = {
    "dag": ("The DAG", dag),
    "unchanged": ("Nothing changed", nothing_changed),
    "predict": ("Prediction", throughput),
    "listings": ("Growth: listings", listings),
    "stops": ("Growth: stops", stops),
    "pings": ("Growth: pings", pings),
    "payments": ("Growth: payments", payments),
    **{
        f"drift-{name}": (f"Drift: what the alarm of {name} notices", drift_of(name))
        for name in DRIFT
    },
    "events": ("Growth: events of orders", events),
    "tune": ("Search", tune),
    "rows": ("One clean row to its answer", one_row),
    "rollout": ("Verdicts on live traffic", rollout),
    "explored": ("Answers that are drawn", explored),
    "watch": ("What a watch notices", watched),
    "watch-scale": ("What a pass of the watch costs", watch_scale),
    "foreseen": ("Losses foreseen without outcomes", foreseen),
    "records": ("Wrong records as they come", records),
}


def main() -> None:
    titles = [title for title, _ in PARTS.values()]
    if sys.argv[1:2] in (["serving"], ["shadow"]):  # their packages are a group of their own
        importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:], titles)
        return
    if sys.argv[1:2] == ["public"]:
        public.main(sys.argv[2:], titles)
        return
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "drift", []], metavar="PART")
    drift = [f"drift-{name}" for name in DRIFT]
    asked = parser.parse_args().parts or [name for name in PARTS if name not in drift]
    for name in [part for one in asked for part in (drift if one == "drift" else [one])]:
        with tempfile.TemporaryDirectory() as folder:
            rows = PARTS[name][1](Path(folder))
        write(PARTS[name][0], rows, titles)
        print("\n".join(" | ".join(row) for row in rows), flush=True)


if __name__ == "__main__":
    main()
