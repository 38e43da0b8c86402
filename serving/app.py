"""The application of one process: models, store, log and addresses."""

import contextlib
import ctypes
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from problems import parts
from retrace.base.errors import RetraceError
from serving.api import Api, Handler
from serving.described import describe
from serving.model import Served
from serving.numbers import Numbers
from serving.pages import Pages
from serving.replies import Refusal, refusal, reply
from serving.settings import serving_params
from serving.tokens import Tokens
from store.database import AWAY, Store, answering, words_of
from store.facts import WorldEvents
from store.loader import Loader, unloaded_bytes
from store.log import LogWriter
from store.remembered import Remembered

THREADS = 8  # that wait for the database, each with a connection of its own
PLAN = "RETRACE_SERVING"  # in the environment: what each worker is to serve


class PlannedModel(msgspec.Struct, frozen=True):
    """A problem's version, and the folder that has its files where `dvc repro` puts them."""

    problem: str
    top: str = "."
    version: str = "working-tree"


class ServingPlan(msgspec.Struct, frozen=True):
    """What is served, and where it is stored."""

    models: tuple[PlannedModel, ...]
    store: str
    log: str
    workers: int = 1

    def write(self) -> None:
        """Put it where the workers find it."""
        os.environ[PLAN] = msgspec.json.encode(self).decode()


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
    return app_of(msgspec.json.decode(os.environ[PLAN], type=ServingPlan))


def app_of(plan: ServingPlan) -> Front:
    """Load the models, bring the store up to date, and open the log.

    Raises RetraceError for a model that is missing, and for a store that does not answer.
    """
    params, tokens, folder = serving_params(), Tokens.of(), Path(plan.log)
    store = Store(plan.store)
    store.upgrade()
    loader = Loader(store, folder)
    with answering(store):
        served = {
            model.problem: Served.load(
                parts.find_problem(model.problem),
                store,
                loader,
                top=Path(model.top),
                version=model.version,
                params=params,
            )
            for model in plan.models
        }
    remembered = remember(store, served, params.remembered_mb)
    worlds = dict.fromkeys(one.problem.world for one in served.values())
    facts = {
        world: WorldEvents(
            store,
            [one.known for one in served.values() if one.known and one.problem.world == world],
            params.late_days,
        )
        for world in worlds
    }
    settle()
    log, numbers = LogWriter(folder), Numbers(several=plan.workers > 1)
    api = Api(served, facts, store, log, tokens, numbers, params, remembered)
    document = describe(served, tokens=bool(tokens.pairs))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield
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

    async def live(_request: Request) -> Response:
        return reply({"status": "live"})

    async def openapi(_request: Request) -> Response:
        return JSONResponse(document)

    async def metrics(_request: Request) -> Response:
        content, media_type = await run_in_threadpool(numbers.text, store, folder)
        return Response(content, media_type=media_type)

    def problem_of_store() -> str:
        return _problem_of(store) if remembered is None else remembered.problem

    async def ready(_request: Request) -> Response:
        problem = "" if remembered and remembered.is_whole else problem_of_store()
        return reply({"status": problem or "ready"}, 503 if problem else 200)

    async def health(_request: Request) -> Response:
        problem = problem_of_store()
        waiting = None if problem else await run_in_threadpool(unloaded_bytes, store, folder)
        said: dict[str, Any] = {
            "status": problem or "ready",
            "models": {name: one.version for name, one in served.items()},
            "store": {"at": store.engine.dialect.name, "problem": problem},
            "log": {"not_loaded_bytes": waiting},
        }
        return reply(said, 503 if problem else 200)

    open_to_all: tuple[tuple[str, Handler], ...] = (
        ("/health/live", live),
        ("/health/ready", ready),
    )
    guarded: tuple[tuple[str, str, str, str, Handler], ...] = (
        ("/v1/{name}/predict", "predict", "predict", "POST", api.predict),
        ("/v1/{name}/events", "events", "write", "POST", api.events),
        ("/v1/{name}/outcomes", "outcomes", "write", "POST", api.outcomes),
        ("/v1/{name}/feedback", "feedback", "predict", "POST", api.feedback),
        ("/v1/models", "models", "predict", "GET", api.models),
        ("/v1/predictions/{id}", "prediction", "predict", "GET", api.prediction),
        ("/health", "health", "predict", "GET", health),
        ("/metrics", "metrics", "predict", "GET", metrics),
        ("/openapi.json", "openapi", "predict", "GET", openapi),
    )
    for path, handler in open_to_all:
        app.add_route(path, handler)
    for path, action, needed, method, handler in guarded:
        app.add_route(path, api.guarded(action, needed, handler), methods=[method])
    tops = {model.problem: Path(model.top) for model in plan.models}
    Pages(api, tops, document, problem_of_store).add_to(app)
    return Front(app, api.guarded("predict", "predict", api.predict))


async def elsewhere(request: Request, error: HTTPException) -> Response:
    """Say that there is no such address, or not for this method, as other errors are said."""
    cause = "no such address; /openapi.json has those that there are."
    if error.status_code == 405:
        methods = (error.headers or {}).get("Allow", "")
        cause = f"{request.method[:20]} is not for this address; {methods} is."
    response = refusal(request, Refusal(error.status_code, cause))
    response.headers.update(error.headers or {})
    return response


def remember(store: Store, served: dict[str, Served], most_mb: int) -> Remembered | None:
    """Begin to remember the states of what is served; None where the database is a file here."""
    if store.is_sqlite:
        return None
    states = [one.known for one in served.values() if one.known is not None]
    remembered = Remembered(store, most_mb * 1_000_000)
    for known in states:
        known.remembered = remembered
    remembered.watch([known.basis for known in states])
    return remembered


def settle() -> None:
    """Take what is loaded out of garbage collection, whose pauses are then short, and give back
    what only loading needed."""
    gc.collect()
    gc.freeze()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # of glibc
        ctypes.CDLL(None).malloc_trim(0)


def _problem_of(store: Store) -> str:
    """Return why the store cannot be used; empty where it can."""
    try:
        store.parts("", [""])
    except RetraceError as error:
        return str(error)
    except AWAY as error:
        return words_of(error)
    return ""
