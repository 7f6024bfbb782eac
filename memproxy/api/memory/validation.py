"""Validates what callers send, and says of what it refuses which field it is and what to do.

A body with a long list (ten thousand messages are a tenth of a second) is validated a slice at a time, so that chats go
on between. Half of a surrogate pair, which JSON can write and no text can hold, becomes U+FFFD.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar, get_origin

import msgspec
from annotated_types import MaxLen
from pydantic import BaseModel, TypeAdapter, ValidationError

from memproxy.errors import BadRequest

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

SLICE = 64 * 1024
"""Bytes that are validated before the event loop gets its turn: about a millisecond."""

# A pair of surrogates, a lone one, or any other escape.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(u[dD][89a-fA-F]\w\w)|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Long:
    """The long list of a body."""

    field: str
    most: int
    adapter: TypeAdapter[Any]


@cache
def _long_list(model: type[BaseModel]) -> _Long | None:
    for field, info in model.model_fields.items():
        kind, rules = info.annotation, info.metadata
        most = next((rule.max_length for rule in rules if isinstance(rule, MaxLen)), None)
        if kind is not None and get_origin(kind) is list and most is not None:
            return _Long(field, most, TypeAdapter(kind))
    return None


def query(model: type[M], given: Mapping[str, str]) -> M:
    return _valid(model, lambda: model.model_validate_strings(given))


async def body(model: type[M], sent: bytes) -> M:
    long = _long_list(model) if len(sent) > SLICE else None
    if long is not None:
        try:
            parts = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
            items = msgspec.json.decode(parts[long.field], type=list[msgspec.Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
            pass  # read as a whole, it says what is wrong
        else:
            return await _sliced(model, long, parts, items)
    return _valid(model, lambda: _read(model, sent))


def refused(field: str, message: str) -> BadRequest:
    # A name comes from the caller as well, and may be a megabyte long.
    field = field if len(field) <= 100 else field[:99] + "…"
    return BadRequest(f"{field}: {message}", param=field)


def _read(model: type[M], sent: bytes) -> M:
    try:
        return model.model_validate_json(sent)
    except ValidationError as error:
        mended = _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], sent)
        if error.errors()[0]["type"] != "json_invalid" or mended == sent:
            raise
    return model.model_validate_json(mended)


async def _sliced(model: type[M], long: _Long, parts: dict[str, msgspec.Raw], items: Sequence[msgspec.Raw]) -> M:
    if len(items) > long.most:
        raise refused(long.field, f"it may hold {long.most}; send the rest in another call")
    head = msgspec.json.encode(parts | {long.field: items[:1]})
    made = _valid(model, lambda: model.model_validate_json(head))
    whole: list[Any] = []
    for piece in _slices(items):
        await asyncio.sleep(0)
        read = partial(long.adapter.validate_json, msgspec.json.encode(piece))
        whole += _valid(model, read, (long.field, len(whole)))
    return made.model_copy(update={long.field: whole})


def _slices(items: Sequence[msgspec.Raw]) -> Iterator[Sequence[msgspec.Raw]]:
    start = size = 0
    for end, item in enumerate(items, 1):
        size += len(memoryview(item))
        if size >= SLICE or end == len(items):
            yield items[start:end]
            start, size = end, 0


def _valid(model: type[BaseModel], validate: Callable[[], T], within: tuple[str, int] | None = None) -> T:
    """`within` names the list that a slice belongs to, and where the slice begins."""
    try:
        return validate()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place, message = first["loc"], first["msg"].removeprefix("Value error, ")
    if within is not None:
        field, start = within
        place = (field, start + int(place[0]), *place[1:])
    if first["type"] == "extra_forbidden" and len(place) == 1:
        known = ", ".join(model.model_fields)
        message = f"there is no such field here; there are {known}" if known else "this call takes none"
    raise refused(".".join(map(str, place)) or "body", message)
