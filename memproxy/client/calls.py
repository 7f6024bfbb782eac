"""Each call of the memory API, described once: what is sent where, and the model of its reply. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from inspect import Parameter, Signature, signature
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from memproxy.api.memory.fields import Kind, Stated
from memproxy.api.memory.inputs import FactIn, FactPatch, MessageIn, MessagesIn, RecallIn
from memproxy.api.memory.outputs import (
    EntitiesOut,
    EntityOut,
    FactOut,
    FactsOut,
    HistoryOut,
    ImportOut,
    JobOut,
    JobsOut,
    ListOut,
    MessagesOut,
    ProfileOut,
    RecallOut,
    ReceiptOut,
    SessionMessagesOut,
    SessionsOut,
)
from memproxy.client.errors import BadRequestError

R_co = TypeVar("R_co", bound=BaseModel | None, covariant=True)
M = TypeVar("M", bound=BaseModel)
State = Literal["current", "superseded", "all"]
JobState = Literal["pending", "running", "done", "dead"]

PAGE_SIZE = 100
JSON = "application/json"
NDJSON = "application/x-ndjson"


class _Kept(Enum):
    KEPT = "kept"


KEPT: Final = _Kept.KEPT
"""Leaves a time as it is, where None takes it away."""


@dataclass(frozen=True, slots=True)
class Call(Generic[R_co]):
    """One request, and how to read its reply."""

    method: str
    path: str
    """Below `/memory/v1`."""
    reply: type[R_co]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    type: str = JSON
    """Of the body, where there is one."""
    slow: bool = False
    """Takes the longer as more is stored; the usual deadline does not hold."""


def name(method: Callable[..., Any], describe: Callable[..., Any]) -> None:
    """Make `help(client.recall)` say what the function of this page says whose call `method` sends."""
    method.__name__, method.__doc__ = describe.__name__, describe.__doc__
    method.__qualname__ = describe.__qualname__
    known = signature(describe)
    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    reply = known.return_annotation.removeprefix("Call[").removesuffix("]")
    vars(method)["__signature__"] = Signature([own, *known.parameters.values()], return_annotation=reply)


def tell(
    entity: str,
    messages: Iterable[MessageIn | Mapping[str, Any]],
    *,
    session: str | None = None,
    process: str | None = None,
) -> Call[MessagesOut]:
    """Store messages as they were said, `{"role", "content", "id"?, "name"?, "created_at"?}` each. One whose id the
    session has seen is not stored twice."""
    told = [one if isinstance(one, MessageIn) else _model(MessageIn, dict(one)) for one in messages]
    body = _body(MessagesIn, messages=told, **_given(session=session, process=process))
    return Call("POST", f"{_entity(entity)}/messages", MessagesOut, body=body, slow=True)


def recall(
    entity: str,
    query: str,
    *,
    limit: int = 20,
    token_budget: int = 512,
    kinds: Iterable[Kind] | None = None,
    process: str | None = None,
    at: datetime | None = None,
) -> Call[RecallOut]:
    """What a chat would get for this question, and why."""
    narrowed = _given(kinds=None if kinds is None else list(kinds), process=process, at=at)
    body = _body(RecallIn, query=query, limit=limit, token_budget=token_budget, **narrowed)
    return Call("POST", f"{_entity(entity)}/recall", RecallOut, body=body)


def receipt(request_id: str) -> Call[ReceiptOut]:
    """What was put into that request, and why."""
    return Call("GET", f"/receipts/{_part(request_id)}", ReceiptOut)


def facts(
    entity: str,
    *,
    kind: Kind | None = None,
    q: str | None = None,
    state: State = "current",
    page_size: int = PAGE_SIZE,
) -> Call[FactsOut]:
    """What is remembered, newest first; `q` asks for facts whose text contains it."""
    return _list(f"{_entity(entity)}/facts", FactsOut, page_size, kind=kind, q=q, state=state)


def add_fact(
    entity: str,
    text: str,
    *,
    kind: Stated = "knowledge",
    attribute: str | None = None,
    value: str | None = None,
    pinned: bool = False,
    valid_from: datetime | None = None,
    expires_at: datetime | None = None,
    process: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Call[FactOut]:
    """Add a fact in the person's own words."""
    more = _given(attribute=attribute, value=value, valid_from=valid_from, expires_at=expires_at, process=process)
    body = _body(FactIn, text=text, kind=kind, pinned=pinned, metadata=dict(metadata or {}), **more)
    return Call("POST", f"{_entity(entity)}/facts", FactOut, body=body)


def fact(entity: str, fact_id: str) -> Call[FactOut]:
    """One fact, with where it was said."""
    return Call("GET", _fact(entity, fact_id), FactOut)


def change_fact(
    entity: str,
    fact_id: str,
    *,
    text: str | None = None,
    kind: Stated | None = None,
    pinned: bool | None = None,
    valid_from: datetime | _Kept | None = KEPT,
    expires_at: datetime | _Kept | None = KEPT,
    metadata: Mapping[str, str] | None = None,
) -> Call[FactOut]:
    """Correct, pin or date a fact; what is left out stays. What it said before stays in its history."""
    times = {"valid_from": valid_from, "expires_at": expires_at}
    changed = _given(text=text, kind=kind, pinned=pinned, metadata=None if metadata is None else dict(metadata))
    changed |= {name: time for name, time in times.items() if time is not KEPT}
    return Call("PATCH", _fact(entity, fact_id), FactOut, body=_body(FactPatch, **changed))


def forget_fact(entity: str, fact_id: str) -> Call[None]:
    """Forget a fact for good: its words go, and are not learned again from what was said."""
    return Call("DELETE", _fact(entity, fact_id), type(None))


def history(entity: str, fact_id: str, *, page_size: int = PAGE_SIZE) -> Call[HistoryOut]:
    """Every change of a fact with its reason, oldest first."""
    return _list(f"{_fact(entity, fact_id)}/history", HistoryOut, page_size)


def entities(*, page_size: int = PAGE_SIZE) -> Call[EntitiesOut]:
    """Everybody who is remembered, newest first."""
    return _list("/entities", EntitiesOut, page_size)


def entity(entity: str) -> Call[ProfileOut]:
    """How much is stored of somebody, and their profile."""
    return Call("GET", _entity(entity), ProfileOut)


def erase(entity: str) -> Call[EntityOut]:
    """Erase everything stored of somebody; gives what there was."""
    return Call("DELETE", _entity(entity), EntityOut, slow=True)


def sessions(entity: str, *, page_size: int = PAGE_SIZE) -> Call[SessionsOut]:
    """The conversations that were captured, newest first."""
    return _list(f"{_entity(entity)}/sessions", SessionsOut, page_size)


def messages(entity: str, session: str, *, page_size: int = PAGE_SIZE) -> Call[SessionMessagesOut]:
    """The messages of a conversation, oldest first."""
    return _list(f"{_entity(entity)}/sessions/{_part(session)}/messages", SessionMessagesOut, page_size)


def jobs(*, entity: str | None = None, state: JobState | None = None, page_size: int = PAGE_SIZE) -> Call[JobsOut]:
    """Background jobs, newest first."""
    return _list("/jobs", JobsOut, page_size, entity=entity, state=state)


def retry(job_id: str) -> Call[JobOut]:
    """Queue a dead job again."""
    return Call("POST", f"/jobs/{_part(job_id)}/retry", JobOut)


def export(entity: str) -> Call[None]:
    """Everything stored of somebody, as NDJSON; its reply is streamed."""
    return Call("GET", f"{_entity(entity)}/export", type(None), slow=True)


def import_(entity: str) -> Call[ImportOut]:
    """Take in what `export` gave; its body is streamed."""
    return Call("POST", f"{_entity(entity)}/import", ImportOut, type=NDJSON, slow=True)


L = TypeVar("L", bound=ListOut[Any])


def _list(path: str, reply: type[L], page_size: int, **query: str | None) -> Call[L]:
    return Call("GET", path, reply, query={"limit": str(page_size), **_given(**query)})


def _part(name: str) -> str:
    return quote(name, safe="")


def _entity(entity: str) -> str:
    return f"/entities/{_part(entity)}"


def _fact(entity: str, fact_id: str) -> str:
    return f"{_entity(entity)}/facts/{_part(fact_id)}"


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _body(model: type[BaseModel], **fields: Any) -> bytes:
    made = _model(model, fields)
    try:
        return made.model_dump_json(exclude_unset=True).encode()
    except PydanticSerializationError:
        # Half of a surrogate pair has no bytes; escaped, the service can say what becomes of it.
        return json.dumps(made.model_dump(mode="json", exclude_unset=True)).encode()


def _model(model: type[M], fields: dict[str, Any]) -> M:
    """Checked here as the service would, so that a mistake has one error wherever it is found."""
    try:
        return model.model_validate(fields, strict=False)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        param = ".".join(str(place) for place in error["loc"]) or "body"
        message = error["msg"].removeprefix("Value error, ")
        raise BadRequestError(f"{param}: {message}", status=400, code="invalid_request", param=param) from None
