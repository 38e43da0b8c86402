"""The pages: all problems, one problem with its form and answer, one answer, the API's reference.

Drawn by the server; they need no script, no network and no style but that of this package, and tell
browsers so.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from problems import parts
from problems.contract import Problem
from problems.row_columns import RefusedRow
from retrace.base.tokens import may
from retrace.fit.intervals import Interval
from serving import drawing
from serving.answers import newest
from serving.api import ACTIONS, Api
from serving.decision import decide
from serving.doubted import doubted
from serving.form import RowForm, columns_of, fields_of, form_of, row_of
from serving.listing import OpenLists, has_list
from serving.model import Asked, Served
from serving.replies import Refusal, bytes_of
from serving.tokens import COOKIE, check_origin
from store.database import AWAY, words_of
from store.watched import PAGE, page_in

FILES = Path(__file__).parent / "page"
SHIPPED = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; style-src {style}; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
LIST_POLICY = POLICY.format(style="'unsafe-inline'")  # a list is one file, with its style
HEADERS = {
    "Content-Security-Policy": POLICY.format(style="'self'"),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TOKEN_SECONDS = 12 * 3600
LONGEST_TIME = 40  # characters


class Pages:
    """The pages of one process."""

    def __init__(
        self,
        api: Api,
        document: dict[str, Any],
        store_problem: Callable[[], str],
    ) -> None:
        self.api, self.document = api, document
        self.store_problem = store_problem
        self.listings = OpenLists(lambda: self.tops)
        self.templates = Environment(
            loader=FileSystemLoader(FILES), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        for name in self.templates.list_templates(extensions=["html"]):
            self.templates.get_template(name)  # now: files may be changed under a server
        self.shipped = {f"/{name}": (FILES / name).read_bytes() for name in SHIPPED}

    @property
    def tops(self) -> Mapping[str, Path]:
        """The folder of each champion's files."""
        return self.api.lineup.tops

    def add_to(self, app: FastAPI) -> None:
        for path in self.shipped:
            app.add_route(path, self._file)
        app.add_route("/sign-in", self._open_sign_in, methods=["GET"])
        for path, action, methods, handler in (
            ("/", "index page", ["GET"], self._index),
            ("/docs", "reference page", ["GET"], self._docs),
            ("/problems/{name}", "form page", ["GET"], self._form),
            ("/problems/{name}", "answer page", ["POST"], self._ask),
            ("/problems/{name}/answers/{id}", "answer page", ["GET"], self._answer),
            ("/problems/{name}/answers/{id}", "judged page", ["POST"], self._judge),
            ("/worlds/{name}/list", "list page", ["GET"], self._list),
            ("/daily", "daily page", ["GET"], self._daily),
        ):
            guarded = self.api.guarded(action, "predict", handler, self._refused)
            app.add_route(path, guarded, methods=methods)
        app.add_route("/sign-in", self._sign_in, methods=["POST"])

    # ---- handlers --------------------------------------------------------------------------------

    async def _index(self, _request: Request) -> Response:
        health = await run_in_threadpool(self.store_problem)
        problems = [
            {
                "name": name,
                "title": _title(name),
                "version": one.version,
                "asks": _target(one.problem),
                "rows": one.bundle.card.get("rows", {}),
            }
            for name, one in self.api.served.items()
        ]
        lists = [name for name in self.api.facts if has_list(name)]
        return self._page("index.html", problems=problems, health=health, lists=lists)

    async def _docs(self, _request: Request) -> Response:
        return self._page("docs.html", document=self.document)

    async def _form(self, request: Request) -> Response:
        served = self.api.problem(request)
        return await self._shown(served, form_of(served, parts.world(served.problem.world).example))

    async def _ask(self, request: Request) -> Response:
        served = self.api.problem(request)
        sent = fields_of(await bytes_of(request, self.api.params.most_bytes))
        row = row_of(served, sent)
        try:
            asked = Asked([row], uuid.uuid4().hex, explain=True)
            (answer,) = await self.api.answered(served, asked)
        except RefusedRow as error:
            form = form_of(served, row, {error.column: error.reason})
            if not form.errors:
                raise
            return await self._shown(served, form, status=422)
        said = dict(answer.said)
        shown = {name: row[name] for name in columns_of(served) if name in row}
        return await self._shown(served, form_of(served, row), row=shown, said=said)

    async def _answer(self, request: Request) -> Response:
        served = self.api.problem(request)
        found = await self._recorded(served, request.path_params["id"])
        return await self._shown(
            served,
            form_of(served, found["row"]),
            row=found["row"],
            said=self._said(served, found),
            recorded=found,
        )

    async def _judge(self, request: Request) -> Response:
        served, asked = self.api.problem(request), request.path_params["id"]
        sent = fields_of(await bytes_of(request, self.api.params.most_bytes))
        await self._recorded(served, asked)
        action, value = sent.get("action", ""), None
        if action not in ACTIONS:
            raise Refusal(422, "take it, or use another value.", "action")
        if action == "overruled":
            value = _other_value(served.problem, sent.get("value", ""))
        await self.api.judge(served, asked, value)
        return RedirectResponse(request.url.path + "#answer", 303, HEADERS)

    async def _list(self, request: Request) -> Response:
        world = request.path_params["name"]
        if world not in self.api.facts or not has_list(world):
            raise Refusal(404, f"no world '{world[:60]}' that lists what is open.")
        query = request.query_params
        at = query.get("at", "")
        if len(at) > LONGEST_TIME or not at.isprintable():
            raise Refusal(422, "expected a date or a time, such as 2026-01-31T12:00.", "at")
        listed = await self.listings.of(world, at, again="again" in query)
        if query.get("form") == "csv":
            name = f'attachment; filename="{world}-{listed.moment}.csv"'
            headers = HEADERS | {"Content-Disposition": name}
            return Response(listed.table, media_type="text/csv", headers=headers)
        headers = HEADERS | {"Content-Security-Policy": LIST_POLICY}
        return Response(listed.page, media_type="text/html", headers=headers)

    async def _daily(self, _request: Request) -> Response:
        """Show the newest page that a watch of this database has made."""
        found = await run_in_threadpool(page_in, self.api.store, PAGE)
        if found is None:
            raise Refusal(404, "no watch has made a page yet; `retrace watch` makes one.")
        headers = HEADERS | {"Content-Security-Policy": LIST_POLICY}
        return Response(found[0], media_type="text/html", headers=headers)

    async def _file(self, request: Request) -> Response:
        path = request.url.path
        headers = HEADERS | {"Cache-Control": "max-age=300"}
        return Response(self.shipped[path], media_type=SHIPPED[path[1:]], headers=headers)

    # ---- tokens ----------------------------------------------------------------------------------

    async def _open_sign_in(self, _request: Request) -> Response:
        return self._page("sign_in.html", error="")

    async def _sign_in(self, request: Request) -> Response:
        try:
            check_origin(self.api.tokens, request)
            sent = fields_of(await bytes_of(request, 10_000))
        except Refusal as error:
            return self._refused(request, error)
        token = sent.get("token", "").strip()
        if not may(self.api.tokens.role(f"Bearer {token}"), "predict"):
            return self._page("sign_in.html", error="No such token.", status=401)
        response = RedirectResponse("/", 303, HEADERS)
        response.set_cookie(
            COOKIE, token, max_age=TOKEN_SECONDS, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    # ---- what they share -------------------------------------------------------------------------

    async def _recorded(self, served: Served, asked: str) -> dict[str, Any]:
        """Return an answer of the store; one of this moment is still in the log, and loaded."""
        found = await run_in_threadpool(self.api.recorded, asked)
        if found is None:
            await run_in_threadpool(served.loader.load)
            found = await run_in_threadpool(self.api.recorded, asked)
        if found is None or found["problem"] != served.problem.name:
            raise Refusal(404, "no such answer.")
        return found

    def _said(self, served: Served, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return a recorded answer as it was given; reasons only of the model that is served."""
        answer = found["answer"]
        said = {**answer, "id": found["id"], "version": found["version"], "as_of": found["as_of"]}
        said["decision"] = decide(served.decision, answer)
        columns = found["columns"]
        if isinstance(columns, dict):
            said["reasons"] = served.reasons.of(np.array([[*columns.values()]], np.float32))
        return said

    async def _shown(
        self,
        served: Served,
        form: RowForm,
        *,
        row: Mapping[str, Any] | None = None,
        said: Mapping[str, Any] | None = None,
        recorded: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> Response:
        return await run_in_threadpool(self._draw, served, form, row, said, recorded, status)

    def _draw(
        self,
        served: Served,
        form: RowForm,
        row: Mapping[str, Any] | None,
        said: Mapping[str, Any] | None,
        recorded: Mapping[str, Any] | None,
        status: int,
    ) -> Response:
        problem, page = served.problem, parts.page(served.problem.world)
        answer = None
        if said is not None and row is not None:
            answer = {
                "shown": drawing.shown(problem, page, said, _level(served)),
                "reasons": drawing.moved(page, said.get("reasons", [])),
                "tables": self._beside(served, row, said),
                "id": said["id"],
                "version": said["version"],
                "as_of": str(said.get("as_of", ""))[:16].replace("T", " "),
                "opposite": 0 if said["decision"].get("act") else 1,
                "outcomes": recorded["outcomes"] if recorded else [],
                "feedback": recorded["feedback"] if recorded else [],
            }
        try:
            todo, away = page.todo(problem, newest(self.api.store, served)), ""
            held, n_held = doubted(self.api.store, problem)
        except AWAY as error:  # an answer may need no database
            todo, held, n_held, away = [], [], 0, words_of(error)
        return self._page(
            "problem.html",
            status=status,
            name=problem.name,
            title=_title(problem.name),
            problem=problem,
            target=_target(problem),
            version=served.version,
            form=form,
            answer=answer,
            decisions=page.decisions,
            classes=served.bundle.encoding.classes,
            away=away,
            todo_title=page.todo_title,
            todo_heads=drawing.heads(page.todo_columns),
            todo_kinds=[column.kind != "text" for column in page.todo_columns.values()],
            todo=list(
                zip(
                    [one.id for one, _ in todo],
                    drawing.written(page.todo_columns, [cells for _, cells in todo]),
                    strict=True,
                )
            ),
            held=held,
            n_held=n_held,
            list=problem.world if has_list(problem.world) else "",
        )

    def _beside(
        self, served: Served, row: Mapping[str, Any], said: Mapping[str, Any]
    ) -> list[drawing.TableShown]:
        """Return the problem's own tables; none where the row's personal columns are not kept."""
        problem = served.problem
        asked = {**row}
        if problem.time and not asked.get(problem.time):
            asked[problem.time] = said["as_of"]

        def ask(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
            whole = [[{**one} for one in rows]] if rows else []
            if problem.group:  # rows of one request would look at each other
                whole = [[{**one}] for one in rows]
            return [one.said for part in whole for one in served.answer(part, "what if")]

        try:
            found = parts.page(problem.world).beside(
                problem, asked, said, ask, self.tops[problem.name]
            )
        except RefusedRow:
            return []
        return [drawing.table_shown(table) for table in found]

    def _page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        tokens = bool(self.api.tokens.pairs)
        text = self.templates.get_template(template).render(tokens=tokens, **values)
        return Response(text, status, HEADERS, media_type="text/html")

    def _refused(self, _request: Request, error: Refusal) -> Response:
        if error.status == 401:
            return RedirectResponse("/sign-in", 303, HEADERS)
        words = HTTPStatus(error.status).phrase
        return self._page(
            "error.html", status=error.status, words=words, cause=error.cause, field=error.field
        )


def _other_value(problem: Problem, text: str) -> float | str:
    """Return what was used instead as the API has it. Refusal where it is no number."""
    if problem.task == "multiclass":
        return text
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise Refusal(422, "the other value is a number.", "value") from None


def _target(problem: Problem) -> str:
    """Say what is predicted, with its unit."""
    column = parts.page(problem.world).column(problem.target)
    words = column.words if column else problem.target.replace("_", " ")
    if problem.task == "regression":
        return f"{words}, in {problem.unit}"
    return words if problem.task == "multiclass" else f"the probability of {words}"


def _level(served: Served) -> float:
    promise = served.bundle.promise
    return promise.level if isinstance(promise, Interval) else 0.0


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
