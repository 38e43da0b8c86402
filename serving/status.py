"""Whether the server is well: what load balancers, people and Prometheus ask."""

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from retrace.base.errors import RetraceError
from serving.api import Api
from serving.replies import reply
from store.database import AWAY, Store, words_of
from store.loader import unloaded_bytes


class Status:
    """The state of one process, its database and its log."""

    def __init__(self, api: Api, log_folder: Path) -> None:
        self.api, self.log_folder = api, log_folder

    def problem_of_store(self) -> str:
        """Return why the store cannot be used; empty where it can."""
        remembered = self.api.remembered
        return _asked(self.api.store) if remembered is None else remembered.problem

    async def live(self, _request: Request) -> Response:
        return reply({"status": "live"})

    async def ready(self, _request: Request) -> Response:
        remembered = self.api.remembered
        problem = "" if remembered and remembered.is_whole else self.problem_of_store()
        return reply({"status": problem or "ready"}, 503 if problem else 200)

    async def health(self, _request: Request) -> Response:
        problem, store, waiting = self.problem_of_store(), self.api.store, None
        if not problem:
            waiting = await run_in_threadpool(unloaded_bytes, store, self.log_folder)
        said = {
            "status": problem or "ready",
            "models": {name: self.api.lineup.version(name) for name in self.api.served},
            "plan": {
                "problem": self.api.plan_problem,
                "stopped": self.api.lineup.plan.stopped,
                "waits": self.api.lineup.plan.waits,
            },
            "store": {"at": store.engine.dialect.name, "problem": problem},
            "log": {"not_loaded_bytes": waiting},
        }
        return reply(said, 503 if problem else 200)

    async def metrics(self, _request: Request) -> Response:
        text = self.api.numbers.text
        content, media_type = await run_in_threadpool(text, self.api.store, self.log_folder)
        return Response(content, media_type=media_type)


def _asked(store: Store) -> str:
    try:
        store.parts("", [""])
    except RetraceError as error:
        return str(error)
    except AWAY as error:
        return words_of(error)
    return ""
