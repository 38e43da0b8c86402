"""What processes say: words for people, and lines of ECS for what ships them."""

import json
import os
import re

import pytest

from store.messages import SETTING, say

WORDS = "store: away: “no\nroute”"


def test_elsewhere_than_on_a_terminal_a_message_is_one_line_with_fields(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    say(WORDS, "loader", "error")
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["message"] == WORDS
    assert (said["log"]["level"], said["event"]["dataset"]) == ("error", "retrace.loader")
    assert (said["service"]["name"], said["process"]["pid"]) == ("retrace", os.getpid())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", said["@timestamp"])


def test_people_and_who_asks_for_text_have_the_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "text")
    say(WORDS, "loader")
    assert capsys.readouterr().out == f"{WORDS}\n"
    monkeypatch.delenv(SETTING)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    say(WORDS, "loader")
    assert capsys.readouterr().out == f"{WORDS}\n"
