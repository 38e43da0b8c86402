"""Commands of Python by fork, for tests that ask what a command does and not how it starts.

`quick(env)` puts `python`, `dvc` and `retrace` on the PATH, before the real ones, that a server
forks (server.py): half of the time of most commands is their imports. What a process is told before
it starts, such as PYTHONHASHSEED, a fork would not hear: with such an environment nothing is
changed, and with NO_FORKS=1 in that of the tests nowhere.
"""

import atexit
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
AT_START = ("PYTHON", "LANG", "LC_", "OMP_NUM_THREADS", "GLIBC_", "LD_")
STARTING = threading.Lock()


def quick(env: dict[str, str]) -> dict[str, str]:
    """Return `env` with the forking programs first, if it would start Python like this process."""
    if "NO_FORKS" in os.environ or not hasattr(os, "pidfd_open"):
        return env
    if _at_start(env) != _at_start(dict(os.environ)):
        return env
    with STARTING:
        programs = str(_programs())
    path = env["PATH"].split(os.pathsep)
    if str(BIN) not in path or programs in path:
        return env
    place = path.index(str(BIN))
    return {**env, "PATH": os.pathsep.join([*path[:place], programs, *path[place:]])}


def by_path(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that names this Python as one that asks for `python`."""
    return ("python", *words[1:]) if words[:2] == (sys.executable, "-m") else words


def _at_start(env: dict[str, str]) -> dict[str, str]:
    """Return what Python hears at its start, but for a PYTHONPATH that only adds modules."""
    heard = {name: value for name, value in env.items() if name.startswith(AT_START)}
    heard.pop("PYTHONDONTWRITEBYTECODE", None)
    folders = env.get("PYTHONPATH", "").split(os.pathsep)
    if not any((Path(folder) / "sitecustomize.py").exists() for folder in filter(None, folders)):
        heard.pop("PYTHONPATH", None)
    return heard


@cache
def _programs() -> Path:
    """Start the server, which ends with this process, and return a folder of programs."""
    folder = tempfile.TemporaryDirectory(prefix="forked-")
    atexit.register(folder.cleanup)
    top = Path(folder.name)
    socket = top / "socket"
    words = [sys.executable, "-m", "tests.forked.server", str(socket), str(os.getpid())]
    process = subprocess.Popen(words, cwd=HERE.parents[1], stdin=subprocess.DEVNULL)
    atexit.register(process.wait)  # after its end, for this is the last in, first out
    atexit.register(process.terminate)
    client = shutil.copy(HERE / "client.py", top)  # of this run, whatever Git does meanwhile
    programs = top / "bin"
    programs.mkdir()
    for name in ("python", "dvc", "retrace"):
        words = [sys.executable, "-IS", str(client), str(socket), str(BIN / name)]
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (programs / name).chmod(0o755)
    while not socket.exists():
        assert process.poll() is None, "the server that forks did not start"
        time.sleep(0.01)
    return programs
