"""Which column is which: those of `columns:`, our names, the XES standard's, or usual ones."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from retrace.base.errors import RetraceError
from retrace.raw import names_in_file

NEEDED = ("case_id", "activity", "timestamp")
KNOWN = (*NEEDED, "resource", "promised_at", "transition")
STANDARD = {  # IEEE 1849-2023 (XES), as pm4py writes it into tables
    "case_id": "case:concept:name",
    "activity": "concept:name",
    "timestamp": "time:timestamp",
    "resource": "org:resource",
    "transition": "lifecycle:transition",
}
USUAL = {  # of exports, in small letters without signs; the first that is there counts
    "case_id": (
        *("caseid", "caseconceptname", "traceid", "traceconceptname", "casekey", "caseidentifier"),
        *("casenumber", "case"),
    ),
    "activity": (
        *("eventconceptname", "conceptname", "activityid", "activityname", "activityen"),
        *("eventname", "event"),
    ),
    "timestamp": (
        *("eventtimetimestamp", "timetimestamp", "completetimestamp", "eventtimestamp"),
        *("eventtime", "completetime", "endtimestamp", "endtime"),
    ),
    "resource": (
        *("eventorgresource", "orgresource", "resourceid", "resourcename"),
        *("eventuser", "username", "user"),
    ),
    "transition": ("eventlifecycletransition", "lifecycletransition", "lifecycleid", "lifecycle"),
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
            bare = {re.sub(r"[\W_]+", "", one).lower(): one for one in reversed(found)}
            words = (name.replace("_", ""), *USUAL.get(name, ()))
            there += [bare[word] for word in words if word in bare]
            if there:
                chosen[name] = there[0]
    for name in dict.fromkeys([*NEEDED, *columns]):
        if chosen.get(name) not in found:
            raise RetraceError(_missing(name, chosen.get(name), found, source))
    for name in chosen:
        if name not in columns and f"{chosen[name]}.1" in found:
            raise RetraceError(
                f"{source}: there are several columns '{chosen[name]}'. Say under "
                f"`orders.ingest.columns` in params.yaml which one counts, as `{name}: "
                f"{chosen[name]}` for the first or `{name}: {chosen[name]}.1` for the second."
            )
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
