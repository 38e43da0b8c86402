"""Read sections of params.yaml, and other files of parameters, into typed models.

A key that no model knows, and a text where a number belongs, are errors that name file and key.
"""

import difflib
import reprlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from retrace.base.errors import RetraceError

PATH = Path("params.yaml")
SHORT = reprlib.Repr()  # of any value: aliases make a page of YAML a list of a billion
SHORT.maxlevel, SHORT.maxstring, SHORT.maxother = 2, 100, 100
_read: dict[tuple[Path, str], Any] = {}  # what this process has read


class Params(BaseModel):
    """Base of every section's model: frozen; typos and texts for numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


AUTO: Literal["auto"] = "auto"
Switch = bool | Literal["auto"]  # of a group of columns; `auto` leaves it to validation by time

Section = TypeVar("Section", bound=BaseModel)
Location = tuple[int | str, ...]  # of a value inside a section


class WorldEntry(Params):
    """`worlds.<name>`: `source` is the file or folder with the raw data."""

    source: str


class ProblemEntry(Params):
    """`problems.<name>`: the world whose clean table the question is asked of.

    `left_out` are columns of the problem that the model does not see, each with the reason: without
    its line a column is back.
    """

    world: str
    left_out: dict[str, str] = Field(default_factory=dict)


class MissingSection(RetraceError):
    """A dotted key leads nowhere: `part` is not among the `known` keys above it."""

    def __init__(self, path: Path, key: str, part: str, above: str, known: list[str]) -> None:
        self.part, self.known = part, known
        where = f"'{part}' is not in {above or 'the top level'}"
        super().__init__(_sentence(f"{path}: no section '{key}': {where}{_closest(part, known)}"))


def read_params(
    model: type[Section], key: str, path: Path = PATH, *, below: str | None = None
) -> Section:
    """Read the section at a dotted `key` (`price.train`), the whole file for an empty one.

    A section that is not there has the model's defaults, where it has them all. `below` is another
    section, what several problems share: `key` is laid over it, key by key.

    Raises RetraceError for a missing file, for an unknown key or section (with the closest valid
    one) and for a value of the wrong type or range; a text is no number.
    """
    optional = not any(field.is_required() for field in model.model_fields.values())
    if below is None or below == key:
        return parse_section(model, _read_section(key, path, optional), key, path)
    own = _block(_read_section(key, path, optional=True), key, path)
    shared = _block(_read_section(below, path, optional), below, path)

    def owner(loc: Location) -> str:
        return key if _has(own, loc) else below

    return _checked(model, merged(shared, own), owner, path)


def _read_section(key: str, path: Path, optional: bool) -> Any:
    """Return the raw section; {} if it may be missing, and no name there looks like a slip."""
    try:
        return read_key(key, path)
    except MissingSection as missing:
        if not optional or difflib.get_close_matches(missing.part, missing.known, cutoff=0.75):
            raise
        return {}


def merged(below: Any, above: Any) -> Any:
    """Lay one block over another: blocks key by key, any other value as a whole."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    both = {key: merged(below[key], above[key]) for key in below if key in above}
    return {**below, **above, **both}


def differences(section: BaseModel) -> dict[str, tuple[Any, Any]]:
    """Return (value, default) by dotted name of what differs from the model's defaults; the default
    of what must be given is None."""
    fields = type(section).model_fields
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in fields.items()
        if not field.is_required()
    }
    plain = {
        name: value.model_dump() if isinstance(value, BaseModel) else value
        for name, value in defaults.items()
    }
    return dict(_differences(section.model_dump(), plain, ""))


def _differences(
    given: Mapping[str, Any], default: Mapping[str, Any], before: str
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name, value in given.items():
        usual = default.get(name)
        if isinstance(value, Mapping) and value:
            inner = usual if isinstance(usual, Mapping) else {}
            yield from _differences(value, inner, f"{before}{name}.")
        elif value != usual:
            yield before + name, (value, usual)


def read_key(key: str, path: Path = PATH) -> Any:
    """Return the raw value at a dotted `key`, everything for an empty one."""
    node: Any = _load(path)
    for depth, part in enumerate(key.split(".") if key else ()):
        if not isinstance(node, Mapping) or part not in node:
            known = sorted(map(str, node)) if isinstance(node, Mapping) else []
            raise MissingSection(path, key, part, ".".join(key.split(".")[:depth]), known)
        node = node[part]
    _read.setdefault((path, key), node)
    return node


def changed_since_read() -> list[str]:
    """Return what this process has read and what has another value by now: `'key' of file`."""
    changed = []
    for (path, key), value in _read.items():
        name = f"'{key}' of {path}" if key else str(path)
        try:
            if read_key(key, path) != value:
                changed.append(name)
        except RetraceError:  # it is gone
            changed.append(name)
    return changed


def parse_section(model: type[Section], value: Any, key: str, path: Path = PATH) -> Section:
    """Check a section's raw `value` against its model."""
    return _checked(model, _block(value, key, path), lambda _: key, path)


def _checked(
    model: type[Section], value: Mapping[str, Any], owner: Callable[[Location], str], path: Path
) -> Section:
    """`owner` names the section that has what is at a place."""
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        lines = [_explain(model, owner(item["loc"]), dict(item)) for item in error.errors()]
        raise RetraceError(f"{path}: " + f"\n{path}: ".join(lines)) from None


def _block(value: Any, key: str, path: Path) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    where = f"'{key}'" if key else "the file"
    raise RetraceError(
        f"{path}: {where} is {SHORT.repr(value)}; expected a block of keys and values."
    )


def _has(value: Any, loc: Location) -> bool:
    for part in loc:
        if not isinstance(value, Mapping):
            return True  # a list, as a whole
        if part not in value:
            return False
        value = value[part]
    return True


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
    where = ".".join(filter(None, [key, *(str(part) for part in item["loc"])]))
    if item["type"] == "extra_forbidden":
        name = str(item["loc"][-1])
        return _sentence(f"unknown key '{where}'{_closest(name, _fields(model, item['loc'][:-1]))}")
    if item["type"] == "missing":
        return f"'{where}' is missing."
    # pydantic's own words: "Value error, the range is empty" or "Input should be a valid integer"
    words = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return _sentence(f"'{where or 'the file'}' is {SHORT.repr(item['input'])}: {words}")


def _fields(model: Any, loc: Location) -> list[str]:
    """Return the keys that the nested block at `loc` may have."""
    for part in loc:
        options = (model, *get_args(model))
        fields = [one.model_fields[part] for one in options if part in _of_model(one)]
        blocks = [one for one in options if get_origin(one) is dict]
        model = fields[0].annotation if fields else get_args(blocks[0])[-1] if blocks else None
    return [name for option in (model, *get_args(model)) for name in _of_model(option)]


def _of_model(annotation: Any) -> dict[str, Any]:
    return getattr(annotation, "model_fields", {})


def _closest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; valid keys: {', '.join(known)}" if known else ""


def _sentence(words: str) -> str:
    return words if words.endswith("?") else f"{words}."
