"""rsyslogd ships log and messages of a server to what speaks `_bulk`: rsyslogd is killed, the
receiver is away and busy, a person is forgotten; nothing is lost, nothing is there twice, and each
document fits the index template."""

import contextlib
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from problems import parts
from problems.parts import find_problem
from store import log
from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.online.elasticsearch import DEPLOYED, Elasticsearch
from tests.online.prometheus import until
from tests.online.rsyslog import Rsyslog, is_installed
from tests.online.server import RunningServer

TITLE = "Logs"
PROBLEMS = ("price", "fraud")  # columns, answers and scores of other kinds
ANSWERS = {"short": 400, "drill": 10_000, "full": 100_000}
KILLS = {"short": 3, "drill": 20, "full": 100}
PATIENCE_SECONDS = 120.0
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\n\tKeyError: “é”\n'


@dataclass
class Shipped:
    """What came of it."""

    kills: int = 0
    answers: int = 0
    messages: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sent_again: int = 0
    busy: int = 0


def run(size: Size, folder: Path) -> Outcome:
    if not is_installed():
        return Outcome((), "rsyslogd and its module for Elasticsearch are not installed")
    place = reproduced(size).copy(folder / "project").path
    return told(shipped(place, PROBLEMS, folder, ANSWERS[size], KILLS[size]))


def shipped(
    project: Path, problems: Sequence[str], folder: Path, n_answers: int, n_kills: int
) -> Shipped:
    """Let a server answer while rsyslogd and the receiver have a bad time."""
    found, receiver = Shipped(), Elasticsearch()
    server = RunningServer(project, problems, folder / "served")
    messages = server.folder / "output.txt"
    rsyslog = Rsyslog(
        folder / "rsyslog",
        f"{server.log}/*.jsonl",
        str(messages),
        f"http://127.0.0.1:{receiver.port}",
    )
    try:
        server.start()
        rsyslog.start()
        trouble = threading.Thread(target=bad_time, args=(rsyslog, receiver, n_kills, found))
        trouble.start()
        ask(server, n_answers, trouble)
        with messages.open("a") as file:  # what a library prints, and what Python does of a fault
            file.write(
                'Traceback (most recent call last):\n  File "a.py", line 1\n\tKeyError: “é”\n'
            )
        trouble.join()
        receiver.busy = receiver.refusals = 0
        compare(server, messages, receiver, rsyslog, found)
    finally:
        rsyslog.stop()
        server.stop()
        receiver.stop()
    found.busy = receiver.n_busy
    found.faults = receiver.faults
    return found


def ask(server: RunningServer, n_answers: int, meanwhile: threading.Thread) -> None:
    """Ask each problem for its example, and then for others of another name, so many at least and
    for as long as there is trouble."""
    rows = {name: parts.world(find_problem(name).world).example for name in server.problems}
    names = sorted(rows)
    for place in count():
        if place >= n_answers and not meanwhile.is_alive():
            return
        time.sleep(0.005)
        problem = names[place % len(names)]
        row = dict(rows[problem])
        for name, value in row.items():
            if name.endswith("_id"):
                row[name] = value + place if isinstance(value, int) else f"{value}{place}"
        status, said = server.client.ask("POST", f"/v1/{problem}/predict", row)
        assert status == 200, f"{problem}: {said}"


def bad_time(rsyslog: Rsyslog, receiver: Elasticsearch, n_kills: int, found: Shipped) -> None:
    """Kill rsyslogd again and again; between that the receiver is away, or too busy."""
    choice = random.Random(1)
    for place in range(n_kills):
        time.sleep(choice.uniform(0.3, 1.5))
        if place % 3 == 0:
            receiver.stop()
            time.sleep(choice.uniform(0.3, 1.0))
        if place % 3 == 1:
            receiver.busy, receiver.refusals = 20, 1
        rsyslog.kill()
        found.kills += 1
        if place % 3 == 0:
            receiver.start()
        rsyslog.start()


def again(rsyslog: Rsyslog) -> None:
    """Send what a busy receiver refused, as the guide says."""
    files = sorted(map(str, rsyslog.spool.glob("refused*")))
    if files:
        command = [sys.executable, str(DEPLOYED / "again.py"), rsyslog.url, *files]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def compare(
    server: RunningServer,
    messages: Path,
    receiver: Elasticsearch,
    rsyslog: Rsyslog,
    found: Shipped,
) -> None:
    """Wait until all is there, and hold each line against its document."""
    lines = [line for *_, line in log.lines(server.log) if line.strip()]
    logged = {one["event"]["id"]: one for one in map(json.loads, lines)}
    said = messages.read_text("utf-8").splitlines()
    found.answers, found.messages = len(logged), len(said)

    def all_there() -> bool:
        again(rsyslog)
        n_shipped = len(receiver.of("retrace-predictions")), len(receiver.of("retrace-messages"))
        return n_shipped >= (len(logged), len(said))

    with contextlib.suppress(AssertionError):  # what is missing is counted
        until(all_there, "all lines are shipped", PATIENCE_SECONDS)
    time.sleep(1.0)  # what comes too often would come now
    for (index, name), document in dict(receiver.documents).items():  # more may come
        if index.startswith("retrace-predictions"):
            if name not in logged:
                found.different.append(f"{name} is in no log")
            elif document != logged.pop(name):
                found.different.append(f"{name} differs")
    found.lost += logged
    words = sorted(one["message"] for one in receiver.of("retrace-messages"))
    wanted = sorted(map(words_of, said))
    found.lost += [one for one in wanted if one not in words]
    found.twice += [one for one in words if words.count(one) > wanted.count(one)]
    found.sent_again = sum(receiver.came.values()) - len(receiver.came)


def words_of(line: str) -> str:
    return str(json.loads(line)["message"]) if line.startswith("{") else line


def told(found: Shipped) -> Outcome:
    n_lines = found.answers + found.messages
    rows = (
        Row("lines of log and messages: they arrived", n_lines, len(found.lost)),
        Row("documents: there once", n_lines, len(found.twice)),
        Row("documents: as the line is", n_lines, len(found.different)),
        Row("documents: fit the index template", n_lines, len(found.faults)),
    )
    lines = [
        f"{found.kills} kills -9 of rsyslogd, between which the receiver was away, or did not take "
        f"documents since it was busy ({found.busy:,}, and whole requests; again.py sent them). "
        f"{found.sent_again:,} lines came again, each under its id. The receiver is a stand-in "
        "that checks types against the templates as a strict mapping does."
    ]
    for what, ones in (("lost", found.lost), ("twice", found.twice), ("fault", found.faults)):
        lines += ["", *(f"- {what}: {one[:200]}" for one in ones[:10])] if ones else []
    lines += [f"- {one}" for one in found.different[:10]]
    figure = (
        f"{found.kills} kills of rsyslogd: {len(found.lost)} of {n_lines:,} lines lost, "
        f"{len(found.twice)} doubled"
    )
    return Outcome(rows, figure, "\n".join(lines))
