"""From a file and what somebody says of it to the files of a problem, and what to tell of it."""

import difflib
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.new import choice, limits, package, place
from experiments.new.columns import Guessed, guess
from experiments.new.lines import block, scalar
from experiments.new.place import Written
from experiments.new.question import LEAST_ROWS, Asked, Question, ask
from experiments.new.traps import Trap, numbers, traps
from retrace.base.errors import RetraceError
from retrace.base.params import read_key
from retrace.raw import PLACE, read_raw
from retrace.raw.plain import Kind, Plain, Reading, read_plain

MOST_COLUMNS = 1000
MOST_LOST = 0.02  # share of rows, as `ingest.max_quarantined` has it
TWINS_MOST = 0.5  # share of rows that equal another one, beyond which they are no mistake
SECTIONS = ("ingest", "split", "features", "encode", "text", "train", "gate", "evaluate")


@dataclass(frozen=True)
class Read:
    """A raw table, its columns as they were guessed, and what is asked of it."""

    source: Path
    rows: pd.DataFrame
    guessed: Guessed
    question: Question
    asked: Asked


@dataclass(frozen=True)
class Plan:
    """A problem that could be written: its files, and what is to be said of it."""

    name: str
    source: Path
    question: Question
    traps: list[Trap]
    notes: list[str]
    written: Written


def check_name(name: str) -> None:
    """Raise RetraceError for a name that no package can have, or that is taken."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii() or len(name) > 40:
        close = re.sub(r"\W+", "_", name.lower()).strip("_") or "mine"
        close = f"own_{close}" if close[0].isdigit() or keyword.iskeyword(close) else close
        raise RetraceError(
            f"'{name}' cannot be the name of a Python package: letters, digits and underscores, "
            f"such as '{close}'. --name gives another one."
        )
    taken = {*read_key("worlds"), *read_key("problems"), *read_key("")}
    if (name in taken or place.package(name).exists() or name in SECTIONS) and not place.unfinished(
        name
    ):
        raise RetraceError(
            f"there is a '{name}' already: problems/{name}/, or a key of params.yaml. Take another "
            f"--name, or take the old one out: `retrace new --remove {name}`."
        )


def read(source: Path, asked: Asked) -> Read:
    """Read a raw table and guess what its columns are."""
    table = read_raw(source, [], rest=True)
    names = [str(one) for one in table.rows if one not in PLACE]
    _check_table(source, table.rows, names, asked)
    for column in _said(asked):
        _check_there(column, names, source)
    kept = [one for one in names if one not in asked.drop]
    guessed = guess(table.rows, kept)
    question, guessed = ask(table.rows, guessed, asked)
    return Read(source, table.rows, guessed, question, asked)


def _said(asked: Asked) -> list[str]:
    single = (asked.target, asked.known_at, asked.key, asked.group)
    return [*filter(None, single), *asked.time, *asked.entities, *asked.drop]


def _check_there(column: str, names: Sequence[str], source: Path) -> None:
    if column in names:
        return
    close = difflib.get_close_matches(column, names, n=3, cutoff=0.5)
    lower = [one for one in names if one.lower() == column.lower()]
    hint = f"; did you mean {' or '.join(map(repr, lower or close))}?" if lower or close else "."
    raise RetraceError(f"{source.name} has no column '{column}'{hint} It has {_listed(names)}.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


def _check_table(source: Path, rows: pd.DataFrame, names: Sequence[str], asked: Asked) -> None:
    """Raise RetraceError for what is no table that a model could be made of."""
    if len(names) < 2:
        raise RetraceError(
            f"{source.name} has one column ('{names[0]}'): no table, or another separator than "
            "commas, semicolons, tabs and vertical bars. Expected a target and columns beside it."
        )
    if all(re.fullmatch(r"[-+]?[\d.,]+(\.\d+)?", name) for name in names):
        raise RetraceError(
            f"{source.name} has no header: its first line is {_listed(names)}. Put the names of the "
            "columns there."
        )
    doubled = [
        one for one in names if re.fullmatch(r".*\.\d+", one) and one.rpartition(".")[0] in names
    ]
    if doubled:
        first = doubled[0].rpartition(".")[0]
        raise RetraceError(
            f"{source.name} has the column '{first}' more than once (as columns "
            f"{', '.join(str(i + 1) for i, n in enumerate(names) if n == first or (n in doubled and n.rpartition('.')[0] == first))}"
            "). Rename or remove all but one."
        )
    kept = [one for one in names if one not in asked.drop]
    if len(kept) > MOST_COLUMNS:
        raise RetraceError(
            f"{source.name} has {len(kept):,} columns; {MOST_COLUMNS:,} are the most. Take out what "
            "the model does not need, or --drop it."
        )
    nested = [one for one in kept if rows[one].dtype == object and rows[one].map(_nested).any()]
    if nested:
        row = int(rows["row"][rows[nested[0]].map(_nested)].iloc[0])
        raise RetraceError(
            f"{source.name}: column '{nested[0]}' has lists or records (row {row}: "
            f"{str(rows[nested[0]][rows['row'] == row].iloc[0])[:60]}); a cell is one value. Make "
            f"columns of them, or leave it out: --drop {nested[0]}."
        )
    if len(rows) < LEAST_ROWS:
        raise RetraceError(
            f"{source.name} has {len(rows):,} row{'s' if len(rows) > 1 else ''}; {LEAST_ROWS} are "
            "the fewest that can be split, fitted and judged."
        )


def _nested(value: object) -> bool:
    return isinstance(value, list | dict | tuple | np.ndarray)


def plan(name: str, table: Read) -> Plan:
    """Return what would be written for a table that was read."""
    question, guessed = table.question, table.guessed
    dropped: set[str] = set()
    twins = question.key is None and question.time is None
    guessed, kinds, found = _clean(table, guessed, dropped, twins)
    columns = _candidates(question, guessed, kinds)
    clean = found.clean
    raw_target = guessed.reading.number(table.rows[table.asked.target])
    seen = list(traps(clean, question, columns, raw_target))
    out = {one: trap.words for trap in seen for one in trap.leave_out}
    group = next((trap.group for trap in seen if trap.group), None)
    if group and question.group is None:
        question = replace(question, group=group)
    grouped = question.group
    columns = {one: sort for one, sort in columns.items() if one != grouped}
    out = {one: words for one, words in out.items() if one != grouped}
    rows = clean[clean[question.target].notna()]
    chosen = choice.choose(clean, question, columns, numbers(rows, question), set(out))
    if twins and clean["row_twins"].duplicated().mean() in (0.0,):
        twins = False
        kinds.pop("row_twins")
    if twins:
        chosen.settings["twins"] = {}
    reading = package.reading(question, guessed, table.asked.zone, twins)
    notes = _notes(table, question, guessed, found, chosen)
    return Plan(
        name,
        table.source,
        question,
        seen,
        notes,
        _files(name, table, question, kinds, reading, chosen, out, columns, clean),
    )


def _clean(
    table: Read, guessed: Guessed, dropped: set[str], twins: bool
) -> tuple[Guessed, dict[str, Kind], Plain]:
    """Read the rows as `ingest` will; a column of numbers that loses too many of them is words."""
    question = table.question
    for _ in range(3):
        kinds = package.kinds(question, guessed, dropped, twins)
        reading = package.reading(question, guessed, table.asked.zone, twins)
        found = read_plain(
            table.source, kinds, key=(question.key or "row_id",), reading=reading, section="ingest"
        )
        lost = len(found.rejected) / (len(found.rejected) + len(found.clean))
        if lost <= MOST_LOST:
            return guessed, kinds, found
        reasons = found.rejected["reason"].value_counts()
        worst = str(reasons.index[0])
        raw = next(
            (raw for raw, one in guessed.columns.items()
             if worst.startswith(f"{one.name} ") and one.name not in (question.target, question.time)),
            None,
        )  # fmt: skip
        if raw is None:
            break
        columns = {**guessed.columns, raw: replace(guessed.columns[raw], sort="words")}
        guessed = replace(guessed, columns=columns)
    first = found.rejected.iloc[0]
    raise RetraceError(
        f"{len(found.rejected):,} of {len(found.rejected) + len(found.clean):,} rows of "
        f"{table.source.name} cannot be used:\n"
        + "\n".join(f"  {n:>8,}  {reason}" for reason, n in reasons.items())
        + f"\nThe first is row {first['row']} of {first['file']}. Correct the file, or --drop the column."
    )


def _candidates(question: Question, guessed: Guessed, kinds: dict[str, Kind]) -> dict[str, str]:
    """Return what a model could see, with its sort."""
    others = {question.key, question.target, question.known_at, question.time}
    others |= {"row_id", "row_twins"}
    sorts = {one.name: one.sort for one in guessed.columns.values()}
    return {name: sorts[name] for name in kinds if name not in others and name in sorts}


def _files(
    name: str,
    table: Read,
    question: Question,
    kinds: dict[str, Kind],
    reading: Reading,
    chosen: choice.Chosen,
    out: dict[str, str],
    columns: dict[str, str],
    clean: pd.DataFrame,
) -> Written:
    zone = table.asked.zone or "UTC"
    about = f"{table.source.name}: {len(clean):,} rows."
    asked = {"regression": "How much is", "binary": "Whether", "multiclass": "Which"}[question.task]
    words = f"{asked} {question.target}, of a row of {table.source.name}."
    sorts = {
        **columns,
        question.target: "flag"
        if question.task == "binary"
        else "words"
        if question.task == "multiclass"
        else "number",
    }
    found = limits.limits(clean, sorts, question.target, question.time)
    hidden = {f"{one}_days" if columns.get(one) == "time" else one: why for one, why in out.items()}
    files = {
        "__init__.py": "",
        "schema.py": package.schema(name, about, question, kinds, list(out)),
        "problem.py": package.problem(name, words, question, chosen),
        "ingest/__init__.py": package.ingest(name, reading),
        "features/__init__.py": package.features(question, chosen, zone),
        "rules.py": package.rules(chosen),
        "evaluation/__init__.py": package.DEFAULT,
        "checks.yaml": package.checks(found, limits.rows_min(clean)),
    }
    source = place.target_of(name, table.source)
    entry = [f"  {name}:", f"    world: {name}"]
    if hidden:
        entry.append(
            "    left_out:                   # would give the answer away; without its line a column is back"
        )
        entry += [f"      {scalar(one)}: {scalar(why)}" for one, why in hidden.items()]
    lists = {"worlds": [f"  {name}:", f"    source: {source}"], "problems": entry}
    settings = {section: {} for section in SECTIONS} | {
        key: value for key, value in chosen.settings.items() if key != "twins"
    }
    if chosen.backtest is not None:
        lists["backtests"] = [f"  {name}:", f"    world: {name}"]
        settings["backtest"] = chosen.backtest
    head = f"{name}:"
    lines = [f"{head:<33} # {table.source.name}, by `retrace new`", *block(settings, 2)]
    task = {"regression": "predicts", "binary": "the probability of", "multiclass": "the class of"}
    artifact = [
        f"  {name}:", f"    path: models/{name}", "    type: model",
        f"    desc: {scalar(f'{task[question.task]} {question.target}')}",
    ]  # fmt: skip
    return Written(files, lists, lines, artifact)


def _notes(
    table: Read, question: Question, guessed: Guessed, found: Plain, chosen: choice.Chosen
) -> list[str]:
    notes = []
    lost = len(found.rejected)
    if lost:
        first = found.rejected.iloc[0]
        notes.append(f"{lost:,} rows cannot be used, such as row {first['row']}: {first['reason']}")
    style = guessed.reading
    if style.decimal == "," or style.thousands or style.signs:
        notes.append(
            f"numbers: decimal sign '{style.decimal}', thousands '{style.thousands}'"
            + (f", signs {' '.join(style.signs)}" if style.signs else "")
        )
    if style.missing:
        notes.append(f"words for no value: {', '.join(style.missing)}")
    for one in guessed.columns.values():
        if one.sort == "time" and one.form is not None and one.name != question.time:
            notes.append(f"{one.name}: a time, {one.form.words}")
    ids = [
        one.name
        for one in guessed.columns.values()
        if one.sort == "name" and one.name not in (question.key, question.target)
    ]
    if ids:
        notes.append(f"names of rows, which say nothing of others: {', '.join(ids)}")
    bare = [one.raw for one in guessed.columns.values() if one.sort in ("empty", "one value")]
    if bare:
        notes.append(f"empty, or with one value: {', '.join(bare)}")
    if chosen.unused:
        notes.append(
            f"texts, which a model of several classes cannot use: {', '.join(chosen.unused)}"
        )
    return notes
