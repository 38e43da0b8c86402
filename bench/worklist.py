"""How good `retrace worklist orders` is: mornings of the test window against what came of them.

    python -m bench.worklist                         eight Mondays of the test window
    python -m bench.worklist 2025-01-13 2025-03-31   Mondays between two dates

After `dvc repro`. Prints the mean absolute error and coverage of the forecasts, and log loss and
average precision of the risk, beside what the model says of the last event alone.
"""

import sys

import pandas as pd

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems import parts
from problems.orders.evaluation import EvaluateSettings
from problems.orders.ingest import IngestSettings, read_log, snapshots
from problems.orders.worklist import COMPLETION, STUCK, make_worklist
from problems.orders.worklist.moment import look_at
from problems.parts import find_problem
from problems.predict import predict
from retrace.base import paths
from retrace.base.files import read_table
from retrace.base.params import read_params
from retrace.fit.bundle import Bundle
from retrace.judge import metrics

HOUR = pd.Timedelta(1, unit="h")


def mornings(settings: IngestSettings, between: list[str]) -> list[pd.Timestamp]:
    if not between:
        test = read_table(paths.window(COMPLETION, "test"), ["order_id", "snapshot_at"])
        begun = test.groupby("order_id")["snapshot_at"].min()
        between = [str(begun.quantile(share).date()) for share in (0.35, 0.9)]
    days = pd.date_range(*between, freq="W-MON", tz=settings.time_zone)[:12]
    return [day.tz_convert("UTC") + settings.daily_hour * HOUR for day in days]


def main(between: list[str]) -> None:
    settings = read_params(IngestSettings, "orders.ingest")
    costs = parts.settings(EvaluateSettings, find_problem(STUCK), "evaluate")
    models = {
        name: (find_problem(name), Bundle.load_judged(paths.bundle(name)))
        for name in (COMPLETION, STUCK)
    }
    log = read_log(parts.source_of("orders"), settings).log
    daily, _ = snapshots(log, settings.model_copy(update={"snapshots": "daily"}))
    records = []
    for at in mornings(settings, between):
        listed = make_worklist(log, settings, at, models, costs).orders
        then = look_at(log, settings, at)
        hours = predict(*models[COMPLETION], then.rows, past=then.past)["prediction"]
        risk = predict(*models[STUCK], then.rows, past=then.past)["prediction"]
        silent = (at - then.rows["snapshot_at"]).dt.total_seconds() / 3600
        model = pd.DataFrame(
            {
                "order_id": then.rows["order_id"],
                "less_silence": (hours - silent).clip(lower=0.0),
                "risk_then": risk,
            }
        )
        came = daily.loc[daily["snapshot_at"] == at, ["order_id", "remaining_hours", "gets_stuck"]]
        came = came.rename(columns={"remaining_hours": "hours"})
        found = listed.merge(model, on="order_id").merge(came, on="order_id")
        for name in ("earliest_at", "latest_at"):
            found[name] = (found[name] - at) / HOUR
        records.append(found)
    tell(pd.concat(records, ignore_index=True), len(records))


def tell(rows: pd.DataFrame, n_mornings: int) -> None:
    known = rows[rows["hours"].notna()]
    print(f"{n_mornings} mornings, {len(rows):,} rows of open orders")
    for words, name in (("worklist", "remaining_hours"), ("last event", "less_silence")):
        print(f"forecast, {words}: MAE {metrics.mae(known['hours'], known[name]):.1f} hours")
    inside = metrics.coverage(known["hours"], known["earliest_at"], known["latest_at"])
    print(f"90 % interval: {inside:.1%} inside; later than forecast "
          f"{(known['hours'] > known['remaining_hours']).mean():.1%}")  # fmt: skip
    for words, part in (("all", rows), ("not stuck yet", rows[rows["stuck_since"].isna()])):
        part = part[part["gets_stuck"].notna()]
        y = part["gets_stuck"]
        for name in ("risk", "risk_then"):
            print(
                f"{words}, {'worklist' if name == 'risk' else 'last event'}: "
                f"{y.mean():.1%} get stuck, mean risk {part[name].mean():.1%}, "
                f"log loss {metrics.log_losses(y, part[name]).mean():.3f}, "
                f"average precision {metrics.average_precision(y, part[name]):.3f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
