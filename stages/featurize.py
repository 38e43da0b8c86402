"""Clean rows to model columns, in four windows; what is fitted sees training rows only.

    python -m stages.featurize price

reads   data/clean/price.parquet
writes  data/state/price/     state.parquet: what is known of each entity at the end of the data;
                              nothing for a problem without history
        data/features/price/  notes.json: which groups of columns are used that `features` leaves
                              open (auto), and which columns tell the date
                              train, valid, calibration, test .parquet: key, target, model columns
                              encoder.json, text.npz: what was fitted on train
                              judged/, shipped/: the same for the rows of both final fits,
                              fitted.parquet, with the fold of rows that no time orders; judged/ has
                              the test as well
"""

from pathlib import Path

import numpy as np
import pandas as pd

from problems import parts
from problems.featurize import feature_fingerprint, features_of
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.arrays import from_frame, take
from retrace.base.files import NOTHING, read_table, replacing, write_json, write_table
from retrace.encode.encoders import EncodeParams, Matrix
from retrace.encode.encoding import Encoding
from retrace.encode.folds import folds_of
from retrace.encode.text.model import TextParams
from retrace.past.final import Mask, final_rows
from retrace.past.splits import WINDOWS, SplitParams, split
from stages.runner import run_stage, say
from stages.windows import NOTES
from workflow.choose import dated, dated_words, settle
from workflow.featurize import classes_of, fit_encoding, fitted_target

# By folder: the rows that an encoding is fitted on, and the windows that it is applied to.
FITTED, FOLD = "fitted", "fold"
FITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("train", ("valid", "calibration", "test")),
    "judged": (FITTED, ("test",)),
    "shipped": (FITTED, ()),
}


def main(name: str) -> None:
    problem = find_problem(name)
    world = parts.features(problem.world)
    settings = parts.settings(world.settings, problem, "features")
    encode = parts.settings(EncodeParams, problem, "encode")
    text = parts.settings(TextParams, problem, "text")
    splitting = parts.settings(SplitParams, problem, "split")

    rows = read_table(paths.clean(problem.world))
    group = problem.group or problem.key
    outcome, known_at, time = problem.target, problem.known_at, problem.time
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
    training = training & np.isfinite(target)
    chooses = training  # and where validation is later than training, its rows as well
    if splitting.in_time(time):
        chooses = training | ((windows == "valid").to_numpy() & np.isfinite(target))
    settings, choices = settle(problem, rows, chooses, target, settings, encode, text, classes)
    features = features_of(problem.world, rows, settings)
    if classes:  # of a class that no training row has, nothing can be learnt or calibrated
        windows = windows.where(np.isfinite(target) | (windows == "test"))
        masks = {fit: mask & np.isfinite(target) for fit, mask in masks.items()}
    grouped = from_frame(rows[list(group)])
    named = list(dict.fromkeys([*problem.key, *group, *filter(None, [time])]))
    rows = rows[named].copy()  # the rest of them is not needed beside the features

    def write(path: Path, mask: Mask, encoding: Encoding, matrix: Matrix) -> None:
        keys = rows[mask].assign(target=target[mask])
        if path.stem == FITTED:
            keys[FOLD] = folds_of(take(grouped, mask), encode.seed)
        write_table(pd.concat([keys, encoding.to_frame(matrix, keys.index)], axis=1), path)

    fingerprint = feature_fingerprint(problem.world, settings)
    fitting = settings.model_dump(), encode, text, classes, fingerprint
    masks |= {window: (windows == window).to_numpy() for window in WINDOWS}
    with replacing(paths.features(name)) as folder:
        for fit, (fitted, others) in FITS.items():
            (folder / fit).mkdir()
            mask = masks[fit or fitted]
            keys, seen = take(grouped, mask), take(features, mask)
            encoding, encoded = fit_encoding(problem, keys, seen, target[mask], *fitting)
            encoding.save(folder / fit)
            write(folder / fit / f"{fitted}.parquet", mask, encoding, encoded)
            for window in others:
                matrix = encoding.transform(take(features, masks[window]))
                write(folder / fit / f"{window}.parquet", masks[window], encoding, matrix)
        found = dated(rows[training], time, take(features, training), encoding.columns)
        notes = [*(choice.words for choice in choices), *dated_words(found)]
        write_json(notes, folder / NOTES)
    for note in notes:
        say(f"{name}: {note}")
    counts = windows.value_counts()
    counted = ", ".join(f"{window} {counts[window]:,}" for window in WINDOWS)
    say(f"{name}: {len(encoding.columns)} columns; {counted}")


if __name__ == "__main__":
    run_stage(main)
