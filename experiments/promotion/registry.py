"""What GTO's tags say: `price@v0.0.2` is a version, `price#prod#3` the third assignment of a stage.

GTO (https://github.com/iterative/gto) keeps its registry in annotated tags, so that any clone has
it. The latest assignment of a stage, by the time of its tag, is the one that holds.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import gto.api
from gto.exceptions import GTOException
from gto.tag import parse_name
from gto.versions import SemVer
from scmrepo.exceptions import SCMError

from experiments.git import git
from retrace.base.errors import RetraceError

PROD = "prod"
CLOCKS_APART_SECONDS = 5  # a machine further behind would promote into the past


@dataclass(frozen=True)
class Assigned:
    """A version in a stage, or that was in it."""

    version: str
    stage: str
    commit: str
    tag: str
    by: str
    at: datetime


def no_repository(error: SCMError) -> RetraceError:
    return RetraceError(f"{error}; run this in the project's folder, a Git repository.")


def assignments(problem: str, stage: str | None = None) -> list[Assigned]:
    """Return all assignments of a stage, or of each stage, the oldest first."""
    try:
        events = gto.api.history(".", problem, ascending=True)
    except SCMError as error:
        raise no_repository(error) from None
    return [
        Assigned(
            event["version"],
            event["stage"],
            event["commit"],
            event["ref"],
            event["author"],
            event["timestamp"],
        )
        for event in events
        if event["event"] == "assignment" and stage in (None, event["stage"])
    ]


def in_stages(problem: str) -> list[Assigned]:
    """Return what is in each stage now, in the order of the stages' names."""
    try:
        versions = gto.api.show(".", problem)
    except GTOException:  # no tag of this name
        return []
    except SCMError as error:
        raise no_repository(error) from None
    current = {
        (version["version"], stage["stage"])
        for version in versions
        for stage in version["stages"]
        if stage["is_active"]
    }
    latest = {(item.version, item.stage): item for item in assignments(problem)}
    return sorted((latest[key] for key in current), key=lambda item: item.stage)


def champion(problem: str) -> Assigned | None:
    """Return what is in stage `prod`, or None where nothing is."""
    return next((item for item in in_stages(problem) if item.stage == PROD), None)


def previous(problem: str, current: Assigned) -> Assigned:
    """Return the champion that the current one replaced when it was promoted.

    After a rollback from v3 to v2 that is the one before v2, never v3 again.
    Raises RetraceError when there is none.
    """
    history = assignments(problem, PROD)
    registered = {version["version"] for version in gto.api.show(".", problem)}
    first = next(i for i, item in enumerate(history) if item.version == current.version)
    for item in reversed(history[:first]):
        if item.version != current.version and item.version in registered:
            return item
    raise RetraceError(
        f"{problem} {current.version} was the first champion: no version was in {PROD} before it "
        f"that could be put back. `gto deprecate {problem} {current.version} {PROD}` takes it out "
        f"of {PROD} without another in its place."
    )


def next_version(problem: str) -> str:
    """Return the version after the highest ever registered, deregistered ones included."""
    names = git("tag", "--list", f"{problem}@v*").splitlines()
    found = (parse_name(name, raise_on_fail=False).get("version") for name in names)
    versions = [SemVer.parse(version) for version in found if version]
    return f"v{max(versions).bump_patch()}" if versions else "v0.0.1"


def last_number(problem: str) -> int:
    """Return the number of the latest assignment, of any stage: GTO counts them together."""
    names = git("tag", "--list", f"{problem}#*").splitlines()
    return max(
        (parse_name(name, raise_on_fail=False).get("counter", 0) for name in names), default=0
    )


def check_clock(problem: str) -> None:
    """Raise RetraceError when this machine's clock is behind the one that made the latest tag."""
    latest = _latest_second(problem)
    if latest > time.time() + CLOCKS_APART_SECONDS:
        raise RetraceError(
            f"the latest tag of '{problem}' is from {datetime.fromtimestamp(latest):%F %T}, which "
            "is ahead of this machine's clock: a new one would not hold. Set the clock."
        )


def wait_for_clock(problem: str) -> None:
    """Wait for the second after the latest tag: GTO and DVC order tags by whole seconds."""
    while time.time() < _latest_second(problem) + 1:
        time.sleep(0.05)


def _latest_second(problem: str) -> int:
    pattern = f"refs/tags/{problem}[@#]*"
    times = git("for-each-ref", "--format=%(creatordate:unix)", pattern).split()
    return max(map(int, times), default=0)


def register(folder: Path, problem: str, version: str, message: str) -> list[str]:
    """Register a version at HEAD of `folder` and put it into prod; return the two tags."""
    tag = register_version(folder, problem, version, message)
    return [tag, _assign(folder, problem, version, message)]


def register_version(folder: Path, problem: str, version: str, message: str) -> str:
    """Register a version at HEAD of `folder`, in no stage; return the tag."""
    wait_for_clock(problem)
    gto.api.register(folder, problem, "HEAD", version=version, message=message)
    return f"{problem}@{version}"


def assign(folder: Path, problem: str, version: str, message: str) -> str:
    """Put a registered version into prod; return the tag."""
    wait_for_clock(problem)
    return _assign(folder, problem, version, message)


def _assign(folder: Path, problem: str, version: str, message: str) -> str:
    event = gto.api.assign(
        folder, problem, PROD, version=version, message=message, force=True, simple=False
    )
    return str(event.tag)
