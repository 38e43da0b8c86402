"""How well errors are foreseen before outcomes are known, month by month of a replay.

    python -m bench.foreseen service_time fraud     prints every period
    python -m bench foreseen                        all problems with a backtest, into RESULTS.md

A model is fitted when the backtest begins and left alone. Of each later period's rows it is asked
by which share their losses will be above those of the held rows, without any outcome; then what
came is looked up. Prints both by period, their correlation, and the mean error of the foreseen
share beside that of "as before".
"""

import sys
from itertools import pairwise

import numpy as np
import pandas as pd

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table
from stages.backtest import read_settings
from workflow.replay.models import Past
from workflow.replay.replay import Replay


def foreseen_and_came(name: str) -> pd.DataFrame:
    """Return period, foreseen and came, a row each."""
    problem = find_problem(name)
    past = Past(problem, read_table(paths.clean(problem.world)), read_settings(problem))
    replay, starts = Replay(past), past.starts()
    model = past.fit(starts[0])
    usual = float(replay.errors(model.held)["loss"].mean())
    found = []
    for start, end in pairwise(starts):
        places = past.between(start, end)
        known = past.score(model, places).dropna(subset=["outcome"])
        came = float(replay.errors(known)["loss"].mean()) / usual - 1.0
        found.append((f"{start:%Y-%m}", replay.foreseen(model, places), came, len(known)))
    return pd.DataFrame(found, columns=["period", "foreseen", "came", "rows"])


def measured(table: pd.DataFrame) -> tuple[str, str]:
    """Say how far what was foreseen is from what came, and beside what."""
    error = (table["foreseen"] - table["came"]).abs().mean()
    return (
        f"{error:.3f}",
        f"'as before' {table['came'].abs().mean():.3f}; correlation "
        f"{np.corrcoef(table['foreseen'], table['came'])[0, 1]:.2f}; {len(table)} periods",
    )


def main() -> None:
    for name in sys.argv[1:]:
        table = foreseen_and_came(name)
        print(table.round(3).to_string(index=False))
        print(f"| `{name}` | {' | '.join(measured(table))} |", flush=True)


if __name__ == "__main__":
    main()
