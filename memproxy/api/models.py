"""What the memory API takes and gives, as pydantic models: they validate, and later describe the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from memproxy.ids import ID

Id = Annotated[str, Field(pattern=f"^(?:{ID.pattern})$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MessageIn(Model):
    id: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    role: Literal["user", "assistant", "tool", "function", "system", "developer"]
    name: Annotated[str, Field(max_length=128)] | None = None
    content: str | list[dict[str, Any]]
    created_at: datetime | None = None

    @field_validator("created_at")
    @classmethod
    def _utc(cls, time: datetime | None) -> datetime | None:
        """A time without a zone is taken for UTC."""
        if time is None:
            return None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part["text"] for part in self.content if isinstance(part.get("text"), str))


class MessagesIn(Model):
    session: Id | None = None
    process: Id | None = None
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=100_000)]


class MessagesOut(Model):
    session: str
    accepted: int
    """How many the session did not hold before."""
    job: str | None


class RecallIn(Model):
    query: str
    limit: Annotated[int, Field(ge=1, le=1000)] = 20
    token_budget: Annotated[int, Field(ge=0, le=1_000_000)] = 512
    kinds: list[str] | None = None
    process: Id | None = None
    at: datetime | None = None


class SourceOut(Model):
    message_id: str
    session_id: str


class HitOut(Model):
    fact_id: str
    kind: str
    text: str
    score: float
    why: dict[str, float]
    created_at: datetime
    sources: list[SourceOut]


class RecallOut(Model):
    hits: list[HitOut]
    block: str
    tokens: int


class JobOut(Model):
    id: str
    kind: str
    entity: str
    session: str | None
    state: Literal["pending", "running", "done", "dead"]
    attempts: int
    error: str | None
    created_at: datetime
    run_at: datetime
    finished_at: datetime | None


class JobsOut(Model):
    items: list[JobOut]
    next_cursor: str | None
    total: int
