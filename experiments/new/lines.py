"""Put entries into the YAML files of the repository, and take them out: every other line stays.

Text, not a round trip: a blank line that comes after a block must stay after it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z_][\w ./()%+=<>@-]*[\w)%]|[A-Za-z_]")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"}


def scalar(value: Any) -> str:
    """Return a value as YAML in one line, in the form that DVC writes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {scalar(v)}" for k, v in value.items()) + "}"
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def block(value: Mapping[str, Any], indent: int) -> list[str]:
    """Return a mapping as lines; what is below its sections stands in one line each."""
    found = []
    for key, one in value.items():
        if isinstance(one, Mapping) and one and indent < 4:
            found += [f"{' ' * indent}{scalar(key)}:", *block(one, indent + 2)]
        else:
            found.append(f"{' ' * indent}{scalar(key)}: {scalar(one)}")
    return found


def put(text: str, top: str, entry: Sequence[str]) -> str:
    """Append an entry, lines that are indented, to the block of a key at the top."""
    lines = text.splitlines()
    start, stop = _block(lines, top)
    if start < 0:
        return "\n".join([*lines, "", f"{top}:", *entry]) + "\n"
    if lines[start].partition("#")[0].rstrip().endswith(("{}", "[]", "null")):
        lines[start] = f"{top}:"
    return "\n".join([*lines[:stop], *entry, *lines[stop:]]) + "\n"


def append(text: str, lines: Sequence[str]) -> str:
    """Append a block at the end, after a blank line."""
    return text.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"


def take(text: str, top: str, name: str) -> str:
    """Take the entry `name` out of the block of a key at the top."""
    lines = text.splitlines()
    start, stop = _block(lines, top)
    if start < 0:
        return text
    pattern = re.compile(rf"  {re.escape(scalar(name))}:(\s|$)")
    first = next((i for i in range(start + 1, stop) if pattern.match(lines[i])), None)
    if first is None:
        return text
    last = first + 1
    while last < stop and (lines[last].startswith("   ") or not lines[last].strip()):
        last += 1
    kept = [*lines[:first], *lines[last:]]
    return "\n".join(kept) + "\n"


def take_block(text: str, top: str) -> str:
    """Take the block of a key at the top out, with the blank line before it."""
    lines = text.splitlines()
    start, stop = _block(lines, top)
    if start < 0:
        return text
    if start and not lines[start - 1].strip():
        start -= 1
    return "\n".join([*lines[:start], *lines[stop:]]) + "\n"


def _block(lines: Sequence[str], top: str) -> tuple[int, int]:
    """Return where a block begins, -1 where there is none, and where its last entry ends."""
    start = next(
        (i for i, line in enumerate(lines) if re.match(rf"{re.escape(top)}:(\s|$)", line)), -1
    )
    if start < 0:
        return -1, -1
    stop = start + 1
    while stop < len(lines) and (not lines[stop].strip() or lines[stop][0] in " -"):
        stop += 1
    while not lines[stop - 1].strip():
        stop -= 1
    return start, stop
