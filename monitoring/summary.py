"""What one version of a model did in one window: all that pages, gauges and alarms need.

Summaries are JSON in the store, a row each: no row of a person is in them. What is missing is not
known, as a metric before the first outcome.
"""

from typing import Literal

import msgspec

from retrace.judge.metrics import key_of

RULE = "rule_"  # before a figure: the rule's
OPEN, ACKNOWLEDGED, MUTED, CLOSED = "open", "acknowledged", "muted", "closed"  # of an alarm
Kind = Literal["day", "week"]  # a week is the seven days that end with its last day
VOLUME, REFUSALS = "volume", "refusals"
DATA, PREDICTIONS, PERFORMANCE, BIAS, SYSTEM = (
    "data", "predictions", "performance", "bias", "system"
)  # fmt: skip
OF_OUTCOMES = (PERFORMANCE, BIAS)  # kinds that need them


class Between(msgspec.Struct, frozen=True):
    """A mean, and the bounds of its interval (95 %)."""

    value: float
    lower: float
    upper: float


class ColumnDrift(msgspec.Struct, frozen=True):
    """A model column held against the model's own; `weight` is importance × PSI."""

    column: str
    psi: float
    q_value: float
    importance: float  # share of gain
    weight: float
    missing_before: float  # share of rows
    missing: float
    new_share: float  # of a category: rows whose value training had not
    before: tuple[float, ...] = ()  # shares of rows by bin, of the reference
    now: tuple[float, ...] = ()  # of the window, the same bins
    bins: tuple[str, ...] = ()  # what each is, in words


class Slice(msgspec.Struct, frozen=True):
    """How one value of a column is served beside all others, by the loss of the metric."""

    column: str
    value: str
    rows: int
    loss: float
    others: float
    difference: Between  # loss minus that of the others
    is_worse: bool  # beyond chance over all slices, and by more than the limit


class Benefit(msgspec.Struct, frozen=True):
    """What the model saves against the rule, in money."""

    currency: str
    cost: float  # a row, of what was told
    rule_cost: float
    saved: float  # a row
    between: Between | None  # the same with its interval; of a day, and of few rows, none is made
    saved_in_all: float  # all answers of the window with a known outcome


class Cause(msgspec.Struct, frozen=True):
    """Why somebody should look: one sentence, of one kind."""

    kind: str  # VOLUME, REFUSALS, DATA, PREDICTIONS, PERFORMANCE, BIAS or SYSTEM
    subject: str  # what it is about, such as a column: no alarm comes twice for one
    words: str


class Summary(msgspec.Struct, frozen=True):
    """One version of a problem's model in one window; moments in microseconds since 1970, UTC."""

    problem: str
    version: str
    fingerprint: str
    role: str  # champion or challenger
    arm: str
    kind: Kind
    start: int
    end: int
    made_at: int
    unit: str
    metric: str  # its name
    metric_words: str
    higher_is_better: bool
    # ---- traffic
    n_answers: int
    n_sampled: int  # answers that figures are of: all, or a sample by the hash of their ids
    by_hour: tuple[int, ...]  # answers, in the order of the window's hours
    usual: tuple[float, ...]  # the median of the same hours of earlier weeks; empty while unknown
    refused: dict[str, int] = {}  # rows by the column that broke the schema
    # ---- data and predictions, without outcomes
    drift: tuple[ColumnDrift, ...] = ()  # the heaviest first
    prediction_before: tuple[float, ...] = ()  # quantiles .05 .25 .5 .75 .95 of held rows
    prediction: tuple[float, ...] = ()
    prediction_psi: float | None = None
    width_before: float | None = None  # mean width of intervals
    width: float | None = None
    foreseen_loss: float | None = None  # as the model foresees it without outcomes
    foreseen_metric: float | None = None  # the metric that this means
    expected_loss: float | None = None  # the same at the level of the newest known weeks
    expected_metric: float | None = None
    # ---- outcomes
    n_known: int = 0  # of the sampled
    n_all_known: int = 0  # of all answers, by share of the sampled
    is_mature: bool = False  # so many are known that they are like the others
    delay_days: tuple[float, ...] = ()  # quantiles .1 .5 .9 from answer to outcome
    loss: Between | None = None
    loss_before: float | None = None  # of held rows
    figures: dict[str, float] = {}  # the headline's, by their names in metrics/
    coverage: Between | None = None
    calibration: float | None = None  # promised over observed
    benefit: Benefit | None = None
    slices: tuple[Slice, ...] = ()  # the worst first
    overruled: float | None = None  # share of the answers that somebody judged
    # ---- system
    latency_ms: tuple[float, ...] = ()  # quantiles .5 .99
    n_errors: int = 0  # requests that ended with an error of the server
    # ----
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be looked at, and why

    @property
    def value(self) -> float | None:
        """The metric; None while it is not known, as a ranking without any positive."""
        return self.figures.get(key_of(self.metric, self.unit))

    @property
    def rule_value(self) -> float | None:
        """The same of the rule."""
        return self.figures.get(RULE + key_of(self.metric, self.unit))


class Alarm(msgspec.Struct, frozen=True):
    """A cause that somebody was told of. It is open until the cause is gone or somebody closes it.

    state : OPEN, ACKNOWLEDGED, MUTED (until `muted_until`) or CLOSED
    is_true : what somebody said of it; None while nobody has
    """

    id: str
    problem: str
    version: str
    kind: str
    subject: str
    words: str
    to_do: str
    state: str
    raised_at: int
    seen_at: int  # when the cause was there last
    n_windows: int  # in how many windows in a row it was there
    arm: str = ""
    fingerprint: str = ""
    start: int = 0  # of the window that it is about
    end: int = 0
    closed_at: int | None = None
    muted_until: int | None = None
    is_true: bool | None = None
    by: str = ""  # who acknowledged, muted or closed it
    note: str = ""
