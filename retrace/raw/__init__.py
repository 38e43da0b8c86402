"""Read raw tables as people deliver them: one file or a folder of files, every row with its place.

    table = read_raw(Path("data/external/mercari"), ["train_id", "price"], optional=["split"])
    table.rows        # the columns asked for, and `file` and `row` (1 is the first data row)
    table.malformed   # rows with another number of fields than the header

    read_mapped(path, ["amount"], columns={"amount": "TX_AMOUNT"})    # under its owner's names

.tsv and .csv (also .gz, and with another separator) give text, "" where a field is empty; .parquet
gives its own types. .xlsx and .json (also .gz, and a record a line as .jsonl)
give text. .xes (also .gz) gives a row for each event of the log, as text.
What looks like a fault of the export is logged as a warning: see `retrace.raw.hints`.
Numbers are read later, by `retrace.raw.values`: one unreadable value costs one row, not the file.
"""

import difflib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from retrace.base.errors import RetraceError
from retrace.raw.blocks import in_pieces
from retrace.raw.delimited import Delimited
from retrace.raw.hints import hints
from retrace.raw.objects import Objects
from retrace.raw.parquet import Parquet
from retrace.raw.sheets import Sheet
from retrace.raw.sources import TRUTH, files_of, fingerprint, suffix_of
from retrace.raw.xes import Xes

__all__ = [
    "PLACE", "TRUTH", "WRONG_FIELDS", "RawTable", "fingerprint", "names_in_file", "pieces_mapped",
    "read_mapped", "read_raw", "say_hints",
]  # fmt: skip

WRONG_FIELDS = "wrong number of fields"
PLACE = ("file", "row")
CLOSE = 0.6  # difflib's usual similarity of names that may be the same
_READERS: dict[str, type[Parquet | Objects | Sheet | Xes]] = {
    ".parquet": Parquet, ".xes": Xes, ".xlsx": Sheet,
    ".json": Objects, ".jsonl": Objects, ".ndjson": Objects,
}  # fmt: skip


@dataclass(frozen=True)
class RawTable:
    """Every row of the files once, in `rows` or in `malformed`, in the order of file and row.

    rows: the columns asked for, then `file` (its name) and `row` (1 is the file's first data row).
    malformed: `file`, `row`, `reason` and `text`, how the row begins.
    """

    rows: pd.DataFrame
    malformed: pd.DataFrame

    @property
    def rows_in(self) -> int:
        return len(self.rows) + len(self.malformed)


def read_raw(
    source: Path,
    columns: Sequence[str],
    optional: Sequence[str] = (),
    *,
    name: str | None = None,
    hints: Mapping[str, str] | None = None,
    rest: bool = False,
    signs: bool | None = True,
) -> RawTable:
    """Read the table at `source`: a file, or all files of a folder in the order of their names.

    `name` selects one table of a folder with several: `stops.csv`, `stops.parquet`, or all files of
    the folder `stops/`. `columns` must be in every file, in any order. Those of `optional` are read
    from the files that have them and missing (NaN) in others; without any such file they are left
    out. All other columns are dropped, or with `rest` come after those, as if they were optional:
    of several with one name the second is then `name.1`, as pandas has it. So are columns that are
    called as those of `PLACE` are.
    `hints` says more about a column that is not there. Without `signs` nothing is said of how
    numbers are written: the caller knows. With None the caller says all of it, by `say_hints`.

    Raises RetraceError for whatever cannot be read without losing rows: no file, no rows, another
    format or encoding, a column that is missing or doubled, a file that is cut off.
    """
    wanted = [*columns, *optional]
    if len(set(wanted)) < len(wanted) or set(wanted) & set(PLACE):
        raise ValueError(f"columns must differ from each other and from {PLACE}: {wanted}")
    rows, malformed = [], []
    for path in files_of(source, name):
        reader = _READERS.get((suffix_of(path) or "").removesuffix(".gz"), Delimited)(path)
        reader.names = [f"{name}.1" if name in PLACE else name for name in reader.names]
        if rest:
            reader.names = _numbered(reader.names, apart=columns)
            others = (one for one in reader.names if one not in wanted and one not in PLACE)
            optional = [*optional, *others]
            wanted = [*columns, *optional]
        part, wrong = _read(reader, path, columns, optional, hints or {})
        rows.append(part)
        malformed.append(wrong)
    return _table(source, name, wanted, rows, malformed, signs)


def say_hints(
    source: Path, rows: pd.DataFrame, *, signs: bool = True, read: Mapping[str, str] | None = None
) -> None:
    """Log what looks like a fault of the export, by column, as `retrace.raw.hints` has it."""
    for hint in hints(rows, signs=signs, read=read):
        logging.getLogger(__name__).warning("%s: %s", source, hint)


def _numbered(names: Sequence[str], apart: Sequence[str]) -> list[str]:
    """Number the names that are there again, but for those `apart`, of which only one can count."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append(f"{name}.{seen[name]}" if seen[name] and name not in apart else name)
        seen[name] += 1
    return found


def names_in_file(known: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the file's name of each of the `known` names; one that is not mapped is the same.

    Raises RetraceError for a mapped name that is not known (with the closest that is), and for two
    names that are mapped to one column.
    """
    for name in columns:
        if name not in known:
            close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}."
            raise RetraceError(f"params.yaml: `columns` maps the unknown name '{name}'; {hint}")
    found = {name: columns.get(name, name) for name in known}
    owners: dict[str, str] = {}
    for name in columns:
        other = owners.setdefault(found[name], name)
        if other != name:
            raise RetraceError(
                f"params.yaml: `columns` maps both '{other}' and '{name}' to the column "
                f"'{found[name]}'. Each needs a column of its own; remove or change one of them."
            )
    return found


def read_mapped(
    source: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    *,
    name: str | None = None,
    hints: Mapping[str, str] | None = None,
) -> RawTable:
    """Read a raw table by the names of `columns`, and return it under the project's own.

    `required`, `optional` and `hints` are in the project's names. A column that is mapped must be
    there, an optional one too. Everything else is as `read_raw` has it; columns that
    are neither required nor optional never leave the file.

    Raises RetraceError for a mapping that names a missing column (with the closest that is there).
    """
    asked = _asked(required, optional, columns or {}, hints or {})
    table = read_raw(source, asked.needed, asked.others, name=name, hints=asked.hints)
    return RawTable(table.rows.rename(columns=asked.back), table.malformed)


def pieces_mapped(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> Iterator[RawTable]:
    """Yield a file as `read_mapped` reads it, piece by piece; what is no delimited file is one.

    What looks like a fault of the export is only looked for in the first piece.
    """
    asked = _asked(required, optional, columns or {}, {})
    files_of(path)
    other = _READERS.get((suffix_of(path) or "").removesuffix(".gz"))
    readers = [other(path)] if other else in_pieces(path)
    wanted, signs = [*asked.needed, *asked.others], True
    for reader in readers:
        rows, malformed = _read(reader, path, asked.needed, asked.others, asked.hints)
        table = _table(path, None, wanted, [rows], [malformed], signs or None)
        yield RawTable(table.rows.rename(columns=asked.back), table.malformed)
        signs = False


class _Asked(NamedTuple):
    """Columns by their names in the file: needed, and optional; and the project's names of them."""

    needed: list[str]
    others: list[str]
    hints: dict[str, str]
    back: dict[str, str]


def _asked(
    required: Sequence[str],
    optional: Sequence[str],
    mapping: Mapping[str, str],
    hints: Mapping[str, str],
) -> _Asked:
    in_file = names_in_file([*required, *optional], mapping)
    needed = [*required, *(one for one in optional if one in mapping)]
    taken = {in_file[one] for one in needed}
    others = [one for one in optional if one not in mapping and in_file[one] not in taken]
    doubled = sorted(one for one in required if list(in_file.values()).count(in_file[one]) > 1)
    if len(taken) < len(needed):
        raise RetraceError(
            f"params.yaml: `columns` gives the column '{in_file[doubled[0]]}' to more than one of "
            f"{', '.join(needed)}. Map the others to columns of their own."
        )
    told = {in_file[one]: text for one, text in hints.items() if one in in_file}
    for one in needed:
        if one in mapping:
            told[in_file[one]] = f"params.yaml maps '{one}' to it: correct `columns.{one}` there."
    back = {in_file[one]: one for one in [*needed, *others]}
    return _Asked([in_file[one] for one in needed], [in_file[one] for one in others], told, back)


def _read(
    reader: "Delimited | Parquet | Objects | Sheet | Xes",
    path: Path,
    columns: Sequence[str],
    optional: Sequence[str],
    hints: Mapping[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows and malformed ones of a file, with their places."""
    _check_columns(path, reader.names, columns, optional, hints)
    part, wrong = reader.read([one for one in [*columns, *optional] if one in reader.names])
    return part.assign(file=path.name, row=part.pop("row")), wrong.assign(file=path.name)


def _check_columns(
    path: Path,
    found: Sequence[str],
    columns: Sequence[str],
    optional: Sequence[str],
    hints: Mapping[str, str],
) -> None:
    for column in [*columns, *optional]:
        if found.count(column) > 1:
            places = ", ".join(str(i + 1) for i, other in enumerate(found) if other == column)
            raise RetraceError(
                f"{path}: column '{column}' is there {found.count(column)} times (as columns "
                f"{places}). Remove or rename all but one, so that it is clear which one counts."
            )
    missing = [column for column in columns if column not in found]
    if not missing:
        return
    likely = _likely(missing, [other for other in found if other not in columns])
    guesses = [f"If '{other}' is '{column}', rename it." for column, other in likely.items()]
    known = [hints[column] for column in missing if column in hints and column not in likely]
    raise RetraceError(
        f"{path}: no column {', '.join(map(repr, missing))} in the header. "
        f"{' '.join(known or guesses or ['Add it, or choose another file.'])} "
        f"Found: {', '.join(found)}. Expected: {', '.join(columns)}, in any order."
    )


def _likely(missing: Sequence[str], unused: Sequence[str]) -> dict[str, str]:
    """Return which unused name each missing one may stand under: the closest pairs, each once."""
    pairs = [
        (
            difflib.SequenceMatcher(None, column.lower(), other.strip().lower()).ratio(),
            column,
            other,
        )
        for column in missing
        for other in unused
    ]
    found: dict[str, str] = {}
    for ratio, column, other in sorted(pairs, key=lambda pair: -pair[0]):
        if ratio >= CLOSE and column not in found and other not in found.values():
            found[column] = other
    return {column: found[column] for column in missing if column in found}


def _table(
    source: Path,
    name: str | None,
    wanted: Sequence[str],
    rows: list[pd.DataFrame],
    malformed: list[pd.DataFrame],
    signs: bool | None,
) -> RawTable:
    frame = pd.concat(rows, ignore_index=True) if len(rows) > 1 else rows[0]
    wrong = pd.concat(malformed, ignore_index=True)
    if not len(frame) and not len(wrong):
        where = f"{source}/{name}" if name else f"{source}"
        raise RetraceError(
            f"{where}: the header is there, but not one data row (in {len(rows)} "
            f"file{'s' if len(rows) > 1 else ''}). Export the data again, with its rows."
        )
    present = [column for column in wanted if column in frame]
    wrong["reason"] = pd.Series(WRONG_FIELDS, index=wrong.index, dtype="str")
    if signs is not None:
        say_hints(source, frame[present], signs=signs)
    return RawTable(frame[[*present, *PLACE]], wrong[[*PLACE, "reason", "text"]])
