"""A commit's files through DVC, from cache or remote, without checking the commit out."""

import hashlib
import json
from pathlib import Path

from dvc.repo import Repo

from experiments.git import yaml_at
from retrace.base.errors import RetraceError


def recorded_hash(commit: str, path: Path) -> str | None:
    """Return the hash that the commit's dvc.lock has for an output, or None where it has none."""
    lock = yaml_at(commit, Path("dvc.lock"))
    for stage in lock.get("stages", {}).values():
        for out in stage.get("outs", []):
            if out["path"] == path.as_posix():
                return str(out["md5"])
    return None


def fetch(name: str, commit: str, path: Path, target: Path) -> Path:
    """Copy an output (or a file of one) as it was at a commit to `target`.

    `name` is how messages call the commit, a tag. The remote is today's, wherever it was then.
    Raises RetraceError when neither cache nor remote has it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Repo() as here:
            config = {key: here.config[key] for key in ("core", "remote")}
        with Repo(".", rev=commit, config=config) as there:
            there.dvcfs.get(path.as_posix(), str(target), recursive=True)
    except Exception as error:  # of DVC or of any storage below it
        raise RetraceError(
            f"{path} of {name} is gone: neither the cache nor the DVC remote gives it "
            f"({_words(error)}). `dvc push` from a copy that has it brings it back, and so does "
            f"`dvc repro` at {name}, with the same bytes."
        ) from None
    return target


def fetch_bundle(name: str, commit: str, path: Path, target: Path) -> Path:
    """Copy the bundle of a tagged commit and check every file of it against dvc.lock's hash.

    Raises RetraceError when it is gone or damaged.
    """
    wanted = recorded_hash(commit, path)
    if wanted is None:
        raise RetraceError(
            f"{name} has no {path} in its dvc.lock: the tag is on a commit without a model. "
            f"`git tag --delete '{name}'` takes back a tag that was made by mistake."
        )
    fetch(name, commit, path, target)
    found = folder_hash(target)
    if found != wanted:
        raise RetraceError(
            f"{path} of {name} is corrupted: its files hash to {found}, its dvc.lock says "
            f"{wanted}. Remove the damaged object from .dvc/cache/files/md5 and fetch again; "
            "docs/storage.md says how to repair a remote."
        )
    return target


def folder_hash(folder: Path) -> str:
    """Return DVC's hash of a folder: the MD5 of the list of its files' MD5s."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    entries = [
        {
            "md5": hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(),
            "relpath": path.relative_to(folder).as_posix(),
        }
        for path in files
    ]
    entries.sort(key=lambda entry: entry["relpath"].split("/"))
    text = json.dumps(entries, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]
