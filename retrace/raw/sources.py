"""Find the files of a raw table, and tell whether their bytes are the same as before."""

import difflib
import hashlib
from pathlib import Path

from retrace.base.errors import RetraceError

TRUTH = "_truth"  # beside simulated raw files: what only the simulator knows; hidden from readers
SUFFIXES = (
    ".tsv", ".csv", ".tsv.gz", ".csv.gz", ".parquet", ".xlsx", ".json", ".jsonl", ".ndjson",
    ".json.gz", ".jsonl.gz", ".xes", ".xes.gz",
)  # fmt: skip
READABLE = f"Readable are {', '.join(SUFFIXES)}"


def suffix_of(path: Path) -> str | None:
    """Return which of `SUFFIXES` a file has, or None."""
    name = path.name.lower()
    return next((suffix for suffix in sorted(SUFFIXES, key=len) if name.endswith(suffix)), None)


def files_of(source: Path, name: str | None = None) -> list[Path]:
    """List the files of the table at `source`, by name; with `name`, of that table in a folder.

    Raises RetraceError if there are none, or if one has a suffix that cannot be read.
    """
    _check_exists(source)
    if name is not None:
        return _named(source, name)
    if source.is_file():
        if suffix_of(source) is None:
            raise RetraceError(
                f"{source}: the suffix '{''.join(source.suffixes[-2:])}' is not one that can be "
                f"read. {READABLE}; convert or rename the file."
            )
        return [source]
    files = [path for path in _visible(source) if path.is_file()]
    for path in files:
        if suffix_of(path) is None:
            raise RetraceError(
                f"{path}: this file in the data folder cannot be read by its suffix. {READABLE}; "
                "convert it, or move it out of the folder if it is no data."
            )
    if not files:
        folders = [f"{path.name}/" for path in _visible(source) if path.is_dir()]
        there = f"it has only the folders {', '.join(folders)}" if folders else "it is empty"
        raise RetraceError(
            f"{source}: no data files in this folder; {there}. {READABLE}. Put them right into it, "
            "or choose another folder as `source` in params.yaml."
        )
    return files


def fingerprint(source: Path) -> str:
    """Return the sha256 of a file, or of all data files below a folder, one after the other.

    Files come in the order of their names. Where they are and when they were written does not
    count: a copy elsewhere has the same fingerprint.
    """
    _check_exists(source)
    files = [source]
    if source.is_dir():
        files = [path for path in source.rglob("*") if path.is_file() and suffix_of(path)]
        files = [path for path in files if _is_visible(path.relative_to(source))]
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(source).parts):
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _named(source: Path, name: str) -> list[Path]:
    tables: dict[str, list[Path]] = {}
    for path in _visible(source) if source.is_dir() else []:
        suffix = suffix_of(path)
        if path.is_dir():
            tables.setdefault(path.name, []).append(path)
        elif suffix is not None:
            tables.setdefault(path.name[: -len(suffix)], []).append(path)
    found = tables.get(name, [])
    if len(found) > 1:
        raise RetraceError(
            f"{source}: table '{name}' is there more than once: "
            f"{', '.join(path.name for path in found)}. Keep one of them."
        )
    if not found:
        close = difflib.get_close_matches(name, list(tables), n=1, cutoff=0.6)
        raise RetraceError(
            f"{source}: no table '{name}' {'in this folder' if source.is_dir() else '(a file)'}"
            f"{f'; did you mean {close[0]!r}?' if close else '.'} "
            f"Found: {', '.join(tables) or 'nothing'}. Expected a file {name}.csv (or "
            f"{', '.join(suffix for suffix in SUFFIXES if suffix != '.csv')}), or a folder {name}/."
        )
    return files_of(found[0])


def _visible(folder: Path) -> list[Path]:
    return sorted(
        (path for path in folder.iterdir() if _is_visible(path.relative_to(folder))),
        key=lambda path: path.name,
    )


def _is_visible(path: Path) -> bool:
    """Leave out hidden files, DVC's own, `_SUCCESS` and its like, and a folder's README."""
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.suffix.lower() not in (".dvc", ".md")


def _check_exists(source: Path) -> None:
    if source.exists():
        return
    tracked = source.with_name(f"{source.name}.dvc")
    todo = f"`dvc pull {tracked}`" if tracked.exists() else "`dvc pull` or `dvc repro`"
    raise RetraceError(
        f"{source}: no such file or folder. Get it with {todo}, or set `source` in params.yaml "
        "to the file or folder with the raw data."
    )
