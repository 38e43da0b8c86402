"""Read sections of `params.yaml` into typed models; an unknown key is an error that names it."""

import difflib
import reprlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from retrace.base.errors import RetraceError

PATH = Path("params.yaml")
SHORT = reprlib.Repr()  # of any value: aliases make a page of YAML a list of a billion
SHORT.maxlevel, SHORT.maxstring, SHORT.maxother = 2, 100, 100
_read: dict[tuple[Path, str], Any] = {}  # what this process has read


class Params(BaseModel):
    """Base of every section's model: frozen, and typos are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Section = TypeVar("Section", bound=BaseModel)


class WorldEntry(Params):
    """`worlds.<name>`: `source` is the file or folder with the raw data."""

    source: str


class ProblemEntry(Params):
    """`problems.<name>`: the world whose clean table the question is asked of."""

    world: str


def read_params(model: type[Section], key: str, path: Path = PATH) -> Section:
    """Read the section at a dotted `key` (`price.train`).

    Raises RetraceError for a missing file or section, an unknown key (with the closest valid one)
    and a value of the wrong type or range.
    """
    return parse_section(model, read_key(key, path), key, path)


def read_key(key: str, path: Path = PATH) -> Any:
    """Return the raw value at a dotted `key`, everything for an empty one."""
    node: Any = _load(path)
    for depth, part in enumerate(key.split(".") if key else ()):
        if not isinstance(node, Mapping) or part not in node:
            above = ".".join(key.split(".")[:depth]) or "the top level"
            known = sorted(map(str, node)) if isinstance(node, Mapping) else []
            raise RetraceError(
                f"{path}: no section '{key}': '{part}' is not in {above}{_closest(part, known)}."
            )
        node = node[part]
    _read.setdefault((path, key), node)
    return node


def changed_since_read() -> list[str]:
    """Return the keys that this process has read and that have another value by now."""
    changed = []
    for (path, key), value in _read.items():
        try:
            if read_key(key, path) != value:
                changed.append(key)
        except RetraceError:  # it is gone
            changed.append(key)
    return changed


def parse_section(model: type[Section], value: Any, key: str, path: Path = PATH) -> Section:
    """Check a section's raw `value` against its model."""
    if not isinstance(value, Mapping):
        raise RetraceError(
            f"{path}: '{key}' is {SHORT.repr(value)}; expected a block of keys and values."
        )
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        lines = [_explain(model, key, dict(item)) for item in error.errors()]
        raise RetraceError(f"{path}: " + f"\n{path}: ".join(lines)) from None


def _load(path: Path) -> Any:
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RetraceError(
            f"{path} not found in {Path.cwd()}. Run from the top folder of the repository."
        ) from None
    except (
        YAMLError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:  # year 0; 5,000 brackets
        raise RetraceError(f"{path} is not valid YAML: {error}") from None


@lru_cache(maxsize=4)  # a stage reads ten keys of one file, and once more when it ends
def _parse(text: str) -> Any:
    return YAML(typ="safe").load(text)  # YAML 1.2, as DVC reads it: `no` is a word


def _explain(model: type[BaseModel], key: str, item: dict[str, Any]) -> str:
    where = ".".join([key, *(str(part) for part in item["loc"])])
    if item["type"] == "extra_forbidden":
        name = str(item["loc"][-1])
        return f"unknown key '{where}'{_closest(name, _fields(model, item['loc'][:-1]))}."
    if item["type"] == "missing":
        return f"'{where}' is missing."
    return f"'{where}' is {SHORT.repr(item['input'])}: {item['msg'].lower()}."


def _fields(model: Any, loc: tuple[int | str, ...]) -> list[str]:
    for part in loc:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else None
    return list(getattr(model, "model_fields", {}))


def _closest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; valid keys: {', '.join(known)}" if known else ""
