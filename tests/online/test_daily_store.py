"""The daily page of a real database: what watch has kept, through the command that people type."""

import time
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from sqlalchemy import text

from commands.__main__ import main
from experiments.daily import Daily
from experiments.watching import Watching
from monitoring.alarms import alarms
from monitoring.models import WatchedModel
from monitoring.well import micros
from retrace.base.errors import RetraceError
from store.database import Store, StoreAway, answering
from store.stops import add_stop
from store.watched import Seen, save_alarm, save_pass
from tests.live import SINCE, rollout_of
from tests.online.days import AT, RANKED, problem
from tests.online.postgres import postgres, programs
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


def watching(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Watching:
    monkeypatch.setattr("experiments.watching.FOLDER", tmp_path / "served/log")
    return Watching(["price", "fraud"], url)


def none_in_use(store: Store, problems: list[str], models: str) -> dict[str, list[WatchedModel]]:
    return {name: [] for name in problems}


def test_a_version_that_is_nowhere_is_said_and_others_are_looked_at(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def resolve(store: Store, names: list[str], models: str) -> dict[str, list[WatchedModel]]:
        if names == ["price"]:
            raise RetraceError("price: 'v9' is no version of the registry")
        return none_in_use(store, names, models)

    monkeypatch.setattr("experiments.watching.models_in_use", resolve)
    monkeypatch.setenv("RETRACE_MESSAGES", "text")
    one = watching(url, monkeypatch, tmp_path)
    assert one.look() is None
    assert one.passed_at is None  # /health says so
    said = capsys.readouterr().out
    assert "price was not looked at: price: 'v9' is no version of the registry" in said
    assert "fraud: 0 days looked at anew" in said
    monkeypatch.setattr("experiments.watching.models_in_use", none_in_use)
    assert one.look() is not None  # the loop goes on
    assert one.passed_at is not None


def test_the_command_fails_where_something_was_not_looked_at(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for found, status in ((None, 1), (2, 3), (0, 0)):
        monkeypatch.setattr(Watching, "look", lambda _self, _at, found=found: found)
        assert main(["watch", "price", "--store", url]) == status


def test_a_store_that_goes_away_is_said_without_a_traceback(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("experiments.watching.models_in_use", none_in_use)
    monkeypatch.setenv("RETRACE_MESSAGES", "text")
    one = watching(url, monkeypatch, tmp_path)
    names = ("passes", "summaries")
    with one.store.writing() as connection:
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {name}_away")
    assert one.look() is None
    said = capsys.readouterr().out
    assert "price was not looked at: sqlite:///" in said
    assert "The daily page was not made" in said
    assert "Traceback" not in said
    with one.store.writing() as connection:
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE {name}_away RENAME TO {name}")
    assert one.look() is not None


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_a_database_that_hangs_does_not_hold_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.database.MORE_SECONDS", 1)
    with postgres() as running:
        store = Store(running.url, answer_seconds=1)
        store.upgrade()
        with running.stopped():
            began = time.monotonic()
            with pytest.raises(StoreAway, match=r"no answer within 2 s|timeout"):
                alarms(store)
            assert time.monotonic() - began < 30
        assert alarms(store) == []  # it goes on, and so does watch
        with answering(store), store.writing() as connection:
            connection.exec_driver_sql("SELECT 1")
        slow = text("SELECT pg_sleep(5)")
        with (
            pytest.raises(StoreAway, match="statement timeout"),
            answering(store),
            store.reading() as connection,
        ):
            connection.execute(slow)
