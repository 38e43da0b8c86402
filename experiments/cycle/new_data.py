"""What sources and store have that the branch has not; a file that fails the checks is set aside.

Imports (`dvc import-url`, `import-db`, `import`) that the world's source names are asked again.
Where the source is data/external/<world>, a folder, the store's rows are its monthly files.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from experiments.cycle.here import CycleStep, must_dvc, run_dvc
from experiments.exported import monthly_folder, write_months
from experiments.git import git_or_empty, json_at
from problems import parts
from retrace.base import paths
from retrace.base.files import read_json, replacing


@dataclass(frozen=True)
class Delivery:
    """A file that is new, or has other bytes than the branch's; `at` is its place in the clone.

    new : the file, outside the clone
    pin : the .dvc file that names an import; None for a month out of the store
    """

    at: Path
    new: Path
    md5: str
    pin: Path | None = None

    @property
    def mark(self) -> str:
        return f"{self.at} {self.md5}"


@dataclass(frozen=True)
class FreshData:
    """What was taken in; `refused` has why by file, of this run alone, and `n_rows` is how many
    clean rows there are more than on the branch."""

    taken: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    n_rows: int = 0

    def __str__(self) -> str:
        if self.refused:
            return "; ".join(f"{name} was refused: {why}" for name, why in self.refused)
        if not self.taken:
            return "nothing new"
        return f"{', '.join(self.taken)}: {self.n_rows:,} new rows"


def bring(here: CycleStep) -> FreshData:
    """Take in what is new and passes the checks; the clone has it then, uncommitted.

    Raises RetraceError where source or store cannot be asked.
    """
    arrived = [one for one in (*_updated(here), *_told(here))
               if one.mark not in here.recorder.record.set_aside]  # fmt: skip
    if not arrived:
        return FreshData()
    for one in arrived:
        _take(one)
    taken, refused = arrived, []
    why = _fault(here)
    if why and len(arrived) == 1:
        _put_back(arrived[0])
        taken, refused = [], [(arrived[0], why)]
    elif why:  # which of them?
        taken = []
        for one in arrived:
            _put_back(one)
        for one in arrived:
            _take(one)
            if why := _fault(here):
                refused.append((one, why))
                _put_back(one)
            else:
                taken.append(one)
    for one, why in refused:
        _set_aside(here, one, why)
    n_rows = _rows(read_json(paths.ingest_metrics(here.problem.world))) - _rows(
        json_at("HEAD", paths.ingest_metrics(here.problem.world))
    )
    return FreshData(
        tuple(str(one.at) for one in taken),
        tuple((str(one.at), why) for one, why in refused),
        n_rows if taken else 0,
    )


def _rows(figures: dict[str, Any]) -> int:
    return int(figures.get("rows_out", 0))


# ---- where it comes from -------------------------------------------------------------------------


def _updated(here: CycleStep) -> list[Delivery]:
    """Ask the imports of the world's source again; return those that have other bytes now."""
    source = parts.source_of(here.problem.world)
    found = []
    for pin in (source.with_name(f"{source.name}.dvc"), *sorted(source.glob("*.dvc"))):
        if not pin.is_file() or not yaml.safe_load(pin.read_text("utf-8")).get("deps"):
            continue
        before = _md5(pin)
        must_dvc("update", str(pin))
        if (md5 := _md5(pin)) == before:
            continue
        at = pin.with_suffix("")
        new = _fresh(here) / at.name
        shutil.copytree(at, new) if at.is_dir() else shutil.copy2(at, new)
        shutil.copy2(pin, new.with_name(pin.name))
        one = Delivery(at, new, md5, pin)
        _put_back(one)
        found.append(one)
    return found


def _md5(pin: Path) -> str:
    return str(yaml.safe_load(pin.read_text("utf-8"))["outs"][0].get("md5", ""))


def _told(here: CycleStep) -> list[Delivery]:
    """Return the months that the store has more of."""
    folder = monthly_folder(here.problem)
    if here.store is None or parts.source_of(here.problem.world) != folder:
        return []
    new = write_months(here.store, here.problem, folder, here.now, _fresh(here))
    return [Delivery(folder / path.name, path, _hash(path)) for path in new]


def _hash(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _fresh(here: CycleStep) -> Path:
    folder = here.work / "new"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# ---- in and out of the clone ---------------------------------------------------------------------


def _take(one: Delivery) -> None:
    if one.pin is not None:
        shutil.copy2(one.new.with_name(one.pin.name), one.pin)
        must_dvc("checkout", "--force", str(one.pin))
        return
    if one.at.exists():
        shutil.copy2(one.at, _before(one))
    _place(one.new, one.at)


def _put_back(one: Delivery) -> None:
    """Bring a file back to what the branch has of it, with all others as they are."""
    if one.pin is not None:
        was = git_or_empty("show", f"HEAD:{one.pin.as_posix()}")
        one.pin.write_text(f"{was}\n", "utf-8")
        must_dvc("checkout", "--force", str(one.pin))
    elif _before(one).exists():
        _place(_before(one), one.at)
    else:
        one.at.unlink()
        must_dvc("add", "--quiet", str(one.at.parent))


def _before(one: Delivery) -> Path:
    return one.new.with_name(f"before-{one.new.name}")


def _place(new: Path, at: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    with replacing(at) as partial:  # what is there may be a link into the cache
        shutil.copy2(new, partial)
    must_dvc("add", "--quiet", str(at.parent))


# ---- whether it is fit to learn from -------------------------------------------------------------


def _fault(here: CycleStep) -> str:
    """Read and check the data as it is now; return what is wrong with it that was not before."""
    world = here.problem.world
    if said := run_dvc("repro", f"validate@{world}"):
        return " ".join(said.split())
    path = paths.validation_metrics(world)
    before = {(one["column"], one["check"]) for one in _failed(json_at("HEAD", path))}
    new = [one for one in _failed(read_json(path)) if (one["column"], one["check"]) not in before]
    return "; ".join(
        f"{one['column']} {one['check']} is {one['found']}, expected {one['limit']}" for one in new
    )


def _failed(outcome: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in outcome.get("results", []) if not one["passed"]]


def _set_aside(here: CycleStep, one: Delivery, why: str) -> None:
    """Keep the file beside the clone, and remember it: the same bytes are not asked again."""
    if here.is_plan:
        return
    folder = here.work / "set-aside"
    folder.mkdir(exist_ok=True)
    kept = folder / f"{one.md5[:8]}-{one.at.name}"
    if not kept.exists():
        shutil.copytree(one.new, kept) if one.new.is_dir() else shutil.copy2(one.new, kept)
    record = here.recorder.record
    here.recorder.change(set_aside={**record.set_aside, one.mark: why})
