"""Check this machine and this copy of the repository; say what to do about each fault.

    retrace doctor

One line a check: ✓ is fine, ! works with a limit that is named, ✗ stops you (exit status 1).
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from problems import parts
from retrace.base import params as params_yaml
from retrace.base.errors import RetraceError

RUN_LOCK = Path("requirements.lock")
DEV_LOCK = Path("requirements-dev.lock")
PLACEHOLDER = "s3://retrace"  # the bucket in the shared .dvc/config: nobody's until it is set
PRIVATE_LEVELS = ("system", "global", "local")  # where DVC keeps what only this machine knows
DISK_GB = 2  # for a full run at the default sizes (0.1 GB), its cache and many experiments
MEMORY_GB = 4  # the largest table and a booster's bins beside it
ANSWER_SECONDS = 5  # a remote that takes longer to answer is taken for unreachable

Status = Literal["ok", "limit", "fault"]
MARKS: dict[Status, str] = {
    "ok": "[green]✓[/]",
    "limit": "[yellow]![/]",
    "fault": "[bold red]✗[/]",
}


@dataclass(frozen=True)
class Check:
    """The outcome of one check: what was looked at, what was found, what to do about it."""

    status: Status
    what: str
    found: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001
    """Print every check as soon as it is done; 1 if any is a fault."""
    if not Path("pyproject.toml").is_file():
        raise RetraceError(
            f"no pyproject.toml in {Path.cwd()}. Run from the top folder of the repository."
        )
    console = Console(highlight=False, emoji=False)
    console.width = min(100, console.width) if console.is_terminal else 100
    faults = 0
    for check in CHECKS:
        outcome = check()
        console.print(line(outcome))
        faults += outcome.status == "fault"
    return 1 if faults else 0


def line(check: Check) -> Table:
    """Lay one check out: mark, what, and what was found with the advice below it."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(width=11)
    table.add_column()
    table.add_row(MARKS[check.status], check.what, _plain(check.found))
    if check.advice:
        table.add_row("", "", f"[dim]→[/] {_plain(check.advice)}")
    return table


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


# ---- the machine -------------------------------------------------------------------------------


def python(version: tuple[int, ...] = sys.version_info[:3], prefix: str = sys.prefix) -> Check:
    """The Python that runs this, and whether it is the one in .venv."""
    found = ".".join(map(str, version))
    wanted = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    if not SpecifierSet(wanted).contains(found):
        return Check(
            "fault",
            "Python",
            f"{found}; expected {wanted}",
            "rm -rf .venv, then make repro PYTHON=python3.12",
        )
    if Path(prefix).resolve() != Path(".venv").resolve():
        return Check(
            "limit",
            "Python",
            f"{found}, not the one in .venv",
            "make doctor, or source .venv/bin/activate first",
        )
    return Check("ok", "Python", f"{found} in .venv")


def disk(free_bytes: int | None = None) -> Check:
    """Room for a full run."""
    free = (shutil.disk_usage(".").free if free_bytes is None else free_bytes) / 1e9
    if free < DISK_GB:
        return Check(
            "fault",
            "disk",
            f"{free:.1f} GB free; a full run needs {DISK_GB} GB",
            "free some space, or keep the cache on another disk: dvc cache dir --local /path",
        )
    return Check("ok", "disk", f"{free:.0f} GB free; a full run needs {DISK_GB} GB")


def cores_and_memory(memory_bytes: int | None = None) -> Check:
    """What the boosters have to work with."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = (_memory_bytes() if memory_bytes is None else memory_bytes) / 1e9
    found = f"{n_cores} {'core' if n_cores == 1 else 'cores'}, {memory:.1f} GB of memory"
    if memory < MEMORY_GB:
        return Check(
            "limit",
            "computer",
            f"{found}; large data needs {MEMORY_GB} GB",
            "if a stage is killed, give the container more, or try fewer rows: "
            "dvc exp run -S price.simulate.rows=10000",
        )
    return Check("ok", "computer", found)


def _memory_bytes(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Memory of the machine, or of the container where that has less."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(limit.read_text("ascii")))
    except (OSError, ValueError):  # no such limits here, or the word `max`
        return total


# ---- Git, the lock file and DVC ----------------------------------------------------------------


def git() -> Check:
    """A Git repository, and a name and address to commit with."""
    if shutil.which("git") is None:
        return Check("fault", "Git", "not installed", "install git: DVC versions with it")
    if not _git("rev-parse", "--git-dir"):
        return Check(
            "fault",
            "Git",
            "this folder is not in a Git repository",
            "get it with git clone, not as an archive: experiments are Git commits",
        )
    name, email = _git("config", "user.name"), _git("config", "user.email")
    missing = [key for key, value in (("name", name), ("email", email)) if not value]
    if missing:
        return Check(
            "limit",
            "Git",
            f"no {' and no '.join(f'user.{key}' for key in missing)}: git commit will refuse",
            " and ".join(f'git config --global user.{key} "Your {key}"' for key in missing),
        )
    return Check("ok", "Git", f"commits as {name} <{email}>")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def installed_versions() -> Check:
    """The installed packages against the lock file, version by version."""
    try:
        locked, with_tools = read_lock(RUN_LOCK), read_lock(DEV_LOCK)
    except RetraceError as error:
        return Check("fault", "packages", str(error), "git checkout the lock files, or make lock")
    tools = {name: wanted for name, wanted in with_tools.items() if name not in locked}
    torn = sorted(name for name in locked if locked[name] != with_tools.get(name))
    if torn:
        return Check(
            "fault", "packages", f"{RUN_LOCK} and {DEV_LOCK} disagree: {_some(torn)}", "make lock"
        )
    wrong = differing(locked)
    has_tools = any(_installed(name) for name in tools if name != "pip")  # every venv has that one
    if has_tools:
        wrong += differing(tools)
    if wrong:
        return Check(
            "fault",
            "packages",
            f"{len(wrong)} not as locked: {_some(wrong)}",
            "rm -rf .venv, then make repro",
        )
    if not has_tools:
        return Check("ok", "packages", f"{len(locked)} as in {RUN_LOCK}; make test adds its tools")
    return Check("ok", "packages", f"{len(locked) + len(tools)} as in {DEV_LOCK}")


def read_lock(path: Path) -> dict[str, str]:
    """Return {package: version} of the lines that apply to this machine."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise RetraceError(f"{path} is missing") from None
    versions: dict[str, str] = {}
    for raw in text.splitlines():
        stripped = raw.strip().removesuffix("\\").strip()
        if not stripped or stripped.startswith(("#", "--hash")):
            continue
        wanted = Requirement(stripped)
        if wanted.marker is None or wanted.marker.evaluate():
            versions[canonicalize_name(wanted.name)] = str(wanted.specifier).removeprefix("==")
    return versions


def differing(locked: Mapping[str, str]) -> list[str]:
    """Describe every package that is missing or has another version."""
    wrong = []
    for name, version in locked.items():
        found = _installed(name)
        if found != version:
            wrong.append(f"{name} {found or 'missing'} (locked {version})")
    return wrong


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _some(names: Iterable[str], most: int = 8) -> str:
    listed = list(names)
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest


def dvc_initialised() -> Check:
    """The files that make this a DVC repository."""
    missing = [name for name in (".dvc/config", "dvc.yaml") if not Path(name).is_file()]
    if missing:
        return Check(
            "fault",
            "DVC",
            f"{' and '.join(missing)} not found in {Path.cwd().name}/",
            "run from the top folder of the repository; git status says what is gone from it",
        )
    return Check("ok", "DVC", f"{metadata.version('dvc')}, initialised")


# ---- the remote --------------------------------------------------------------------------------


def remote() -> Check:
    """The default remote: set on this machine, reachable, with the right secret and bucket."""
    from dvc.config import Config, ConfigError

    try:
        config = Config(str(Path(".dvc").resolve()))
    except ConfigError as error:
        return Check(
            "fault", "remote", f"DVC cannot read its settings: {error}", "mend .dvc/config"
        )
    name = config.get("core", {}).get("remote")
    settings = dict(config.get("remote", {}).get(name) or {})
    if not settings.get("url"):
        return Check(
            "fault",
            "remote",
            f"no remote named '{name}'" if name else "no default remote",
            "git checkout .dvc/config, or dvc remote add --default storage s3://bucket/folder",
        )
    url = str(settings["url"])
    own = any(name in config.read(level).get("remote", {}) for level in PRIVATE_LEVELS)
    if url == PLACEHOLDER and not own:
        return Check(
            "limit",
            "remote",
            "no remote configured on this machine: dvc push and dvc pull have no place to go",
            "make storage starts one here; README says how to name your own",
        )
    if url.startswith("s3://"):
        return _s3(name, settings)
    if "://" in url:
        return Check("limit", "remote", f"{url}: not tried", "dvc status --cloud tries it")
    return _folder(url)


def _folder(url: str) -> Check:
    if os.access(url, os.W_OK):
        return Check("ok", "remote", url)
    return Check(
        "fault", "remote", f"{url} is not a folder to write to", "mkdir it, or mend its permissions"
    )


def _s3(name: str, settings: Mapping[str, Any]) -> Check:
    """Ask for the first object of the remote's folder, and translate what comes back."""
    import botocore.exceptions as aws  # type: ignore[import-untyped]

    url, endpoint = str(settings["url"]), str(settings.get("endpointurl") or "")
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    place = f"{url} at {endpoint}" if endpoint else url
    modify = f"dvc remote modify --local {name}"
    try:
        _s3_client(settings).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.ProfileNotFound) as error:
        return Check(
            "fault",
            "remote",
            f"{place}: no credentials ({_sentence(error)})",
            f"{modify} access_key_id ID, and the same with secret_access_key; "
            "or an AWS profile: aws configure",
        )
    except (aws.ConnectionError, aws.HTTPClientError) as error:
        return Check(
            "fault",
            "remote",
            f"{place}: does not answer ({type(error).__name__})",
            f"is it running, and is the network up? {_restart(endpoint, modify)}",
        )
    except aws.ClientError as error:
        return _refused(str(error.response.get("Error", {}).get("Code", "")), place, bucket, modify)
    except (aws.BotoCoreError, ValueError) as error:
        return Check("fault", "remote", f"{place}: {_sentence(error)}", f"mend it: {modify} --help")
    return Check("ok", "remote", f"{place} answers")


def _restart(endpoint: str, modify: str) -> str:
    if endpoint.startswith("http://127.0.0.1:"):
        return "make storage starts this machine's own again"
    return f"another address: {modify} endpointurl URL"


def _refused(code: str, place: str, bucket: str, modify: str) -> Check:
    """What an answer other than a listing means, by S3's error code."""
    found, advice = {
        "SignatureDoesNotMatch": ("the secret is wrong", f"{modify} secret_access_key SECRET"),
        "InvalidAccessKeyId": ("it does not know the access key", f"{modify} access_key_id ID"),
        "NoSuchBucket": (f"no bucket '{bucket}' there", f"create it, or {modify} url s3://BUCKET"),
        "404": (f"no bucket '{bucket}' there", f"create it, or {modify} url s3://BUCKET"),
        "AccessDenied": (
            "these credentials may not list it",
            "ask its owner for s3:ListBucket, s3:GetObject and s3:PutObject",
        ),
        "ExpiredToken": ("the session has expired", "log in again: aws sso login"),
    }.get(code, (f"it refuses: {code or 'no reason given'}", f"look at region and url: {modify}"))
    return Check("fault", "remote", f"{place}: {found}", advice)


def _s3_client(settings: Mapping[str, Any]) -> Any:
    """Return a client with the remote's own settings, which does not try twice."""
    import botocore.config  # type: ignore[import-untyped]
    import botocore.session  # type: ignore[import-untyped]

    session = botocore.session.Session(profile=settings.get("profile"))
    return session.create_client(
        "s3",
        region_name=settings.get("region") or session.get_config_variable("region") or "us-east-1",
        endpoint_url=settings.get("endpointurl"),
        use_ssl=settings.get("use_ssl", True),
        verify=settings.get("ssl_verify"),
        aws_access_key_id=settings.get("access_key_id"),
        aws_secret_access_key=settings.get("secret_access_key"),
        aws_session_token=settings.get("session_token"),
        config=botocore.config.Config(
            connect_timeout=ANSWER_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:]


# ---- params.yaml -------------------------------------------------------------------------------

# Each section's model, as its stage reads it: `Settings` of a world's part, or one of the stage's.
WORLD_SECTIONS = {
    "simulate": "parts simulator",
    "ingest": "parts reader",
    "validate": "retrace.checks ValidateParams",
}
PROBLEM_SECTIONS = {
    "split": "retrace.past.splits SplitParams",
    "features": "parts features",
    "encode": "retrace.encode.encoders EncodeParams",
    "text": "retrace.encode.text.model TextParams",
    "train": "workflow.train TrainParams",
    "evaluate": "parts evaluation",
    "tune": "experiments.tune.space TuneParams",
    "gate": "retrace.judge.gate GateParams",
    "backtest": "workflow.replay.models BacktestParams",
}
OPTIONAL = {"tune", "gate", "backtest"}  # a problem that nobody searches, promotes or replays


def params() -> Check:
    """Every section of params.yaml, read with its model; keys that nothing reads are faults."""
    try:
        faults = list(params_faults())
        n_sections = len(list(_sections()))
    except RetraceError as error:
        faults, n_sections = [str(error)], 0
    if faults:
        return Check("fault", "params.yaml", "\n".join(faults), "mend these; no stage runs before")
    return Check("ok", "params.yaml", f"valid: {n_sections} sections")


def params_faults() -> Iterator[str]:
    """Yield one message for every key that is missing, unknown or wrong."""
    worlds, problems = _block("worlds"), _block("problems")
    blocks = {"worlds", "problems", "backtests", *worlds, *problems}
    for key in _block(""):
        if key not in blocks:
            yield f"unknown key '{key}'; a block is worlds, problems, or named in one of them."
    for name, entry in _block("backtests").items():
        if entry != problems.get(name):
            yield f"'backtests.{name}' is {entry}; give it what 'problems.{name}' has."
    for name in sorted({*worlds, *problems} & set(_block(""))):
        known = {**(WORLD_SECTIONS if name in worlds else {})}
        known |= PROBLEM_SECTIONS if name in problems else {}
        for section in _block(name):
            if section not in known:
                yield f"unknown key '{name}.{section}'; valid keys: {', '.join(known)}."
    for key, model in _sections():
        try:
            params_yaml.read_params(model(), key)
        except RetraceError as error:
            yield str(error)
        except ImportError as error:
            yield f"cannot check '{key}': the module with its model does not load ({error})."
    for name, entry in problems.items():
        world = entry.get("world") if isinstance(entry, Mapping) else None
        if world is not None and world not in worlds:
            yield f"'problems.{name}.world' is '{world}', which is not in worlds: {_some(worlds)}."


def _sections() -> Iterable[tuple[str, Callable[[], type[BaseModel]]]]:
    """Yield every section that is read, as dotted key and the way to its model."""
    worlds, problems, blocks = _block("worlds"), _block("problems"), _block("")
    for name in worlds:
        yield f"worlds.{name}", lambda: params_yaml.WorldEntry
        for section, where in WORLD_SECTIONS.items():
            yield f"{name}.{section}", _model(where, name)
    for name, entry in problems.items():
        yield f"problems.{name}", lambda: params_yaml.ProblemEntry
        world = entry.get("world") if isinstance(entry, Mapping) else None
        if world in worlds:  # otherwise there is a message for it already
            for section, where in PROBLEM_SECTIONS.items():
                if section not in OPTIONAL or section in blocks.get(name, {}):
                    yield f"{name}.{section}", _model(where, str(world))


def _model(where: str, world: str) -> Callable[[], type[BaseModel]]:
    def find() -> type[BaseModel]:
        module, name = where.split()
        if module == "parts":
            settings: type[BaseModel] = getattr(parts, name)(world).settings
            return settings
        model: type[BaseModel] = getattr(importlib.import_module(module), name)
        return model

    return find


def _block(key: str) -> dict[str, Any]:
    """Return a block of params.yaml with its keys, the whole of it for ''."""
    if key:
        block = params_yaml.read_key(key)
    else:
        params_yaml.read_key("worlds")  # says so if there is no such file, or no YAML in it
        block = yaml.safe_load(params_yaml.PATH.read_text("utf-8"))
    if not isinstance(block, Mapping):
        raise RetraceError(f"{params_yaml.PATH}: expected a block of keys at {key or 'the top'}.")
    return dict(block)


# The cheap ones first, so that the reader has something to read while the others work.
CHECKS: tuple[Callable[[], Check], ...] = (
    python,
    git,
    dvc_initialised,
    disk,
    cores_and_memory,
    installed_versions,
    remote,
    params,
)
