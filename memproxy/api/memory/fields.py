"""The types that fields of the memory API are made of, each with the rule that the OpenAPI document shows."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from memproxy.ids import ID, ID_RULE

LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Seconds as floats, which recall reckons with, would round anything later into the year 10000."""
ID_PATTERN = f"^(?:{ID.pattern})$"


class Shown(BaseModel):
    """A reply, or a part of one: read off a value of the domain by the service, and off JSON by the client. Docstrings
    of fields become their descriptions."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True, validate_by_name=True)

    @classmethod
    def of(cls, value: object) -> Self:
        return cls.model_validate(value)


class Strict(BaseModel):
    """What a caller sends: unknown fields and values of another type are refused, since both are mistakes."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid", strict=True)


class Nothing(Strict):
    """No query parameters, no body, or an empty reply."""


def absent() -> Any:
    """Default of a field that may be left out and may not be null; `model_fields_set` tells whether it was given."""
    return None


def _utc(time: datetime) -> datetime:
    try:
        return min(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC), LAST)
    except OverflowError as error:
        raise ValueError("no such time: the years go from 1 to 9999, in UTC") from error


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise ValueError(f"it must be {ID_RULE}")
    return text


def _attribute(text: str) -> str:
    if not text or text[0].isspace() or text[0] in "~=":
        raise ValueError("it must begin with a letter, and not with ~ or =, which mark what ended and what has none")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it must say something")
    return text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError("it must be a whole number")
    return int(text)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _opened(cursor: str) -> str:
    try:
        return b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise ValueError("it is not one that this list gave out; leave it out to start anew") from error


def sealed(cursor: str | None) -> str | None:
    """A store's cursor as callers see it: opaque, and safe to paste into a URL."""
    return urlsafe_b64encode(cursor.encode()).rstrip(b"=").decode() if cursor is not None else None


Id = Annotated[str, AfterValidator(_id), Field(json_schema_extra={"pattern": ID_PATTERN})]
Time = Annotated[datetime, AfterValidator(_utc)]
"""RFC 3339; one without a zone is taken for UTC."""
Text = Annotated[str, AfterValidator(_storable)]
"""Any text; NUL, which not every database can hold, becomes U+FFFD."""
Statement = Annotated[Text, Field(max_length=8000, json_schema_extra={"pattern": r"\S"}), AfterValidator(_said)]
Attribute = Annotated[
    Text, Field(max_length=128, json_schema_extra={"pattern": r"^[^\s~=]"}), AfterValidator(_attribute)
]
Metadata = Annotated[
    dict[
        Annotated[Text, Field(min_length=1, max_length=64)],
        Annotated[Text, Field(max_length=2000)],
    ],
    Field(max_length=64),
]
WHOLE = BeforeValidator(_whole)
"""To JSON, 5.0 is a whole number too."""
Limit = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_number)]
Cursor = Annotated[
    str, Field(max_length=1000, json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"}), AfterValidator(_opened)
]
Kind = Literal["episode", "profile", "preference", "event", "knowledge", "behavior", "skill", "relationship", "tool"]
Stated = Literal["profile", "preference", "event", "knowledge", "behavior", "skill", "relationship", "tool"]
"""The kinds that a person can write; an episode is a piece of a message."""
