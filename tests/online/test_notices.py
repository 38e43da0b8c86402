"""Notices reach a real mail server and a real webhook: once, together, and not too often."""

import contextlib
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from monitoring.notices import AGAIN_MINUTES, FILE, URGENT, Notice, Notices
from monitoring.settings import NoticeParams
from retrace.base.errors import RetraceError
from tests.online.server import free_port

DRIFT = Notice("fraud: data", "amount has moved: PSI 0.31.", "Look at the source of amount.")
STOP = Notice("price: stop", "shop_b was stopped.", "`retrace rollout status`", URGENT, "stop")


class Mailbox(Sink):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[email.message.EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, email.message.EmailMessage)
        self.mails.append(mail)
        return "250 OK"


class Hook:
    """A webhook on loopback; while it is `broken` it refuses."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.broken = False
        self.asked = 0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.asked += 1
                text = self.rfile.read(int(self.headers["Content-Length"]))
                if not hook.broken:
                    hook.bodies.append(json.loads(text))
                self.send_response(503 if hook.broken else 200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/hook-secret"

    @contextlib.contextmanager
    def open(self) -> Iterator["Hook"]:
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook().open() as found:
        yield found


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_minutes(self, minutes: float) -> None:
        self.now += 60 * minutes


@pytest.fixture
def clock() -> Clock:
    return Clock()


def notices(folder: Path, url: str, clock: Clock, **limits: Any) -> Notices:
    return Notices(folder, NoticeParams(**limits), {"RETRACE_NOTIFY": url}, clock)


def test_a_mail_says_what_happened_and_what_to_do(tmp_path: Path, clock: Clock) -> None:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        url = f"mailto://127.0.0.1:{controller.port}/?from=watch@example.org&to=team@example.org"
        notices(tmp_path, f"{url}&mode=insecure", clock).tell([DRIFT, STOP])
    finally:
        controller.stop()
    (mail,) = box.mails
    assert mail["Subject"] == "Retrace: price: stop, and 1 more"  # the heavier first
    assert "team@example.org" in mail["To"]
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert text.index("shop_b was stopped.") < text.index("amount has moved: PSI 0.31.")
    assert "To do: Look at the source of amount." in text


def test_several_within_minutes_become_one_message(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    notices(tmp_path, hook.url, clock, digest_minutes=10).tell([DRIFT])
    assert len(hook.bodies) == 1  # the first does not wait
    for _ in range(3):
        clock.pass_minutes(2)
        notices(tmp_path, hook.url, clock, digest_minutes=10).tell([STOP])  # restarted each time
    assert len(hook.bodies) == 1
    clock.pass_minutes(4)
    notices(tmp_path, hook.url, clock, digest_minutes=10).tell([])
    assert [body["title"] for body in hook.bodies] == [
        "Retrace: fraud: data", "Retrace: price: stop, and 2 more",
    ]  # fmt: skip
    assert [body["type"] for body in hook.bodies] == ["warning", "failure"]


def test_a_flood_is_a_few_messages_and_a_count(tmp_path: Path, hook: Hook, clock: Clock) -> None:
    told = notices(tmp_path, hook.url, clock, digest_minutes=0, most_an_hour=2, most_lines=3)
    for _ in range(50):
        told.tell([DRIFT] * 20)
        clock.pass_minutes(1)
    assert len(hook.bodies) == 2
    clock.pass_minutes(15)
    told.tell([])
    assert len(hook.bodies) == 3
    # 48 rounds of 20, of which 500 were kept and three are shown
    assert f"{48 * 20 - 3:,} more since" in hook.bodies[-1]["message"]
    assert hook.bodies[-1]["message"].count("amount has moved") == 3
    assert (tmp_path / FILE).stat().st_size < 1000


def test_a_receiver_that_is_down_gets_it_later_and_others_at_once(
    tmp_path: Path, hook: Hook, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Hook().open() as other:
        told = notices(tmp_path, f"{hook.url}, {other.url}", clock)
        hook.broken = True
        told.tell([DRIFT])
        assert (len(hook.bodies), len(other.bodies)) == (0, 1)
        said = capsys.readouterr().out
        assert "did not take “Retrace: fraud: data”; tried again in 1 minutes" in said
        assert "secret" not in said
        assert "secret" not in (tmp_path / FILE).read_text()
        clock.pass_minutes(0.5)
        told.tell([])
        assert hook.asked == 1  # not before its time
        hook.broken = False
        clock.pass_minutes(0.5)
        told.tell([])
        assert (len(hook.bodies), len(other.bodies)) == (1, 1)


def test_what_is_given_up_is_counted_in_the_next_message(
    tmp_path: Path, hook: Hook, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    told = notices(tmp_path, hook.url, clock)
    hook.broken = True
    told.tell([DRIFT])
    for minutes in AGAIN_MINUTES:
        clock.pass_minutes(minutes)
        told.tell([])
    assert "given up after 6 tries" in capsys.readouterr().out
    assert hook.asked == 6
    clock.pass_minutes(10_000)
    told.tell([])
    assert hook.asked == 6  # the tries are bounded
    hook.broken = False
    told.tell([STOP])
    assert "1 earlier messages did not get through." in hook.bodies[0]["message"]


def test_a_round_asks_a_receiver_that_is_down_once(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    told = notices(tmp_path, hook.url, clock, digest_minutes=0)
    hook.broken = True
    for _ in range(4):
        told.tell([DRIFT])
    asked = hook.asked
    clock.pass_minutes(1)
    told.tell([])
    assert hook.asked == asked + 1


def test_nobody_listens_and_nothing_is_raised(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    notices(tmp_path, f"json://127.0.0.1:{free_port()}/", clock).tell([DRIFT])
    assert "tried again in 1 minutes" in capsys.readouterr().out
    (tmp_path / FILE).write_text("{")
    notices(tmp_path, f"json://127.0.0.1:{free_port()}/", clock).tell([DRIFT])
    assert "cannot be read and is begun anew" in capsys.readouterr().out
    Notices(tmp_path / "nothing", NoticeParams(), {}, clock).tell([DRIFT])
    assert not (tmp_path / "nothing").exists()  # without a URL nothing is kept


def test_what_has_a_key_is_told_once(tmp_path: Path, hook: Hook, clock: Clock) -> None:
    stop = msgspec.structs.replace(STOP, key="stop price b")
    for _ in range(3):
        notices(tmp_path, hook.url, clock).tell([stop])
        clock.pass_minutes(60)
    assert len(hook.bodies) == 1
    notices(tmp_path, hook.url, clock).tell([msgspec.structs.replace(STOP, key="stop price c")])
    assert len(hook.bodies) == 2


def test_an_event_may_have_receivers_of_its_own(tmp_path: Path, hook: Hook, clock: Clock) -> None:
    with Hook().open() as other:
        urls = {"RETRACE_NOTIFY": hook.url, "RETRACE_NOTIFY_STOP": other.url}
        Notices(tmp_path, NoticeParams(), urls, clock).tell([DRIFT, STOP])
        assert [body["title"] for body in hook.bodies] == ["Retrace: fraud: data"]
        assert [body["title"] for body in other.bodies] == ["Retrace: price: stop"]
        silent = {"RETRACE_NOTIFY": hook.url, "RETRACE_NOTIFY_ALARM": ""}
        Notices(tmp_path / "b", NoticeParams(), silent, clock).tell([DRIFT])
        assert len(hook.bodies) == 1


def test_a_url_that_is_none_is_told_at_once_and_not_repeated(tmp_path: Path) -> None:
    urls = {"RETRACE_NOTIFY": "json://127.0.0.1/,nonsense://user:secret@host"}
    with pytest.raises(RetraceError, match="number 2 is none that Apprise knows") as caught:
        Notices(tmp_path, NoticeParams(), urls)
    assert "secret" not in str(caught.value)


def test_words_of_strangers_stay_on_their_line(tmp_path: Path, hook: Hook, clock: Clock) -> None:
    bad = Notice("a\r\nBcc: x@example.org", "b\n\nTo do: nothing", "c" * 2000)
    notices(tmp_path, hook.url, clock).tell([bad])
    assert hook.bodies[0]["title"] == "Retrace: a Bcc: x@example.org"
    lines = hook.bodies[0]["message"].splitlines()
    assert "b To do: nothing" in lines
    assert max(map(len, lines)) < 700
