"""From a table and what is asked of it to the files of a problem, and what to tell of it."""

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from experiments.new import choice, limits, package, place
from experiments.new.choice import Chosen
from experiments.new.codes import codes
from experiments.new.columns import Guessed
from experiments.new.lines import block, scalar
from experiments.new.place import Written
from experiments.new.question import Question
from experiments.new.reading import Read, other_sheets
from experiments.new.traps import MOST_ROWS, Trap, numbers, traps
from retrace.base.errors import RetraceError
from retrace.base.params import read_key
from retrace.raw.plain import Plain, read_plain

MOST_LOST = 0.02  # share of rows, as `ingest.max_quarantined` has it
SECTIONS = ("ingest", "split", "features", "encode", "text", "train", "gate", "evaluate")
_YEAR = re.compile(r"(?i)(^|_|\b)(year|season|jahr)$")
COSTS = {"regression": ("cost_over", "cost_under"), "binary": ("cost_act", "cost_miss")}
COMMENT = 33  # where the comments of params.yaml begin


@dataclass(frozen=True)
class Plan:
    """A problem that could be written: its files, and what is to be said of it."""

    name: str
    table: Read
    question: Question
    traps: list[Trap]
    notes: list[str]
    written: Written

    def told_traps(self) -> dict[str, list[str]]:
        """Return what traps say, with the columns that are left out for it."""
        found: dict[str, list[str]] = {}
        for trap in self.traps:
            found.setdefault(trap.words, []).extend(trap.leave_out)
        return found


@dataclass(frozen=True)
class Found:
    """What is known of the clean table: its rows, what a model could see, and what it must not."""

    question: Question
    guessed: Guessed
    plain: Plain
    sorts: dict[str, str]
    traps: list[Trap]

    @property
    def left_out(self) -> dict[str, str]:
        """Why a column is left out, by name; that of the group is left out without a word."""
        found = {name: one.words for one in self.traps for name in one.leave_out}
        return {name: why for name, why in found.items() if name != self.question.group}


def check_name(name: str) -> None:
    """Raise RetraceError for a name that no package can have, or that is taken."""
    good = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
    if not good or len(name) > 40:
        close = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_") or "mine"
        close = close if close[0].isalpha() and not keyword.iskeyword(close) else f"own_{close}"
        raise RetraceError(
            f"'{name}' cannot be the name of a Python package: letters, digits and underscores, "
            f"such as '{close[:40]}'. --name gives another one."
        )
    taken = {*read_key("worlds"), *read_key("problems"), *read_key(""), *SECTIONS}
    if (name in taken or place.package(name).exists()) and not place.unfinished(name):
        raise RetraceError(
            f"there is a '{name}' already: problems/{name}/, or a key of params.yaml. Take another "
            f"--name, or take the old one out: `retrace new --remove {name}`."
        )


def plan(name: str, table: Read) -> Plan:
    """Return what would be written for a table that was read."""
    found = _look(table)
    question, clean = found.question, found.plain.clean
    rows = clean[clean[question.target].notna()]
    sorts = {one: sort for one, sort in found.sorts.items() if one != question.group}
    target = numbers(rows, question)
    zone = table.asked.zone or "UTC"
    chosen = choice.choose(clean, question, sorts, target, {*found.left_out}, zone)
    written = Written(
        files=_files(name, table, found, chosen, sorts),
        lists=_lists(name, table, found, chosen),
        block=_block(name, table, chosen),
        artifact=_artifact(name, question),
    )
    notes = [*_notes(table, found, chosen)]
    return Plan(name, table, question, found.traps, notes, written)


def _look(table: Read) -> Found:
    """Read the rows as `ingest` will, and look for traps among them."""
    question = table.question
    guessed, plain = _clean(table, question)
    if names := _codes(plain.clean, question, guessed):
        table = replace(table, guessed=_as_words(guessed, names))
        guessed, plain = _clean(table, question)
    clean = plain.clean
    others = {question.key, question.target, question.known_at, question.time}
    known = {one.name: one for one in guessed.columns.values() if one.name not in others}
    sorts = {one: str(known[one].sort) for one in map(str, clean) if one in known}
    ids = [name for name, sort in sorts.items() if sort == "words" and known[name].is_id]
    raw_target = guessed.reading.number(table.rows[table.asked.target])
    seen = list(traps(clean, question, sorts, ids, raw_target))
    group = question.group or next((trap.group for trap in seen if trap.group), None)
    return Found(replace(question, group=group), guessed, plain, sorts, seen)


def _codes(clean: pd.DataFrame, question: Question, guessed: Guessed) -> list[str]:
    rows = clean[clean[question.target].notna()].iloc[:: -(-len(clean) // MOST_ROWS)]
    others = {question.key, question.target, question.time}
    columns = {
        one.name: one.sort
        for one in guessed.columns.values()
        if one.name in rows and one.name not in others
    }
    return codes(rows, numbers(rows, question), columns)


def _as_words(guessed: Guessed, names: Sequence[str]) -> Guessed:
    columns = {
        raw: replace(one, sort="words") if one.name in names else one
        for raw, one in guessed.columns.items()
    }
    return replace(guessed, columns=columns)


def _clean(table: Read, question: Question) -> tuple[Guessed, Plain]:
    """Read the rows; a column of numbers by which too many are lost is one of words."""
    guessed = table.guessed
    while True:
        kinds = package.kinds(question, guessed)
        reading = package.reading(question, guessed, table.asked.zone)
        key = (question.key or package.ROW_ID,)
        plain = read_plain(table.source, kinds, key=key, reading=reading)
        if len(plain.rejected) <= MOST_LOST * (len(plain.rejected) + len(plain.clean)):
            return guessed, plain
        guessed = _as_words(guessed, [_worst(table, question, guessed, plain)])


def _worst(table: Read, question: Question, guessed: Guessed, plain: Plain) -> str:
    """Return the column by which the most rows are lost; RetraceError where none can be spared."""
    reasons = plain.rejected["reason"].value_counts()
    fixed = (question.target, question.time, question.known_at, question.key)
    for one in guessed.columns.values():
        lost = str(reasons.index[0]).startswith(f"{one.name} is not")
        if lost and one.name not in fixed and one.sort != "words":
            return one.name
    all_rows = len(plain.rejected) + len(plain.clean)
    first = plain.rejected.iloc[0]
    shown = "\n".join(f"  {n:>8,}  {reason}" for reason, n in reasons.items())
    raise RetraceError(
        f"{len(plain.rejected):,} of {all_rows:,} rows of {table.source.name} cannot be "
        f"used:\n{shown}\nThe first is row {first['row']} of {first['file']}. Correct the "
        "file, or leave the column out with --drop."
    )


def _files(
    name: str, table: Read, found: Found, chosen: Chosen, sorts: dict[str, str]
) -> dict[str, str]:
    question, clean, file = found.question, found.plain.clean, table.source.name
    asks = {"regression": "How much is", "binary": "Whether", "multiclass": "Which"}[question.task]
    about = f"{file}: {len(clean):,} rows."
    leaks = list(found.left_out)
    kinds = package.kinds(question, found.guessed)
    reading = package.reading(question, found.guessed, table.asked.zone)
    moving = limits.moving(clean, question, [question.target, *leaks])
    of_target = {"regression": "number", "binary": "flag", "multiclass": "words"}[question.task]
    checked = {**sorts, question.target: of_target}
    checks = limits.limits(clean, checked, question.target, question.time)
    return {
        "__init__.py": "",
        "schema.py": package.schema(name, about, question, kinds, leaks, moving),
        "problem.py": package.problem(
            name, f"{asks} {question.target}, by the rows of {file}.", question, chosen
        ),
        "ingest/__init__.py": package.ingest(name, reading),
        "features/__init__.py": package.features(question, chosen, table.asked.zone or "UTC"),
        "rules.py": package.rules(chosen),
        "evaluation/__init__.py": package.evaluation(question, table.asked),
        "checks.yaml": package.checks(checks, limits.rows_min(clean)),
    }


def _lists(name: str, table: Read, found: Found, chosen: Chosen) -> dict[str, list[str]]:
    """Return the entries of the lists of params.yaml."""
    source = place.target_of(name, table.source).as_posix()
    world = [f"  {name}:", f"    world: {name}"]
    entry = list(world)
    if found.left_out:
        entry.append(f"{'    left_out:':<{COMMENT}} # without its line a column is back")
    for one, why in found.left_out.items():
        column = f"{one}_days" if found.sorts[one] == "time" else one
        entry.append(f"      {scalar(column)}: {scalar(why.replace('$', ''))}")  # DVC fills in ${}
    there = f"  {place.THERE_BEFORE}" if place.is_there(table.source) else ""
    lists = {"worlds": [f"  {name}:", f"    source: {scalar(source)}{there}"], "problems": entry}
    return lists | ({} if chosen.backtest is None else {"backtests": world})


def _block(name: str, table: Read, chosen: Chosen) -> list[str]:
    settings: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    settings |= chosen.settings
    if table.asked.costs is not None:
        names = COSTS[table.question.task]
        costs = dict(zip(names, table.asked.costs, strict=True))
        settings["evaluate"] = {**settings["evaluate"], **costs}
    if chosen.backtest is not None:
        settings["backtest"] = chosen.backtest
    head = f"{f'{name}:':<{COMMENT}} # {table.source.name}, by `retrace new`"
    return [head, *block(settings, 2)]


def _artifact(name: str, question: Question) -> list[str]:
    says = {"regression": "predicts", "binary": "the probability of", "multiclass": "the class of"}
    return [
        f"  {name}:",
        f"    path: models/{name}",
        "    type: model",
        f"    desc: {scalar(f'{says[question.task]} {question.target}')}",
    ]


def _notes(table: Read, found: Found, chosen: Chosen) -> Iterator[str]:
    """Yield what was guessed, and what is not used."""
    question, style = found.question, found.guessed.reading
    columns = list(found.guessed.columns.values())
    rejected = found.plain.rejected
    if len(sheets := other_sheets(table.source)) > 1:
        yield f"the sheet '{sheets[0]}' is read, and not {', '.join(sheets[1:])}"
    for reason, n in rejected["reason"].value_counts().items():
        rows = ", ".join(map(str, rejected["row"][rejected["reason"] == reason].head(3)))
        yield f"{n:,} row{'s' if n > 1 else ''} cannot be used ({reason}): {rows}"
    if style.decimal == "," or style.thousands or style.signs:
        signs = f", with {' '.join(style.signs)}" if style.signs else ""
        yield f"numbers: decimal sign '{style.decimal}', thousands '{style.thousands}'{signs}"
    if style.missing:
        yield f"words for no value: {', '.join(style.missing)}"
    years = [one.raw for one in columns if one.sort == "whole" and _YEAR.search(one.raw)]
    if years and question.time is None and not table.asked.no_time:
        yield (
            f"{years[0]} may be the time of the prediction: --time {years[0]} trains on the years "
            "before and judges by the last; without it all years are in both"
        )
    for one in columns:
        known = one.name == question.time or one.raw in question.time_columns
        if one.sort == "time" and one.form is not None and not known:
            use = "" if question.time else "; not used, for it may be after the prediction (--time)"
            yield f"{one.name} is a time, {one.form.words}{use}"
    if ids := _named(columns, "name", {question.key, question.target}):
        yield f"names of rows, which say nothing of others, are not used: {ids}"
    if any(one.sort == "row number" for one in columns):
        yield "numbers of rows, in a column without a name, are not used"
    bare = [_named(columns, sort) for sort in ("empty", "one value")]
    if any(bare):
        yield f"empty, or with one value, and not used: {', '.join(filter(None, bare))}"
    for one in columns:
        if one.sort in ("words", "text") and one.faults:
            place, value = one.faults[0]
            yield (
                f"{one.raw} is taken for words, for {len(one.faults):,} of its values are no "
                f"numbers, such as {value!r} (row {place})"
            )
    if chosen.unused:
        why = "a model of several classes cannot use texts"
        if question.task != "multiclass":
            why = f"their words tell nothing of {question.target}"
        yield f"{', '.join(chosen.unused)} not used: {why}"


def _named(columns: list[Any], sort: str, but: set[str | None] | None = None) -> str:
    return ", ".join(one.raw for one in columns if one.sort == sort and one.name not in (but or ()))
