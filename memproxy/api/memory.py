"""The memory API: JSON under `/memory/v1`, with the credential of the data plane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from memproxy.api.bodies import read_body
from memproxy.api.models import (
    HitOut,
    JobOut,
    JobsOut,
    MessageIn,
    MessagesIn,
    MessagesOut,
    RecallIn,
    RecallOut,
    SourceOut,
)
from memproxy.auth import Caller, Gate
from memproxy.capture import Capture
from memproxy.domain import Hit, Job, JobState, Message, Scope, Turn
from memproxy.errors import BadRequest
from memproxy.identity import SPEAKERS, valid_id
from memproxy.ids import new_id
from memproxy.ports import JobBoard
from memproxy.recall.engine import Query, Recall

# One turn of an import; a larger one would keep the commits of running chats waiting.
IMPORT_TURN = 500
JOB_STATES = {
    "pending": (JobState.PENDING, JobState.RUNNING),
    "running": (JobState.RUNNING,),
    "done": (JobState.DONE,),
    "dead": (JobState.DEAD,),
}


M = TypeVar("M", bound=BaseModel)


class MemoryApi:
    """The handlers; each answers one call of the API."""

    def __init__(
        self,
        *,
        gate: Gate,
        capture: Capture,
        recall: Recall,
        board: JobBoard,
        process_only: bool,
        max_body: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._gate = gate
        self._capture = capture
        self._recall = recall
        self._board = board
        self._process_only = process_only
        self._max_body = max_body
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/memory/v1/entities/{entity}/messages", self.messages),
            web.post("/memory/v1/entities/{entity}/recall", self.recall),
            web.get("/memory/v1/jobs", self.jobs),
            web.post("/memory/v1/jobs/{id}/retry", self.retry),
        ]

    async def messages(self, request: web.Request) -> web.Response:
        """Store messages as they are told, in turns of bounded size, and queue their extraction."""
        caller, scope = await self._scope(request)
        body = await self._body(request, MessagesIn)
        scope = Scope(scope.tenant, scope.entity, caller.process(body.process))
        session, now = body.session or new_id(), self._clock()
        said = [_message(message, now) for message in body.messages if message.role in SPEAKERS]
        job = Job(new_id(), "extract", scope, session, now, now)
        accepted = 0
        for start in range(0, len(said), IMPORT_TURN):
            part = tuple(said[start : start + IMPORT_TURN])
            # The job comes with the first part: what a crash leaves behind is extracted all the same.
            turn = Turn(scope, session, new_id(), now, messages=part, jobs=(job,) if start == 0 else ())
            accepted += (await self._capture.submit(turn)).added
        return _json(MessagesOut(session=session, accepted=accepted, job=job.id if said else None), status=202)

    async def recall(self, request: web.Request) -> web.Response:
        caller, scope = await self._scope(request)
        body = await self._body(request, RecallIn)
        key = caller.key
        narrow = self._process_only or body.process is not None or bool(key and key.recall_scope == "process")
        recalled = await self._recall.recall(
            Query(
                scope=Scope(scope.tenant, scope.entity, caller.process(body.process)),
                text=body.query,
                version=None,
                budget=body.token_budget,
                limit=body.limit,
                process_only=narrow,
                kinds=frozenset(body.kinds) if body.kinds is not None else None,
                at=body.at,
                # What a chat would get; no chat asks for kinds, and who does wants to see the best of them.
                floor=body.kinds is None,
            )
        )
        block = recalled.block
        return _json(RecallOut(hits=[_hit(hit) for hit in block.hits], block=block.text, tokens=block.tokens))

    async def jobs(self, request: web.Request) -> web.Response:
        caller = await self._gate.admit(request.headers)
        entity = request.query.get("entity")
        page = await self._board.jobs(
            caller.tenant,
            entity=caller.entity(valid_id(entity, source="entity") if entity else None),
            states=_states(request.query.get("state")),
            cursor=request.query.get("cursor"),
            limit=_limit(request.query.get("limit")),
        )
        return _json(JobsOut(items=[_job(job) for job in page.items], next_cursor=page.next_cursor, total=page.total))

    async def retry(self, request: web.Request) -> web.Response:
        caller = await self._gate.admit(request.headers)
        return _json(_job(await self._board.retry(caller.tenant, request.match_info["id"], now=self._clock())))

    async def _scope(self, request: web.Request) -> tuple[Caller, Scope]:
        """Who calls, and whose memory: a key that pins an entity refuses another."""
        caller = await self._gate.admit(request.headers)
        named = valid_id(request.match_info["entity"], source="entity")
        entity = caller.entity(named)
        assert entity is not None
        return caller, Scope(caller.tenant, entity)

    async def _body(self, request: web.Request, model: type[M]) -> M:
        body = await read_body(request, limit=self._max_body, remedy="send it in parts")
        try:
            return model.model_validate_json(body)
        except ValidationError as exc:
            error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in error["loc"]) or "body"
            raise BadRequest(f"{field}: {error['msg']}", param=field) from exc


def _message(message: MessageIn, now: datetime) -> Message:
    # The API stores what it is told: two equal messages are two, unless their ids say otherwise.
    own = new_id()
    return Message(
        id=own,
        role=message.role,
        text=message.text,
        key=blake2b((message.id or own).encode(), digest_size=16, person=b"api-message").digest(),
        created_at=message.created_at or now,
        name=message.name,
        external_id=message.id,
    )


def _hit(hit: Hit) -> HitOut:
    fact = hit.fact
    return HitOut(
        fact_id=fact.id,
        kind=fact.kind,
        text=fact.text,
        score=round(hit.score, 6),
        why=dict(hit.why),
        created_at=fact.first_seen,
        sources=[SourceOut(message_id=s.public_id or s.message_id, session_id=s.session_id) for s in fact.sources],
    )


def _job(job: Job) -> JobOut:
    return JobOut(
        id=job.id,
        kind=job.kind,
        entity=job.scope.entity,
        session=job.session,
        state=job.state.value,
        attempts=job.attempts,
        error=job.error,
        created_at=job.created_at,
        run_at=job.run_at,
        finished_at=job.finished_at,
    )


def _states(name: str | None) -> tuple[JobState, ...]:
    if name is None:
        return ()
    if name not in JOB_STATES:
        raise BadRequest(f"state must be one of {', '.join(JOB_STATES)}", param="state")
    return JOB_STATES[name]


def _limit(text: str | None) -> int:
    if text is None:
        return 50
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise BadRequest("limit must be a number from 1 to 1000", param="limit")
    return int(text)


def _json(model: BaseModel, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=model.model_dump_json().encode(), content_type="application/json")
