"""New data is in place: run the DAG, compare with the model in use, and say whether to promote.

    retrace retrain fraud

prints one page and writes it to reports/retrain-fraud.md. The exit status is for a scheduler:
0 promote the new model, 3 keep the one in use, 1 something is wrong. Nothing is promoted here;
`retrace promote` does that, from a commit.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from experiments.promotion.plan import scratch
from experiments.retraining import as_markdown, compare_models, model_in_use
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from retrace.base.files import replacing

KEEP = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as fraud")


def run(args: argparse.Namespace) -> int:
    problem = find_problem(args.problem)
    in_use = model_in_use(problem.name)
    target = f"evaluate@{problem.name}"
    print(f"dvc repro {target}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", target], stdout=sys.stderr, check=False
    )
    if done.returncode != 0:
        raise RetraceError(
            f"dvc repro {target} failed; the model in use stays. The message above says what to do."
        )
    with scratch(problem.name) as folder:
        found = compare_models(problem, in_use, folder)
    text = as_markdown(found)
    path = Path("reports") / f"retrain-{problem.name}.md"
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")
    print(text, end="")
    print(f"\nWritten to {path}.", file=sys.stderr)
    return 0 if found.promote else KEEP
