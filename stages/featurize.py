"""Clean rows to model columns, in four windows; what is fitted sees training rows only.

    python -m stages.featurize price

reads   data/clean/price.parquet
writes  data/state/price/     state.parquet: what is known of each entity at the end of the data;
                              nothing for a problem without history
        data/features/price/  train, valid, calibration, test .parquet: key, target, model columns
                              encoder.json, text.npz: what was fitted, for the bundle
"""

import numpy as np
import pandas as pd

from problems import parts
from problems.featurize import feature_fingerprint, features_of
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.arrays import from_frame, take
from retrace.base.files import read_table, replacing, write_table
from retrace.encode.encoders import EncodeParams
from retrace.encode.text.model import TextParams
from retrace.past.splits import WINDOWS, SplitParams, split
from stages.runner import run_stage, say
from workflow.featurize import classes_of, fit_encoding, fitted_target


def main(name: str) -> None:
    problem = find_problem(name)
    world = parts.features(problem.world)
    settings = parts.settings(world.settings, problem, "features")
    encode = parts.settings(EncodeParams, problem, "encode")
    text = parts.settings(TextParams, problem, "text")
    splitting = parts.settings(SplitParams, problem, "split")

    rows = read_table(paths.clean(problem.world))
    windows = split(
        rows,
        splitting,
        problem.group or problem.key,
        problem.time,
        target=problem.target,
        known_at=problem.known_at,
    )
    with replacing(paths.state(name)) as folder:
        folder.mkdir()
        if world.history:
            state = world.history.at_end(from_frame(rows), settings)
            write_table(state.to_table(), folder / "state.parquet")
    features = features_of(problem.world, rows, settings)
    classes = classes_of(problem, rows[(windows == "train").to_numpy()])
    target = fitted_target(problem, rows, classes)
    if classes:  # of a class that no training row has, nothing can be learnt or calibrated
        windows = windows.where(np.isfinite(target) | (windows == "test"))
    grouped = from_frame(rows[list(problem.group or problem.key)])
    rows = rows[list(problem.key)].copy()  # the rest of them is not needed beside the features

    with replacing(paths.features(name)) as folder:
        folder.mkdir()
        train = (windows == "train").to_numpy()
        encoding, encoded = fit_encoding(
            problem,
            take(grouped, train),
            take(features, train),
            target[train],
            settings.model_dump(),
            encode,
            text,
            classes,
            feature_fingerprint(problem.world, settings),
        )
        for window in WINDOWS:
            here = (windows == window).to_numpy()
            matrix = encoded if window == "train" else encoding.transform(take(features, here))
            keys = rows[here].assign(target=target[here])
            columns = encoding.to_frame(matrix, keys.index)
            write_table(pd.concat([keys, columns], axis=1), folder / f"{window}.parquet")
        encoding.save(folder)
    counts = windows.value_counts()
    say(
        f"{name}: {len(encoding.columns)} columns; "
        + ", ".join(f"{w} {counts[w]:,}" for w in WINDOWS)
    )


if __name__ == "__main__":
    run_stage(main)
