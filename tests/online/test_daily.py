"""The daily page: what it says of each situation, and how it looks at both widths."""

import itertools
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from monitoring import daily, well
from monitoring.daily import Fold, page
from monitoring.drawing import Point, Trace, curves
from monitoring.well import ProblemDay
from tests.online.browser import CUT, PALE, browser
from tests.online.days import AT, RANKED, TODAY, day, everything, problem, two_versions, weeks_of
from tests.online.watched import DAY, alarm
from tests.pipeline.test_page import BROWSER


def state(one: ProblemDay, *alarms: Any) -> tuple[str, str]:
    found = well.state_of(one, alarms, AT)
    return found.word, found.why


def text_of(html: str) -> str:
    """Return what a reader sees."""
    body = html.split("</style>")[1]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_first_screen_says_who_needs_somebody_and_why() -> None:
    said = text_of(page(*everything(), AT))
    assert "1 of 5 problems must be acted on today, 1 should be looked at, 2 are well" in said
    assert "No answer from 12:00 to 24:00, where 1,200 are usual." in said
    assert "(Kari knows)" in said
    first = said.split("Rollouts")[0]
    assert first.index("Does the source still send?") < first.index("Look at 37 open cases")
    assert "Over: the far north is worse (its cause is gone)." in first
    assert "1,200 (usual 2,400)" in first


def test_a_problem_is_as_well_as_its_worst_open_alarm() -> None:
    one = problem("p")
    assert state(one)[0] == "well"
    drifted, worse = alarm(problem="p"), alarm("performance", problem="p", words="it got worse")
    assert state(one, drifted) == ("look", "The text is another.")
    assert state(one, drifted, worse) == ("act", "It got worse, and 1 more.")
    for calm in ("muted", "closed"):
        assert state(one, msgspec.structs.replace(worse, state=calm))[0] == "well"
    seen = msgspec.structs.replace(worse, state="acknowledged", by="Ola")
    assert state(one, seen) == ("look", "It got worse (Ola knows).")
    assert state(one, msgspec.structs.replace(worse, problem="q"))[0] == "well"


def test_a_week_is_told_when_most_of_its_outcomes_are_known() -> None:
    one = problem("p", level=0.5)
    known = one.known_week
    assert known is not None
    assert known.end == TODAY - 7 * DAY  # of the newest week less than half are known
    value = known.figures["rmsle"]
    assert f"RMSLE {value:.3f}, where the rule has 0.650" in state(one)[1]


def test_what_is_not_known_is_said_in_words() -> None:
    rng_free = {"n_known": 0, "n_sampled": 100, "is_mature": False}
    bare = [msgspec.structs.replace(d, figures={}, **rng_free) for d in problem("p").days]
    one = ProblemDay("p", bare, [])
    assert "No outcome is known yet; RMSLE 0.5" in state(one)[1]
    some = [*bare[:-1], msgspec.structs.replace(bare[-1], n_known=3)]
    assert "Too few outcomes are known yet" in state(ProblemDay("p", some, []))[1]
    assert state(ProblemDay("p")) == ("no data", "Nothing was answered in these weeks.")
    assert state(ProblemDay("p", notes=["The database does not answer."])) == (
        "no data", "The database does not answer.",
    )  # fmt: skip
    old = ProblemDay("p", [d for d in bare if d.end <= TODAY - 4 * DAY])
    assert state(old) == ("look", "No answer since 25 Nov.")
    html = page([one, old, ProblemDay("q")], [], [], AT)
    assert "No outcome is known yet." in html
    assert "Watch knows of no answers in these weeks" in html


def test_an_empty_store_makes_a_page() -> None:
    said = text_of(page([], [], [], AT))
    assert "There is no problem to watch." in said
    assert "Nothing today." in said
    assert "No alarm is open" in said
    assert "All is well." in text_of(page([problem("p"), problem("q")], [], [], AT))


def test_a_day_with_two_versions_is_one_point_and_both_count() -> None:
    one = two_versions("p")
    assert max(map(len, one.served)) == 2
    assert all(both[0].n_answers >= both[-1].n_answers for both in one.served)
    html = page([one], [], [], AT)
    assert "Upright: version v2 from 27 Nov." in html
    assert "wide" in text_of(html)
    total = sum(s.benefit.saved_in_all for both in one.served for s in both if s.benefit)
    assert f"{total:,.0f} EUR in 20 days" in html
    begun = [change.words for change in well.changes([one], [], AT)]
    assert begun == ["Version v3 is tried as wide."]
    days_before = AT - pd.Timedelta(2, unit="D")
    assert "Version v2 is in use now." in [
        change.words for change in well.changes([one], [], days_before)
    ]


def test_an_interval_is_that_of_the_metric() -> None:
    (loss,) = {d.loss for d in problem("p", 8).days[:1]}
    assert loss is not None
    first = problem("p", 8).days[0]
    point = daily._point(0, first, first.figures["rmsle"])
    assert point.lower == pytest.approx(loss.lower**0.5)
    assert point.lower < point.value < point.upper
    ranked = problem("p", 8, **RANKED).days[0]
    assert daily._point(0, ranked, 0.8).lower is None  # a ranking is no mean of losses


def test_a_day_that_is_missing_is_a_gap_in_the_curve() -> None:
    points = [Point(day, 1.0 + day) for day in (0, 1, 2, 5, 6)]
    drawn = curves([Trace("a", "truth", points)], [f"d{n}" for n in range(7)])
    assert drawn.count("<polyline") == 2
    assert not curves([Trace("a", "truth", [])], ["d0"])
    flat = curves([Trace("a", "truth", [Point(0, 3.0), Point(1, 3.0)])], ["d0", "d1"])
    assert "nan" not in flat


def test_what_strangers_named_is_escaped() -> None:
    bad = "<script>alert(1)</script>"
    one = ProblemDay(bad, [day(bad, 1, np.random.default_rng(1))])
    asked = alarm(problem=bad, words=bad, to_do=f"`{bad}`", by=bad)
    html = page([one], [asked], [Fold(bad, bad, (bad,))], AT)
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")  # it opens without a network


def test_clock_change_and_time_zone_move_no_day() -> None:
    at = pd.Timestamp("2026-10-26T08:00", tz="Europe/Oslo")  # the day before had 25 hours
    rng = np.random.default_rng(1)
    midnights = pd.date_range("2026-10-10", "2026-10-26", freq="D", tz="Europe/Oslo")
    starts = [int(one.value // 1000) for one in midnights]
    days = [
        msgspec.structs.replace(day("p", 1, rng), start=start, end=end)
        for start, end in itertools.pairwise(starts)
    ]
    one = ProblemDay("p", days, weeks_of(days, rng))
    place, labels = daily._axis(one, at)
    assert list(place.values()) == list(range(len(days)))
    assert (labels[0], labels[-1]) == ("10 Oct", "26 Oct")
    assert well.state_of(one, [], at).word == "well"


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_nothing_is_cut_or_pale_on_a_desk_and_a_phone(tmp_path: Path) -> None:
    html = page(*everything(), AT)
    assert len(html) < 200_000
    path, opened = tmp_path / "daily.html", tmp_path / "open.html"
    path.write_text(html, encoding="utf-8")
    opened.write_text(html.replace("<details>", "<details open>"), encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        for width in (1400, 420):
            for dark in (False, True):
                tab.size(width, dark=dark)
                for file in (path, opened):
                    tab.open(file.as_uri())
                    assert tab.evaluate("innerWidth") == width
                    assert tab.evaluate(CUT) == []
                    assert tab.evaluate(PALE) == []
                tab.open(path.as_uri())
                last = "document.querySelector('#changed').parentElement"
                bottom = tab.evaluate(f"{last}.getBoundingClientRect().bottom")
                assert bottom < (700 if width == 1400 else 1300)  # what matters is seen at once
        tab.open("about:blank")  # to a part of a page that is open nothing would load
        tab.open(f"{path.as_uri()}#{everything()[0][0].problem}")
        assert tab.evaluate("document.querySelector('details[open] svg.curves') !== null")
        assert tab.complaints == []
