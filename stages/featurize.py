"""Clean rows to model columns, in four windows; what is fitted sees training rows only.

    python -m stages.featurize price

reads   data/clean/price.parquet
writes  data/state/price/     state.parquet: what is known of each entity at the end of the data
        data/features/price/  notes.json: what is used of groups left open, and what tells the date
                              train, valid, calibration, test .parquet: key, target, model columns
                              encoder.json, text.npz: what was fitted on train
                              judged/, shipped/: the same for the rows of both final fits, fitted
                              .parquet, with the fold of rows without times; in judged/ the test too
"""

from pathlib import Path

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import WEIGHT
from problems.featurize import feature_fingerprint, features_of
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.arrays import from_frame, take
from retrace.base.files import NOTHING, read_table, replacing, write_json, write_table
from retrace.encode.encoders import EncodeParams
from retrace.encode.folds import folds_of
from retrace.encode.text.model import TextParams
from retrace.past.final import final_rows
from retrace.past.splits import WINDOWS, SplitParams, split
from stages.runner import run_stage, say
from stages.windows import FOLD, NOTES
from workflow.choose import dated, dated_words, settle
from workflow.featurize import (
    FITS,
    FITTED,
    classes_of,
    encode_windows,
    fitted_target,
    weights_of,
)


def main(name: str) -> None:
    problem = find_problem(name)
    world = parts.features(problem.world)
    settings = parts.settings(world.settings, problem, "features")
    encode = parts.settings(EncodeParams, problem, "encode")
    text = parts.settings(TextParams, problem, "text")
    splitting = parts.settings(SplitParams, problem, "split")

    rows = read_table(paths.clean(problem.world))
    group = problem.group or problem.key
    time, outcome, known_at = problem.time, problem.target, problem.known_at
    windows = split(rows, splitting, group, time, target=outcome, known_at=known_at)
    masks = final_rows(rows, windows, splitting, group, time, target=outcome, known_at=known_at)
    with replacing(paths.state(name)) as folder:
        folder.mkdir()
        if world.history:
            state = world.history.at_end(from_frame(rows), settings)
            write_table(state.to_table(), folder / "state.parquet")
        else:  # DVC warns of an empty folder
            (folder / NOTHING).write_text("This problem has no history.\n", "utf-8")
    training = (windows == "train").to_numpy()
    classes = classes_of(problem, rows[training])
    target = fitted_target(problem, rows, classes)
    known = np.isfinite(target)
    chooses = training = training & known  # and where validation is later, its rows as well
    if splitting.in_time(time):
        chooses = windows.isin(["train", "valid"]).to_numpy() & known
    settings, choices = settle(problem, rows, chooses, target, settings, encode, text, classes)
    features = features_of(problem.world, rows, settings)
    if classes:  # of a class that no training row has, nothing can be learnt or calibrated
        windows = windows.where(known | (windows == "test"))
        masks = {fit: mask & known for fit, mask in masks.items()}
    grouped = from_frame(rows[list(group)])
    named = list(dict.fromkeys([*problem.key, *group, *filter(None, [time])]))
    weight = weights_of(problem, rows)
    rows = rows[named].copy()  # the rest of them is not needed beside the features

    fingerprint = feature_fingerprint(problem.world, settings)
    fitting = settings.model_dump(), encode, text, classes, fingerprint
    masks |= {window: (windows == window).to_numpy() for window in WINDOWS}

    def write_fit(folder: Path, fit: str) -> list[str]:
        """Fit an encoding, apply it, and forget it: of a million texts one takes gigabytes."""
        encoding, tables = encode_windows(problem, grouped, features, target, masks, fit, *fitting)
        folder.mkdir(exist_ok=True)
        encoding.save(folder)
        for window, mask, matrix in tables:
            keys = rows[mask].assign(target=target[mask])
            if weight is not None:
                keys[WEIGHT] = weight[mask]
            if window == FITTED:
                keys[FOLD] = folds_of(take(grouped, mask), encode.seed)
            table = pd.concat([keys, encoding.to_frame(matrix, keys.index)], axis=1)
            write_table(table, folder / f"{window}.parquet")
        return encoding.columns

    with replacing(paths.features(name)) as folder:
        columns = [write_fit(folder / fit, fit) for fit in FITS][-1]
        found = dated(rows[training], time, take(features, training), columns)
        notes = [*(choice.words for choice in choices), *dated_words(found)]
        write_json(notes, folder / NOTES)
    counted = ", ".join(f"{window} {(windows == window).sum():,}" for window in WINDOWS)
    for words in (*notes, f"{len(columns)} columns; {counted}"):
        say(f"{name}: {words}")


if __name__ == "__main__":
    run_stage(main)
