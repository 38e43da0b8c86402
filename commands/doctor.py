"""Check this machine and this copy of the repository; say what to do about each fault.

    retrace doctor

One line a check: `ok`, `!` for a limit, `FAULT` for what stops you (exit status 1).
"""

import argparse
import shutil
import sys
import textwrap
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from experiments.git import git_or_empty
from retrace.base.errors import RetraceError

RUN_LOCK = Path("requirements.lock")
DEV_LOCK = Path("requirements-dev.lock")
PLACEHOLDER = "s3://retrace"  # the bucket in the shared .dvc/config: nobody's until it is set
PRIVATE_LEVELS = ("system", "global", "local")  # where DVC keeps what only this machine knows
DISK_GB = 2  # for a full run at the default sizes (0.1 GB), its cache and many experiments
ANSWER_SECONDS = 15  # a remote that takes longer is taken for unreachable
# What `pip install` needs for a dialect of SQLAlchemy that is not in requirements.lock.
DRIVERS = {
    "bigquery": "sqlalchemy-bigquery",
    "duckdb": "duckdb-engine",
    "mssql": "pyodbc",
    "mysql": "PyMySQL, and let the url begin with mysql+pymysql:",
    "oracle": "oracledb",
    "redshift": "sqlalchemy-redshift psycopg2-binary",
    "snowflake": "snowflake-sqlalchemy",
}

Status = Literal["ok", "!", "FAULT"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: what was looked at, what was found, what to do about it."""

    status: Status
    what: str
    found: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001
    """Print every check as soon as it is done; 1 if any is a fault."""
    faults = 0
    for check in CHECKS:
        outcome = check()
        print(laid_out(outcome), flush=True)
        faults += outcome.status == "FAULT"
    return 1 if faults else 0


def laid_out(finding: Finding) -> str:
    """Lay one finding out: mark, what, and what was found with the advice below it."""
    wrap = textwrap.TextWrapper(80, break_long_words=False, break_on_hyphens=False)
    lines = [*finding.found.splitlines(), *([f"-> {finding.advice}"] if finding.advice else [])]
    wrapped = [part for line in lines for part in wrap.wrap(line)]
    first = f"{finding.status:6}{finding.what:12}"
    return first + f"\n{' ' * len(first)}".join(wrapped)


# ---- the machine -------------------------------------------------------------------------------


def python(version: tuple[int, ...] = sys.version_info[:3], prefix: str = sys.prefix) -> Finding:
    """The Python that runs this, and whether it is the one in .venv."""
    found = ".".join(map(str, version))
    wanted = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    if not SpecifierSet(wanted).contains(found):
        advice = "rm -rf .venv, then make repro PYTHON=python3.12"
        return Finding("FAULT", "Python", f"{found}; expected {wanted}", advice)
    if Path(prefix).resolve() != Path(".venv").resolve():
        advice = "make doctor, or source .venv/bin/activate first"
        return Finding("!", "Python", f"{found}, not the one in .venv", advice)
    return Finding("ok", "Python", f"{found} in .venv")


def disk(free_bytes: int | None = None) -> Finding:
    """Room for a full run."""
    free = (shutil.disk_usage(".").free if free_bytes is None else free_bytes) / 1e9
    found = f"{free:.1f} GB free; a full run needs {DISK_GB} GB"
    if free < DISK_GB:
        advice = "free some space, or keep the cache on another disk: dvc cache dir --local /path"
        return Finding("FAULT", "disk", found, advice)
    return Finding("ok", "disk", found)


def packages() -> Finding:
    """The installed packages against the lock file, version by version."""
    lock = DEV_LOCK if _installed("pytest") else RUN_LOCK
    try:
        locked = list(locked_versions(lock.read_text("utf-8")))
    except FileNotFoundError:
        return Finding("FAULT", "packages", f"{lock} is missing", f"git checkout {lock}")
    wrong = [
        f"{name} {_installed(name) or 'missing'} (locked {version})"
        for name, version in locked
        if _installed(name) != version
    ]
    if wrong:
        some = ", ".join([*wrong[:8], *(["..."] if len(wrong) > 8 else [])])
        advice = "rm -rf .venv, then make repro"
        return Finding("FAULT", "packages", f"{len(wrong)} not as in {lock}: {some}", advice)
    return Finding("ok", "packages", f"{len(locked)} as in {lock}")


def locked_versions(text: str) -> Iterator[tuple[str, str]]:
    """Yield (package, version) of the lines that apply to this machine."""
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            wanted = Requirement(line.rstrip("\\ "))
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name, str(wanted.specifier).removeprefix("==")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# ---- Git, DVC and the remote -------------------------------------------------------------------


def git() -> Finding:
    """A Git repository, and a name and address to commit with."""
    if shutil.which("git") is None:
        return Finding("FAULT", "Git", "not installed", "install git: DVC versions with it")
    if not git_or_empty("rev-parse", "--git-dir"):
        advice = "get it with git clone, not as an archive: experiments are Git commits"
        return Finding("FAULT", "Git", "this folder is not in a Git repository", advice)
    name, email = git_or_empty("config", "user.name"), git_or_empty("config", "user.email")
    missing = [key for key, value in (("name", name), ("email", email)) if not value]
    if missing:
        found = f"no {' and no '.join(f'user.{key}' for key in missing)}: git commit will refuse"
        advice = " and ".join(f'git config --global user.{key} "Your {key}"' for key in missing)
        return Finding("!", "Git", found, advice)
    return Finding("ok", "Git", f"commits as {name} <{email}>")


def remote() -> Finding:
    """DVC's settings, and whether the default remote answers, with these credentials."""
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            name = repo.config["core"].get("remote")
            url = str(repo.config["remote"].get(name, {}).get("url", ""))
            levels = [repo.config.read(level).get("remote", {}) for level in PRIVATE_LEVELS]
            if url == PLACEHOLDER and not any(name in level for level in levels):
                found = "none set on this machine: dvc push and dvc pull have no place to go"
                advice = "make storage starts one here; docs/storage.md says how to name your own"
                return Finding("!", "remote", found, advice)
            fault = _within(ANSWER_SECONDS, lambda: _list(repo, name))
    except (ConfigError, DvcException) as error:
        return Finding("FAULT", "remote", str(error), "look at .dvc/config and .dvc/config.local")
    if fault:
        advice = (
            f"is it running? settings and secrets: dvc remote modify --local {name} --help; "
            "make storage starts a server on this machine"
        )
        return Finding("FAULT", "remote", f"{url}: {fault}", advice)
    return Finding("ok", "remote", f"{url} answers")


def _list(repo: Any, name: str | None) -> None:
    """List the remote's folder as DVC would; that it is not there yet is no error."""
    remote = repo.cloud.get_remote(name)
    try:
        remote.fs.ls(remote.path)
    except FileNotFoundError as error:
        if error.__cause__ is not None:  # the bucket itself
            raise


def _within(seconds: float, call: Callable[[], None]) -> str:
    """Return what is wrong with a call: its error, or that it takes longer; '' if nothing is."""
    faults = [f"no answer within {seconds:.0f} seconds"]

    def attempt() -> None:
        try:
            call()
            faults[0] = ""
        except RetraceError as error:
            faults[0] = str(error)
        except Exception as error:  # of whichever storage it is: each library has its own
            faults[0] = f"{error} ({type(error).__name__})"

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    return faults[0]


def databases() -> Finding:
    """Whether each database of DVC's settings, for `dvc import-db`, has its driver and answers."""
    from dvc.config import Config, ConfigError

    try:
        settings = Config.from_cwd().read()["db"]
    except ConfigError as error:
        return Finding(
            "FAULT", "databases", str(error), "look at .dvc/config and .dvc/config.local"
        )
    faults = {
        name: _within(ANSWER_SECONDS, partial(_select_1, one)) for name, one in settings.items()
    }
    found = "\n".join(f"{name}: {fault}" for name, fault in faults.items() if fault)
    if found:
        return Finding("FAULT", "databases", found, "docs/data.md says how to name a database")
    found = f"{', '.join(faults)}: all answer" if faults else "none set, and none needed"
    return Finding("ok", "databases", found)


def _select_1(settings: dict[str, str]) -> None:
    from dvc.database import client
    from dvc.exceptions import DvcException

    try:
        with client(settings) as database, database.engine.connect() as connection:
            connection.exec_driver_sql("select 1")
    except DvcException as error:  # its driver cannot be loaded
        dialect = settings["url"].partition(":")[0]
        package = DRIVERS.get(dialect.partition("+")[0], f"its package ({error.__cause__})")
        raise RetraceError(f"'{dialect}' has no driver here: pip install {package}") from None


# ---- params.yaml -------------------------------------------------------------------------------


def params() -> Finding:
    """Every section of params.yaml, read with its model; keys that nothing reads are faults."""
    try:
        from experiments.sections import faults

        found = list(faults())
    except (RetraceError, ImportError) as error:
        found = [str(error)]
    if found:
        return Finding(
            "FAULT", "params.yaml", "\n".join(found), "correct these; no stage runs before"
        )
    return Finding("ok", "params.yaml", "every section is valid")


# The cheap ones first, so that the reader has something to read while the others work.
CHECKS: tuple[Callable[[], Finding], ...] = (
    python,
    git,
    disk,
    packages,
    params,
    databases,
    remote,
)
