"""Forks for commands of Python: what they import is loaded once, and our own code anew for each.

    python -m tests.forked.server SOCKET PARENT

Most commands of the tests take less time than their imports. A fork has the libraries of all
stages and commands, and none of this project's modules: those come from the folder it runs in.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pickle
import pkgutil
import runpy
import selectors
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

OURS = ("retrace", "problems", "workflow", "store", "stages", "serving", "monitoring")
OURS += ("experiments", "commands")
MAINS = {"dvc": "dvc.cli", "retrace": "commands.__main__"}
DVC = (
    "dvc.cli",
    "dvc.commands.checkout",
    "dvc.commands.data_sync",
    "dvc.commands.experiments.run",
    "dvc.commands.repro",
    "dvc.commands.status",
    "dvc.repo.experiments",
    "dvc.repo.experiments.executor.local",
    "dvc.repo.reproduce",
    "dvc.repo.status",
    "dvc_data.index",
    "dvc_s3",
)


def load_libraries() -> None:
    """Import what stages and commands import, in a pinned process, and forget what is ours."""
    for name in ("stages", "commands"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__") and "serv" not in module.name:
                importlib.import_module(module.name)
    for name in DVC:
        importlib.import_module(name)
    for name in list(sys.modules):
        if name.partition(".")[0] in OURS or name.startswith("tests"):
            del sys.modules[name]
    gc.collect()
    gc.freeze()  # a fork's own collections need not look at all of this, and copy its pages


def parse_once() -> None:
    """Let DVC parse a text once: it parses params.yaml anew for every stage, which is half of the
    time of `dvc status`."""
    from dvc.utils.serialize import _yaml

    parse = _yaml.parse_yaml
    known: dict[str, bytes] = {}

    def parsed(text: Any, path: Any, typ: str = "safe") -> Any:
        if typ != "safe" or not isinstance(text, str):
            return parse(text, path, typ)
        if text not in known:
            known[text] = pickle.dumps(parse(text, path, typ))
        return pickle.loads(known[text])  # a copy: DVC may change it

    _yaml.parse_yaml = parsed


def serve(place: str, parent: int) -> None:
    """Answer until the process `parent` is gone."""
    waiting = selectors.DefaultSelector()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(64)
        waiting.register(listening, selectors.EVENT_READ)
        ends = os.pidfd_open(parent)
        waiting.register(ends, selectors.EVENT_READ)
        running: dict[int, tuple[int, socket.socket]] = {}
        while True:
            for key, _ in waiting.select():
                if key.fileobj == ends:
                    return
                if key.fileobj is listening:
                    connection, _ = listening.accept()
                    pid = fork(connection)
                    ended = os.pidfd_open(pid)
                    running[ended] = (pid, connection)
                    waiting.register(ended, selectors.EVENT_READ)
                else:
                    waiting.unregister(key.fileobj)
                    pid, connection = running.pop(key.fd)
                    os.close(key.fd)
                    _, status = os.waitpid(pid, 0)
                    code = os.waitstatus_to_exitcode(status)
                    with contextlib.suppress(OSError), connection:
                        connection.sendall(str(code if code >= 0 else 128 - code).encode())


def fork(connection: socket.socket) -> int:
    """Start what a connection asks for; return its process."""
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as stream:
        asked = json.loads(stream.read())
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = run(asked, files)
        finally:
            os._exit(code)
    for file in files:
        os.close(file)
    return pid


def run(asked: dict[str, Any], files: list[int]) -> int:
    """Become the command, as if its program had been started; return its exit status."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 256)
    os.umask(asked["umask"])
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    real, *words = asked["words"]
    sys.path[:0] = filter(None, asked["env"].get("PYTHONPATH", "").split(os.pathsep))
    code: object = 0
    try:
        if main := MAINS.get(Path(real).name):
            sys.argv = [real, *words]
            code = importlib.import_module(main).main()
        elif words[0] == "-m":
            sys.path.insert(0, asked["folder"])
            sys.argv = ["-m", *words[2:]]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, str(Path(words[0]).parent))
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # what Python itself does at its end
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)  # type: ignore[call-overload]  # a program's status is a number by now


if __name__ == "__main__":
    load_libraries()
    parse_once()
    with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
        serve(sys.argv[1], int(sys.argv[2]))
