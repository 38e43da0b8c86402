"""Put into the remote what `dvc push` has left out.

DVC 3.67 takes a folder's list in the remote for a sign that the folder's files are there as well.
They need not be. A file that two folders have is sent with the first one; where that fails, the
second one's list follows nevertheless, and no later push looks at the file again. The same holds
for a file of a folder that the remote has lost.
"""

from collections.abc import Iterable
from typing import Any

from retrace.base.errors import RetraceError


def complete(remote_name: str) -> str:
    """Send each object of this commit that the remote has not, and the cache has; tell how many.

    RetraceError where one is in neither, or cannot be sent.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            remote = repo.cloud.get_remote_odb(remote_name, "storage complete")
            used = {one.value for some in repo.used_objs(push=True).values() for one in some}
            failed, count = send(repo.cache.local, remote, used)
    except (DvcException, OSError) as error:
        raise RetraceError(f"the remote '{remote_name}' could not be asked: {error}") from error
    if failed:
        told = "\n  ".join(f"{oid}: {reason}" for oid, reason in sorted(failed.items()))
        raise RetraceError(
            f"{len(failed)} objects of this commit are not in the remote '{remote_name}', and were "
            f"not sent:\n  {told}\nWhere no cache has one, dvc repro makes its file again."
        )
    if not count:
        return f"The remote '{remote_name}' has all objects of this commit."
    return f"Sent {count} objects that the remote '{remote_name}' had not; now it has all."


def send(cache: Any, remote: Any, used: Iterable[str]) -> tuple[dict[str, str], int]:
    """Return what could not be sent, with the reason, and how many objects were."""
    missing = {*used} - {*remote.oids_exist(used)}
    here = {*cache.oids_exist(missing)}
    failed = dict.fromkeys(missing - here, "not in .dvc/cache either")

    def note(oid: str, error: BaseException) -> None:
        failed[oid] = str(error)

    for lists in (False, True):  # a folder's list last: it says that the files are there
        if oids := [oid for oid in sorted(here) if oid.endswith(".dir") is lists]:
            paths = [cache.oid_to_path(oid) for oid in oids]
            remote.add(paths, cache.fs, oids, check_exists=False, on_error=note)
    return failed, len(missing) - len(failed)
