"""The clone that a cycle works in, and the step into it.

It is made from origin, with this copy's settings of Git and DVC and with DVC's cache; nobody's
working tree is touched. The process goes on there by the code of the branch: what trains, judges
and registers a model is what the commit says, and not what lies in the copy that was called.
"""

import contextlib
import os
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NoReturn

import psutil
from dvc.config import Config
from dvc.repo import Repo

from experiments.cycle.lock import CycleLock
from experiments.git import git, git_or_empty
from experiments.rollout.children import python_of
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from store.database import DEFAULT, STORE, url_of

SQLITE = "sqlite:///"
END_SECONDS = 10.0


@dataclass(frozen=True)
class CycleJob:
    """What the process in the clone must know; paths are absolute. The store's URL may have a
    password: that is in the environment, "" where there is no store.

    at    : the moment, ISO 8601 with an offset; "" for the clock
    lock  : the commit that says that this process has the lock; "" for a plan, which needs none
    """

    problem: str
    top: str  # of the copy that was called
    work: str
    url: str
    branch: str
    at: str
    lock: str
    is_plan: bool
    tries: int = 1  # how often it has begun, since others had pushed

    @property
    def clone(self) -> Path:
        return Path(self.work) / ("plan" if self.is_plan else "clone")

    @property
    def file(self) -> Path:
        return Path(self.work) / ("plan.json" if self.is_plan else "job.json")

    def lock_of(self) -> CycleLock:
        return CycleLock(self.url, self.problem, Path(self.work) / "lock.git", self.lock)


def find_origin() -> tuple[str, str]:
    """Return the URL of the remote, and the name of the branch there.

    Raises RetraceError where there is none: a cycle's work goes there, and so does its lock.
    """
    branch = git_or_empty("symbolic-ref", "--quiet", "--short", "HEAD")
    remote = git_or_empty("config", f"branch.{branch}.remote") or "origin"
    url = git_or_empty("remote", "get-url", remote)
    if not branch or not url:
        what = "HEAD is detached" if not branch else f"there is no Git remote '{remote}'"
        raise RetraceError(
            f"{what}: a cycle takes its branch from a remote, and puts lock, commits and tags "
            "there. `git switch BRANCH`, or `git remote add origin URL`; a bare repository beside "
            "this one will do: `git clone --bare . ../origin.git`."
        )
    if "://" not in url and Path(url).exists():
        url = str(Path(url).absolute())
    there = git_or_empty("config", f"branch.{branch}.merge").removeprefix("refs/heads/")
    return url, there or branch


def store_of(given: str | None) -> str:
    """Return the URL of the store, a file's with its whole path; "" where none was named and none
    is at its usual place."""
    url = url_of(given)
    if not url.startswith(SQLITE):
        return url
    path = Path(url.removeprefix(SQLITE)).absolute()
    return "" if url == DEFAULT and not path.is_file() else SQLITE + str(path)


def make_clone(job: CycleJob, *, anew: bool) -> None:
    """Bring the clone to the branch of origin; `anew` throws away what a killed cycle has left."""
    clone = job.clone
    end_leftovers(clone)
    if anew or not (clone / ".git").is_dir():
        shutil.rmtree(clone, ignore_errors=True)
        clone.parent.mkdir(parents=True, exist_ok=True)
        partial = clone.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        git("clone", "--quiet", "--no-checkout", job.url, str(partial))
        partial.rename(clone)
    git("remote", "set-url", "origin", job.url, folder=clone)
    name, _, rest = git("var", "GIT_COMMITTER_IDENT").partition(" <")
    git("config", "user.name", name, folder=clone)
    git("config", "user.email", rest.partition(">")[0], folder=clone)
    to_origin(job)
    with Repo() as here, Config(str((clone / ".dvc").resolve())).edit("local") as settings:
        settings |= here.config.read("local")
        settings["cache"] = {**settings["cache"], "dir": here.cache.local_cache_dir}
        for name, its in here.config["remote"].items():  # a path is meant from this copy
            if "://" not in its["url"]:
                own = settings["remote"].get(name, {})
                settings["remote"][name] = {**own, "url": str(Path(its["url"]).absolute())}


def to_origin(job: CycleJob) -> None:
    """Bring tags, branch and files of the clone to what origin has."""
    ours = f"refs/remotes/origin/{job.branch}"
    git("fetch", "--quiet", "--prune", "--force", "origin", "+refs/tags/*:refs/tags/*",
        f"+refs/heads/{job.branch}:{ours}", folder=job.clone)  # fmt: skip
    git("checkout", "--quiet", "--force", "-B", job.branch, "--track", ours, folder=job.clone)
    git("clean", "--quiet", "-d", "--force", folder=job.clone)


def end_leftovers(clone: Path) -> None:
    """End what a killed cycle has left at work in its clone: stages, and the DVC above them."""
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            ours = process.name().startswith(("python", "dvc")) and process.pid != os.getpid()
            if ours and Path(process.cwd()).is_relative_to(clone):
                process.terminate()
                left.append(process)
    for process in psutil.wait_procs(left, END_SECONDS)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def go_there(job: CycleJob, store: str) -> NoReturn:
    """Go on in the clone, by its code: this process becomes that of `python -m experiments.cycle`,
    and keeps its id, by which the lock knows it."""
    write_json(asdict(job), job.file)
    python = python_of(job.clone)
    os.chdir(job.clone)
    path = filter(None, [str(job.clone), os.environ.get("PYTHONPATH", "")])
    os.environ |= {"PYTHONPATH": os.pathsep.join(path), STORE: store}
    if python != sys.executable:  # its stages are by that one, too
        os.environ["PATH"] = os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])
    sys.stdout.flush()
    os.execv(python, [python, "-m", "experiments.cycle", str(job.file)])  # noqa: S606  (no shell)


def again(job: CycleJob, lock: CycleLock) -> NoReturn:
    """Begin again from what origin has by now."""
    to_origin(job)
    go_there(replace(job, lock=lock.mine, tries=job.tries + 1), os.environ.get(STORE, ""))


def read_job(file: Path) -> CycleJob:
    return CycleJob(**read_json(file))
