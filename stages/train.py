"""Fit one problem's model on its training window.

    python -m stages.train price

reads   data/features/price/       train, valid, calibration; the fitted encoding
        requirements.lock          a new LightGBM is a new model
writes  models/price/              the bundle: boosters, encoder, interval or calibration, card
        plots/price/learning.csv   loss by round
        plots/price/importance.csv share of gain by column
"""

from problems import parts
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import replacing, write_csv
from retrace.encode.encoding import Encoding
from stages.runner import run_stage, say
from stages.windows import read_window, window_keys
from workflow.train import TrainParams, fit_bundle, importance, with_reference


def main(name: str) -> None:
    problem = find_problem(name)
    params = parts.settings(TrainParams, problem, "train")
    encoding = Encoding.load(paths.features(name))
    windows = {
        window: read_window(problem, window, encoding.columns)
        for window in ("train", "valid", "calibration")
    }
    bundle, fits = fit_bundle(problem, encoding, windows, params)
    keys = {window: from_frame(window_keys(problem, window)) for window in windows}
    bundle = with_reference(problem, bundle, windows, keys)
    with replacing(paths.bundle(name)) as folder:
        bundle.save(folder)
    write_csv(fits["point"].curve, paths.plots(name) / "learning.csv")
    write_csv(importance(fits["point"].booster), paths.plots(name) / "importance.csv")
    best = fits["point"].curve["valid"].min()
    say(f"{name}: {fits['point'].booster.best_iteration} rounds, valid loss {best:.4g}")


if __name__ == "__main__":
    run_stage(main)
