"""Summaries and alarms put together by hand, as watch would have made them."""

from typing import Any

import msgspec

from monitoring.summary import (
    Alarm,
    Benefit,
    Between,
    ColumnDrift,
    Slice,
    Summary,
)

NOW = 1_780_000_000_000_000  # microseconds since 1970
DAY, WEEK, HOUR = 86_400_000_000, 604_800_000_000, 3_600_000_000
LENGTHS = {"day": DAY, "week": WEEK}


def summary(*, psi: float = 0.02, gap: float = 0.1, **more: Any) -> Summary:
    """A summary in which everything is known. psi : of columns and predictions."""
    kind, end = more.get("kind", "day"), more.get("end", NOW - HOUR)
    known = {
        "problem": "price", "version": "v1", "fingerprint": "f", "role": "champion",
        "arm": "champion", "kind": kind, "start": end - LENGTHS[kind], "end": end, "made_at": NOW,
        "unit": "USD", "metric": "rmsle", "metric_words": "RMSLE", "higher_is_better": False,
        "n_answers": 2400, "n_sampled": 2400, "by_hour": (100,) * 24, "usual": (101.0,) * 24,
        "refused": {"condition": 3}, "drift": drift_of(psi), "prediction_psi": psi,
        "prediction_before": (5.0, 10.0, 20.0, 40.0, 90.0),
        "prediction": (6.0, 11.0, 21.0, 41.0, 91.0), "width_before": 30.0, "width": 31.0,
        "expected_loss": 0.24, "expected_metric": 0.49, "n_known": 2000, "n_all_known": 2000,
        "is_mature": True,
        "delay_days": (0.5, 2.0, 9.0), "loss": Between(0.25, 0.2, 0.3), "loss_before": 0.24,
        "figures": {"rmsle": 0.5, "rmsle_rule": 0.64}, "coverage": Between(0.9, 0.88, 0.92),
        "calibration": 1.02, "slices": slices_of(gap), "overruled": 0.02,
        "benefit": Benefit("USD", 3.0, 4.0, 1.0, Between(1.0, 0.8, 1.2), 2000.0),
        "latency_ms": (1.5, 9.0), "n_errors": 1,
    }  # fmt: skip
    return Summary(**{**known, **more})


def drift_of(psi: float) -> tuple[ColumnDrift, ...]:
    """Two columns; the first has all the drift."""
    one = ColumnDrift("text", psi, 0.001, 0.6, 0.6 * psi, 0.0, 0.01, 0.0)
    return one, ColumnDrift("brand", 0.01, 0.5, 0.1, 0.001, 0.2, 0.21, 0.03)


def slices_of(gap: float) -> tuple[Slice, ...]:
    between = Between(gap, gap - 0.05, gap + 0.05)
    return (Slice("category_1", "Women", 500, 0.3 + gap, 0.3, between, gap > 0.2),)


def alarm(kind: str = "data", **more: Any) -> Alarm:
    return msgspec.structs.replace(
        Alarm(
            id="a1", problem="price", version="v1", kind=kind, subject="text",
            words="the text is another", to_do="retrace retrain price", state="open",
            raised_at=NOW, seen_at=NOW, n_windows=1,
        ),
        **more,
    )  # fmt: skip
