"""Tell people: mail, Slack, a webhook and whatever else Apprise knows, by URLs of the environment.

    RETRACE_NOTIFY=mailtos://me:secret@example.org/?to=team@example.org,slack://...
    RETRACE_NOTIFY_STOP=json://oncall.example.org/hook     of that event alone, in its stead

A URL has secrets: it stands in no file, and no message of ours has it. What waits is a file, so
that a restart loses nothing. A receiver that is down is tried again, longer and longer apart, and
then given up: nothing here raises once it has begun, and nothing waits for long.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

import apprise
import msgspec
from filelock import FileLock, Timeout

from monitoring.settings import NoticeParams
from monitoring.summary import Alarm
from retrace.base.errors import RetraceError
from retrace.base.files import replacing
from store.messages import say

URLS = "RETRACE_NOTIFY"  # in the environment
PART = "notices"  # of the system, in its messages
Event = Literal["alarm", "stop", "verdict", "records", "cycle"]
NOTE, WARNING, URGENT = 0.0, 1.0, 2.0  # weights; between them the heavier stands higher
FILE, LOCK = "notices.json", "notices.lock"
AGAIN_MINUTES = (1, 5, 15, 60, 240)  # after each failure; then a receiver has lost the message
SERVICE_SECONDS = 30.0  # for one receiver, its connection included
LOCK_SECONDS = 120.0
MOST_KEYS = 1000
MOST_WAITING = 500  # notices: what is more is counted and no longer kept
LONGEST_SUBJECT, LONGEST_WORDS = 120, 600  # characters
BETWEEN = re.compile(r"\s*,\s*(?=[A-Za-z0-9]+://)")  # URLs; one may have commas of its own


class Notice(msgspec.Struct, frozen=True):
    """What somebody should know: what it is about, what happened, what to do and where.

    key : names what is told once and no more, however often it is told here; "" for none
    """

    subject: str
    words: str
    to_do: str
    weight: float = WARNING
    event: Event = "alarm"
    key: str = ""


def of_alarm(alarm: Alarm) -> Notice:
    """Return the notice of an alarm that was raised."""
    subject = f"{alarm.problem}: {alarm.kind}"
    return Notice(subject, alarm.words, f"{alarm.to_do} Alarm {alarm.id}.", WARNING)


class Message(msgspec.Struct):
    """What one text has become of; `left` are the receivers that have not got it."""

    subject: str
    body: str
    weight: float
    left: list[str]  # hashes of their URLs
    due_at: float  # seconds since 1970
    failures: int = 0


class Kept(msgspec.Struct):
    """What a restart must know."""

    waiting: list[Notice] = []
    since: float = 0.0  # the first of them
    not_kept: int = 0
    messages: list[Message] = []
    made_at: list[float] = []  # messages of the last hour
    told: list[str] = []  # keys, the newest last
    lost: dict[str, int] = {}  # messages that a receiver has lost since it got one


class Receiver(msgspec.Struct, frozen=True):
    """One URL. `words` say which it is without its secrets."""

    words: str
    send: Callable[[Message, str], bool]


class Notices:
    """Tells what there is to tell; `tell([])` now and then sends what waits."""

    def __init__(
        self,
        folder: Path,
        params: NoticeParams,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """RetraceError for a URL that Apprise does not know.

        folder : has the file of what waits, as served/
        """
        self.folder, self.params, self.clock = folder, params, clock
        self.receivers: dict[str, Receiver] = {}
        self.of_event: dict[str, list[str]] = {}
        for event in get_args(Event):
            name = f"{URLS}_{event.upper()}"
            name = name if name in environment else URLS
            found = _receivers(name, environment.get(name, ""))
            self.receivers |= found
            self.of_event[event] = [*found]

    def tell(self, notices: Sequence[Notice]) -> None:
        """Send notices, or keep them for the next message; never raises, and ends within minutes
        where no receiver answers."""
        if not self.receivers:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / LOCK, timeout=LOCK_SECONDS):
                self._tell(self._read(), notices)
        except (OSError, RetraceError, Timeout) as error:
            say(f"Notices: {error}", PART, "error")

    def _tell(self, known: Kept, notices: Sequence[Notice]) -> None:
        now = self.clock()
        notices = [one for one in notices if not one.key or one.key not in known.told]
        known.told = [*known.told, *(one.key for one in notices if one.key)][-MOST_KEYS:]
        if notices and not known.waiting:
            known.since = now
        known.waiting = sorted([*known.waiting, *notices], key=lambda one: -one.weight)
        known.not_kept += len(known.waiting[MOST_WAITING:])
        del known.waiting[MOST_WAITING:]
        if known.waiting and self._may_send(known, now):
            known.messages += self._messages(known, now)
            known.waiting, known.not_kept = [], 0
            known.made_at.append(now)
        self._write(known)
        down: set[str] = set()
        for message in known.messages:
            if message.due_at <= now:
                self._send(message, known, now, down)
                self._write(known)  # who has it does not get it again after a kill
        known.messages = [one for one in known.messages if one.left]
        self._write(known)

    def _may_send(self, known: Kept, now: float) -> bool:
        """Whether a message may be made: not soon after another, nor too many in an hour.

        A clock that was set back does not keep people waiting.
        """
        known.made_at = [at for at in known.made_at if now - 3600 < at <= now]
        newest = known.made_at[-1] if known.made_at else 0.0
        soon = now - newest < 60 * self.params.digest_minutes
        return not soon and len(known.made_at) < self.params.most_an_hour

    def _messages(self, known: Kept, now: float) -> list[Message]:
        """Make of all that waits one message for those who get the same events."""
        told: dict[tuple[str, ...], list[Notice]] = {}
        for notice in known.waiting:
            told.setdefault(tuple(self.of_event[notice.event]), []).append(notice)
        return [
            Message(*self._text(these, known), these[0].weight, [*receivers], now)
            for receivers, these in told.items()
            if receivers
        ]

    def _text(self, notices: Sequence[Notice], known: Kept) -> tuple[str, str]:
        """Return subject and body: the heaviest first, and how many more there are."""
        first = notices[0]
        subject = _line(first.subject, LONGEST_SUBJECT)
        if len(notices) > 1:
            subject += f", and {len(notices) - 1} more"
        lines = []
        for notice in notices[: self.params.most_lines]:
            lines += [f"{_line(notice.subject, LONGEST_SUBJECT)}", _line(notice.words)]
            lines += [f"To do: {_line(notice.to_do)}", ""]
        more = len(notices) - self.params.most_lines + known.not_kept
        if more > 0:
            since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(known.since))
            lines += [f"{more:,} more since {since} UTC: `retrace daily` has them all.", ""]
        return f"Retrace: {subject}", "\n".join([*lines, f"From {socket.gethostname()}."])

    def _send(self, message: Message, known: Kept, now: float, down: set[str]) -> None:
        """Send a message to whom it is for; who is `down` is not asked again in this round."""
        left = []
        for mark in message.left:
            receiver = self.receivers.get(mark)
            if receiver is None:  # its URL is gone from the environment
                continue
            lost = known.lost.get(mark, 0)
            note = f"\n{lost:,} earlier messages did not get through." if lost else ""
            if mark not in down and receiver.send(message, message.body + note):
                known.lost.pop(mark, None)
            else:
                left.append(mark)
                down.add(mark)
        message.left = left
        if not left:
            return
        names = ", ".join(self.receivers[mark].words for mark in left)
        message.failures += 1
        if message.failures > len(AGAIN_MINUTES):
            message.left = []
            for mark in left:
                known.lost[mark] = known.lost.get(mark, 0) + 1
            said = f"given up after {message.failures} tries"
        else:
            minutes = AGAIN_MINUTES[message.failures - 1]
            message.due_at = now + 60 * minutes
            said = f"tried again in {minutes} minutes"
        say(f"Notices: {names} did not take “{message.subject}”; {said}.", PART, "warning")

    # ---- the file --------------------------------------------------------------------------------

    def _read(self) -> Kept:
        path = self.folder / FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return Kept()
        except msgspec.MsgspecError as error:
            say(f"Notices: {path} cannot be read and is begun anew: {error}", PART, "error")
            return Kept()

    def _write(self, known: Kept) -> None:
        with replacing(self.folder / FILE) as partial:
            partial.write_bytes(msgspec.json.encode(known))


def _receivers(name: str, text: str) -> dict[str, Receiver]:
    """Return what the URLs of an environment's variable name, by their hashes."""
    found = {}
    for place, url in enumerate(filter(None, BETWEEN.split(text.strip())), 1):
        asset = apprise.AppriseAsset(
            async_mode=False, app_id="Retrace", app_desc="Retrace", app_url="", image_url_mask="",
            image_url_logo="", storage_mode="memory", service_timeout=SERVICE_SECONDS,
            allow_templates=False,
        )  # fmt: skip
        service = apprise.Apprise(asset=asset)
        if not service.add(url):
            raise RetraceError(
                f"{name}: its URL number {place} is none that Apprise knows. Expected such as "
                "mailtos://USER:PASSWORD@HOST/?to=NAME@HOST, slack://… or json://HOST/PATH; "
                "separate several with commas."
            )
        mark = blake2b(url.encode(), digest_size=8).hexdigest()
        found[mark] = Receiver(f"{service[0].service_name} (number {place} of {name})",
                               _sender(service))  # fmt: skip
    return found


def _sender(service: apprise.Apprise) -> Callable[[Message, str], bool]:
    def send(message: Message, body: str) -> bool:
        """Send a message; False where it was not taken, for whatever reason."""
        try:
            return bool(
                service.notify(
                    body=body,
                    title=message.subject,
                    notify_type=_type(message.weight),
                    body_format=apprise.NotifyFormat.TEXT,
                )
            )
        except Exception as error:  # a plugin's own: a hundred of them are not ours
            say(f"Notices: {type(error).__name__} of a receiver", PART, "error")
            return False

    return send


def _type(weight: float) -> apprise.NotifyType:
    if weight >= URGENT:
        return apprise.NotifyType.FAILURE
    return apprise.NotifyType.WARNING if weight >= WARNING else apprise.NotifyType.INFO


def _line(text: str, longest: int = LONGEST_WORDS) -> str:
    """Return a text as one line: a name that somebody sent must not begin a mail's next header."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
