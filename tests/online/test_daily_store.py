"""The daily page of a real database: what watch has kept, through the command that people type."""

from pathlib import Path

import msgspec
import pandas as pd
import pytest

from commands.__main__ import main
from experiments.daily import Daily
from monitoring.well import micros
from store.database import Store
from store.stops import add_stop
from store.watched import Seen, save_alarm, save_pass
from tests.live import SINCE, rollout_of
from tests.online.days import AT, RANKED, problem
from tests.online.test_daily import text_of
from tests.online.watched import DAY, alarm

FIELDS = ("problem", "fingerprint", "arm", "kind", "start", "made_at")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with five weeks of two problems, and an alarm of one."""
    found = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store(found)
    store.upgrade()
    for name, more in (("price", {}), ("fraud", {"level": 0.8, **RANKED})):
        one = problem(name, **more)
        rows = []
        for summary in (*one.days, *one.weeks):
            body = msgspec.json.encode(summary).decode()
            rows.append({key: getattr(summary, key) for key in FIELDS} | {"body": body})
        save_pass(store, name, Seen(micros(AT)), rows)
    raised = alarm("performance", problem="fraud", words="it got worse", raised_at=micros(AT) - DAY)
    row = {name: getattr(raised, name) for name in ("id", "problem", "state", "raised_at")}
    with store.writing() as connection:
        save_alarm(connection, store, {**row, "body": msgspec.json.encode(raised).decode()})
    return found


def test_the_page_is_of_what_watch_has_kept(url: str) -> None:
    said = text_of(Daily(Store(url), ["price", "fraud", "service_time"]).page(AT))
    assert "1 of 3 problems must be acted on today, 1 is well, 1 has no data." in said
    assert "It got worse." in said
    assert "RMSLE 0.4" in said
    assert "five weeks" in said


def test_a_page_of_an_earlier_day_knows_nothing_of_later_ones(url: str) -> None:
    before = AT - pd.Timedelta(20, unit="D")
    said = text_of(Daily(Store(url), ["price", "fraud"]).page(before))
    assert "2 problems" in said or "All is well." in said
    assert "It got worse" not in said
    assert "29 Nov" not in said


def test_the_command_writes_it_and_says_where(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "daily.html"
    words = ["daily", "price", "--at", f"{AT:%Y-%m-%d}", "--store", url, "--out", str(out)]
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert "30 November 2026, 08:00" in out.read_text()
    assert main([*words[:3], "soon", *words[4:]]) == 1
    assert "'soon' is no date or time" in capsys.readouterr().err
    away = ["daily", "price", "--store", f"sqlite:///{tmp_path / 'none.db'}"]
    assert main(away) == 1
    assert "there is no such database" in capsys.readouterr().err


def test_a_store_without_a_pass_makes_a_page(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    store.upgrade()
    said = text_of(Daily(store, ["price"]).page(AT))
    assert "1 problem has no data." in said
    assert "Nothing was answered in these weeks." in said


def test_a_challenger_that_was_stopped_is_on_the_page_and_told(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.daily.read_rollouts", lambda: {"price": rollout_of()})
    store = Store(url)
    add_stop(store, "price", "b", SINCE, "12 of 60 answers were late", {})
    daily = Daily(store, ["price"])
    first = text_of(daily.page(AT)).split("Since yesterday")[0]
    assert "retrace rollout stop price b" in first
    assert "price, b: stopped by the guard: 12 of 60 answers were late" in first
    (tried,) = daily.tried
    notice = tried.notice
    assert notice is not None
    assert (notice.event, notice.to_do) == ("stop", "`retrace rollout stop price b`")
    assert "12 of 60" in notice.words
    assert SINCE in notice.key  # a new start of the arm is told of anew
    assert Daily(store, ["fraud"]).page(AT).count("Rollouts") == 0
