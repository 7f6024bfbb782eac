"""The formats by name, and how to tell them apart by the first record of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, get_args

import msgspec

from memproxy.errors import BadRequest
from memproxy.importers import chatgpt, claude, openai_jsonl
from memproxy.importers.conversation import Broken, Conversation
from memproxy.importers.records import Record

Format = Literal["chatgpt", "claude", "jsonl", "memproxy"]
FORMATS: tuple[Format, ...] = get_args(Format)

_ONE_EACH: dict[Format, Callable[[Any], Conversation]] = {
    "chatgpt": chatgpt.conversation,
    "claude": claude.conversation,
}


def detect(value: Any) -> Format:
    """The format of a file that begins with this record. Raises `BadRequest` where it is none of them."""
    if chatgpt.is_like(value):
        return "chatgpt"
    if claude.is_like(value):
        return "claude"
    if isinstance(value, dict) and str(value.get("format", "")).startswith("memproxy"):
        return "memproxy"
    if openai_jsonl.is_like(value):
        return "jsonl"
    raise BadRequest(f"this is no export that memproxy knows ({', '.join(FORMATS)})", param="--format")


def read(records: Iterable[Record], format: Format) -> Iterator[Conversation | Broken]:
    """All conversations of a file in one of the formats of others; memproxy's own is read by the service."""
    if format == "jsonl":
        return openai_jsonl.conversations(records)
    return _each(records, _ONE_EACH[format])


def _each(records: Iterable[Record], parse: Callable[[Any], Conversation]) -> Iterator[Conversation | Broken]:
    for record in records:
        if record.fault:
            yield Broken(record.number, record.fault)
            continue
        try:
            yield parse(record.value)
        except msgspec.ValidationError as exc:
            yield Broken(record.number, str(exc))
