"""Rows that are not independent, and are drawn together in a comparison."""

import pandas as pd

from problems.contract import Problem


def blocks_of(problem: Problem, rows: pd.DataFrame) -> tuple[str, pd.Series | None]:
    """Return what is drawn together, by name and label: the group, else the day, else each row."""
    if problem.group:
        return ", ".join(problem.group), rows[list(problem.group)].astype(str).agg("|".join, axis=1)
    if problem.time:
        return "day", rows[problem.time].dt.floor("D").astype(str)
    return "row", None
