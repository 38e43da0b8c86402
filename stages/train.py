"""Fit one problem's model: the windows choose, then all that is known teaches.

    python -m stages.train price

reads   data/features/price/       train, valid, calibration, and the rows of both final fits, with
                                   the encodings that were fitted on them
        requirements.lock          a new LightGBM is a new model
writes  models/price/              the bundle that ships: boosters, encoder, interval or
                                   calibration, card; in judged/ the model that test figures are of
        data/held/price.parquet    scores of rows that the judged model was fitted without
        plots/price/learning.csv   loss by round
        plots/price/importance.csv share of gain by column
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from problems import parts
from problems.contract import Problem
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_json, read_table, replacing, write_csv, write_table
from retrace.encode.encoding import Encoding
from retrace.fit.boosters import importance
from retrace.fit.bundle import JUDGED
from stages.runner import run_stage, say
from stages.windows import FOLD, NOTES, as_window
from workflow.final import EncodedRows, Fitted, Held, final_fit, folds_choose, with_reference
from workflow.train import TrainParams, fit_bundle, point_of


def read_encoded(problem: Problem, window: str, columns: list[str]) -> EncodedRows:
    table = read_table(paths.window(problem.name, window))
    return EncodedRows(
        as_window(table, columns),
        table[list(dict.fromkeys([*problem.key, *problem.group, *filter(None, [problem.time])]))],
        table[FOLD].to_numpy(np.int64) if FOLD in table else None,
    )


def read_fitted(problem: Problem, fit: str) -> Fitted:
    encoding = Encoding.load(paths.features(problem.name) / fit)
    return Fitted(encoding, read_encoded(problem, f"{fit}/fitted", encoding.columns))


class Final(NamedTuple):
    """The rows of both final fits, and those of the test whose outcomes are known."""

    judged: Fitted
    test: EncodedRows
    shipped: Fitted


def read_final(problem: Problem) -> Final:
    judged, shipped = (read_fitted(problem, fit) for fit in ("judged", "shipped"))
    test = read_encoded(problem, "judged/test", judged.encoding.columns)
    return Final(judged, test.take(np.isfinite(test.window[1])), shipped)


def main(name: str) -> None:
    problem = find_problem(name)
    params = parts.settings(TrainParams, problem, "train")
    encoding = Encoding.load(paths.features(name))
    windows = {
        window: read_encoded(problem, window, encoding.columns)
        for window in ("train", "valid", "calibration")
    }
    matrices = {window: rows.window for window, rows in windows.items()}
    final = read_final(problem) if params.final else None
    folds = final is not None and folds_choose(problem, final.judged, final.test, params)
    model, fits = fit_bundle(problem, encoding, matrices, params, folds_choose=folds)
    held = newest = Held.of(model, windows["valid"], windows["calibration"])
    fitted, judged = windows["train"], None
    if final is not None:
        judged, model, held, newest = final_fit(
            problem, model, held, final.judged, final.test, final.shipped, params
        )
        fitted = final.shipped.rows
    notes = read_json(paths.features(name) / NOTES)
    model = replace(model, card={**model.card, "notes": notes})
    model = with_reference(problem, model, fitted, newest)

    with replacing(paths.bundle(name)) as folder:
        if judged is not None:
            judged.save(folder / JUDGED)
        model.save(folder)
    write_table(held.to_frame(), paths.held(name))
    point = point_of(fits)
    write_csv(point.curve, paths.plots(name) / "learning.csv")
    write_csv(importance(model.boosters["point"]), paths.plots(name) / "importance.csv")
    best = point.curve["valid"].min()
    say(f"{name}: {point.booster.best_iteration} rounds, valid loss {best:.4g}")
    for warning in model.card["warnings"]:
        say(f"{name}: WARNING: {warning}")


if __name__ == "__main__":
    run_stage(main)
