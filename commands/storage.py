"""An S3 server on this machine, to try `dvc push` and `dvc pull` without an account anywhere.

    retrace storage start     start rclone's S3 server and point the remote `storage` at it
    retrace storage status
    retrace storage stop      stop it and take the settings out again; the pushed data stays

The server listens on loopback only. Its address and its credentials, new at every start, go to
`.dvc/config.local`, which Git ignores; what was pushed lies in `.dvc/tmp/storage/data`.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from filelock import FileLock

from retrace.base.errors import RetraceError

DVC = Path(".dvc")
HOME = Path(".dvc/tmp/storage")
REMOTE = "storage"
OVERRIDES = ("endpointurl", "access_key_id", "secret_access_key")
START_SECONDS = 20
STOP_SECONDS = 5
ADDRESS = re.compile(r"http://127\.0\.0\.1:[1-9]\d*")


@dataclass(frozen=True)
class S3Server:
    """A running server: where it answers, to whom, and the folder that it serves."""

    endpoint: str
    key: str
    secret: str = field(repr=False)
    bucket: str
    data: Path  # data / bucket / ... is an object's file


@dataclass(frozen=True)
class Running:
    """What is written down of a server in the background. `started` tells a reused pid apart."""

    pid: int
    started: float
    endpoint: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS)


def run(args: argparse.Namespace) -> int:
    if not DVC.is_dir():
        raise RetraceError(f"no .dvc/ in {Path.cwd()}. Run from the top folder of the repository.")
    HOME.mkdir(parents=True, exist_ok=True)
    with FileLock(HOME / "lock"):  # two at once would start two servers
        return int(ACTIONS[args.action]())


# ---- the server --------------------------------------------------------------------------------


@contextmanager
def local_s3(folder: Path, bucket: str = "retrace") -> Iterator[S3Server]:
    """Serve `folder`/data as S3 for as long as the block runs; `bucket` is made in it."""
    process, server = launch(folder, bucket)
    try:
        yield server
    finally:
        end(psutil.Process(process.pid))
        process.wait()


def launch(
    folder: Path, bucket: str, *, address: str = "127.0.0.1:0", keys: tuple[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], S3Server]:
    """Start rclone on loopback and return once it answers; `keys` are new ones unless given."""
    program = _rclone()
    data, log = (folder / "data").resolve(), folder / "rclone.log"
    (data / bucket).mkdir(parents=True, exist_ok=True)
    key, secret = keys or (secrets.token_hex(10).upper(), secrets.token_hex(20))
    with log.open("wb") as output:
        process = subprocess.Popen(
            # Port 0 takes a free one. A file removed by hand is gone after seconds, not minutes;
            # with 0s the server never ends listing a folder.
            [program, "serve", "s3", "--addr", address, "--dir-cache-time", "5s", data],
            env=_environment(key, secret),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal that started it is not meant for it
        )
    try:
        endpoint = _wait_for_address(process, log)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process, S3Server(endpoint, key, secret, bucket, data)


def _rclone() -> str:
    beside = Path(sys.executable).with_name("rclone")
    program = str(beside) if beside.is_file() else shutil.which("rclone")
    if program is None:
        raise RetraceError(
            "rclone, whose S3 server this is, is not in .venv. "
            "It comes with requirements-dev.lock: run make storage."
        )
    return program


def _environment(key: str, secret: str) -> dict[str, str]:
    """Give rclone its credentials where other users of the machine do not see them, unlike argv."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    return {**own, "RCLONE_CONFIG": os.devnull, "RCLONE_AUTH_KEY": f'"{key},{secret}"'}


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = ADDRESS.search(log.read_text("utf-8", errors="replace"))
        if found and _answers(found.group()):
            return found.group()
        time.sleep(0.05)
    what = "ended" if process.poll() is not None else f"did not answer in {START_SECONDS} seconds"
    last = log.read_text("utf-8", errors="replace").strip().splitlines()[-3:]
    raise RetraceError("\n  ".join([f"rclone {what}. Its last words:", *last]))


def _answers(endpoint: str) -> bool:
    """Whether there is any HTTP answer; one without credentials is a refusal, and enough."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(endpoint, timeout=1).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()
    except OSError:
        return False
    return True


def end(process: psutil.Process) -> None:
    """Ask a process to end, and make it after a few seconds."""
    try:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        pass


# ---- the one in the background -----------------------------------------------------------------


def start() -> int:
    known = read_state()
    if known and find_process(known):
        return _already_runs(known)
    bucket = _bucket()
    _refuse_own_settings(known)
    process, server = launch(HOME, bucket)
    _write_state(Running(process.pid, psutil.Process(process.pid).create_time(), server.endpoint))
    settings = (server.endpoint, server.key, server.secret)
    _edit_remote(dict(zip(OVERRIDES, settings, strict=True)))
    print(
        f"An S3 server runs at {server.endpoint}, on this machine only. What is pushed lies in\n"
        f"{HOME}/data. Its address and its credentials are in .dvc/config.local, which Git\n"
        f"ignores: the remote '{REMOTE}' is this server until make storage-stop.\n\n"
        f"{_try_it()}"
    )
    return 0


def stop() -> int:
    known = read_state()
    if known is None:
        print("No S3 server of make storage runs here; nothing to stop.")
        return 0
    process = find_process(known)
    if process:
        end(process)
    if _local_settings().get("endpointurl") == known.endpoint:
        _edit_remote(dict.fromkeys(OVERRIDES))
    _state().unlink()
    print(
        f"{'Stopped the S3 server' if process else 'The S3 server had ended already'}; "
        f".dvc/config.local names it no more.\nWhat was pushed stays in {HOME}/data."
    )
    return 0


def status() -> int:
    known = read_state()
    if known is None or find_process(known) is None:
        print("No S3 server runs here. make storage starts one.")
        return 0
    files = [path for path in (HOME / "data").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"An S3 server runs at {known.endpoint}: {len(files):,} objects, {size:,.1f} MB.")
    return 0


ACTIONS = {"start": start, "stop": stop, "status": status}


def _already_runs(known: Running) -> int:
    if _local_settings().get("endpointurl") != known.endpoint:
        raise RetraceError(
            f"the server at {known.endpoint} runs, but .dvc/config.local does not name it any "
            "more. Run make storage-stop, then make storage."
        )
    print(f"An S3 server already runs at {known.endpoint}.\n\n{_try_it()}")
    return 0


def _try_it() -> str:
    steps = [
        ("dvc push", "copy the cache to it"),
        ("rm -rf .dvc/cache", "lose the cache"),
        ("dvc pull", "get everything back"),
        ("make storage-stop", "end"),
    ]
    if not os.environ.get("VIRTUAL_ENV"):
        steps.insert(0, ("source .venv/bin/activate", "so that dvc is found"))
    return "Try it:\n" + "\n".join(f"  {command:27}{meaning}" for command, meaning in steps)


def find_process(known: Running) -> psutil.Process | None:
    """Return the very process that was started; a reused pid is another one, and not touched."""
    try:
        process = psutil.Process(known.pid)
        same = abs(process.create_time() - known.started) < 0.1 and "rclone" in process.name()
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _state() -> Path:
    return HOME / "server.json"


def read_state() -> Running | None:
    try:
        return Running(**json.loads(_state().read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # none, or cut short by a crash
        return None


def _write_state(running: Running) -> None:
    partial = _state().with_suffix(".partial")
    partial.write_text(json.dumps(vars(running)) + "\n", encoding="utf-8")
    partial.replace(_state())


# ---- .dvc/config.local -------------------------------------------------------------------------
# In this process, as `dvc remote modify --local` does it: on its command line all could read them.


def _bucket() -> str:
    """The bucket of the remote's url: the server stands in for whatever S3 the project names."""
    url = str(_config().get("remote", {}).get(REMOTE, {}).get("url", ""))
    if not url.startswith("s3://"):
        raise RetraceError(
            f"the remote '{REMOTE}' has the url '{url}'; an S3 server can only stand in for s3://. "
            f"Set it back: dvc remote modify {REMOTE} url s3://retrace"
        )
    return url.removeprefix("s3://").partition("/")[0]


def _refuse_own_settings(stale: Running | None) -> None:
    """Raise RetraceError where config.local has credentials that this command did not write."""
    own = _local_settings()
    if stale and own.get("endpointurl") == stale.endpoint:
        return  # left by a server that ended without make storage-stop
    taken = [name for name in OVERRIDES if name in own]
    if taken:
        unset = "\n".join(f"  dvc remote modify --local --unset {REMOTE} {name}" for name in taken)
        raise RetraceError(
            f".dvc/config.local has your own {', '.join(taken)} of the remote '{REMOTE}', which "
            f"this server would overwrite. Note them, then:\n{unset}"
        )


def _local_settings() -> dict[str, Any]:
    return dict(_config().read("local").get("remote", {}).get(REMOTE, {}))


def _edit_remote(changes: dict[str, str | None]) -> None:
    """Set (or, with None, remove) settings of the remote; all others in config.local stay."""
    path = DVC / "config.local"
    path.touch(mode=0o600)
    path.chmod(0o600)
    with _config().edit("local") as config:
        remotes = config.setdefault("remote", {})
        settings = remotes.setdefault(REMOTE, {})
        settings.update({name: value for name, value in changes.items() if value is not None})
        for name in [name for name, value in changes.items() if value is None]:
            settings.pop(name, None)
        if not settings:
            del remotes[REMOTE]
    if not path.read_text("utf-8").strip():
        path.unlink()


def _config() -> Any:
    from dvc.config import Config

    return Config(str(DVC.resolve()))
