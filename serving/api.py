"""What each address does. Paths name a problem, or a world where all its problems are told."""

import os
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from problems import parts
from problems.row_columns import RefusedRow
from problems.rows import RowReader, check_together
from retrace.base.arrays import Arrays
from retrace.base.errors import RetraceError
from retrace.base.tokens import Tokens, may
from serving.arms import Arms, Counted
from serving.clock import check_ahead
from serving.elsewhere import Answering, WithStandIn
from serving.lineup import Lineup
from serving.mirror import Mirror
from serving.model import Answer, Asked, Served
from serving.numbers import Numbers
from serving.replies import Refusal, body_of, headers_of, refusal, reply, rows_of
from serving.settings import ServingParams
from serving.together import Together
from serving.tokens import check_origin, given
from serving.wanted import CHAMPION
from store.database import Store, StoreAway, words_of
from store.fact import Fact, outcome_facts, row_facts
from store.facts import WorldEvents
from store.log import LogFull, LogWriter
from store.messages import say
from store.remembered import Remembered
from store.shown import moment
from store.tables import feedback, outcomes, predictions

Handler = Callable[[Request], Awaitable[Response]]
Refused = Callable[[Request, Refusal], Response]
ACTIONS = ("taken", "overruled")
MOST_EXPLAINED = 100


class Api:
    """The addresses of one process."""

    def __init__(
        self,
        lineup: Lineup,
        store: Store,
        log: LogWriter,
        tokens: Tokens,
        numbers: Numbers,
        params: ServingParams,
        remembered: Remembered | None = None,
    ) -> None:
        self.store, self.log = store, log
        self.tokens, self.numbers, self.params = tokens, numbers, params
        self.remembered = remembered
        self.mirror = Mirror(Path(lineup.plan.log), self._skipped)
        self.facts: dict[str, WorldEvents] = {}
        self.lineup, self.plan_problem = lineup, ""  # why a newer plan is not served
        self.take_events(lineup)
        self.use(lineup)

    def take_events(self, lineup: Lineup) -> None:
        """From now on, take events into the states of these models."""
        self.facts = lineup.events(self.store, self.params.late_days)

    def use(self, lineup: Lineup) -> None:
        """From now on, answer with these models. Who is being answered gets the earlier one's."""
        self.numbers.told_stopped(self.lineup.plan.stopped, lineup.plan.stopped)
        self.lineup, self.served = lineup, lineup.champions
        self.outcome_readers = {
            name: RowReader.of_outcomes(parts.world(one.problem.world), one.problem)
            for name, one in self.served.items()
        }
        self.row_readers = {name: RowReader.of_rows(parts.world(name)) for name in self.facts}
        self.arms = {name: self._arms(name) for name in self.served}
        self.mirror.use(lineup)
        self.numbers.in_use(lineup.used)

    def _arms(self, name: str) -> Arms:
        challengers: dict[str, Answering] = {
            arm: Together(one, self._recording(one), self._waits)
            if isinstance(one, Served)
            else one
            for arm, one in self.lineup.challengers(name).items()
        }
        one = self.served[name]
        champion: Answering = Together(one, self._recording(one), self._waits)
        elsewhere = self.lineup.champion_elsewhere(name)
        if elsewhere is not None:
            answered = partial(self._answered_elsewhere, name)
            failed = partial(self._failed, name, CHAMPION)
            champion = WithStandIn(elsewhere, champion, answered, failed)
        return Arms(
            champion,
            challengers,
            self.lineup.rollouts.get(name),
            Counted(partial(self._without_subject, name), partial(self._failed, name)),
            one.problem.group,
        )

    def _answered_elsewhere(self, name: str, answers: Sequence[Answer]) -> None:
        """Count answers of a champion elsewhere, and show them to challengers in shadow."""
        values = [one.said["prediction"] for one in answers]
        self.numbers.predicted(name, self.lineup.version(name), values)
        self.mirror.send(name, answers)

    def _without_subject(self, problem: str, n_rows: int) -> None:
        self.numbers.without_subject.labels(problem).inc(n_rows)

    def _failed(self, problem: str, arm: str, error: Exception) -> None:
        self.numbers.failed.labels(problem, arm).inc()
        said = f"{problem}: the model of '{arm}' failed: {type(error).__name__}: {error}"
        say(said, "serve", "warning")

    def _skipped(self, problem: str, n_rows: int) -> None:
        self.numbers.skipped.labels(problem).inc(n_rows)

    def guarded(
        self, action: str, needed: str, handler: Handler, refused: Refused = refusal
    ) -> Handler:
        """Return a handler that asks for a token and counts, and whose errors are replies."""

        async def handle(request: Request) -> Response:
            started = time.perf_counter()
            name = request.path_params.get("name", "")
            one = self.served.get(name)
            if one is None and name not in self.facts:
                name = ""
            try:
                self._check(request, needed)
                response = await handler(request)
            except Exception as error:  # whatever it was: an answer without a path or a stack
                response = refused(request, self._refusal(name, error))
            seconds = time.perf_counter() - started
            version = self.lineup.version(name) if one else ""
            self.numbers.done(action, name, version, response.status_code, seconds)
            return response

        return handle

    def _refusal(self, name: str, error: Exception) -> Refusal:
        """Return what is said of an error: its cause, never where in the code it was."""
        if isinstance(error, Refusal):
            return error
        if isinstance(error, RefusedRow):
            self.numbers.refused_row(name, self._column(error.column))
            field = f"[{error.row}].{error.column}".rstrip(".")
            return Refusal(422, error.reason, field)
        if isinstance(error, LogFull | StoreAway):
            if self.remembered is None and error.__cause__ is not None:
                say(f"store: {words_of(error.__cause__)}", "serve", "error")
            return Refusal(503, str(error))
        if isinstance(error, SQLAlchemyError):
            say(f"store: {words_of(error)}", "serve", "error")
            return Refusal(503, "the database does not answer; nothing was stored. Ask again.")
        if isinstance(error, RetraceError):
            return Refusal(409, str(error))
        number = uuid.uuid4().hex
        say(f"error {number}: {type(error).__name__}: {error}", "serve", "error")
        return Refusal(500, f"an error of the server; its log has it under {number}.")

    def _check(self, request: Request, needed: str) -> None:
        role = self.tokens.role(given(request))
        if role is None:
            raise Refusal(401, "a token is needed: `Authorization: Bearer TOKEN`.")
        if not may(role, needed):
            raise Refusal(403, f"this token is of the role '{role}'; '{needed}' is needed.")
        check_origin(self.tokens, request)

    def _waits(self) -> bool:
        """Whether a look-up waits for another machine."""
        return self.remembered is not None and not self.remembered.away

    def _check_store(self) -> None:
        """StoreAway, at once, where it is known that the database does not answer."""
        if self.remembered is not None and self.remembered.away:
            raise StoreAway("the database does not answer; nothing was stored. Ask again.")

    def _column(self, name: str) -> str:
        """Return a column's name as a label; a stranger must not make labels."""
        known = any(name in reader.by_name for reader in self.row_readers.values())
        known = known or any(name in one.by_name for one in self.outcome_readers.values())
        return name if known else "other"

    def problem(self, request: Request) -> Served:
        name = request.path_params["name"]
        if name not in self.served:
            raise Refusal(404, f"no problem '{name[:60]}'; served are {', '.join(self.served)}.")
        return self.served[name]

    async def predict(self, request: Request) -> Response:
        served = self.problem(request)
        body = await body_of(request, self.params.most_bytes)
        rows, single = rows_of(body, self.params.most_rows)
        explain = _is_asked(request, "explain")
        if explain and len(rows) > MOST_EXPLAINED:
            raise Refusal(413, f"{len(rows):,} rows; at most {MOST_EXPLAINED} are explained.")
        name = headers_of(request).get(b"x-request-id", b"").decode("latin-1")[:100]
        asked = Asked(rows, name or os.urandom(16).hex(), explain, self.lineup.plan.arm)
        answers = await self.answered(served, asked)
        said = [answer.said for answer in answers]
        return reply(said[0] if single else said)

    async def answered(self, served: Served, asked: Asked) -> list[Answer]:
        """Return answers that are on record, and counted."""
        return await self.arms[served.problem.name].answer(asked)

    def _recording(self, served: Served) -> Callable[[Sequence[Answer]], None]:
        """Return what puts answers on record, and counts them."""
        name, version = served.problem.name, served.version

        def record(answers: Sequence[Answer]) -> None:
            self.log.append(b"".join([answer.line for answer in answers]))
            self.numbers.predicted(name, version, [one.said["prediction"] for one in answers])
            if served.role == CHAMPION:
                self.mirror.send(name, answers)
            if "stale" in answers[0].said:
                self.numbers.stale.labels(name).inc(len(answers))

        return record

    async def events(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.facts:
            raise Refusal(404, f"no world '{name[:60]}'; there are {', '.join(self.facts)}.")
        rows, _ = rows_of(await body_of(request, self.params.most_bytes), self.params.most_rows)
        world = parts.world(name)
        arrays = self.row_readers[name].read(rows)
        check_ahead(arrays, [world.time], self.params.ahead_days)
        check_together(world, arrays)
        return await self._added(name, row_facts(world, rows, arrays), arrays)

    async def outcomes(self, request: Request) -> Response:
        served = self.problem(request)
        problem, world = served.problem, served.problem.world
        rows, _ = rows_of(await body_of(request, self.params.most_bytes), self.params.most_rows)
        arrays = self.outcome_readers[problem.name].read(rows)
        times = [name for name, values in arrays.items() if values.dtype.kind == "M"]
        check_ahead(arrays, times, self.params.ahead_days)
        check_together(parts.world(world), arrays)
        facts = outcome_facts(problem, served.predictor.part.history, rows, arrays)
        return await self._added(world, facts, arrays)

    async def _added(self, world: str, facts: list[Fact], told: Arrays) -> Response:
        self._check_store()
        added = await run_in_threadpool(self.facts[world].add, facts, told)
        said: dict[str, Any] = {"stored": added.stored, "repeated": added.repeated}
        said["held"] = len(added.held)
        if added.held:
            said["held_rows"] = [
                {"row": one.place, "id": one.id, "reason": one.suspicion.reason,
                 "score": round(one.suspicion.score, 2)}
                for one in added.held
            ]  # fmt: skip
        topic = facts[0].problem or world
        self.numbers.judged(topic, [one.suspicion.doubt for one in added.held], added.changed)
        if added.changed:
            said["changed"] = added.changed
        return reply(said)

    async def feedback(self, request: Request) -> Response:
        served = self.problem(request)
        body = await body_of(request, self.params.most_bytes)
        if not isinstance(body, dict) or set(body) - {"prediction_id", "action", "value"}:
            raise Refusal(422, "expected prediction_id, action and, of another value, value.")
        asked, action, value = (body.get(one) for one in ("prediction_id", "action", "value"))
        if not isinstance(asked, str) or not 0 < len(asked) <= 64:
            raise Refusal(422, "expected the id of an answer.", "prediction_id")
        if action not in ACTIONS:
            raise Refusal(422, f"expected one of {', '.join(ACTIONS)}.", "action")
        if (action == "overruled") != (value is not None):
            raise Refusal(422, "expected with 'overruled', and not with 'taken'.", "value")
        return reply({"id": await self.judge(served, asked, value)})

    async def judge(self, served: Served, asked: str, value: Any) -> str:
        """Store that an answer was taken, or which value was used instead; return the id of that.

        Refusal for a value that cannot be.
        """
        self._check_store()
        classes = served.bundle.encoding.classes
        number = type(value) in (int, float)
        if value is not None and classes and value not in classes:
            raise Refusal(422, f"expected one of {', '.join(classes)}.", "value")
        if value is not None and not classes and not (number and abs(value) < 1e300):
            raise Refusal(422, "expected a number below 1e300.", "value")
        row = {
            "id": uuid.uuid4().hex,
            "prediction": asked,
            "problem": served.problem.name,
            "action": "taken" if value is None else "overruled",
            "value": None if value is None or classes else float(value),
            "label": value if value is not None and classes else "",
            "received_at": time.time_ns() // 1000,
        }

        def store() -> None:
            with self.store.writing() as connection:
                connection.execute(self.store.insert(feedback).values(**row))

        await run_in_threadpool(store)
        return str(row["id"])

    async def models(self, _request: Request) -> Response:
        """The champions, each with the challengers that are tried beside it."""
        return reply(
            [
                {
                    "problem": name,
                    "version": self.lineup.version(name),
                    "since": moment(self.lineup.since[name, CHAMPION]),
                    "fingerprint": (self.lineup.champion_elsewhere(name) or one.bundle).fingerprint,
                    "task": one.problem.task,
                    "unit": one.problem.unit,
                    "world": one.problem.world,
                    "challengers": self.lineup.told(name),
                    "card": (self.lineup.champion_elsewhere(name) or one.bundle).card,
                }
                for name, one in self.served.items()
            ]
        )

    async def prediction(self, request: Request) -> Response:
        asked = request.path_params["id"]
        found = await run_in_threadpool(self.recorded, asked)
        if found is None:
            raise Refusal(404, "no such prediction; one of the last second may not be here yet.")
        return reply(found)

    def recorded(self, asked: str) -> dict[str, Any] | None:
        """Return everything about one answer; None where the store has none of this id."""
        with self.store.reading() as connection:
            row = connection.execute(select(predictions).where(predictions.c.id == asked)).first()
            if row is None:
                return None
            here = (outcomes.c.problem == row.problem) & (outcomes.c.name == row.name)
            known = connection.execute(
                select(outcomes).where(here).order_by(outcomes.c.received_at)
            ).all()
            said = connection.execute(select(feedback).where(feedback.c.prediction == asked)).all()
        found = dict(row._mapping)
        values = np.frombuffer(found.pop("model_columns"), np.float32).tolist()
        served = self.served.get(row.problem)
        same = served is not None and served.bundle.fingerprint == row.fingerprint
        names = served.bundle.encoding.columns if served and same else None
        found["columns"] = dict(zip(names, values, strict=True)) if names else values
        for name in ("row", "answer"):
            found[name] = msgspec.json.decode(found[name])
        for name in ("as_of", "predicted_at"):
            found[name] = moment(found[name])
        found["outcomes"] = [
            {
                "value": one.label or one.value,
                "known_at": moment(one.known_at),
                "received_at": moment(one.received_at),
            }
            for one in known
        ]
        found["feedback"] = [
            {"action": one.action, "value": one.label or one.value} for one in said
        ]
        return found


def _is_asked(request: Request, name: str) -> bool:
    """Whether the address of a request asks for something by a name."""
    if not request.scope["query_string"]:
        return False
    return request.query_params.get(name, "") in ("true", "1")
