"""What the memory API answers. These models make the JSON, and describe it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

import msgspec
from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, model_validator

from memproxy.api.memory.fields import Shown, sealed
from memproxy.augment.statements import WORDS
from memproxy.domain import Page, Source

T = TypeVar("T", bound=Shown)
D = TypeVar("D")

Score = Annotated[float, AfterValidator(lambda score: round(score, 6))]


def _decoded(extra: object) -> object:
    """An archive may have brought anything; what is no object says nothing."""
    if not isinstance(extra, bytes):
        return extra
    try:
        decoded = msgspec.json.decode(extra)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return decoded if isinstance(decoded, dict) else None


class ListOut(Shown, Generic[T]):
    items: list[T]
    next_cursor: str | None
    """For the next page; null at the end. Rows added meanwhile neither repeat nor hide any."""
    total: int
    """Of the whole list."""

    @classmethod
    def page(cls, page: Page[D], shown: Callable[[D], T]) -> Self:
        return cls(items=list(map(shown, page.items)), next_cursor=sealed(page.next_cursor), total=page.total)


class SourceOut(Shown):
    """Where it was said."""

    message_id: str
    session_id: str

    @model_validator(mode="before")
    @classmethod
    def _public(cls, source: object) -> object:
        if not isinstance(source, Source):
            return source
        return {"message_id": source.public_id or source.message_id, "session_id": source.session_id}


class MessagesOut(Shown):
    session: str
    accepted: int
    """How many the session did not hold before."""
    job: str | None
    """The background job that reads them; null where there was nothing to read."""


class HitOut(Shown):
    fact_id: str = Field(validation_alias=AliasPath("fact", "id"))
    kind: str = Field(validation_alias=AliasPath("fact", "kind"))
    text: str = Field(validation_alias=AliasPath("fact", "text"))
    score: Score
    why: dict[str, float]
    """What each signal gave it."""
    created_at: datetime = Field(validation_alias=AliasPath("fact", "first_seen"))
    sources: list[SourceOut] = Field(validation_alias=AliasPath("fact", "sources"))


class RecallOut(Shown):
    hits: list[HitOut]
    """Those the block shows, best first."""
    block: str = Field(validation_alias="text")
    """The text that a chat would get."""
    tokens: int


class FactOut(Shown):
    id: str
    kind: str
    text: str
    state: Literal["current", "superseded"]
    attribute: str | None
    value: str | None
    speaker: str | None
    role: str
    process: str | None
    mentions: int
    first_seen: datetime
    last_seen: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    superseded_by: str | None
    """Id of the fact that took its place."""
    confidence: float
    expires_at: datetime | None
    pinned: bool
    authored: bool
    """Written by the person: nothing read in older messages outranks it."""
    sources: list[SourceOut]
    metadata: dict[str, str]
    created_at: datetime = Field(validation_alias="first_seen")
    """The same as `first_seen`, under the name that hits have for it."""

    @model_validator(mode="after")
    def _without_marks(self) -> Self:
        """A row that keeps words which were corrected is found by a mark that says nothing to anybody."""
        if self.attribute == WORDS:
            self.attribute = self.value = None
        return self


class FactsOut(ListOut[FactOut]):
    pass


class EventOut(Shown):
    action: str
    """`created`, `mentioned`, `superseded`, `corrected`, `pinned`, `unpinned`, `imported`."""
    reason: str
    before: str | None
    after: str | None
    at: datetime


class HistoryOut(ListOut[EventOut]):
    pass


class EntityOut(Shown):
    id: str
    created_at: datetime
    last_at: datetime | None
    """Of the last message; null where there is none."""
    sessions: int
    messages: int
    facts: dict[str, int]
    """Current facts by kind."""


class EntitiesOut(ListOut[EntityOut]):
    pass


class ProfileOut(EntityOut):
    """An entity with what is known of who it is."""

    profile: list[FactOut]
    """Current facts of the kind `profile`, newest first."""


class SessionOut(Shown):
    id: str
    process: str | None
    messages: int
    created_at: datetime
    last_at: datetime


class SessionsOut(ListOut[SessionOut]):
    pass


class MessageOut(Shown):
    id: str = Field(validation_alias="public_id")
    """The caller's own where it gave one."""
    role: str
    name: str | None
    content: str = Field(validation_alias="text")
    created_at: datetime
    complete: bool
    """False for a reply that broke off."""
    extra: Annotated[dict[str, Any] | None, BeforeValidator(_decoded)]
    """What a replay needs beside the text: `tool_calls`, `tool_call_id`, `refusal`."""


class SessionMessagesOut(ListOut[MessageOut]):
    pass


class JobOut(Shown):
    id: str
    kind: str
    entity: str = Field(validation_alias=AliasPath("scope", "entity"))
    session: str | None
    state: Literal["pending", "running", "done", "dead"]
    attempts: int
    error: str | None
    """Of the last failed try."""
    created_at: datetime
    run_at: datetime
    """Not before this time."""
    finished_at: datetime | None


class JobsOut(ListOut[JobOut]):
    pass


class ImportOut(Shown):
    rows: int
    """Rows that were read: sessions, messages, facts and what belongs to them."""
    added: int
    """How many of them were not there before."""


class GivenOut(Shown):
    """A fact that a block shows."""

    fact_id: str
    kind: str | None
    """Null, as all but id and score, where the fact was forgotten since."""
    text: str | None
    state: str | None
    """Today's, as the text is."""
    score: Score
    why: dict[str, float]
    sources: list[SourceOut]


class LeftOutOut(Shown):
    """A fact that ranked high and is not in the block."""

    fact_id: str
    text: str | None
    reason: str
    """`budget`, `duplicate`, `visible` (in the history anyway), `given` (by an earlier block), `superseded` (by what
    the block says) or `floor` (not relevant enough)."""


class ReceiptOut(Shown):
    request_id: str
    entity: str
    session: str
    created_at: datetime | None
    block: str
    """As it was given, less the lines of facts that were forgotten since."""
    tokens: int
    facts: list[GivenOut]
    left_out: list[LeftOutOut]
    degraded: str | None
    """What failed in memory, where something did."""
    note: str | None
    """Why nothing was looked for, where that was so."""
    given_with: str | None
    """The earlier request that this block was made for: a block stands with its message in every later request."""
