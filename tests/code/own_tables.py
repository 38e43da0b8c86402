"""Tables of homes for the tests of `retrace new`, and what a plan says of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.new.plan import Plan, plan
from experiments.new.question import Answers
from experiments.new.reading import read
from problems.orders.problem import PROBLEMS as OF_ORDERS

N = 400
ORDERS_STUCK = OF_ORDERS["order_stuck"]


def frame(**columns: object) -> pd.DataFrame:
    """A table whose target follows from two columns, with noise."""
    rng = np.random.default_rng(1)
    size = rng.uniform(20, 120, N).round(1)
    town = rng.choice(["Bergen", "Oslo", "Tromsø"], N)
    level = 50 * size + np.where(town == "Oslo", 900, 0) + rng.normal(0, 200, N)
    found = pd.DataFrame({"size": size, "town": town, "worth": level.round(2)})
    return found.assign(**columns)


def write(folder: Path, rows: pd.DataFrame, name: str = "homes.csv", **how: object) -> Path:
    rows.to_csv(folder / name, index=False, **how)
    return folder / name


def planned(path: Path, target: str = "worth", **asked: object) -> Plan:
    return plan("homes", read(path, Answers(target=target, **asked)))


def left_out(found: Plan) -> set[str]:
    return {name for trap in found.traps for name in trap.leave_out}


def said(found: Plan) -> str:
    return "\n".join([*found.notes, *(trap.words for trap in found.traps)])
