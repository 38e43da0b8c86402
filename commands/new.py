"""Make a problem of a table of your own: one command from a file to a model that can be judged.

    retrace new bikes hour.csv --target count --time dateday+hour
    retrace new loans.xlsx --target repaid --dry-run
    retrace new --remove bikes

Writes problems/NAME/, entries in params.yaml and dvc.yaml, and data/external/NAME*, which DVC
keeps; all of it or nothing. What was guessed is printed, and on a terminal asked: every answer is
an option as well.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from experiments.new import place
from experiments.new.plan import Plan, check_name, plan
from experiments.new.question import Answers
from experiments.new.reading import Read, read
from experiments.new.traps import TWINS
from problems.contract import Task
from retrace.base.errors import RetraceError
from retrace.base.params import read_key
from retrace.judge.metrics import METRICS

SHOWN = 12  # notes, and names in a line, on a terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="[NAME] FILE", help="a table, or a folder of such"
    )
    parser.add_argument("--target", metavar="COL", help="the column to predict")
    parser.add_argument(
        "--time",
        metavar="COL[+COL]",
        help="when the prediction is made: a column, or a day and an hour",
    )
    parser.add_argument("--no-time", action="store_true", help="rows have no order that matters")
    parser.add_argument("--known-at", metavar="COL", help="when the outcome becomes known")
    parser.add_argument("--zone", help="of times without an offset, such as Europe/Oslo (UTC)")
    parser.add_argument("--task", choices=get_args(Task))
    parser.add_argument("--metric", choices=list(METRICS))
    parser.add_argument("--unit", help="of the target, such as EUR")
    parser.add_argument(
        "--positive", metavar="VALUE", help="of a target with two values, the one to find"
    )
    parser.add_argument("--name", help="of the problem; without it the file's")
    parser.add_argument("--key", metavar="COL", help="the column that names each row")
    parser.add_argument("--group", metavar="COL", help="rows with one value belong into one window")
    parser.add_argument("--entities", metavar="COL[,COL]", default="", help="whose history is used")
    parser.add_argument("--drop", metavar="COL", action="append", default=[], help="not to be read")
    parser.add_argument(
        "--costs",
        metavar="A,B",
        help="of a number: what a unit too much and a unit too little costs; of yes or no: acting "
        "on a row, and missing a yes",
    )
    parser.add_argument("--currency", default="", help="of the costs, such as EUR")
    parser.add_argument("--yes", action="store_true", help="take the guesses, ask nothing")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written")
    parser.add_argument("--remove", metavar="NAME", help="take a problem out again")
    parser.set_defaults(here=Path.cwd())


def run(args: argparse.Namespace) -> int:
    if args.remove:
        return remove(args.remove)
    name, source = name_and_source(args)
    check_name(name)
    if place.unfinished(name):
        print(f"{name}: a run before this one was cut off; what it left is taken out first.")
        place.tidy(name)
    logging.getLogger("retrace.raw").setLevel(logging.ERROR)  # it says here how values are read
    asking = sys.stdin.isatty() and not args.yes
    table = read(source, asked_of(args, source, asking))
    if asking:
        table = confirmed(table)
    found = plan(name, table)
    tell(found)
    if args.dry_run:
        show(found)
        return 0
    place.write(name, source, found.written)
    print(
        f"\nWritten: problems/{name}/, {place.target_of(name, source)}, and lines of params.yaml "
        f"and dvc.yaml. Next:\n"
        f"  dvc repro page@{name}\n"
        f"  retrace tune {name}\n"
        f"  dvc repro"
    )
    return 0


def remove(name: str) -> int:
    known = name in read_key("worlds") and name not in (read_key("simulators") or [])
    if not known and not place.unfinished(name):
        own = [one for one in read_key("worlds") if one not in (read_key("simulators") or [])]
        raise RetraceError(
            f"there is no problem '{name}' of a table of your own; there are "
            f"{', '.join(own) or 'none'}."
        )
    found = place.remove(name)
    print(f"Taken out: {', '.join(found)}.")
    return 0


def name_and_source(args: argparse.Namespace) -> tuple[str, Path]:
    if not 1 <= len(args.words) <= 2:
        raise RetraceError("expected a file: retrace new [NAME] FILE --target COL.")
    source = Path(args.words[-1])
    source = source if source.is_absolute() else args.here / source
    if not source.exists():
        raise RetraceError(f"{source}: no such file or folder.")
    named = args.name or (args.words[0] if len(args.words) == 2 else source.name.split(".")[0])
    return str(named), source


def asked_of(args: argparse.Namespace, source: Path, asking: bool) -> Answers:
    target = args.target
    if not target and asking:
        target = input("The column to predict: ").strip()
    if not target:
        raise RetraceError(f"which column of {source.name} is to be predicted? --target COL.")
    return Answers(
        target=target,
        time=tuple(args.time.split("+")) if args.time else (),
        known_at=args.known_at,
        task=args.task,
        metric=args.metric,
        unit=args.unit,
        key=args.key,
        group=args.group,
        entities=tuple(filter(None, args.entities.split(","))),
        drop=tuple(args.drop),
        zone=args.zone,
        positive=args.positive,
        no_time=args.no_time,
        costs=costs_of(args.costs) if args.costs else None,
        currency=args.currency,
    )


def costs_of(words: str) -> tuple[float, float]:
    """Read two costs, none below zero and not both zero."""
    try:
        first, second = (float(word) for word in words.split(","))
    except ValueError:
        first = second = -1.0
    if not (0 <= first < np.inf and 0 <= second < np.inf and first + second > 0):
        raise RetraceError(
            f"--costs {words}: expected two costs with a comma between, such as 0.6,1."
        )
    return first, second


def confirmed(table: Read, answer: Callable[[str], str] = input) -> Read:
    """Ask what the table cannot tell, a line a question; an empty answer takes the guess."""
    asked, question = table.asked, table.question
    changes: dict[str, Any] = {}

    def ask(words: str, guess: str, field: str) -> None:
        if getattr(asked, field):
            return
        said = answer(f"{words} [{guess}]: ").strip()
        if said and said != guess:
            changes[field] = tuple(said.split("+")) if field == "time" else said

    ask("Task: regression, binary or multiclass", question.task, "task")
    if not asked.no_time:
        ask(
            "Time of the prediction, a column or two with a +",
            "+".join(question.time_columns) or "none",
            "time",
        )
    if question.task == "regression":
        ask("Unit of the target", question.unit, "unit")
    if question.time_columns:
        ask("Column with the time when the outcome is known", "at once", "known_at")
        ask("Zone of times without an offset", "UTC", "zone")
    ask("Column whose rows belong together, such as a customer", question.group or "none", "group")
    if question.task != "multiclass" and asked.costs is None:
        what = "a unit too much, and a unit too little"
        if question.task == "binary":
            what = "acting on a row, and missing a yes"
        said = answer(f"Cost of {what}, with a comma [not known]: ").strip()
        if said:
            changes["costs"] = costs_of(said)
    if changes.get("time") == ("none",):
        changes = {**changes, "time": (), "no_time": True}
    changes = {field: value for field, value in changes.items() if value not in ("none", "at once")}
    return read(table.source, replace(asked, **changes)) if changes else table


def tell(found: Plan) -> None:
    """Print what was guessed, and what was found."""
    table, question = found.table, found.question
    file, columns = table.source.name, len(table.guessed.columns)
    print(f"{found.name}: {len(table.rows):,} rows, {columns} columns of {file}")
    words = {
        "regression": f"a number, in {question.unit}",
        "binary": "yes or no",
        "multiclass": f"one of {len(question.classes)} classes",
    }[question.task]
    if question.truths:
        words += f"; yes is {question.positive!r}"
    even = ", errors even on a log scale" if question.scale == "log" else ""
    print(f"  predicts   {question.target}: {words}")
    print(f"  judged by  {METRICS[question.metric].words}{even}")
    if question.time and question.time_form:
        form = question.time_form.words
        print(f"  time       {' + '.join(question.time_columns)}, {form}; the test comes last")
    else:
        print("  time       none; the test is drawn by hash")
    by = "content" if question.group == TWINS else question.group
    together = f"; those of one {by} are in one window" if by else ""
    print(f"  rows       named by {question.key or 'their content'}{together}")
    for note in found.notes[:SHOWN]:
        print(f"  note       {note}")
    for words, names in found.told_traps().items():
        shown = ", ".join(names[:SHOWN]) + (
            f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)
        )
        print(f"  trap       {f'left out: {shown}: ' if names else ''}{words}")


def show(found: Plan) -> None:
    """Print the files and lines that would be written."""
    for path, text in found.written.files.items():
        print(f"\n==== problems/{found.name}/{path}\n{text}", end="")
    print("\n==== params.yaml")
    for top, entry in found.written.lists.items():
        print(f"{top}:", *entry, sep="\n")
    print(*found.written.block, sep="\n")
