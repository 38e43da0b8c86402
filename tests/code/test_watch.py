"""What a watch sees of answers whose truth a test knows: counts, outcomes, alarms, and only what is
new."""

import time
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from monitoring import alarms as alarms_of
from monitoring.behind import rows_behind
from monitoring.causes import of_losses
from monitoring.models import WatchedModel
from monitoring.said import lines
from monitoring.scored import scored_of
from monitoring.settings import MonitoringParams
from monitoring.summary import BIAS, CLOSED, PERFORMANCE, Summary
from monitoring.watch import Pass, kept, watch
from monitoring.windows import DAY, HOUR, day_of, week_until, windows_of
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from retrace.judge.drift import AlarmParams
from store.database import Store, StoreAway
from store.forget import drop_old
from store.log import EXPLORED, TOLD
from store.tables import outcomes, predictions
from store.watched import add_counts, seen
from tests.live import SINCE, Live, rollout_of

START = round(pd.Timestamp(SINCE).timestamp() * 1e6)  # a Monday
PARAMS = MonitoringParams()


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live.at(tmp_path, find_problem("service_time"), rollout_of(share=0.0))


def look(live: Live, day: float, **changes: object) -> Pass:
    model = WatchedModel(live.problem, "v1", "champion", "champion")
    params = PARAMS.model_copy(update=changes)
    return watch(live.store, live.problem, [model], params, START + round(day * DAY))


def days(found: Pass) -> list[Summary]:
    return [one for one in found.made if one.kind == "day"]


def days_kept(live: Live) -> list[Summary]:
    return kept(live.store, live.problem.name, "day", 0)


def test_a_day_counts_all_answers_and_their_outcomes(live: Live) -> None:
    asked = live.answer(7, n_rows=1400, known=0.5)
    found = look(live, 8)
    by_day = asked["at"].dt.floor("D").value_counts().sort_index()
    assert [one.n_answers for one in days(found)] == by_day.tolist()
    assert sum(one.n_known for one in days(found)) == asked["told_truth"].sum()
    (week,) = (one for one in found.made if one.kind == "week" and one.start == START)
    assert week.n_answers == 1400
    hours = asked["at"].dt.floor("h").value_counts()
    assert sum(week.by_hour) == 1400
    assert max(week.by_hour) == hours.max()


def test_figures_are_those_of_the_rows(live: Live) -> None:
    asked = live.answer(7, n_rows=2000, known=1.0)
    said = pd.DataFrame(_answers(live.store), columns=["name", "prediction"]).set_index("name")
    errors = said["prediction"].loc[asked["name"]].to_numpy() - asked["outcome"].to_numpy()
    week = look(live, 7).made[-1]
    assert week.kind == "week"
    assert week.figures["mae_seconds"] == pytest.approx(abs(errors).mean())
    assert week.loss is not None
    assert week.loss.lower < week.loss.value < week.loss.upper
    assert week.coverage is not None
    assert week.coverage.value == pytest.approx(0.9, abs=0.03)


def _answers(store: Store) -> list[tuple[str, float]]:
    with store.reading() as connection:
        asked = predictions.select().with_only_columns(predictions.c.name, predictions.c.prediction)
        return [tuple(row) for row in connection.execute(asked)]


def test_a_sample_tells_nearly_the_same_and_counts_exactly(live: Live) -> None:
    live.answer(7, n_rows=6000, known=1.0)
    with live.store.writing() as connection:  # ids as servers give them: hashes
        for place, row in enumerate(connection.execute(predictions.select()).all()):
            here = predictions.c.id == row.id
            named = f"{place * 2654435761 % 2**32:08x}{place:024x}"
            connection.execute(predictions.update().where(here).values(id=named))
    whole = look(live, 7).made[-1]
    with live.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM passes")
    part = look(live, 7, most_rows=1_500).made[-1]
    assert part.n_answers == whole.n_answers == 6000
    assert 1_300 < part.n_sampled < 1_700
    assert part.n_all_known == pytest.approx(6000, rel=0.01)
    assert part.loss is not None
    assert whole.loss is not None
    assert part.loss.value == pytest.approx(whole.loss.value, rel=0.1)


def test_only_what_is_new_is_looked_at_again(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.watched.UNSETTLED", 0)
    live.answer(10, n_rows=1000, known=0.0)
    assert len(days(look(live, 10.5))) == 10
    assert look(live, 10.5).made == ()
    before = days_kept(live)[3].n_answers
    live.answer(1, since="2026-01-08T00:00:00+00:00", n_rows=50, known=0.0)
    found = look(live, 10.5)
    assert [one.start for one in days(found)] == [START + 3 * DAY]
    assert days(found)[0].n_answers == before + 50
    name = "5"  # of the first day; its outcome comes late
    late = {
        "id": "late",
        "problem": "service_time",
        "name": name,
        "known_at": START,
        "value": 300.0,
    }
    late |= {"received_at": START + 11 * DAY, "label": ""}
    with live.store.writing() as connection:
        connection.execute(outcomes.insert(), [late])
    found = look(live, 11.5)
    assert [(one.start, one.n_known) for one in days(found)] == [(START, 1)]


def test_what_came_just_before_a_pass_is_seen_again(live: Live) -> None:
    """A transaction that began before the pass may end after it, with an earlier moment."""
    live.answer(2, n_rows=100, known=0.5)
    assert len(days(look(live, 3))) == 2
    now = time.time_ns() // 1000
    with live.store.reading() as connection:
        cursor = seen(connection, "service_time")
    assert now - 70_000_000 < cursor.loaded_until <= now - 60_000_000
    late = {"id": "late", "problem": "service_time", "name": "5", "known_at": START, "label": ""}
    late |= {"value": 300.0, "received_at": now - 30_000_000}
    newer = {**late, "id": "newer", "name": "nobody's", "received_at": now - 10_000_000}
    with live.store.writing() as connection:
        connection.execute(outcomes.insert(), [newer])
    look(live, 3)
    with live.store.writing() as connection:
        connection.execute(outcomes.insert(), [late])  # it is committed after a newer one was seen
    assert START in {one.start for one in days(look(live, 3))}
    hour_ago = now - 3_600_000_000
    with live.store.writing() as connection:
        connection.exec_driver_sql(f"UPDATE loaded_days SET loaded_at = {hour_ago}")
        connection.exec_driver_sql(f"UPDATE outcomes SET received_at = {hour_ago}")
    assert look(live, 3).made == ()  # and no more once that is long ago


def test_what_is_older_than_is_kept_goes(live: Live) -> None:
    live.answer(35, n_rows=35 * 100, known=0.0)
    look(live, 35)
    assert look(live, 36).new  # a day without any answer
    add_counts(live.store, {("service_time", "refused", "boxes"): 60})
    drop_old(live.store, 1.0)
    assert len(days_kept(live)) > 30
    assert rows_in(live.store, "loaded_days") == 35
    with live.store.writing() as connection:
        connection.exec_driver_sql("UPDATE loaded_days SET loaded_at = 1")
        connection.exec_driver_sql("UPDATE summaries SET made_at = 1")
        connection.exec_driver_sql("UPDATE counts SET hour = 1")
    drop_old(live.store, 1.0)
    assert days_kept(live) == []
    assert [rows_in(live.store, name) for name in ("loaded_days", "counts")] == [0, 0]
    (alarm,) = alarms_of.alarms(live.store)  # old, and open
    alarms_of.change(live.store, alarm.id, state=CLOSED)
    drop_old(live.store, 1.0)
    assert alarms_of.alarms(live.store) == []


def rows_in(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def test_what_the_log_says_was_told_is_what_costs(live: Live) -> None:
    rows = pd.DataFrame({"id": list("abc"), "outcome": [100.0, 100.0, np.nan],
                         "prediction": [90.0, 90.0, 90.0], TOLD: [120.0, np.nan, 90.0],
                         "subject": ""})  # fmt: skip
    model = WatchedModel(live.problem, "v1", "champion", "champion")
    assert scored_of(model, rows).rows[TOLD].tolist() == [120.0, 90.0]
    drawn = rows.assign(**{EXPLORED: [70.0, np.nan, np.nan]})
    assert scored_of(model, drawn).rows[TOLD].tolist() == [70.0, 90.0]


@pytest.mark.parametrize(
    ("name", "outcome", "prediction", "whole", "part"),
    [
        ("service_time", 200.0, 100.0, "outcomes of all rows are above the predictions by ",
         "outcomes of allergen gluten are above the predictions by "),
        ("order_stuck", 1.0, 0.2, "of all rows more are positive than their probabilities say, by ",
         "of allergen gluten more are positive than their probabilities say, by "),
    ],
)  # fmt: skip
def test_losses_of_all_are_performance_and_of_a_slice_bias(
    name: str, outcome: float, prediction: float, whole: str, part: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Also of a slice whose column begins with `all`; the words are of the task's errors."""
    n = 400
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, n) * (10.0 if outcome > 1 else 0.01)
    right = outcome if outcome > 1 else prediction
    said = {"id": [f"{place}" for place in range(n)], "subject": "", "allergen": "gluten"}
    held = pd.DataFrame({**said, "outcome": right, "prediction": right + noise})
    now = pd.DataFrame({**said, "outcome": outcome, "prediction": prediction + noise})
    problem = find_problem(name)
    labelled = pd.DataFrame({"allergen": said["allergen"]}, index=range(n))
    monkeypatch.setattr("monitoring.causes.labels_of", lambda _problem, _rows: labelled)
    model = WatchedModel(problem, "v1", "f", "champion")
    model.__dict__["held"] = held
    limits = {"outcomes": "all", "loss_increase": None, "bias_sd": 0.5, "slice_min_rows": 100}
    model.__dict__["alarm"] = AlarmParams(**limits)
    words = {one.kind: one.words for one in of_losses(model, now)}
    assert {*words} == {PERFORMANCE, BIAS}
    assert words[PERFORMANCE].startswith(whole)
    assert words[BIAS].startswith(part)


def test_two_versions_in_a_day_are_told_apart(live: Live) -> None:
    live.answer(1, n_rows=300, known=1.0)
    live.rollout = rollout_of(share=0.5)
    live.answer(1, n_rows=300, known=1.0)
    found = days(look(live, 2))
    assert {(one.arm, one.version) for one in found} == {("champion", "v1"), ("b", "v2")}
    assert sum(one.n_answers for one in found) == 600
    assert {sum(one.by_hour) for one in found} == {600}  # volume is of all together


def test_half_a_day_without_answers_is_said_once_weeks_are_known(live: Live) -> None:
    live.answer(42, n_rows=42 * 240, known=0.0)
    gone = START + 41 * DAY
    here = predictions.c.as_of.between(gone + 6 * HOUR, gone + 18 * HOUR - 1)
    with live.store.writing() as connection:
        connection.execute(predictions.delete().where(here))
    assert not look(live, 41).new
    (alarm,) = look(live, 42).new
    assert alarm.kind == "volume"
    assert "no answer from 6:00 to 18:00" in alarm.words
    assert not look(live, 42.1).new  # told once
    live.answer(1, since="2026-02-16T00:00:00+00:00", n_rows=240, known=0.0)
    look(live, 43)
    (closed,) = alarms_of.alarms(live.store)
    assert closed.state == "closed"


def test_a_day_without_any_answer_is_said(live: Live) -> None:
    live.answer(35, n_rows=35 * 100, known=0.0)
    look(live, 35)
    (alarm,) = look(live, 36).new
    assert alarm.words.startswith("0 answers, where ")


def test_an_alarm_is_acknowledged_muted_and_judged(live: Live) -> None:
    live.answer(1, n_rows=100, known=0.0)
    now = START // HOUR
    add_counts(live.store, {("service_time", "refused", "boxes"): 60})
    with live.store.writing() as connection:
        connection.exec_driver_sql(f"UPDATE counts SET hour = {now + 3}")
    (alarm,) = look(live, 1).new
    assert "60 of 160 rows were refused for 'boxes'" in alarm.words
    changed = alarms_of.change(live.store, alarm.id[:4], state="muted", muted_until=START + 9 * DAY)
    assert changed.state == "muted"
    with pytest.raises(RetraceError, match=f"'nix' is no alarm; open are {alarm.id}"):
        alarms_of.change(live.store, "nix", state="open")
    assert not look(live, 1.1).new
    assert alarms_of.alarms(live.store)[0].state == "muted"
    _, rows = rows_behind(live.store, alarm.id, PARAMS)
    assert len(rows) == 100
    assert {"name", "prediction", "region"} <= {*rows}
    alarms_of.change(live.store, alarm.id, state="closed", closed_at=START + DAY, is_true=True)
    assert not look(live, 1.2).new  # its cause is there yet, and somebody knows
    (kept_,) = alarms_of.alarms(live.store)
    assert (kept_.state, kept_.is_true) == ("closed", True)


def test_an_empty_store_is_no_fault(live: Live) -> None:
    assert look(live, 3).made == ()
    assert kept(live.store, "service_time", "day", 0) == []


def test_outcomes_of_nobodys_answers_are_no_fault(live: Live) -> None:
    row = {"id": "x", "problem": "service_time", "name": "unknown", "known_at": START}
    with live.store.writing() as connection:
        connection.execute(
            outcomes.insert(), [row | {"value": 3.0, "label": "", "received_at": START}]
        )
    assert look(live, 3).made == ()
    live.answer(1, n_rows=50, known=0.5)  # and others' outcomes are those of others
    (day,) = days(look(live, 3))
    assert (day.n_answers, day.n_known < 50) == (50, True)


def test_a_problem_without_outcomes_says_so_and_raises_no_alarm(live: Live) -> None:
    live.answer(42, n_rows=42 * 100, known=0.0)
    found = look(live, 42)
    assert not found.new
    assert {one.value for one in found.made} == {None}
    assert not any(one.is_mature or one.causes for one in found.made)
    assert "no outcome is known yet" in found.made[-1].notes
    model = WatchedModel(live.problem, "v1", "champion", "champion")
    said = [*lines(live.store, "service_time", [model], found, [], PARAMS)]
    assert any("no week whose outcomes are known yet" in one for one in said)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_day_has_the_answers_of_its_zone(live: Live, zone: str) -> None:
    asked = live.answer(5, n_rows=500, known=1.0)
    local = asked["at"].dt.tz_convert(zone).dt.floor("D").value_counts().sort_index()
    found = days(look(live, 6, time_zone=zone))
    starts = [pd.Timestamp(one.start, unit="us", tz="UTC").tz_convert(zone) for one in found]
    there = {at: one for at, one in zip(starts, found, strict=True) if one.n_answers}
    assert {at: one.n_answers for at, one in there.items()} == local.to_dict()
    assert all(at.hour == at.minute == 0 for at in starts)


@pytest.mark.parametrize("since", ["2026-02-16", "2026-09-14"])
def test_a_change_of_the_clock_is_no_fault(live: Live, since: str) -> None:
    """Six weeks of the same answers every hour: on a day of 23 or 25 hours nothing lacks, and on
    that day half a day that does is said."""
    begin = pd.Timestamp(since, tz="Europe/Oslo")
    changed = begin + pd.Timedelta(41, "D")  # a Sunday
    live.answer(42, since=begin.isoformat(), n_rows=42 * 240, known=0.0)
    params = PARAMS.model_copy(update={"time_zone": "Europe/Oslo"})
    model = WatchedModel(live.problem, "v1", "champion", "champion")

    def pass_at(at: pd.Timestamp) -> Pass:
        return watch(live.store, live.problem, [model], params, round(at.timestamp() * 1e6))

    end = (changed + pd.DateOffset(days=1)).normalize()
    found = pass_at(end)
    (day,) = (one for one in days(found) if one.end == round(end.timestamp() * 1e6))
    assert len(day.by_hour) == len(day.usual) == (23 if since == "2026-02-16" else 25)
    assert not found.new
    gone = round((end - pd.Timedelta(12, "h")).timestamp() * 1e6)
    here = predictions.c.as_of.between(gone, gone + 12 * HOUR)
    with live.store.writing() as connection:
        connection.execute(predictions.delete().where(here))
    (alarm,) = pass_at(end).new
    assert alarm.kind == "volume"


def test_days_follow_the_clock_of_their_zone() -> None:
    zone = MonitoringParams(time_zone="Europe/Oslo").zone
    at = round(pd.Timestamp("2026-03-29T12:00Z").timestamp() * 1e6)
    assert day_of(at, zone).n_hours == 23
    autumn = round(pd.Timestamp("2026-10-25T12:00Z").timestamp() * 1e6)
    assert day_of(autumn, zone).n_hours == 25
    week = week_until(at, zone)
    assert pd.Timestamp(week.end, unit="us", tz="UTC").tz_convert(zone).hour == 0
    assert pd.Timestamp(week.start, unit="us", tz="UTC").tz_convert(zone).hour == 0
    found = windows_of([at // DAY], at, zone)
    assert [(one.kind, one.n_hours) for one in found] == [("day", 23), ("day", 24)]


def test_a_summary_is_json_and_back(live: Live) -> None:
    live.answer(1, n_rows=60, known=1.0)
    (day,) = days(look(live, 1))
    assert msgspec.json.decode(msgspec.json.encode(day), type=Summary) == day
    assert kept(live.store, "service_time", "day", 0) == [day]


def test_alarms_of_a_store_that_is_away_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreAway, match="cannot be asked: no such table"):
        alarms_of.alarms(Store(f"sqlite:///{tmp_path / 'none.db'}"))
