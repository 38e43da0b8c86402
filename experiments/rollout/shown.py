"""What people read of rollouts: status and verdicts."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

from experiments.git import git
from experiments.rollout.evidence import newest_at
from experiments.rollout.follow import stops_of
from experiments.rollout.verdict import LiveVerdict, verdict_on
from problems import parts
from problems.contract import Problem
from retrace.base.errors import RetraceError
from retrace.base.params import read_key
from retrace.judge.comparison import plain
from serving.plan import FILE, ServingPlan, read_plan
from serving.rollout import AB, read_rollouts
from serving.wanted import CHAMPION, PATH
from store.database import AWAY, Store
from store.log import FOLDER

PICTURES = Path("served/rollout")


def status(name: str | None, url: str | None) -> str:
    """Return what is tried, from which commit, and what a server here is told to serve."""
    rollouts = read_rollouts()
    names = [name] if name else list(read_key("problems"))
    stopped = stops_of(url)
    commit = git("log", "-1", "--format=%h", "--", str(PATH)) if PATH.exists() else ""
    plan = _served()
    lines = [f"{PATH} of {commit or 'no commit yet'}"] if rollouts else []
    for one in names:
        parts.find_problem(one)
        rollout = rollouts.get(one)
        lines.append(f"{one}: {_now_served(plan, one)}{_asked(url, one)}")
        for arm, challenger in (rollout.challengers if rollout else {}).items():
            what = "shadow" if challenger.mode != AB else f"A/B, {challenger.share:.0%}"
            where = "".join(f", {key} {' or '.join(of)}" for key, of in challenger.where.items())
            until = f", until {challenger.until}" if challenger.until else ""
            lines.append(f"  {arm}: {challenger.version} in {what}{where}{until}; since "
                         f"{challenger.since}")  # fmt: skip
            why = stopped.get((one, arm, challenger.since))
            if why:
                lines.append(f"    stopped by the guard: {why}")
    return "\n".join(lines)


def _served() -> ServingPlan | None:
    try:
        return read_plan(FOLDER / FILE)
    except (OSError, ValueError):
        return None


def _now_served(plan: ServingPlan | None, name: str) -> str:
    models = [one for one in plan.in_use if one.problem == name] if plan else []
    if not models:
        return "no server was started here"
    return ", ".join(f"{one.arm} is {one.version}" for one in models)


def _asked(url: str | None, name: str) -> str:
    try:
        at = newest_at(Store(url, existing=True), name)
    except (RetraceError, *AWAY):
        return ""
    return f"; newest answer {pd.Timestamp(at, unit='us', tz='UTC'):%F %T} UTC" if at else ""


def verdicts(problem: Problem, arm: str | None, url: str | None) -> str:
    """Return the verdict on one arm or all of a problem's, and draw each."""
    rollout = read_rollouts().get(problem.name)
    there = list(rollout.challengers) if rollout else []
    if rollout is None or (arm and arm not in there):
        raise RetraceError(
            f"{PATH} has no arm {arm!r} of {problem.name}; there: {', '.join(there)}."
            if there
            else f"nothing of {problem.name} is tried; `retrace rollout start` begins."
        )
    store = Store(url, existing=True)
    lines = []
    for one in [arm] if arm else there:
        found = verdict_on(store, problem, rollout, one)
        lines += [f"{one}: {found.verdict.sentence}"]
        lines += _further(found)
        if len(found.by_day):
            lines.append(f"  drawn: {draw(problem, one, found)}")
    return "\n".join(lines)


def _further(found: LiveVerdict) -> list[str]:
    lines = []
    findings = (found.verdict.main, *found.verdict.further)
    known = [one for one in findings if one.n_outcomes[0]]
    for one in known:
        share = "" if pd.isna(one.relative) else f", {one.relative:+.1%} of the champion's"
        mean, lower, upper = plain(one.difference, one.lower, one.upper, digits=3)
        unit = f" {one.unit}" if one.unit else ""
        lines.append(f"  {one.words}: {mean}{unit} ({lower} to {upper}){share}")
    for name, value, n_rows, worse, _ in found.slices.itertuples(index=False):
        lines.append(f"  worse where {name} is {value}: by {worse:.1%}, {n_rows:,} rows")
    if found.n_unpaired:
        lines.append(f"  {found.n_unpaired:,} of the champion's answers have none of this one")
    return lines


def draw(problem: Problem, arm: str, found: LiveVerdict) -> Path:
    """Draw the difference and its interval day by day; return the picture."""
    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.dates import ConciseDateFormatter

    days = found.by_day.replace([float("inf"), float("-inf")], float("nan")).dropna()
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    axes.fill_between(days.index, days["lower"], days["upper"], alpha=0.25, linewidth=0)
    axes.plot(days.index, days["difference"], linewidth=1.5, marker="o", markersize=3)
    axes.axhline(0, color="black", linewidth=0.8)
    if len(days):
        axes.set_ylim(*_limits(days))
    main = found.verdict.main
    words = f"{main.words} ({main.unit})" if main.unit else main.words
    axes.set_title(
        f"{problem.name}: {words} of {arm} less {CHAMPION}'s, below 0 is better: "
        f"{found.verdict.decision}",
        loc="left",
        fontsize=10,
    )
    formatter: Any = ConciseDateFormatter
    axes.xaxis.set_major_formatter(formatter(axes.xaxis.get_major_locator()))
    axes.spines[["top", "right"]].set_visible(False)
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{problem.name}-{arm}.svg"
    figure.savefig(path)
    plt.close(figure)
    return path


def _limits(days: pd.DataFrame) -> tuple[float, float]:
    """Return what is drawn of the axis: all of the second half, three times; the first days know
    next to nothing, and would make a line of the others."""
    late = days[len(days) // 2 :]
    low, high = min(late["lower"].min(), 0.0), max(late["upper"].max(), 0.0)
    room = high - low or 1.0
    return float(low - room), float(high + room)
