"""Search a problem's parameters by TPE; the best trials become DVC experiments.

    retrace tune price --trials 50
    retrace tune price --trials 50 --keep 5    then run the best five through the whole DAG

Trials are scored on the validation window only, on the features that `dvc repro` has cached, or on
their own where the space has parameters of features, encoders or the text model. The best is then
compared with params.yaml on the calibration window, which has chosen nothing.
"""

import argparse
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from experiments import dag
from experiments.tune import log, search
from experiments.tune.confirm import against_current
from experiments.tune.features import check_space, setting
from experiments.tune.log import Trial
from experiments.tune.space import TuneParams
from experiments.tune.trial import Windows
from problems import parts
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import write_csv
from retrace.judge.comparison import Difference, plain
from workflow.train import TrainParams


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as price")
    parser.add_argument(
        "--trials",
        type=int,
        default=50,
        metavar="N",
        help="trials of this seed in all, earlier ones included (50)",
    )
    parser.add_argument("--seed", type=int, help="instead of tune.seed of params.yaml")
    parser.add_argument(
        "--keep", type=int, default=0, metavar="N", help="run the best N as DVC experiments"
    )


def run(args: argparse.Namespace) -> int:
    name = args.problem
    problem = find_problem(name)
    tuning = parts.settings(TuneParams, problem, "tune")
    if args.seed is not None:
        tuning = tuning.model_copy(update={"seed": args.seed})
    check_space(problem, tuning.space)
    check_features(name)
    windows = Windows.of(problem, parts.settings(TrainParams, problem, "train"))
    mark = search.mark_of(features_md5(name), tuning, windows)
    known = search.read_known(log.folder_of(name), mark)
    own = sum(trial.seed == tuning.seed for trial in known.trials)
    tell_known(known, log.folder_of(name))
    if own >= args.trials:
        print(
            f"Nothing to search: {own} trials of seed {tuning.seed} are there, and --trials "
            f"{args.trials} asks for no more. --trials {own + 50} makes fifty more, --seed "
            f"{tuning.seed + 1} as many of another chain."
        )
    trials = [*known.trials, *make_trials(windows, tuning, known, mark, args.trials)]
    best = search.best(problem, trials, max(args.keep, 1))
    if not best:
        reasons = sorted({trial.reason for trial in trials if trial.reason})
        raise RetraceError(f"no trial of {len(trials)} has a score: {'; '.join(reasons[:3])}.")
    print(f"{len(trials)} trials; best valid {problem.metric} {best[0].score:.5g} with")
    for words in as_settings(name, best[0]):
        print(f"  -S {words}")
    if own < args.trials or args.keep:
        found = against_current(windows, best[0].parameters)
        kept = keep(name, best[: args.keep], mark)
        tell_verdict(found, name, kept)
    return 0


def make_trials(
    windows: Windows, tuning: TuneParams, known: search.KnownTrials, mark: str, count: int
) -> list[Trial]:
    """Search until there are `count` trials of the seed; record, draw and return the new ones."""
    problem, path = windows.problem, log.new_path(windows.problem.name)
    done = sum(trial.seed == tuning.seed for trial in known.trials)
    made: list[Trial] = []
    new = search.search(
        windows,
        tuning,
        known.trials,
        mark=mark,
        trials=count,
        record=lambda trial: log.append(path, trial),
    )
    try:
        with progress() as bar:
            task = bar.add_task(problem.name, total=max(count, done), completed=done, best="-")
            for trial in new:
                made.append(trial)
                found = search.best(problem, [*known.trials, *made], 1)
                score = f"{found[0].score:.5g}" if found else "-"
                bar.update(task, advance=1, best=score)
                if not bar.console.is_terminal:
                    print(line(trial, problem.metric, score), flush=True)
    finally:  # Ctrl-C too: what is recorded can be drawn
        table = search.plot_table(problem, [*known.trials, *made])
        write_csv(table, paths.search(problem.name))
    return made


# ---- before ------------------------------------------------------------------------------------


def check_features(problem: str) -> None:
    """Stop unless the cached features are those of the current data, code and parameters."""
    target = f"featurize@{problem}"
    stale = dag.stale(target)
    if stale:
        raise RetraceError(
            f"the features of '{problem}' are stale: {', '.join(stale)} changed. "
            f"Run `dvc repro {target}` first; trials on old features would choose for old data."
        )


def features_md5(problem: str) -> str:
    """Return the hash of the features folder, as dvc.lock has it."""
    stages = yaml.load(Path("dvc.lock").read_text("utf-8"), yaml.CSafeLoader)["stages"]
    wanted = paths.features(problem).as_posix()
    outs = stages[f"featurize@{problem}"]["outs"]
    return str(next(out["md5"] for out in outs if out["path"] == wanted))


# ---- while and after ---------------------------------------------------------------------------


def tell_known(known: search.KnownTrials, path: Path) -> None:
    if known.trials:
        print(f"{path}: going on from {len(known.trials)} trials.")
    if known.others:
        print(f"{path}: {known.others} trials of other data or another space are ignored.")
    if known.torn:
        print(f"{path}: {known.torn} lines cannot be read and are passed over.")


def progress() -> Progress:
    """A bar with the best score so far, on a terminal only."""
    console = Console()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("best {task.fields[best]}"),
        console=console,
        disable=not console.is_terminal,
    )


def line(trial: Trial, metric: str, best: str) -> str:
    score = trial.reason if trial.score is None else f"{metric} {trial.score:.5g}"
    return (
        f"trial {trial.trial + 1:>3}  {trial.state:<7}  {score}  {trial.rounds} rounds  "
        f"{trial.seconds:.1f} s  best {best}"
    )


def tell_verdict(found: Difference, problem: str, kept: list[str]) -> None:
    """Print what the search has come to, and what to do about it."""
    word, advice = "no difference beyond chance", "there is nothing to adopt"
    if found.certain:
        word = "better" if found.mean > 0 else "worse"
    if word == "better":
        advice = f"dvc exp apply {kept[0]} takes it over" if kept else "--keep 1 runs it as a whole"
    mean, lower, upper = plain(found.mean, found.lower, found.upper)
    print(
        "Against params.yaml on the calibration window, which chose nothing: gain in mean loss "
        f"{mean} (95 % interval {lower} to {upper}, {found.n_rows} rows in {found.n_blocks} "
        f"blocks): {word}, so {advice}."
    )
    if kept:
        print(f"retrace compare {problem} has what was kept beside the last commit.")


def as_settings(problem: str, trial: Trial) -> list[str]:
    """`++` sets a parameter that params.yaml leaves to its default, too."""
    return [f"++{problem}.{setting(name)}={value}" for name, value in trial.parameters.items()]


def keep(problem: str, trials: list[Trial], mark: str) -> list[str]:
    """Run each trial through the real DAG as an experiment named by search, seed and trial; return
    the names."""
    kept = []
    for trial in trials:
        name = f"{problem}-{mark[:6]}-{trial.seed}-{trial.trial + 1}".replace("_", "-")
        words = [word for one in as_settings(problem, trial) for word in ("-S", one)]
        done = dag.dvc("exp", "run", "--temp", "--name", name, *words, f"evaluate@{problem}")
        if done.returncode != 0:
            raise RetraceError(
                f"dvc exp run {name} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}"
            )
        kept.append(name)
        print(f"{name}: done", flush=True)
    return kept
