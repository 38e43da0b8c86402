"""Clean rows to features: what history knows of them, and the world's formula."""

import hashlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

import retrace.encode
import retrace.past
from problems import defaults, parts
from retrace.base.arrays import Arrays, from_frame
from retrace.base.params import Params


def features_of(
    world: str, rows: pd.DataFrame, settings: Any, past: pd.DataFrame | None = None
) -> Arrays:
    """Return the features of clean rows, before encoding, each of shape (n_rows,).

    `past` are clean rows with outcomes, by default `rows` themselves: each row sees what was known
    at its own time of prediction.
    """
    arrays = from_frame(rows)
    known = known_of(world, arrays, settings, None if past is None else from_frame(past))
    return parts.features(world).features(arrays, known, settings)


def known_of(world: str, rows: Arrays, settings: Any, past: Arrays | None = None) -> Arrays:
    """Return what history says of clean rows, by default from what came of them themselves; nothing
    for a world without history."""
    history = parts.features(world).history
    if history is None:
        return {}
    return history.as_of(rows, rows if past is None else past, settings)


def feature_fingerprint(world: str, settings: Params) -> str:
    """Name the code and the settings that make a world's model columns.

    A server whose own code has another name than the model's must not compute its features.
    """
    named = [f"problems.{world}.features", f"problems.{world}.problem"]
    own = [_module(name) or defaults for name in named]  # without features, the default ones
    modules = [retrace.encode, retrace.past, *own]
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for module in modules:
        for path in _sources(module):
            digest.update(f"{module.__name__}/{path.name}".encode())
            digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _sources(module: ModuleType) -> list[Path]:
    """Return the files of a module, or of a package and all below it, in order."""
    file = Path(getattr(module, "__file__", None) or "")
    if file.name != "__init__.py":
        return [file] if file.is_file() else []  # a module that was made in memory has no file
    return sorted(file.parent.rglob("*.py"))
