"""Cross-validate a problem's whole model on a source of real data.

    python -m bench.crossval price data/external/mercari.tsv --folds 5 --seed 1

Each fold fits on the other folds, by the code and the parameters of the stages: a tenth of them
chooses the number of rounds; with `train.final` all of them are fitted again with these. Prints the
metric and the seconds by fold.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems import parts
from problems.contract import Problem
from problems.featurize import complete, features_of
from problems.parts import find_problem
from problems.predict import settings_of
from retrace.base.arrays import from_frame, take
from retrace.base.params import read_params
from retrace.encode.encoders import EncodeParams
from retrace.encode.encoding import Encoding, to_scale
from retrace.encode.text.model import TextParams
from retrace.fit.boosters import Window
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from retrace.past.splits import unit_hash
from workflow.featurize import fit_encoding
from workflow.refit import refit
from workflow.train import TrainParams, fit_bundle

VALID_SHARE = 0.1


def fit(problem: Problem, rows: pd.DataFrame, seed: int) -> Bundle:
    """Fit a bundle on `rows`, as the stages would. It has the point alone."""
    module = parts.features(problem.world)
    settings = parts.settings(module.settings, problem, "features")
    params = parts.settings(TrainParams, problem, "train")
    features = features_of(problem.world, rows, settings)
    keys = from_frame(rows[list(problem.group or problem.key)])
    target = to_scale(rows[problem.target].to_numpy(np.float64), problem.scale)
    valid = unit_hash(rows, problem.group or problem.key, seed + 1) < VALID_SHARE

    def encode(mask: NDArray[np.bool_]) -> tuple[Encoding, Window]:
        encoding, encoded = fit_encoding(
            problem,
            take(keys, mask),
            take(features, mask),
            target[mask],
            settings.model_dump(),
            parts.settings(EncodeParams, problem, "encode"),
            parts.settings(TextParams, problem, "text"),
        )
        return encoding, (encoded, target[mask])

    encoding, train = encode(~valid)
    chosen = (encoding.transform(take(features, valid)), target[valid])
    windows = {"train": train, "valid": chosen, "calibration": chosen}
    model, _ = fit_bundle(problem, encoding, windows, params, intervals=False)
    return refit(problem, model, *encode(np.ones_like(valid)), params) if params.final else model


def point(problem: Problem, bundle: Bundle, rows: pd.DataFrame) -> NDArray[np.float64]:
    features = features_of(problem.world, rows, settings_of(parts.features(problem.world), bundle))
    found = complete(problem.columns, features, bundle.encoding.encoder)
    return bundle.point(found)["prediction"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("problem")
    parser.add_argument("source", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    problem = find_problem(options.problem)
    module = parts.reader(problem.world)
    settings = read_params(module.settings, f"{problem.world}.ingest")
    rows = module.ingest(options.source, settings).clean
    units = unit_hash(rows, problem.group or problem.key, options.seed)
    fold = (units * options.folds).astype(int)
    measure = metrics.METRICS[problem.metric]
    scores = []
    for number in range(options.folds):
        test = rows[fold == number].reset_index(drop=True)
        start = time.perf_counter()
        bundle = fit(problem, rows[fold != number].reset_index(drop=True), options.seed)
        seconds = time.perf_counter() - start
        predicted = point(problem, bundle, test.drop(columns=problem.target))
        scores.append(measure(test[problem.target], predicted))
        print(
            f"fold {number + 1}: {problem.metric} {scores[-1]:.4f} on {len(test):,} rows, "
            f"{seconds:.1f} s of fitting",
            flush=True,
        )
    print(f"mean {problem.metric} {np.mean(scores):.4f} (sd of folds {np.std(scores):.4f})")


if __name__ == "__main__":
    main()
