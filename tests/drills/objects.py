"""Objects of a remote, by their keys."""

import json
from collections import Counter
from pathlib import Path

from tests.drills.repo import Repo


def objects(repo: Repo) -> list[str]:
    """Return the keys of a file, of a folder's list and of a file in that folder."""
    outs = [out for entry in repo.lock().values() for out in entry["outs"]]
    cached = [out for out in outs if repo.path.joinpath(".dvc/cache", key_of(out["md5"])).exists()]
    single = next(out["md5"] for out in cached if not out["md5"].endswith(".dir"))
    folder = next(out["md5"] for out in cached if out["md5"].endswith(".dir"))
    listed = json.loads((repo.path / ".dvc/cache" / key_of(folder)).read_text())
    return [key_of(single), key_of(folder), key_of(listed[0]["md5"])]


def shared(repo: Repo) -> str:
    """Return the key of a file that two folders have."""
    outs = [out["md5"] for entry in repo.lock().values() for out in entry["outs"]]
    lists = [repo.path / ".dvc/cache" / key_of(md5) for md5 in outs if md5.endswith(".dir")]
    found = Counter(md5 for one in lists if one.exists() for md5 in inside(one))
    return key_of(next(md5 for md5, times in found.items() if times > 1))


def inside(listed: Path) -> set[str]:
    return {entry["md5"] for entry in json.loads(listed.read_text())}


def key_of(md5: str) -> str:
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def paths_of(repo: Repo, key: str) -> list[str]:
    """Return the folders whose list is the object."""
    outs = [out for entry in repo.lock().values() for out in entry["outs"]]
    return [out["path"] for out in outs if out["md5"] == digest(key) and key.endswith(".dir")]


def digest(key: str) -> str:
    return key.removeprefix("files/md5/").replace("/", "")
