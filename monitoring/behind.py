"""The rows behind an alarm, for people to look at."""

import pandas as pd

from monitoring.alarms import alarm_of
from monitoring.rows import answers, by_hour
from monitoring.settings import MonitoringParams
from monitoring.summary import Alarm
from monitoring.windows import TimeWindow
from problems.parts import find_problem
from store.database import Store, answering

HIDDEN = ("request", "row", "answer", "subject")


def rows_behind(store: Store, asked: str, params: MonitoringParams) -> tuple[Alarm, pd.DataFrame]:
    """Return an alarm by its id, and the answers of the window that it is about, a row each, those
    with the largest error first where outcomes are known. Of a slice only its rows.

    RetraceError where there is no such alarm.
    """
    alarm = alarm_of(store, asked)
    problem, window = find_problem(alarm.problem), TimeWindow("week", alarm.start, alarm.end)
    key = (alarm.fingerprint, alarm.arm)
    with answering(store), store.reading() as connection:
        n = sum(by_hour(connection, problem.name, window).get(key, {}).values())
        found = answers(connection, problem, key, window, n, params.most_rows).rows
    for name in found:  # "region north" is about the rows of one value
        value = alarm.subject.removeprefix(f"{name} ")
        if value != alarm.subject:
            found = found[found[name].astype("str") == value]
            break
    if problem.task == "regression" and len(found):
        error = (found["outcome"] - found["prediction"]).abs()
        found = found.assign(error=error).sort_values("error", ascending=False)
    return alarm, found.drop(columns=list(HIDDEN), errors="ignore")
