"""Judge a model on its test window, beside the rule, the naive average and the oracle.

    python -m stages.evaluate price

reads   models/price/                   through the path that serving takes
        data/clean/price.parquet        the rows, and the training rows for rule and naive
        data/features/price/            which row is in which window
        data/truth/price/               what a simulator knows; empty for other data
writes  data/serving/price/             decision.json: which forecast is told, or the probability
                                        to act from; followed.parquet: what the interval follows;
                                        held.parquet, baseline.parquet: for monitoring
        data/predictions/price.parquet  each test row's prediction, interval (if any) and outcome
        metrics/price.json              the metric on validation, to choose by, and the test figures
        metrics/comparison/price.json   the model against each baseline, with paired intervals, and
                                        against the rule on validation
        metrics/slices/price.csv        error, bias and coverage by slice
        metrics/tables/price/           the problem's own tables and those of its interval, and
                                        tables.json, what they hold, and what is told
        plots/price/                    predicted.png, residuals.csv, calibration.csv, coverage.csv;
                                        of a classifier what stands for them, by the same names
"""

from problems import parts
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table, replacing, write_csv, write_json, write_table
from retrace.fit.bundle import Bundle
from retrace.fit.following import DECISION, FOLLOWED
from retrace.judge.tasks import JUDGING
from stages.runner import run_stage, say
from stages.windows import learnt_keys, window_keys
from workflow.coverage import coverage_tables
from workflow.evaluate import (
    beside_rule,
    compare_with_baselines,
    declared,
    held_rows,
    newest,
    score,
    select,
    with_oracle,
    with_thresholds,
    with_valid,
)
from workflow.final import Held
from workflow.following import rows_to_serve
from workflow.predictions import records
from workflow.told import cheapest, decided, with_told
from workflow.watched import BASELINE, HELD, baseline_rows, held_against


def main(name: str) -> None:
    problem = find_problem(name)
    evaluation = parts.evaluation(problem.world)
    settings = parts.settings(evaluation.settings, problem, "evaluate")
    bundle = Bundle.load_judged(paths.bundle(name))
    rows = read_table(paths.clean(problem.world))
    truth = read_table(paths.truth(problem.world)) if paths.truth(problem.world).exists() else None
    windows = (learnt_keys(problem), window_keys(problem, "test"), window_keys(problem, "valid"))
    known, test, valid = (select(rows, keys) for keys in windows)
    before = Held.from_frame(read_table(paths.held(name)))
    scored = score(problem, bundle, rows, known, test, before, settings)
    held = newest(held_rows(problem, bundle, rows, before))
    scored = with_thresholds(problem, scored, held, known, valid, settings)
    told = cheapest(problem, held, settings)
    scored = with_oracle(problem, with_told(scored, told), truth)
    figures = with_valid(problem, held, evaluation.headline(problem, scored, settings))
    labels = evaluation.slices(problem, scored, settings, rows)
    judging = JUDGING[problem.task]
    labelled = scored.join(labels.add_prefix("slice_"))
    table = judging.slice_table(scored, labels, problem.metric, settings.slice_min_rows)

    followed, lag = rows_to_serve(problem, bundle, rows, known, test, before)
    with replacing(paths.serving(name)) as folder:
        folder.mkdir()
        write_json({**decided(scored, told), **lag}, folder / DECISION)
        if followed is not None:
            write_table(followed, folder / FOLLOWED)
        write_table(held_against(problem, labelled), folder / HELD)
        write_table(baseline_rows(problem, known, test, settings), folder / BASELINE)
    write_table(records(problem, bundle, scored, role="test"), paths.predictions(name))
    write_json(figures, paths.metrics(name))
    compared = compare_with_baselines(problem, scored) | beside_rule(problem, known, held, settings)
    write_json(compared, paths.comparison(name))
    write_csv(table, paths.slices(name))
    own = evaluation.tables(problem, labelled, settings, rows, truth)
    own |= coverage_tables(problem, scored)
    with replacing(paths.tables(name)) as folder:
        folder.mkdir()
        for key, one in own.items():
            write_csv(one.frame, folder / f"{key}.csv")
        write_json(declared(problem, evaluation, figures, own, told), folder / "tables.json")
    judging.draw(scored, table, problem.unit, problem.scale, paths.plots(name))
    say(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    run_stage(main)
