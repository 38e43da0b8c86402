"""Clean rows to features: what history knows of them, and the world's formula."""

import hashlib
import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import retrace.encode
import retrace.past
from problems import defaults, parts
from problems.contract import Columns
from retrace.base.arrays import Arrays, from_frame, length, texts
from retrace.base.params import Params
from retrace.encode.encoders import Encoder


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


def named_in(columns: Columns, features: Arrays) -> Columns:
    """Return the columns with names for patterns, those of `features` in their order."""
    numeric, categorical = (
        tuple(one for name in names for one in _matching(name, features))
        for names in (columns.numeric, columns.categorical)
    )
    return replace(columns, numeric=numeric, categorical=categorical)


def _matching(name: str, features: Arrays) -> list[str]:
    if not name.endswith("*"):
        return [name]
    return [one for one in features if one.startswith(name[:-1])]


def complete(columns: Columns, features: Arrays, encoder: Encoder) -> Arrays:
    """Add what a pattern found in training and `features` has not: missing, or empty text."""
    there = features.__contains__
    if all(map(there, encoder.numeric)) and all(map(there, encoder.categorical)):
        return features
    gone = [name for name in encoder.numeric if name not in features]
    empty = [name for name in encoder.categorical if name not in features]
    patterns = [name for name in (*columns.numeric, *columns.categorical) if name.endswith("*")]
    n_rows = length(features)
    absent: dict[str, NDArray[Any]] = dict.fromkeys(gone, np.full(n_rows, np.nan))
    absent |= dict.fromkeys(empty, texts([""] * n_rows))
    known = {
        name: value
        for name, value in absent.items()
        if any(name.startswith(pattern[:-1]) for pattern in patterns)
    }
    return {**features, **known}


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
