"""How long one clean row takes to its answer, beside LightGBM's own prediction of that row.

    python -m bench.rows [ROWS]

Reads a reproduced project: models, clean tables and state. One thread, state in memory. CPU time of
the thread, so that other processes on the machine count less: the median of 1,000 rows, in the best
of three runs. The ratio is to the same boosters, asked through NumPy for as many columns.
"""

import sys
import time
from collections.abc import Callable, Iterable

import numpy as np

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems.parts import find_problem
from problems.predict import Predictor
from retrace.base import paths
from retrace.base.arrays import Arrays, from_frame, take
from retrace.base.files import read_table
from retrace.base.params import read_key
from retrace.fit.bundle import Bundle

WARM, RUNS = 50, 3


def milliseconds(ask: Callable[[Arrays], object], requests: Iterable[Arrays]) -> list[float]:
    """Return the CPU time of each request, without the first ones."""
    found = []
    for request in requests:
        start = time.thread_time()
        ask(request)
        found.append(1000 * (time.thread_time() - start))
    return found[WARM:]


def measure(name: str, n_rows: int) -> None:
    problem, bundle = find_problem(name), Bundle.load(paths.bundle(name))
    rows = read_table(paths.clean(problem.world))
    arrays = from_frame(rows.sample(n_rows + WARM, random_state=1).drop(columns=problem.target))
    if problem.time:  # the state is of the end of the data: asked then, as serving asks
        times = [values.max() for values in from_frame(rows).values() if values.dtype.kind == "M"]
        now = max(time for time in times if not np.isnat(time)) + np.timedelta64(1, "h")
        arrays[problem.time] = np.full(n_rows + WARM, now)
    path = paths.state(name) / "state.parquet"
    predictor = Predictor.of(problem, bundle, read_table(path) if path.exists() else None)
    requests = [take(arrays, slice(i, i + 1)) for i in range(n_rows + WARM)]
    encoded = np.random.default_rng(1).random((n_rows + WARM, len(bundle.encoding.columns)))
    bare = [{"row": encoded[i : i + 1]} for i in range(len(encoded))]

    def boosters(request: Arrays) -> None:
        for booster in bundle.boosters.values():
            booster.predict(request["row"], raw_score=True, num_threads=1)

    asked = ((predictor.answer, requests), (boosters, bare))
    runs = [[milliseconds(ask, rows) for ask, rows in asked] for _ in range(RUNS)]
    ours, theirs = (min(part, key=np.median) for part in zip(*runs, strict=True))
    mine, usual, slow = np.median(ours), np.median(theirs), np.percentile(ours, 95)
    print(
        f"`{name}`",
        f"{mine:.2f} ms",
        f"{mine / usual:.1f} times LightGBM's own {usual:.3f} ms; 95 % within {slow:.2f} ms",
        sep=" | ",
    )


if __name__ == "__main__":
    for name in read_key("problems"):
        measure(name, int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
