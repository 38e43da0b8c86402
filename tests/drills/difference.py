"""How much two versions of an output differ: the largest relative difference of its numbers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
TEXT = (".json", ".csv", ".txt", ".html")


def difference(first: Path, second: Path) -> str:
    """Say in words how much a file, or the files of a folder, differ."""
    if first.is_dir():
        names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        pairs = [(first / name, second / name) for name in names]
        other = [pair for pair in pairs if not pair[1].is_file() or _bytes_differ(*pair)]
        return "; ".join(f"{one.name} {difference(one, two)}" for one, two in other)
    if not second.is_file():
        return "is missing"
    largest = _largest(first, second)
    return "differs" if largest is None else f"differs by at most {largest:.1e} of a number"


def _bytes_differ(first: Path, second: Path) -> bool:
    return first.read_bytes() != second.read_bytes()


def _largest(first: Path, second: Path) -> float | None:
    """Return the largest relative difference; None where more than numbers differ."""
    if first.suffix == ".parquet":
        one, two = pd.read_parquet(first), pd.read_parquet(second)
        if one.shape != two.shape or list(one) != list(two):
            return None
        numbers = one.select_dtypes("number").columns  # others name the bundle by its hash
        return max((_relative(one[name], two[name]) for name in numbers), default=0.0)
    if first.suffix == ".npz":
        with np.load(first) as one, np.load(second) as two:
            same = one.files == two.files and all(one[n].shape == two[n].shape for n in one.files)
            return max(_relative(one[n], two[n]) for n in one.files) if same else None
    if first.suffix in TEXT:
        texts = [path.read_text("utf-8") for path in (first, second)]
        if NUMBER.sub("", texts[0]) != NUMBER.sub("", texts[1]):
            return None
        one, two = (np.array([float(n) for n in NUMBER.findall(text)]) for text in texts)
        return _relative(one, two) if one.shape == two.shape else None
    return None


def _relative(one: object, two: object) -> float:
    first, second = np.asarray(one, dtype=float), np.asarray(two, dtype=float)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    scale = np.maximum(np.abs(first), np.abs(second))
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.where(same, 0.0, np.abs(first - second) / scale)
    return float(np.nan_to_num(off, nan=np.inf).max(initial=0.0))
