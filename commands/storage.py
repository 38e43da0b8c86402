"""An S3 server on this machine, to try `dvc push` and `dvc pull` without an account anywhere.

    retrace storage start     start rclone's S3 server and point the remote `storage` at it
    retrace storage stop      stop it and take the settings out again; the pushed data stays
    retrace storage complete  put into any remote what `dvc push` has left out

The server listens on loopback only. Its address and its credentials, new at every start, go to
`.dvc/config.local`, which Git ignores; what was pushed lies in `.dvc/tmp/storage/data`.
"""

import argparse
import os
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from commands.left_out import complete
from retrace.base.errors import RetraceError

HOME = Path(".dvc/tmp/storage")
REMOTE = "storage"
SETTINGS = ("endpointurl", "access_key_id", "secret_access_key")
RCLONE = Path(sys.executable).with_name("rclone")
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["start", "stop", "complete"])


def run(args: argparse.Namespace) -> int:
    match args.action:
        case "start":
            print(start())
        case "stop":
            print(stop())
        case "complete":
            print(complete(REMOTE))
    return 0


# ---- the server --------------------------------------------------------------------------------


def launch(
    folder: Path, bucket: str, *, address: str = "127.0.0.1:0", keys: tuple[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], S3Server]:
    """Start rclone on loopback and return once it listens; `keys` are new ones unless given."""
    if not RCLONE.is_file():
        raise RetraceError("rclone, whose S3 server this is, is not in .venv. Run make storage.")
    data, log = (folder / "data").resolve(), folder / "rclone.log"
    (data / bucket).mkdir(parents=True, exist_ok=True)
    key, secret = keys or (secrets.token_hex(10).upper(), secrets.token_hex(20))
    own = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    # By the environment: other users of the machine would see credentials among the arguments.
    keys_only = {"RCLONE_CONFIG": os.devnull, "RCLONE_AUTH_KEY": f'"{key},{secret}"'}
    with log.open("wb") as output:
        process = subprocess.Popen(
            # Port 0 takes a free one. A file removed by hand is gone after seconds, not minutes;
            # with 0s the server never ends listing a folder.
            [RCLONE, "serve", "s3", "--addr", address, "--dir-cache-time", "5s", data],
            env={**own, **keys_only},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal that started it is not meant for it
        )
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := ADDRESS.search(log.read_text("utf-8", errors="replace")):
            return process, S3Server(found.group(), key, secret, bucket, data)
        time.sleep(0.05)
    process.kill()
    process.wait()
    last = log.read_text("utf-8", errors="replace").strip().splitlines()[-3:]
    raise RetraceError("\n  ".join(["rclone did not start. Its last lines:", *last]))


# ---- the one in the background -----------------------------------------------------------------


def start() -> str:
    """Start the server, unless it runs, and tell DVC of it."""
    url = str(config().get("remote", {}).get(REMOTE, {}).get("url", ""))
    if not url.startswith("s3://"):
        raise RetraceError(
            f"the remote '{REMOTE}' has the url '{url}'; an S3 server can only stand in for s3://. "
            f"Set it back: dvc remote modify {REMOTE} url s3://retrace"
        )
    own = [name for name in SETTINGS if name in remote_settings()]
    if own and not ADDRESS.fullmatch(remote_settings().get("endpointurl", "")):
        raise RetraceError(
            f".dvc/config.local has your own {', '.join(own)} of the remote '{REMOTE}', which this "
            "server would overwrite. Note them, then, for each: "
            f"dvc remote modify --local --unset {REMOTE} NAME"
        )
    if own and servers():
        return f"An S3 server already runs at {remote_settings()['endpointurl']}."
    stop()
    _, server = launch(HOME, url.removeprefix("s3://").partition("/")[0])
    edit_remote(dict(zip(SETTINGS, (server.endpoint, server.key, server.secret), strict=True)))
    return (
        f"An S3 server runs at {server.endpoint}, on this machine only. The remote '{REMOTE}' is\n"
        f"this server until make storage-stop; what is pushed lies in {HOME}/data. Try it:\n"
        "  source .venv/bin/activate\n"
        "  dvc push && rm -rf .dvc/cache && dvc pull"
    )


def stop() -> str:
    """Stop the server, if it runs, and take what `start` wrote out of DVC's settings."""
    processes = servers()
    for process in processes:
        process.terminate()
    psutil.wait_procs(processes, STOP_SECONDS)
    if ADDRESS.fullmatch(remote_settings().get("endpointurl", "")):
        edit_remote(dict.fromkeys(SETTINGS))
    if not processes:
        return "No S3 server of make storage runs here; nothing to stop."
    return f"Stopped the S3 server. What was pushed stays in {HOME}/data."


def servers() -> list[psutil.Process]:
    """Return the processes that serve this clone's folder."""
    data = str((HOME / "data").resolve())
    found = psutil.process_iter(["cmdline"])
    return [process for process in found if {"serve", data} <= {*(process.info["cmdline"] or ())}]


def remote_settings() -> dict[str, str]:
    """Return the remote's settings that are of this clone alone."""
    return dict(config().read("local").get("remote", {}).get(REMOTE, {}))


def edit_remote(changes: dict[str, str | None]) -> None:
    """Set (or, with None, remove) settings of the remote in .dvc/config.local; others stay.

    In this process: `dvc remote modify` would show the secret among its arguments.
    """
    path = Path(".dvc/config.local")
    path.touch()
    path.chmod(0o600)
    with config().edit("local") as local:
        kept = {name: value for name, value in remote_settings().items() if name not in changes}
        new = {name: value for name, value in changes.items() if value is not None}
        local.setdefault("remote", {})[REMOTE] = {**kept, **new}


def config() -> Any:
    from dvc.config import Config

    return Config(str(Path(".dvc").resolve()))
