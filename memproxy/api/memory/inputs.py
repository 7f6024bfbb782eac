"""What callers send to the memory API: bodies and query parameters. These models validate, and describe."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from memproxy.api.memory.fields import (
    WHOLE,
    Attribute,
    Cursor,
    Id,
    Kind,
    Limit,
    Metadata,
    Stated,
    Statement,
    Strict,
    Text,
    Time,
    absent,
)


class ListQuery(Strict):
    limit: Limit = 50
    cursor: Cursor | None = None
    """The `next_cursor` of the page before."""


class FactsQuery(ListQuery):
    kind: Kind | None = None
    q: Annotated[Text, Field(max_length=200)] | None = None
    """Only facts whose text contains this, whatever its case."""
    state: Literal["current", "superseded", "all"] = "current"


class JobsQuery(ListQuery):
    entity: Id | None = None
    state: Literal["pending", "running", "done", "dead"] | None = None
    """`pending` counts what is queued, running or waiting to retry."""


class MessageIn(Strict):
    id: Annotated[Text, Field(min_length=1, max_length=256)] | None = None
    """The caller's own; a message whose id the session has seen is not stored twice."""
    role: Literal["user", "assistant", "tool", "function", "system", "developer"]
    """Words of `system` and `developer` are the app's, not the person's, and are not kept."""
    name: Annotated[Text, Field(max_length=128)] | None = None
    content: str | list[dict[str, Any]]
    """Text, or parts as chat APIs have them, of which the texts are kept."""
    created_at: Time | None = None
    """When it was said; now, if left out."""

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part["text"] for part in self.content if isinstance(part.get("text"), str))


class MessagesIn(Strict):
    session: Id | None = None
    """The conversation; a new one, if left out."""
    process: Id | None = None
    """The app or agent in which it was said."""
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=100_000)]


class RecallIn(Strict):
    query: Text
    limit: Annotated[int, Field(ge=1, le=1000), WHOLE] = 20
    token_budget: Annotated[int, Field(ge=0, le=1_000_000), WHOLE] = 512
    """Tokens (o200k) that the block may take."""
    kinds: list[Kind] | None = None
    """Only these kinds. Then the best of them are given, relevant or not."""
    process: Id | None = None
    """Only what this process has learned."""
    at: Time | None = None
    """As of this time."""


class FactIn(Strict):
    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"value": ["attribute"]}})

    text: Statement
    """A sentence about the person."""
    kind: Stated = "knowledge"
    attribute: Attribute = Field(default_factory=absent)
    """What the sentence is about (`home`, `name`), so that a newer value supersedes it; read from the text, if left
    out."""
    value: Annotated[Statement, Field(max_length=1000)] = Field(default_factory=absent)
    """Of the attribute; the text, if left out."""
    pinned: bool = False
    """Always in the block, whatever is asked."""
    valid_from: Time | None = None
    expires_at: Time | None = None
    process: Id | None = None
    """The app or agent that it belongs to, where recall is narrowed to one."""
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if "value" in self.model_fields_set and "attribute" not in self.model_fields_set:
            raise ValueError("a value needs its attribute")
        return self


class FactPatch(Strict):
    """What is left out stays as it is; null takes a time away."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    text: Statement = Field(default_factory=absent)
    """The person's own words. What it said before stays in its history, and as a superseded fact."""
    kind: Stated = Field(default_factory=absent)
    pinned: bool = Field(default_factory=absent)
    valid_from: Time | None = None
    expires_at: Time | None = None
    metadata: Metadata = Field(default_factory=absent)
    """Replaces all of it."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        return self
