"""A bundle's files: written in one order, and read with nothing taken on trust."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from retrace.base.archive import write_arrays
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from retrace.encode.encoding import Encoding, open_arrays
from retrace.fit.boosters import Layout, Link, booster_from_text, booster_to_text
from retrace.fit.reference import Reference
from retrace.fit.tasks import TASKS

if TYPE_CHECKING:
    from retrace.fit.bundle import Bundle

FORMAT = 3  # 2: the fingerprint of the features, and the drift reference; 3: intervals by band
MOST_CLASSES = 1000
REFERENCE = "reference.npz"


class About(TypedDict):
    """bundle.json"""

    format: int
    problem: str
    task: str
    unit: str
    scale: Literal["log", "identity"]
    offset: str | None
    link: NotRequired[Link]
    share: NotRequired[Annotated[float, Field(ge=0, le=1)]]
    columns: list[str]
    features: str
    fingerprint: str


# What JSON from anywhere must look like, before code relies on it.
ABOUT = TypeAdapter(About)
CARD = TypeAdapter(dict[str, Any])


def save(bundle: "Bundle", folder: Path) -> None:
    """Write the bundle; the same model gives the same bytes."""
    bundle.encoding.save(folder)
    (folder / "boosters").mkdir(exist_ok=True)
    for name, booster in bundle.boosters.items():
        (folder / "boosters" / f"{name}.txt").write_text(booster_to_text(booster), "utf-8")
    if bundle.promise is not None:
        write_json(bundle.promise.to_json(), folder / TASKS[bundle.task].file)
    write_json(bundle.card, folder / "card.json")
    if bundle.reference is not None:
        write_arrays(folder / REFERENCE, bundle.reference.to_arrays())
    about = {
        "format": FORMAT,
        "problem": bundle.problem,
        "task": bundle.task,
        "unit": bundle.unit,
        "scale": bundle.scale,
        "offset": bundle.offset,
        **({"link": bundle.link} if bundle.link else {}),
        **({"share": bundle.share} if bundle.share != 1 else {}),
        "columns": bundle.encoding.columns,
        "features": bundle.encoding.fingerprint,
        "fingerprint": bundle_fingerprint(folder),
    }
    write_json(about, folder / "bundle.json")


def load(folder: Path) -> dict[str, Any]:
    """Read a bundle's parts by name; RetraceError where one is missing or does not fit."""
    about = read_json(folder / "bundle.json")
    found = about.get("format") if isinstance(about, dict) else None
    if found != FORMAT:
        raise RetraceError(
            f"{folder / 'bundle.json'} has format {found!r:.40}; this code reads "
            f"format {FORMAT}. Use the code of the commit that made it."
        )
    _check_files(folder)
    try:
        return _read(folder, ABOUT.validate_python(about))
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise RetraceError(
            f"{folder} does not hold a bundle that fits together ({first}). "
            "Get it again with `dvc checkout --force` or `dvc pull`."
        ) from None


def _read(folder: Path, about: About) -> dict[str, Any]:
    if about["fingerprint"] != bundle_fingerprint(folder):
        raise RetraceError(
            f"{folder} is not what was written: its files do not match the fingerprint in "
            "bundle.json. Get it again with `dvc checkout --force` or `dvc pull`."
        )
    if about["task"] not in TASKS:
        raise ValueError(f"task {about['task']!r:.40}; this code knows {', '.join(TASKS)}")
    task, encoding = TASKS[about["task"]], Encoding.load(folder)
    columns = encoding.columns
    if about["columns"] != columns or len(set(columns)) < len(columns):
        raise ValueError("the columns of bundle.json are not those of encoder.json")
    if about["features"] != encoding.fingerprint:
        raise ValueError("bundle.json and encoder.json are of different features")
    classes = encoding.classes
    starts = len(Layout(columns, offset=about["offset"]).places)
    if about["offset"] is not None and starts != (len(classes) or 1):
        raise ValueError(f"the offset {about['offset']!r:.60} is {starts or 'no'} column(s)")
    if (about["task"] == "multiclass") != bool(classes) or len(set(classes)) != len(classes):
        raise ValueError(f"the classes of encoder.json are none of a {about['task']} problem")
    if classes and not 2 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"it has {len(classes)} classes")
    boosters = {}
    for name in task.boosters:
        path = folder / "boosters" / f"{name}.txt"
        boosters[name] = booster_from_text(
            path.read_text("utf-8"), str(path), len(columns), outputs=len(classes) or 1
        )
    return {
        **{name: about[name] for name in ("problem", "task", "unit", "scale", "offset")},
        "fingerprint": about["fingerprint"],
        "link": about.get("link"),
        "share": about.get("share", 1.0),
        "encoding": encoding,
        "boosters": boosters,
        "promise": task.promise.validate_python(read_json(folder / task.file)),
        "reference": _reference(folder / REFERENCE, len(columns)),
        "card": CARD.validate_python(read_json(folder / "card.json")),
    }


def _reference(path: Path, n_columns: int) -> Reference | None:
    if not path.exists():
        return None
    try:
        with open_arrays(path) as arrays:
            return Reference.from_arrays(arrays, n_columns)
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _check_files(folder: Path) -> None:
    """Refuse pipes and devices, which never end, and folders where files must be."""
    for path in folder.rglob("*"):
        if not path.is_file() and not path.is_dir():
            raise RetraceError(f"{path} is no file. A bundle has files and one folder, boosters/.")


def bundle_fingerprint(folder: Path) -> str:
    """Return the SHA-256 of all files but bundle.json, which says it."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "bundle.json"):
        digest.update(json.dumps(path.relative_to(folder).as_posix()).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
