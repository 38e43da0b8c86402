"""The pages of a real server: what they say, what they take, and how they are in a browser."""

import contextlib
import html
import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest

from problems import parts
from problems.parts import find_problem
from problems.rows import to_json
from problems.served import Page
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.base.params import read_key
from retrace.base.tables import Column
from store.database import Store
from store.watched import PAGE, save_page
from tests.conftest import ROOT
from tests.online.browser import CUT, PALE, Tab, browser
from tests.online.server import RunningServer
from tests.pipeline.test_page import BROWSER

with contextlib.chdir(ROOT):
    PROBLEMS = {name: entry["world"] for name, entry in read_key("problems").items()}
    EXAMPLES = {name: dict(parts.world(world).example) for name, world in PROBLEMS.items()}

Answer = tuple[int, dict[str, str], str]


def ask(
    server: RunningServer,
    path: str,
    form: dict[str, str] | None = None,
    **headers: str,
) -> Answer:
    """Get a page, or send a form; return status, headers and text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if form is None:
        connection.request("GET", path, headers=sent)
    else:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), {**kind, **sent})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, dict(response.headers), text


def form_of(problem: str, **changes: str) -> dict[str, str]:
    """Return the example of a problem as a browser sends it."""
    sent = {}
    for column, value in EXAMPLES[problem].items():
        if value is not False:
            sent[f"row.{column}"] = "true" if value is True else str(value).removesuffix("Z")
    return sent | {f"row.{column}": value for column, value in changes.items()}


def plain(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text)))


def answer_id(text: str) -> str:
    found = re.search(r'/answers/([0-9a-f]{32})"', text)
    assert found, plain(text)
    return found[1]


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_page_answers_what_the_api_answers(server: RunningServer, name: str) -> None:
    status, _, page = ask(server, f"/problems/{name}")
    assert status == 200
    for column, value in EXAMPLES[name].items():  # the example is filled in
        assert f'name="row.{column}"' in page
        if isinstance(value, str) and not value.endswith("Z") and value:
            assert html.escape(value) in page
    status, _, page = ask(server, f"/problems/{name}", form_of(name))
    assert status == 200, plain(page)
    said = server.post(f"/v1/{name}/predict", EXAMPLES[name])
    assert answer_id(page) == said["id"]
    assert "<svg" in page
    assert "What moved it most" in page
    if "lower" in said:
        assert f"{said['decision']['tell']:.0f}"[:2] in re.sub(r"[,.]", "", plain(page))
        assert said["unit"] in page
    else:
        words = parts.page(PROBLEMS[name]).decisions
        headline = re.search(r'class="headline">([^<]*)<', page)
        assert headline
        assert headline[1] == words[0 if said["decision"]["act"] else 1]


def test_what_is_held_is_on_the_page_with_its_reason(server: RunningServer) -> None:
    assert "Held records" not in ask(server, "/problems/price")[2]
    told = {"listing_id": 987654, "price_usd": 99_999.0}
    (held,) = server.post("/v1/price/outcomes", told)["held_rows"]
    page = ask(server, "/problems/price")[2]
    said = plain(page)
    assert "Held records 1 in all. Each can hardly be right" in said
    assert "retrace records price" in said
    assert f"987654 {held['reason']}" in said
    assert held["id"] in page.replace("<wbr>", "")
    assert "Held records" not in ask(server, "/problems/fraud")[2]


def test_the_answer_stays_at_its_address_with_what_was_made_of_it(server: RunningServer) -> None:
    _, _, page = ask(server, "/problems/price", form_of("price", name="Red wool coat"))
    path = f"/problems/price/answers/{answer_id(page)}"
    status, headers, _ = ask(server, path, {"action": "overruled", "value": "25.5"})
    assert (status, headers["location"]) == (303, f"{path}#answer")
    status, _, page = ask(server, path)
    assert status == 200
    assert "you used 25.5 USD instead" in plain(page)
    assert 'value="Red wool coat"' in page
    ask(server, path, {"action": "taken"})
    found = server.get(f"/v1/predictions/{answer_id(page)}")["feedback"]
    assert found == [{"action": "overruled", "value": 25.5}, {"action": "taken", "value": None}]
    for form in ({"action": "overruled", "value": "much"}, {"action": "liked"}, {}):
        assert ask(server, path, form)[0] == 422
    assert ask(server, "/problems/price/answers/none", {"action": "taken"})[0] == 404
    assert ask(server, f"/problems/fraud/answers/{answer_id(page)}")[0] == 404


def test_the_daily_page_is_the_newest_that_watch_has_made(server: RunningServer) -> None:
    status, _, page = ask(server, "/daily")
    assert status == 404
    assert "retrace watch" in page
    save_page(Store(server.store), PAGE, "<style>p { color: red }</style><p>well")
    status, headers, page = ask(server, "/daily")
    assert (status, page) == (200, "<style>p { color: red }</style><p>well")
    assert "script" not in headers["content-security-policy"]
    assert 'href="/daily"' in ask(server, "/")[2]


def test_a_bad_value_is_said_at_its_field_and_nothing_typed_is_lost(server: RunningServer) -> None:
    form = form_of("price", condition="9", description='Torn & <b>"old"</b>')
    status, _, page = ask(server, "/problems/price", form)
    assert status == 422
    assert re.search(
        r'role="alert".*condition</a>: 9; expected a whole number, from 1 to 5', page, re.S
    )
    assert 'aria-describedby="row.condition-hint row.condition-error" aria-invalid="true"' in page
    assert html.escape('Torn & <b>"old"</b>').replace("&quot;", "&#34;") in page
    assert "<b>" not in page.replace("</b>", "").replace("<body>", "")
    assert 'id="answer"' in page
    assert "What moved it most" not in page
    status, _, page = ask(server, "/problems/fraud", form_of("fraud", amount="lots"))
    assert status == 422
    assert "'lots'; expected a number" in plain(page)


def test_payments_to_look_at_are_those_nobody_has_judged(
    server: RunningServer, reproduced: Path
) -> None:
    world = parts.world("fraud")
    newest = read_table(reproduced / "data/clean/fraud.parquet").tail(100)
    with contextlib.chdir(ROOT):
        time = str(find_problem("fraud").time)
    newest[time] += pd.Timedelta(days=12)  # after all that the server knows of
    arrays = from_frame(newest.drop(columns=list(world.outcomes)))
    said = server.post("/v1/fraud/predict", [to_json(arrays, place) for place in range(100)])
    acted = {one["id"] for one in said if one["decision"]["act"]}
    assert acted, max(one["prediction"] for one in said)
    ask(
        server, f"/problems/fraud/answers/{said[0]['id']}"
    )  # what is in the log is in the store by now
    _, _, page = ask(server, "/problems/fraud")
    listed = re.findall(r'/answers/([0-9a-f]{32})#answer"', page)
    assert listed
    assert {*listed} & acted
    losses = [float(one) for one in re.findall(r'class="num">([\d.]+)</td></tr>', page)]
    assert losses == sorted(losses, reverse=True)
    judged = listed[0]
    ask(server, f"/problems/fraud/answers/{judged}", {"action": "taken"})
    assert judged not in ask(server, "/problems/fraud")[2]


def test_the_list_of_work_is_that_of_the_command(server: RunningServer) -> None:
    status, headers, table = ask(server, "/worlds/orders/list?form=csv")
    assert status == 200
    assert headers["content-type"].startswith("text/csv")
    assert table.startswith("work_order,order_id,saving_eur")
    status, headers, page = ask(server, "/worlds/orders/list")
    assert status == 200
    assert table.splitlines()[1].split(",")[1] in page
    assert "script-src" not in headers["content-security-policy"]
    assert ask(server, "/worlds/orders/list?at=whenever")[0] == 422
    assert ask(server, "/worlds/price/list")[0] == 404


@pytest.mark.parametrize("path", ["/", "/docs", "/problems/price", "/problems/order_stuck", "/x/y"])
def test_pages_have_nothing_that_a_strict_policy_refuses(server: RunningServer, path: str) -> None:
    status, headers, page = ask(server, path)
    assert status == (404 if path == "/x/y" else 200)
    if path == "/x/y":
        assert "Traceback" not in page
        return
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", page)
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_of_another_site_can_neither_send_nor_pose_as_this_machine(
    server: RunningServer,
) -> None:
    form = form_of("price")
    own = f"http://127.0.0.1:{server.port}"
    assert ask(server, "/problems/price", form, Origin=own)[0] == 200
    assert ask(server, "/problems/price", form, Origin="https://example.org")[0] == 403
    assert ask(server, "/problems/price", form, Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(server, "/v1/price/events", form, Origin="null")[0] == 403
    assert ask(server, "/problems/price", Host="example.org")[0] == 403
    assert ask(server, "/problems/price", Host="localhost:80")[0] == 200


def test_people_sign_in_with_a_token(reproduced: Path, tmp_path: Path) -> None:
    token = "aaaaaaaaaaaaaaaa"
    more = {"RETRACE_TOKENS": f"predict {token}"}
    running = RunningServer(reproduced, ["price"], tmp_path / "served", more=more).start()
    try:
        status, headers, _ = ask(running, "/problems/price")
        assert (status, headers["location"]) == (303, "/sign-in")
        assert ask(running, "/sign-in")[0] == 200
        assert ask(running, "/sign-in", {"token": "guessed"})[0] == 401
        status, headers, _ = ask(running, "/sign-in", {"token": token})
        assert status == 303
        cookie = headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        kept = cookie.partition(";")[0]
        assert ask(running, "/problems/price", Cookie=kept)[0] == 200
        assert ask(running, "/problems/price", form_of("price"), Cookie=kept)[0] == 200
        assert ask(running, "/problems/price", Cookie="retrace_token=guessed")[0] == 303
    finally:
        running.stop()


def test_a_world_that_says_nothing_has_a_page_all_the_same() -> None:
    page = Page()
    assert page.column("anything") is None
    assert page.first == ()
    star = Page(words={"text_*": Column("*", kind="text"), "text_id_*": Column("id of *")})
    assert [star.column(name).words for name in ("text_two_words", "text_id_x")] == [  # type: ignore[union-attr]
        "two words",
        "id of x",
    ]


# ---- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if BROWSER is None:
        pytest.skip("no chromium on this machine")
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


FOCUSED = "document.activeElement.name || document.activeElement.textContent"


@pytest.mark.parametrize("width", [1400, 420])
def test_by_keyboard_alone(server: RunningServer, tab: Tab, width: int) -> None:
    tab.size(width)
    tab.complaints.clear()
    tab.open(f"http://127.0.0.1:{server.port}/problems/price")
    names = []
    while "Predict" not in names and len(names) < 40:
        tab.press("Tab")
        names.append(tab.evaluate(FOCUSED))
        if names[-1] == "row.name":
            tab.write("Green boots")
    assert names[:3] == ["Skip to content", "Retrace", "API"]
    assert [name for name in names if name.startswith("row.")] == [
        f"row.{column}" for column in EXAMPLES["price"]
    ]
    tab.press("Enter", loads=True)
    assert tab.evaluate("location.hash") == "#answer"
    assert "Green boots" in tab.evaluate("document.getElementById('row.name').value")
    assert "USD" in tab.evaluate("document.querySelector('.headline').textContent")
    tab.evaluate("document.querySelector('.judge button').focus()")
    tab.press("Enter", loads=True)
    assert "you took it" in tab.evaluate("document.querySelector('.noted').textContent")
    assert tab.complaints == []


@pytest.mark.parametrize("name", PROBLEMS)
def test_nothing_is_cut_and_everything_has_a_name(
    server: RunningServer, tab: Tab, name: str
) -> None:
    tab.complaints.clear()
    for width, dark in ((1400, False), (420, True)):
        tab.size(width, dark=dark)
        tab.open(f"http://127.0.0.1:{server.port}/problems/{name}")
        before = tab._loaded
        tab.evaluate("document.querySelector('form button').click()")
        tab.wait(before)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert tab.evaluate("document.querySelectorAll('svg.drawing').length") == 1
        assert tab.evaluate("innerWidth") == width
        assert tab.evaluate(CUT) == []
        assert tab.evaluate(PALE) == []
        controls = tab.controls()
        assert len(controls) > 8
        assert [role for role, words in controls if not words.strip()] == []
    assert tab.complaints == []


def test_what_is_cut_or_pale_is_found(tab: Tab) -> None:
    tab.size(420)
    narrow = '<p style="width:50px;white-space:nowrap;overflow:hidden">more than fits in here</p>'
    tab.open(f"data:text/html,<!doctype html><body>{narrow}<p style='color:rgb(200,200,200)'>pale")
    assert [one.split(":")[0] for one in tab.evaluate(CUT)] == ["cut"]
    assert len(tab.evaluate(PALE)) == 1
