"""Rows that are not independent, and are drawn together in every comparison and interval."""

import pandas as pd

from problems.contract import Problem


def blocks_of(problem: Problem, rows: pd.DataFrame) -> tuple[str, pd.Series | None]:
    """Return what is drawn together, by name and label: the group, else the day, else each row.

    Rows of which only key and time are known, such as prediction records, may lack the group's
    columns: then it is the day.
    """
    if problem.group and set(problem.group) <= set(rows.columns):
        first, *others = (rows[name].astype("str") for name in problem.group)
        label = first
        for other in others:
            label = label + "|" + other
        return ", ".join(problem.group), label
    if problem.time:
        return "day", rows[problem.time].dt.floor("D").astype(str)
    return "row", None
