"""Tables under their owner's names: `columns:` maps a project's name to the name in the file."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from retrace.base.errors import RetraceError
from retrace.raw import RawTable, read_raw

__all__ = ["names_in_file", "read_mapped"]


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
    there, an optional one too. Everything else is as `retrace.raw.read_raw` has it; columns that
    are neither required nor optional never leave the file.

    Raises RetraceError for a mapping that names a missing column (with the closest that is there).
    """
    mapping = columns or {}
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
    told = {in_file[one]: text for one, text in (hints or {}).items() if one in in_file}
    for one in needed:
        if one in mapping:
            told.setdefault(
                in_file[one], f"params.yaml maps '{one}' to it: mend `columns.{one}` there."
            )
    table = read_raw(
        source, [in_file[one] for one in needed], [in_file[one] for one in others],
        name=name, hints=told,
    )  # fmt: skip
    back = {in_file[one]: one for one in [*needed, *others]}
    return RawTable(table.rows.rename(columns=back), table.malformed)
