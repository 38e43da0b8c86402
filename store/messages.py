"""What processes say: words on a terminal, elsewhere a JSON line with the fields of ECS, so that
what ships the log of predictions ships this too. $RETRACE_MESSAGES, `text` or `json`, decides
otherwise.
"""

import os
import sys
import time
from typing import Literal

import msgspec

Level = Literal["info", "warning", "error"]
SETTING = "RETRACE_MESSAGES"
SERVICE, ECS = "retrace", "8.17"


def say(words: str, part: str, level: Level = "info") -> None:
    """Print a message. part : of the system that it is about, such as "loader"."""
    print(words if _as_text() else line_of(words, part, level), flush=True)


def line_of(words: str, part: str, level: Level) -> str:
    """Return a message as one line of JSON."""
    now = time.time_ns()
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1_000_000_000))
    line = {
        "@timestamp": f"{clock}.{now // 1000 % 1_000_000:06}Z",
        "log": {"level": level},
        "message": words,
        "event": {"dataset": f"{SERVICE}.{part}"},
        "service": {"name": SERVICE},
        "process": {"pid": os.getpid()},
        "ecs": {"version": ECS},
    }
    return msgspec.json.encode(line).decode()


def _as_text() -> bool:
    setting = os.environ.get(SETTING)
    return sys.stdout.isatty() if setting is None else setting == "text"
