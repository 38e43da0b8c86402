"""What Prometheus reads of watch: the newest window of each model, alarms, and when the last pass
was. Names by its conventions: base units, ratios from 0 to 1, moments in seconds since 1970.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from monitoring.summary import (
    ACKNOWLEDGED,
    BIAS,
    DATA,
    MUTED,
    OPEN,
    PERFORMANCE,
    PREDICTIONS,
    REFUSALS,
    SYSTEM,
    VOLUME,
    Alarm,
    Between,
    Summary,
)
from store.log import CHAMPION

PREFIX = "retrace_watch_"
LABELS = ("problem", "version", "arm", "window")
KINDS = (VOLUME, REFUSALS, DATA, PREDICTIONS, PERFORMANCE, BIAS, SYSTEM)
STATES = (OPEN, ACKNOWLEDGED, MUTED)
MOST = 20  # columns, and slices, of a model: Prometheus keeps a series for each
HELD = ("0.05", "0.25", "0.5", "0.75", "0.95")  # quantiles of predictions
DELAYS, LATENCIES = ("0.1", "0.5", "0.9"), ("0.5", "0.99")
DAY_SECONDS = 86_400

Sample = tuple[tuple[str, ...], float | None]  # values of the labels, and what was measured


class Series(NamedTuple):
    """A gauge: its name without the prefix, its help, its labels beside LABELS, its samples."""

    name: str
    words: str
    labels: tuple[str, ...]
    of: Callable[[Summary], Iterable[Sample]]


def text(
    summaries: Sequence[Summary],
    alarms: Sequence[Alarm],
    now: int,
    *,
    passed_at: int | None = None,
    every: int | None = None,
) -> bytes:
    """Return the page in Prometheus' format.

    summaries : those that there are; the newest window of each problem and kind is shown, and the
        savings of all days are summed
    now, passed_at : microseconds since 1970; of the clock and of the last pass that came to its
        end, by default when the newest summary was made
    every : microseconds from pass to pass, where watch goes on by itself
    """
    registry = CollectorRegistry()
    registry.register(_Page(summaries, alarms, now, passed_at, every))
    return generate_latest(registry)


def newest(summaries: Iterable[Summary]) -> list[Summary]:
    """Return the summaries of the newest window of each problem and kind, one a version and arm:
    a version that is not in use any more is not among them."""
    ends: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, ...], Summary] = {}
    for one in summaries:
        end = max(one.end, ends.get((one.problem, one.kind), one.end))
        ends[one.problem, one.kind] = end
        key = (one.problem, one.version, one.arm, one.kind)
        if key not in found or (found[key].end, found[key].made_at) < (one.end, one.made_at):
            found[key] = one
    return [one for one in found.values() if one.end == ends[one.problem, one.kind]]


@dataclass(eq=False)  # a registry knows it by what it is
class _Page:
    summaries: Sequence[Summary]
    alarms: Sequence[Alarm]
    now: int
    passed_at: int | None
    every: int | None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        shown = newest(self.summaries)
        for series in SERIES:
            gauge = _gauge(series.name, series.words, (*LABELS, *series.labels))
            for one in shown:
                labels = (one.problem, one.version, one.arm, one.kind)
                for more, value in series.of(one):
                    if value is not None:
                        gauge.add_metric((*labels, *more), value)
            yield gauge
        yield self._saved()
        yield self._alarms()
        yield from self._passes()

    def _saved(self) -> GaugeMetricFamily:
        words = "Money that answers of champions saved over all days whose outcomes are known."
        gauge = _gauge("saved_money", words, ("problem", "currency"))
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for one in self.summaries:
            if one.kind == "day" and one.role == CHAMPION and one.benefit is not None:
                sums[one.problem, one.benefit.currency] += one.benefit.saved_in_all
        for labels, value in sums.items():
            gauge.add_metric(labels, value)
        return gauge

    def _alarms(self) -> GaugeMetricFamily:
        words = "Alarms that are not closed, by what they are about."
        gauge = _gauge("alarms", words, ("problem", "kind", "state"))
        known = {one.problem for one in self.summaries} | {one.problem for one in self.alarms}
        counts = {(name, kind, state): 0 for name in known for kind in KINDS for state in STATES}
        for one in self.alarms:
            if one.state in STATES:
                key = one.problem, one.kind, one.state
                counts[key] = counts.get(key, 0) + 1
        for labels, value in counts.items():
            gauge.add_metric(labels, value)
        return gauge

    def _passes(self) -> Iterator[GaugeMetricFamily]:
        at = self.passed_at
        if at is None:
            at = max((one.made_at for one in self.summaries), default=None)
        moments = {
            "last_pass_timestamp_seconds": ("When the last pass came to its end.", at),
            "last_pass_age_seconds": (
                "How long ago that was, by this process' clock.",
                None if at is None else self.now - at,
            ),
            "interval_seconds": ("From pass to pass.", self.every),
        }
        for name, (words, micros) in moments.items():
            if micros is not None:
                gauge = _gauge(name, words, ())
                gauge.add_metric((), micros / 1e6)
                yield gauge


def _gauge(name: str, words: str, labels: Sequence[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, words, labels=labels)


# ---- what is measured --------------------------------------------------------------------------


def _one(value: float | None) -> list[Sample]:
    return [((), value)]


def _bounded(name: str, words: str, of: Callable[[Summary], Between | None]) -> tuple[Series, ...]:
    """Return a gauge, and two of the bounds of its interval: to sum over a label of bounds would
    mean nothing."""

    def part(pick: Callable[[Between], float]) -> Callable[[Summary], list[Sample]]:
        return lambda s: _one(None if (found := of(s)) is None else pick(found))

    return (
        Series(name, words, (), part(lambda b: b.value)),
        Series(f"{name}_lower", f"{words} Lower bound (95 %).", (), part(lambda b: b.lower)),
        Series(f"{name}_upper", f"{words} Upper bound (95 %).", (), part(lambda b: b.upper)),
    )


def _quantiles(names: Sequence[str], values: Sequence[float], unit: float = 1) -> list[Sample]:
    """Return a sample a quantile; none where they are not known, as before the first outcome."""
    return [((name,), value * unit) for name, value in zip(names, values, strict=False)]


def _open(one: Summary) -> int:
    return max(one.n_answers - one.n_all_known, 0)


SERIES = (
    Series("answers", "Answers in the window.", (), lambda s: _one(s.n_answers)),
    Series(
        "usual_answers",
        "Answers that are usual in such a window, by its median in earlier weeks.",
        (),
        lambda s: _one(sum(s.usual) if s.usual else None),
    ),
    Series(
        "refused_rows",
        "Rows that were refused, by the column that broke the schema.",
        ("column",),
        lambda s: [((name,), n) for name, n in s.refused.items()],
    ),
    Series(
        "window_end_timestamp_seconds", "When the window ends.", (), lambda s: _one(s.end / 1e6)
    ),
    # ---- data and predictions
    Series(
        "column_psi",
        "Population stability index of a model column; the heaviest columns.",
        ("column",),
        lambda s: [((one.column,), one.psi) for one in s.drift[:MOST]],
    ),
    Series(
        "column_weight",
        "Importance times PSI of a model column; the heaviest columns.",
        ("column",),
        lambda s: [((one.column,), one.weight) for one in s.drift[:MOST]],
    ),
    Series(
        "column_missing_ratio",
        "Rows without a value in a model column; the heaviest columns.",
        ("column",),
        lambda s: [((one.column,), one.missing) for one in s.drift[:MOST]],
    ),
    Series(
        "column_new_ratio",
        "Rows whose category training had not; the heaviest columns.",
        ("column",),
        lambda s: [((one.column,), one.new_share) for one in s.drift[:MOST]],
    ),
    Series(
        "prediction_psi",
        "Population stability index of predictions against held rows.",
        (),
        lambda s: _one(s.prediction_psi),
    ),
    Series(
        "prediction",
        "Quantiles of predictions, in the problem's unit.",
        ("quantile",),
        lambda s: _quantiles(HELD, s.prediction),
    ),
    Series(
        "held_prediction",
        "Quantiles of predictions of held rows, in the problem's unit.",
        ("quantile",),
        lambda s: _quantiles(HELD, s.prediction_before),
    ),
    Series("interval_width", "Mean width of intervals.", (), lambda s: _one(s.width)),
    Series(
        "held_interval_width",
        "Mean width of intervals of held rows.",
        (),
        lambda s: _one(s.width_before),
    ),
    Series(
        "expected_loss",
        "Mean loss, estimated before outcomes are known.",
        (),
        lambda s: _one(s.expected_loss),
    ),
    Series(
        "expected_metric",
        "The metric that the estimate means.",
        ("metric",),
        lambda s: [((s.metric,), s.expected_metric)],
    ),
    # ---- outcomes
    Series("known_outcomes", "Answers whose outcome is known.", (), lambda s: _one(s.n_all_known)),
    Series("open_outcomes", "Answers whose outcome is not known.", (), lambda s: _one(_open(s))),
    Series(
        "outcome_delay_seconds",
        "Quantiles of the time from answer to outcome.",
        ("quantile",),
        lambda s: _quantiles(DELAYS, s.delay_days, DAY_SECONDS),
    ),
    *_bounded("loss", "Mean loss of the metric.", lambda s: s.loss),
    Series("held_loss", "Mean loss of held rows.", (), lambda s: _one(s.loss_before)),
    Series(
        "figure",
        "Headline figures, as metrics/ names them.",
        ("figure",),
        lambda s: [((name,), value) for name, value in s.figures.items()],
    ),
    *_bounded("coverage_ratio", "Outcomes inside the interval.", lambda s: s.coverage),
    Series("calibration_ratio", "Promised over observed rate.", (), lambda s: _one(s.calibration)),
    *_bounded(
        "saved_money_per_answer",
        "Money saved against the rule an answer, in the currency of saved_money.",
        lambda s: s.benefit.between if s.benefit else None,
    ),
    Series(
        "slice_gap",
        "Loss of a slice minus that of all other rows; the worst slices.",
        ("column", "value"),
        lambda s: [((one.column, one.value), one.difference.value) for one in s.slices[:MOST]],
    ),
    Series(
        "worse_slices",
        "Slices that are served worse, beyond chance and limit.",
        (),
        lambda s: _one(sum(one.is_worse for one in s.slices)),
    ),
    Series(
        "overruled_ratio",
        "Answers that people overruled, of those that they judged.",
        (),
        lambda s: _one(s.overruled),
    ),
    # ---- system
    Series(
        "latency_seconds",
        "Quantiles of the time until the answer.",
        ("quantile",),
        lambda s: _quantiles(LATENCIES, s.latency_ms, 0.001),
    ),
    Series(
        "errors", "Requests that ended with an error of the server.", (), lambda s: _one(s.n_errors)
    ),
)
