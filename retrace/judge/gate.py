"""May a challenger take the champion's place? A pure decision on predictions of the same rows.

    verdict = decide(challenger, champion, task="regression", metric="mae", params=params,
                     blocks=route_or_day, labels=slices)
    verdict.passed, verdict.reasons      the reasons of a no, the weightiest first

Promotion and backtest ask it alike; every limit is in `<problem>.gate` of params.yaml.
"""

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
from pydantic import Field

from retrace.base.params import Params
from retrace.judge import metrics
from retrace.judge.comparison import Difference, paired_difference, plain
from retrace.judge.tasks import JUDGING

SLICE_COLUMNS = ["slice", "value", "rows", "worse", "lower"]


class Band(Params):
    """Limits, both inside."""

    least: float
    most: float

    def has(self, value: float) -> bool:
        return self.least <= value <= self.most


class GateParams(Params):
    """`<problem>.gate`. `coverage` is a regression's, `calibration` a classifier's."""

    # Share of the champion's mean loss; less is not worth a new version.
    min_gain: float = Field(0.005, ge=0, lt=1)
    slice_min_rows: int = Field(200, ge=2)  # below, a slice's difference is mostly noise
    # Share of the champion's mean loss in the slice, and beyond noise: a better mean must not be
    # one group's loss.
    slice_max_worse: float = Field(0.05, ge=0)
    # Share of outcomes inside the 90 % interval; most data drifts a little after calibration.
    coverage: Band = Band(least=0.87, most=0.94)
    # Mean probability over the share of rows where it came; where these are few, chance is wide.
    calibration: Band = Band(least=0.8, most=1.25)
    # What else must have spoken for a version: `shadow` or `ab`, an arm of rollout.yaml that has
    # tried it on live traffic, with the verdict `promote`.
    evidence: Literal["offline", "shadow", "ab"] = "offline"


@dataclass(frozen=True)
class Decision:
    """The decision and its figures; `reasons` is empty where it is a yes."""

    reasons: tuple[str, ...]
    champion: Difference | None  # champion's loss minus challenger's: above zero, better
    gain: float | None  # the same as a share of the champion's mean loss
    rule: Difference  # rule's loss minus challenger's
    band: float  # coverage of the interval, or calibration
    worse: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SLICE_COLUMNS))

    @property
    def passed(self) -> bool:
        return not self.reasons


def decide(
    challenger: pd.DataFrame,
    champion: pd.Series | pd.DataFrame | None,
    *,
    task: str,
    metric: str,
    params: GateParams,
    blocks: pd.Series | None = None,
    labels: pd.DataFrame | None = None,
    costs: pd.DataFrame | None = None,
) -> Decision:
    """Judge the challenger on rows that neither model was fitted on.

    Parameters
    ----------
    challenger : scored rows: outcome, prediction, rule, of a regression lower and upper, of several
        classes the probabilities of model and rule; shape (n_rows, ...), in the problem's unit
    champion : its predictions with the same index, of several classes their probabilities, a column
        a class; or None where there is no champion: then it is enough to beat the rule inside the
        band
    metric : a name of `retrace.judge.metrics.METRICS`; its loss of each row is what is compared
    blocks : labels of rows that are not independent (a day, a route), same index; each row without
    labels : one column a slice, same index; without, no slices are looked at
    costs : what each row costs by what is `told`, by the `rule` and, where that is known, by what
        the `champion` tells; same index; where a problem says what errors cost

    Raises ValueError for an index that differs or no rows.
    """
    for other in (champion, blocks, labels, costs):
        if other is not None and not other.index.equals(challenger.index):
            raise ValueError("the gate compares predictions of the same rows in the same order")
    ours, rules = (metrics.losses(metric, challenger, name) for name in ("prediction", "rule"))
    rule = paired_difference(ours, rules, blocks=blocks)
    reasons = []
    if rule.lower <= 0:
        reasons.append(f"not better than the rule beyond chance: {_text(rule)}")
    if costs is not None:
        for side in [name for name in ("rule", "champion") if name in costs]:
            saved = paired_difference(costs["told"], costs[side], blocks=blocks)
            if saved.upper < 0:
                reasons.append(f"costs more than the {side}: {_text(saved, 'mean cost')}")
    difference, gain, worse = None, None, pd.DataFrame(columns=SLICE_COLUMNS)
    if champion is not None:
        theirs = metrics.losses(
            metric, metrics.beside(challenger, champion, "champion"), "champion"
        )
        difference = paired_difference(ours, theirs, blocks=blocks)
        gain = difference.mean / (float(theirs.mean()) or 1.0)
        reasons += _champion_reasons(difference, gain, params)
        if labels is not None:
            worse = worse_slices(
                theirs,
                ours,
                labels,
                blocks=blocks,
                min_rows=params.slice_min_rows,
                most=params.slice_max_worse,
            )
            reasons += [
                f"slice {row.slice} {row.value} is {float(str(row.worse)):.1%} worse than the "
                f"champion; at most {params.slice_max_worse:.1%} ({row.rows} rows)"
                for row in worse.itertuples()
            ]
    value, reason = _band(challenger, task, params)
    return Decision((*reasons, *reason), difference, gain, rule, value, worse)


def _champion_reasons(difference: Difference, gain: float, params: GateParams) -> list[str]:
    if difference.upper < 0:
        return [f"worse than the champion: {_text(difference)}"]
    if difference.lower <= 0:
        return [f"not better than the champion beyond chance: {_text(difference)}"]
    if gain < params.min_gain:
        return [
            f"better than the champion by {gain:.2%} of its mean loss; at least "
            f"{params.min_gain:.2%} are worth a change"
        ]
    return []


def _text(difference: Difference, what: str = "mean loss") -> str:
    word = "lower" if difference.mean > 0 else "higher"
    mean, lower, upper = plain(abs(difference.mean), difference.lower, difference.upper)
    return (
        f"{what} {word} by {mean} (95 % interval {lower} to {upper}, "
        f"{difference.n_rows} rows in {difference.n_blocks} blocks)"
    )


def _band(rows: pd.DataFrame, task: str, params: GateParams) -> tuple[float, list[str]]:
    """Return coverage or calibration, and why it is refused."""
    judging = JUDGING[task]
    band: Band = getattr(params, judging.promise)
    value = judging.promised(rows)
    if band.has(value):
        return value, []
    return value, [f"{judging.promise} is {value:.3g}; it must be {band.least:g} to {band.most:g}"]


def worse_slices(
    loss_a: pd.Series,
    loss_b: pd.Series,
    labels: pd.DataFrame,
    *,
    blocks: pd.Series | None = None,
    min_rows: int,
    most: float = 0.0,
    better: bool = False,
) -> pd.DataFrame:
    """Find the slices where b is worse than a beyond noise.

    The intervals are Bonferroni's over all slices looked at, so that of many slices without any
    difference one is listed in a twentieth of the cases.

    Parameters
    ----------
    loss_a, loss_b : each row's loss, same index; labels : one column a slice, same index
    min_rows : smaller slices are not looked at
    most : how much worse, as a share of a's loss in the slice, is still accepted
    better : find those where b is better beyond noise, too

    Returns
    -------
    Columns slice, value, rows, worse (the share of a's loss; below zero, b is better), lower (of
    that share); worst first.
    """
    groups = [
        (str(name), str(value), index)
        for name in labels
        for value, index in labels.groupby(labels[name], observed=True).groups.items()
        if len(index) >= min_rows
    ]
    found = []
    for name, value, index in groups:
        scale = float(loss_a.loc[index].mean()) or 1.0
        if not better and float((loss_b.loc[index] - loss_a.loc[index]).mean()) / scale <= most:
            continue  # whatever the interval would say
        difference = paired_difference(
            loss_a.loc[index],
            loss_b.loc[index],
            blocks=None if blocks is None else blocks.loc[index],
            confidence=1 - 0.05 / len(groups),
        )
        share, lower = difference.mean / scale, difference.lower / scale
        if (lower > 0 and share > most) or (better and difference.upper < 0):
            found.append((name, value, len(index), share, lower))
    table = pd.DataFrame(found, columns=SLICE_COLUMNS)
    return table.sort_values("worse", ascending=False, ignore_index=True)
