"""Which column is which: our names, the XES standard's, or those of `columns:`."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from retrace.base.errors import RetraceError
from retrace.raw import names_in_file

NEEDED = ("case_id", "activity", "timestamp")
KNOWN = (*NEEDED, "resource", "promised_at")
STANDARD = {  # IEEE 1849-2023 (XES), as pm4py writes it into tables
    "case_id": "case:concept:name",
    "activity": "concept:name",
    "timestamp": "time:timestamp",
    "resource": "org:resource",
}


def find_columns(found: Sequence[str], columns: Mapping[str, str], source: Path) -> dict[str, str]:
    """Return the file's name of each of `KNOWN` that the log has.

    Raises RetraceError where a needed or a mapped column is not there: it lists those that are.
    """
    in_file = names_in_file(KNOWN, columns)
    chosen = {}
    for name in KNOWN:
        if name in columns:
            chosen[name] = in_file[name]
        else:
            there = [one for one in (name, STANDARD.get(name, name)) if one in found]
            if there:
                chosen[name] = there[0]
    for name in dict.fromkeys([*NEEDED, *columns]):
        if chosen.get(name) not in found:
            raise RetraceError(_missing(name, chosen.get(name), found, source))
    owners: dict[str, str] = {}
    for name, column in chosen.items():
        if column in owners:
            raise RetraceError(
                f"{source}: the column '{column}' would be both '{owners[column]}' and '{name}'. "
                "Map one of them to another column under `orders.ingest.columns` in params.yaml."
            )
        owners[column] = name
    return chosen


def _missing(name: str, mapped: str | None, found: Sequence[str], source: Path) -> str:
    there = ", ".join(f"'{column}'" for column in found)
    if mapped is None:
        standard = f" or '{STANDARD[name]}'" if name in STANDARD else ""
        return (
            f"{source}: no column '{name}'{standard}. The log has: {there}. Name the right one in "
            f"params.yaml under `orders.ingest.columns`, as `{name}: COLUMN`."
        )
    close = difflib.get_close_matches(mapped, list(found), n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return (
        f"{source}: params.yaml maps '{name}' to the column '{mapped}' (`orders.ingest.columns."
        f"{name}`), which is not there.{hint} The log has: {there}."
    )
