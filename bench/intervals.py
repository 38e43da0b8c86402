"""How the intervals of the test window held, and how wide they are for it.

    python -m bench.intervals order_completion service_time price

Reads what `dvc repro` made: predictions, held scores and the judged model. Prints the share inside,
below and above, by fifth of the prediction and by month (those of 100 rows and more), and the mean
width as a multiple of what one widening for all rows (conformalised quantile regression, Romano et
al. 2019) would need on the test for the same share; and what share that widening covers when it is
made from the held rows.
"""

import sys

import numpy as np
import pandas as pd

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table
from retrace.encode.encoding import from_scale, to_scale
from retrace.fit.bundle import Bundle
from stages.train import read_encoded
from workflow.final import Held

FEW = 100  # rows, below which a month says little


def beyond(actual: np.ndarray, scores: dict[str, np.ndarray]) -> np.ndarray:
    """Return how far outcomes are outside of the boosters' bounds; below 0 inside."""
    return np.maximum(scores["lower"] - actual, actual - scores["upper"])


def measured(name: str) -> tuple[str, str]:
    """Return the share inside, and how it is spread and what it costs in width, in words."""
    problem = find_problem(name)
    bundle = Bundle.load_judged(paths.bundle(name))
    test = read_encoded(problem, "judged/test", bundle.encoding.columns)
    keys = list(problem.key)
    found = test.keys[keys].merge(read_table(paths.predictions(name)), how="left", on=keys)
    scores = bundle.scores(test.window[0])
    actual = to_scale(found["outcome"].to_numpy(np.float64), problem.scale)
    below, above = (found["outcome"] < found["lower"], found["outcome"] > found["upper"])
    inside = ~(below | above)
    held = Held.from_frame(read_table(paths.held(name)))
    usual = np.quantile(beyond(held.target, held.scores), 0.9)
    needed = np.quantile(beyond(actual, scores), inside.mean())
    low, high = (
        from_scale(scores[side] + sign * needed, problem.scale)
        for side, sign in (("lower", -1), ("upper", 1))
    )
    width = float((found["upper"] - found["lower"]).mean() / np.maximum(high - low, 0).mean())
    fifths = pd.qcut(found["prediction"], 5, labels=False, duplicates="drop")
    groups = {"fifth of the prediction": inside.groupby(fifths).agg(["mean", "size"])}
    if found["as_of"].notna().all():
        months = found["as_of"].dt.strftime("%Y-%m")
        groups["month"] = inside.groupby(months).agg(["mean", "size"])
    said = [
        f"{below.mean():.1%} below, {above.mean():.1%} above",
        *map(spread, groups, groups.values()),
    ]
    said += [
        f"width {width:.2f} of one widening's, which would cover "
        f"{(beyond(actual, scores) <= usual).mean():.1%}; {len(found):,} rows"
    ]
    return f"{inside.mean():.1%} inside", "; ".join(said)


def spread(what: str, table: pd.DataFrame) -> str:
    """Say the shares of groups with enough rows."""
    shares = [f"{share:.0%}" for share in table.loc[table["size"] >= FEW, "mean"]]
    few = f" ({(table['size'] < FEW).sum()} with few rows)" if (table["size"] < FEW).any() else ""
    return f"by {what} {', '.join(shares) or 'nothing'}{few}"


def main() -> None:
    for name in sys.argv[1:]:
        print(f"`{name}`, its interval | {' | '.join(measured(name))}", flush=True)


if __name__ == "__main__":
    main()
