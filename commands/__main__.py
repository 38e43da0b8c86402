"""The `retrace` command: one module per subcommand, imported when it is the one asked for.

    retrace doctor
    retrace storage start
    retrace compare price

A module has `add_arguments(parser)` and `run(args) -> int`, the exit status. It runs in the top
folder of the repository, wherever it was called: a path among its arguments must be made absolute
while they are parsed.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from retrace.base.errors import RetraceError

SUBCOMMANDS = {
    "new": "make a problem of a file of your own: its package, its limits, its place in the DAG",
    "doctor": "check this machine and this copy: versions, Git, DVC, remote, disk, params.yaml",
    "mend": "repair DVC's own files after a kill; make repro does it first",
    "storage": "an S3 server on this machine, to try dvc push and pull; send what a push left out",
    "experiment": "dvc exp run in a clone of its own, safe beside dvc repro",
    "compare": "one problem's experiments side by side",
    "plots": "plots of commits and experiments on a page that needs no network",
    "serve": "answer requests over HTTP with the models that are in use",
    "status": "what is promoted, and what is being served now, everywhere",
    "daily": "one page on all that is served: are we well, what changed, what to do",
    "watch": "look at what was answered and what came of it; raise alarms",
    "alarms": "list alarms; acknowledge, mute or close one",
    "rollout": "try challengers on live traffic: in shadow, or on a share of the subjects",
    "predict": "predict the rows of a file",
    "events": "what the system knows of a person or a thing",
    "records": "what was doubted when it came, and is held: list it, let it in, refuse it",
    "forget": "take a person out of log, predictions, events and states",
    "worklist": "what is open at a moment, in the order in which to look at it: HTML and CSV",
    "weekly": "the weekly list: what is open, what is new, what became of last week's",
    "tune": "search a problem's parameters; the best become experiments",
    "cycle": "new data to a better model in use, by itself: for cron, CI or Airflow",
    "export": "rows and their outcomes out of the store, a file a month",
    "retrain": "new data: run the DAG, compare with the model in use, say whether to promote",
    "promote": "put this commit's model into stage prod, if the gate passes",
    "rollback": "put the previous champion back into prod",
    "champions": "what is in which stage, with its headline metric",
}


def build_parser(asked: str | None) -> argparse.ArgumentParser:
    """Return the parser; only the module of the subcommand `asked` for is imported."""
    parser = argparse.ArgumentParser(prog="retrace", description="Retrace's own commands.")
    subparsers = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
    for name, summary in SUBCOMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == asked:
            module = importlib.import_module(f"commands.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


def top_folder() -> Path:
    """Return the repository's top folder: this one, or the closest above that has a dvc.yaml."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    raise RetraceError(f"no dvc.yaml in {here} or above it. Run inside a clone of the repository.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    asked = next((word for word in words if not word.startswith("-")), None)
    args = build_parser(asked).parse_args(words)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without é gets \\xe9, no traceback
        sys.stdout.reconfigure(errors="backslashreplace")
    # DVC starts stages as `python`: that must be this one, also where no .venv is activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    try:
        os.chdir(top_folder())
        status: int = args.run(args)
    except RetraceError as error:
        print(f"retrace {args.subcommand}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `retrace compare price | head`: nobody reads on, and that is fine
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
