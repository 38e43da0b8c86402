"""Judge a model on its test window, beside the rule, the naive average and the oracle.

    python -m stages.evaluate price

reads   models/price/                   through the path that serving takes
        data/clean/price.parquet        the rows, and the training rows for rule and naive
        data/features/price/            which row is in which window
        data/truth/, metrics/ingest/    the oracle, where the truth belongs to this very data
writes  data/predictions/price.parquet  each test row's prediction, interval (if any) and outcome
        metrics/price.json              the headline
        metrics/comparison/price.json   the model against each baseline, with paired intervals
        metrics/slices/price.csv        error, bias and coverage by slice
        metrics/tables/price/           the problem's own tables
        plots/price/                    predicted.png, residuals.csv, calibration.csv, coverage.csv;
                                        of a classifier precision against recall, and promised
                                        against observed rates, under the same names
"""

import numpy as np
import pandas as pd

from problems.contract import Problem, find_problem, part
from problems.predict import predict, prediction_ids
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import (
    read_json,
    read_table,
    replacing,
    write_csv,
    write_json,
    write_table,
)
from retrace.base.params import Params, read_params
from retrace.fit.bundle import Bundle
from retrace.judge import metrics, plots
from retrace.judge.comparison import paired_difference
from retrace.judge.slices import binary_slice_table, slice_table
from stages.runner import run_stage, say

BASELINES = ("rule", "naive", "oracle")


def score(
    problem: Problem,
    bundle: Bundle,
    rows: pd.DataFrame,
    settings: Params,
    window: str = "test",
) -> pd.DataFrame:
    """Return the test rows with outcome, predictions, rule and naive; `rows` are all clean rows."""
    train, test = (select(rows, problem, name) for name in ("train", window))
    rules = part(problem.world, "rules")
    return test.assign(
        outcome=test[problem.target].astype("float64"),
        **predict(problem, bundle, test.drop(columns=problem.target), past=rows),
        rule=rules.rule(problem, train, test, settings),
        naive=rules.naive(problem, train, test, settings),
    )


def read_truth(world: str) -> pd.DataFrame | None:
    """Return the simulator's truth, or None when it does not belong to the data in use."""
    raw = read_json(paths.ingest_metrics(world))["fingerprint"]
    if read_json(paths.truth_fingerprint(world))["raw"] != raw:
        return None
    return read_table(paths.truth(world))


def compare(problem: Problem, scored: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Compare the model with each baseline on the same rows, by the loss of the metric.

    `coverage` is the share of outcomes inside the interval, and how far chance may move it.
    """
    loss = metrics.LOSSES[problem.metric]
    blocks = (
        scored[list(problem.group)].astype(str).agg("|".join, axis=1) if problem.group else None
    )
    model = loss(scored["outcome"], scored["prediction"])
    found = {}
    for name in BASELINES:
        if name in scored:
            difference = paired_difference(
                model, loss(scored["outcome"], scored[name]), blocks=blocks
            )
            found[name] = {
                "loss_difference": difference.mean,
                "lower_95": difference.lower,
                "upper_95": difference.upper,
                "rows": difference.n_rows,
            }
    if "lower" in scored:
        inside = scored["outcome"].between(scored["lower"], scored["upper"]).astype("float64")
        share = paired_difference(np.zeros(len(scored)), inside, blocks=blocks)
        found["coverage"] = {
            "share": share.mean,
            "lower_95": share.lower,
            "upper_95": share.upper,
            "rows": share.n_rows,
        }
    return found


def record(problem: Problem, bundle: Bundle, scored: pd.DataFrame) -> pd.DataFrame:
    """Return the prediction records, in the columns that serving logs too."""
    never = pd.Series(pd.NaT, index=scored.index, dtype="datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "prediction_id": prediction_ids(problem, scored, bundle.fingerprint),
            **{name: scored[name] for name in problem.key},
            "as_of": scored[problem.time] if problem.time else never,
            **{
                name: scored.get(name, np.nan)  # probabilities have no interval
                for name in ("prediction", "lower", "upper", "outcome")
            },
            "known_at": scored[problem.known_at] if problem.known_at else never,
        }
    )


def draw(problem: Problem, scored: pd.DataFrame, slices: pd.DataFrame) -> None:
    """Write the plots; every task has the same files, since dvc.yaml names them."""
    folder = paths.plots(problem.name)
    if problem.task == "binary":
        plots.precision_recall_png(scored, folder / "predicted.png")
        write_csv(plots.binary_residuals(scored), folder / "residuals.csv")
        write_csv(plots.binary_calibration(scored), folder / "calibration.csv")
        write_csv(plots.rates_by_slice(slices), folder / "coverage.csv")
        return
    plots.predicted_png(scored, problem.unit, problem.scale, folder / "predicted.png")
    write_csv(plots.residuals(scored, problem.scale, problem.unit), folder / "residuals.csv")
    write_csv(plots.calibration(scored), folder / "calibration.csv")
    write_csv(plots.coverage_by_slice(slices), folder / "coverage.csv")


def main(name: str) -> None:
    problem = find_problem(name)
    evaluation = part(problem.world, "evaluation")
    settings = read_params(evaluation.Settings, f"{name}.evaluate")
    bundle = Bundle.load(paths.bundle(name))
    rows = read_table(paths.clean(problem.world))
    scored = score(problem, bundle, rows, settings)
    if hasattr(evaluation, "threshold"):  # chosen on validation, where test rows have no say
        valid = score(problem, bundle, rows, settings, "valid")
        scored = scored.assign(threshold=evaluation.threshold(problem, valid, settings))
    truth = read_truth(problem.world)
    if truth is not None:
        oracle = part(problem.world, "rules").oracle(problem, scored, truth)
        if oracle.notna().all():  # a simulator need not know the truth of all kinds of rows
            scored = scored.assign(oracle=oracle)
    figures = evaluation.headline(problem, scored, settings)
    labels = evaluation.slices(problem, scored, settings, rows)
    if problem.task == "binary":
        table = binary_slice_table(scored, labels, settings.slice_min_rows)
    else:
        metric = metrics.METRICS[problem.metric]
        table = slice_table(scored, labels, metric, settings.slice_min_rows)

    write_table(record(problem, bundle, scored), paths.predictions(name))
    write_json(figures, paths.metrics(name))
    write_json(compare(problem, scored), paths.comparison(name))
    write_csv(table, paths.slices(name))
    labelled = scored.join(labels.add_prefix("slice_"))
    with replacing(paths.tables(name)) as folder:
        folder.mkdir()
        for key, own in evaluation.tables(problem, labelled, settings, rows, truth).items():
            write_csv(own, folder / f"{key}.csv")
    draw(problem, scored, table)
    say(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


def select(rows: pd.DataFrame, problem: Problem, window: str) -> pd.DataFrame:
    """Return the clean rows of one window, in the order of the features."""
    keys = read_table(paths.window(problem.name, window), list(problem.key))
    found = keys.merge(rows, how="left", on=list(problem.key), validate="one_to_one")
    if found[problem.target].isna().any():
        raise RetraceError(
            f"{paths.window(problem.name, window)} names rows that {paths.clean(problem.world)} "
            "has not. Run `dvc repro`, which makes both from the same data."
        )
    return found


if __name__ == "__main__":
    run_stage(main)
