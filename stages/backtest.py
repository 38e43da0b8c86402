"""Replay a problem's past: a model left alone, retrained every period, retrained on alarm.

    python -m stages.backtest fraud

reads   data/clean/fraud.parquet     the rows; every fit and alarm sees only what was known by then
        data/truth/, metrics/ingest/ when the simulated world changed, where the truth belongs to
                                     this very data
writes  plots/fraud/backtest.csv     period by period and policy: how good, and what was done
        metrics/backtest/fraud.json  the headline
        metrics/backtest/fraud/      retrainings, changes and drift as tables
"""

from problems import parts
from problems.contract import Problem
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, read_table, replacing, write_csv, write_json
from retrace.base.params import ProblemEntry, parse_section, read_params
from retrace.encode.encoders import EncodeParams
from retrace.encode.text.model import TextParams
from retrace.judge.gate import GateParams
from stages.runner import run_stage, say
from workflow.replay import tables
from workflow.replay.models import BacktestParams, Past, ReplaySettings
from workflow.replay.replay import Replay
from workflow.train import TrainParams


def read_settings(problem: Problem) -> ReplaySettings:
    """Read what params.yaml says; the backtest's own boosters are `train` with its changes."""
    name = problem.name
    backtest = parts.settings(BacktestParams, problem, "backtest")
    train = parts.settings(TrainParams, problem, "train")
    return ReplaySettings(
        backtest=backtest,
        features=parts.settings(parts.features(problem.world).settings, problem, "features"),
        encode=parts.settings(EncodeParams, problem, "encode"),
        text=parts.settings(TextParams, problem, "text"),
        train=with_changes(train, backtest.train, f"{name}.backtest.train"),
        evaluate=parts.settings(parts.evaluation(problem.world).settings, problem, "evaluate"),
        gate=parts.settings(GateParams, problem, "gate"),
    )


def with_changes(train: TrainParams, changes: dict[str, float | int], key: str) -> TrainParams:
    """Return `train` with some parameters changed; an unknown one is refused by name."""
    return parse_section(TrainParams, {**train.model_dump(), **changes}, key)


def read_changes(world: str) -> list[dict[str, str | None]] | None:
    """Return what the simulator changed; None when it does not tell, or the data is another's."""
    path = paths.truth_about(world)
    changes: list[dict[str, str | None]] | None = None
    if path.exists():
        changes = read_json(path)["changes"]
    return changes


def find_listed(name: str) -> Problem:
    """Return the problem; DVC takes its world from `backtests`, all else from `problems`."""
    problem = find_problem(name)
    listed = read_params(ProblemEntry, f"backtests.{name}").world
    if listed != problem.world:
        raise RetraceError(
            f"params.yaml: backtests.{name}.world is '{listed}' and problems.{name}.world is "
            f"'{problem.world}'. Give both the world whose data the problem is asked of."
        )
    return problem


def main(name: str) -> None:
    problem = find_listed(name)
    past = Past(problem, read_table(paths.clean(problem.world)), read_settings(problem))
    steps = list(Replay(past).steps())
    changes = read_changes(problem.world)
    periods = tables.periods(problem, steps, changes)
    alarms = tables.retrainings(steps, changes)
    found = tables.changes(steps, changes)
    figures = tables.figures_of(problem, periods, alarms)

    write_csv(periods, paths.plots(name) / "backtest.csv")
    write_json(figures, paths.backtest_metrics(name))
    with replacing(paths.backtest_tables(name)) as folder:
        folder.mkdir()
        write_csv(alarms, folder / "retrainings.csv")
        write_csv(found, folder / "changes.csv")
        write_csv(tables.drift(steps), folder / "drift.csv")
    for period, n_rows in tables.small_periods(periods).items():
        say(f"{name}: the period from {period} has {n_rows} known outcome(s): too few to judge by")
    say(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    run_stage(main)
