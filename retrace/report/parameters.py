"""What params.yaml changes: each value that differs from its model's default, with the comment that
says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from retrace.base.params import PATH, differences


@dataclass(frozen=True)
class Parameter:
    """`name` is dotted below its section; `default` is "" of a value that has none."""

    name: str
    value: str
    default: str
    comment: str


@dataclass(frozen=True)
class Section:
    """What one section changes; `key` is its dotted name, `price.train`."""

    key: str
    parameters: list[Parameter]


def changed_sections(
    sections: Mapping[str, BaseModel], blocks: Sequence[str], path: Path = PATH
) -> list[Section]:
    """Return what `sections`, by name, change; those at their defaults are left out.

    `blocks` of params.yaml are those that the sections were read from: the problem's, then the
    world's that it is laid over. They have the comments.
    """
    everything = _with_comments(path.read_text(encoding="utf-8"))
    found = []
    for name, section in sections.items():
        places = [(block, name) for block in blocks if _at(everything, (block, name)) is not None]
        parameters = [
            Parameter(key, _text(value), _default(usual), _comment(everything, places, key))
            for key, (value, usual) in differences(section).items()
        ]
        if parameters:
            found.append(Section(".".join(places[0]), parameters))
    return found


@lru_cache(maxsize=1)  # once for all problems: comments make it slow
def _with_comments(text: str) -> Any:
    return YAML().load(text)


def _default(value: Any) -> str:
    return "" if value is None else _text(value)


def _at(everything: CommentedMap, keys: Sequence[str]) -> CommentedMap | None:
    block: Any = everything
    for key in keys:
        block = block.get(key) if isinstance(block, CommentedMap) else None
    return block if isinstance(block, CommentedMap) else None


def _comment(everything: CommentedMap, places: Sequence[Sequence[str]], name: str) -> str:
    """Return what stands behind a value on its own line, in the first place that has one."""
    *above, last = name.split(".")
    for place in places:
        block = _at(everything, (*place, *above))
        tokens = block.ca.items.get(last) or [] if block is not None else []
        if len(tokens) > 2 and tokens[2] is not None:
            return str(tokens[2].value.partition("\n")[0].lstrip("# ").strip())
    return ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping) for item in value):
            return f"{len(value)} entries"
        return ", ".join(_text(item) for item in value) or "none"
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
