"""What params.yaml says of a problem by section, each value with the comment that says why.

What it does not say has its model's default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from retrace.base.params import PATH, read_key


@dataclass(frozen=True)
class Parameter:
    name: str
    value: str
    comment: str


@dataclass(frozen=True)
class Section:
    """One block of `params.yaml`; `key` is its dotted name, `price.train`."""

    key: str
    parameters: list[Parameter]


def read_sections(names: list[str], skip: tuple[str, ...] = (), path: Path = PATH) -> list[Section]:
    """Read the sections of a world and its problem, in the order of the file, without `skip`."""
    everything = _with_comments(path.read_text(encoding="utf-8"))
    sections = []
    for name in dict.fromkeys(names):
        if name in everything:
            read_key(name, path)  # so that a change while the stage runs is noticed
        for part, block in (everything.get(name) or {}).items():
            if part not in skip and isinstance(block, CommentedMap) and block:
                sections.append(Section(f"{name}.{part}", _parameters(block)))
    return sections


@lru_cache(maxsize=1)  # once for all problems: comments make it slow
def _with_comments(text: str) -> Any:
    return YAML().load(text)


def _parameters(block: CommentedMap) -> list[Parameter]:
    return [Parameter(str(key), _text(value), _comment(block, key)) for key, value in block.items()]


def _comment(block: CommentedMap, key: Any) -> str:
    """Return what stands behind a value on its own line."""
    tokens = block.ca.items.get(key) or []
    token = tokens[2] if len(tokens) > 2 else None
    line = token.value.partition("\n")[0] if token is not None else ""
    return str(line).lstrip("# ").strip()


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        if any(isinstance(item, Mapping) for item in value):
            return f"{len(value)} entries"
        return ", ".join(_text(item) for item in value) or "none"
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
