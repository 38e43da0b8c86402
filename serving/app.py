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
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from problems import parts
from serving.api import Api, Handler
from serving.described import describe
from serving.model import Served
from serving.numbers import Numbers
from serving.pages import Pages
from serving.replies import Refusal, refusal
from serving.settings import ServingParams, serving_params
from serving.status import Status
from serving.tokens import Tokens
from store.database import Store, answering
from store.facts import WorldEvents
from store.known import StoredState
from store.loader import Loader
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
    served = load(plan, store, params)
    remembered = remember(store, served, params.remembered_mb)
    facts = events_of(store, served, params)
    settle()
    log, numbers = LogWriter(folder), Numbers(several=plan.workers > 1)
    api = Api(served, facts, store, log, tokens, numbers, params, remembered)

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
    status, document = Status(api, folder), describe(served, tokens=bool(tokens.pairs))
    add_routes(app, api, status, document)
    tops = {model.problem: Path(model.top) for model in plan.models}
    Pages(api, tops, document, status.problem_of_store).add_to(app)
    return Front(app, api.guarded("predict", "predict", api.predict))


def load(plan: ServingPlan, store: Store, params: ServingParams) -> dict[str, Served]:
    """Load the models, and begin their states in the store."""
    loader = Loader(store, Path(plan.log))
    with answering(store):
        return {
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


def events_of(
    store: Store, served: dict[str, Served], params: ServingParams
) -> dict[str, WorldEvents]:
    """Return, by world, what takes its events into the states of the models that are served."""
    states: dict[str, list[StoredState]] = {}
    for one in served.values():
        of_world = states.setdefault(one.problem.world, [])
        of_world += [one.known] if one.known else []
    return {
        world: WorldEvents(store, of_world, params.late_days) for world, of_world in states.items()
    }


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
