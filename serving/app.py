"""The application of one process: models, store, log and addresses."""

import asyncio
import contextlib
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from retrace.base.tokens import Tokens
from serving.api import Api, Handler
from serving.described import describe
from serving.exchange import Exchange
from serving.lineup import Lineup, lineup_of
from serving.numbers import Numbers
from serving.pages import Pages
from serving.plan import ServingPlan, exported
from serving.replies import Refusal, refusal
from serving.settings import serving_params
from serving.status import Status
from store.database import Store
from store.log import LogWriter
from store.remembered import Remembered

THREADS = 8  # that wait for the database, each with a connection of its own


class Front:
    """The application; POST /v1/{name}/predict does not pass through the layers of FastAPI, which
    would take as long as the model."""

    def __init__(self, app: FastAPI, predict: Handler) -> None:
        self.app, self._predict = app, predict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        words = scope["path"].split("/")
        if len(words) != 4 or words[1] != "v1" or words[3] != "predict":
            await self.app(scope, receive, send)
            return
        scope["path_params"] = {"name": words[2]}
        response = await self._predict(Request(scope, receive))
        await response(scope, receive, send)


def create() -> Front:
    """Make the application from the plan in the environment."""
    return app_of(exported())


def app_of(plan: ServingPlan) -> Front:
    """Load the models, bring the store up to date, and open the log.

    A PostgreSQL that does not answer is waited for while the rest is served. Raises RetraceError
    for a model that is missing, and for a SQLite that cannot be opened.
    """
    params, tokens, folder = serving_params(), Tokens.of(), Path(plan.log)
    store = Store(plan.store)
    lineup = lineup_of(plan, store, params)
    remembered = begin(store, lineup, params.remembered_mb)
    settle()
    log, numbers = LogWriter(folder), Numbers(several=plan.workers > 1)
    api = Api(lineup, store, log, tokens, numbers, params, remembered)
    exchange = Exchange(api)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        watching = asyncio.create_task(exchange.watch())
        yield
        watching.cancel()
        log.close()

    app = FastAPI(
        title="Retrace",
        openapi_url=None,
        docs_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={HTTPException: elsewhere},
    )
    app.state.api = api
    status, document = Status(api, folder), describe(api.served, tokens=bool(tokens.pairs))
    add_routes(app, api, status, document)
    Pages(api, document, status.problem_of_store).add_to(app)
    return Front(app, api.guarded("predict", "predict", api.predict))


def add_routes(app: FastAPI, api: Api, status: Status, document: dict[str, Any]) -> None:
    """Add the addresses that programs use; which role each needs stands beside it."""

    async def openapi(_request: Request) -> Response:
        return JSONResponse(document)

    guarded: tuple[tuple[str, str, str, str, Handler], ...] = (
        ("/v1/{name}/predict", "predict", "predict", "POST", api.predict),
        ("/v1/{name}/events", "events", "write", "POST", api.events),
        ("/v1/{name}/outcomes", "outcomes", "write", "POST", api.outcomes),
        ("/v1/{name}/feedback", "feedback", "predict", "POST", api.feedback),
        ("/v1/models", "models", "predict", "GET", api.models),
        ("/v1/predictions/{id}", "prediction", "predict", "GET", api.prediction),
        ("/health", "health", "predict", "GET", status.health),
        ("/metrics", "metrics", "predict", "GET", status.metrics),
        ("/openapi.json", "openapi", "predict", "GET", openapi),
    )
    app.add_route("/health/live", status.live)  # these two are open to all
    app.add_route("/health/ready", status.ready)
    for path, action, needed, method, handler in guarded:
        app.add_route(path, api.guarded(action, needed, handler), methods=[method])


async def elsewhere(request: Request, error: HTTPException) -> Response:
    """Say that there is no such address, or not for this method, as other errors are said."""
    cause = "no such address; /openapi.json has those that there are."
    if error.status_code == 405:
        methods = (error.headers or {}).get("Allow", "")
        cause = f"{request.method[:20]} is not for this address; {methods} is."
    response = refusal(request, Refusal(error.status_code, cause))
    response.headers.update(error.headers or {})
    return response


def begin(store: Store, lineup: Lineup, most_mb: int) -> Remembered | None:
    """Bring the store up to date and begin the states of what is served, now or, where it is away,
    as soon as it answers. Return what remembers them; None where the database is a file here."""

    def begin_all() -> None:
        store.upgrade()
        lineup.begin()

    if store.is_sqlite:
        begin_all()
        return None
    remembered = Remembered(store, most_mb * 1_000_000)
    for known in lineup.states:
        known.remembered = remembered
    remembered.follow([known.basis for known in lineup.states])
    remembered.watch(begin_all)
    return remembered


def settle() -> None:
    """Take what is loaded out of garbage collection, whose pauses are then short, and give back
    what only loading needed."""
    gc.enable()
    gc.freeze()  # to look for garbage first would take a tenth of the start, and find nearly none
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # of glibc
        ctypes.CDLL(None).malloc_trim(0)
