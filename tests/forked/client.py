"""What stands for programs of Python on the PATH of tests: it asks the server to fork.

It imports as little as it can, for it is started once a command. What the server cannot run, such
as `python -c`, it runs itself.
"""

import json
import os
import socket
import sys


def main() -> int:
    # The shell's line that starts this names the socket, the real program, and what was asked.
    place, real, *words = sys.argv[1:]
    if real.endswith("/python") and words[:1] != ["-m"] and not _is_script(words):
        os.execv(real, [real, *words])
    umask = os.umask(0)
    os.umask(umask)
    asked = {
        "words": [real, *words],
        "folder": os.getcwd(),  # noqa: PTH109  (pathlib takes longer to import than all of this)
        "env": dict(os.environ),
        "umask": umask,
    }
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(place)
        except OSError:  # of another user, or of a test run that has ended
            os.execv(real, [real, *words])
        socket.send_fds(server, [b"f"], [0, 1, 2])
        server.sendall(json.dumps(asked).encode())
        server.shutdown(socket.SHUT_WR)
        answer = server.recv(16)
    return int(answer) if answer else 70  # the server is gone


def _is_script(words: list[str]) -> bool:
    return words[:1] != [] and words[0].endswith(".py")


sys.exit(main())
