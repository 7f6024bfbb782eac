"""Reads JSON only as deep as needed and remembers where each value stands.

The interesting values are `msgspec.Raw`: views of the original buffer, so a view's address less the buffer's is the
exact offset of the value. Of a key that occurs twice the last one counts, as for the providers. Nothing is ever written
back, so unknown fields, big integers, odd whitespace and duplicate keys keep their bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import Raw

from memproxy.dialects.dialect import Unreadable

T = TypeVar("T")

NONE = Raw(b"null")

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding garbage raises."""

_string = msgspec.json.Decoder(str)
_raws = msgspec.json.Decoder(list[Raw])
_EMPTY_LIST = re.compile(rb"\[\s*\]")
_BOM = b"\xef\xbb\xbf"
# From the first of a run of backslashes, so that an escaped backslash is never taken for the head of an escape.
_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:(?P<pair>\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u[dD][89a-fA-F]..)", re.DOTALL
)


def parsed(decoder: msgspec.json.Decoder[T], body: bytes) -> tuple[bytes, T]:
    """The value, and the buffer that its raw values are views of: as long as the body, and mostly the body itself.
    Raises `Unreadable`."""
    try:
        return body, decoder.decode(body)
    except BROKEN:
        buffer = mended(body)
    try:
        return buffer, decoder.decode(buffer)
    except BROKEN as exc:
        raise Unreadable(str(exc)) from exc


def mended(body: bytes) -> bytes:
    """The body with escapes of lone surrogates (clients cut strings in the middle of an emoji) replaced by U+FFFD,
    which takes as many bytes, and a byte order mark by spaces: offsets in it are offsets in the original."""
    if body.startswith(_BOM):
        body = b"   " + body[3:]
    return _SURROGATE.sub(lambda match: match[0] if match["pair"] else match[1] + b"\\ufffd", body)


def legible(body: bytes) -> bytes:
    """The body with U+FFFD for what is no UTF-8; it may be longer."""
    return body.decode("utf-8", "replace").encode()


def address(buffer: bytes | Raw) -> int:
    """Where a buffer lies in memory; only differences of two addresses are meaningful."""
    return int(np.frombuffer(buffer, np.uint8).__array_interface__["data"][0])


def head(raw: Raw) -> bytes:
    """The first byte, which tells what kind of value it is."""
    return bytes(memoryview(raw)[:1])


def given(raw: Raw) -> bool:
    """Whether the value is there and not null."""
    return raw is not NONE and head(raw) != b"n"


def text_of(raw: Raw) -> str:
    """The text of a JSON string; empty for anything else."""
    return _string.decode(raw) if head(raw) == b'"' else ""


def items_of(raw: Raw) -> list[Raw]:
    """The values of a JSON list; none for anything else."""
    return _raws.decode(raw) if head(raw) == b"[" else []


def decoded(raw: Raw | bytes) -> Any:
    """A small JSON value as Python sees it; None where it is broken."""
    try:
        return msgspec.json.decode(raw)
    except BROKEN:
        return None


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a body: `text` inside a JSON string, `part` in a list; `more` says whether the list holds any."""

    offset: int
    kind: str
    more: bool = False


def start_of(value: Raw, origin: int) -> Slot | None:
    """Where something goes in before all that a string or list holds; `origin` is the address of the buffer."""
    match head(value):
        case b'"':
            return Slot(address(value) - origin + 1, "text")
        case b"[":
            return Slot(address(value) - origin + 1, "part", _EMPTY_LIST.match(value) is None)
    return None


def end_of(value: Raw, origin: int) -> Slot | None:
    """Where something goes in after all that a string or list holds."""
    slot = start_of(value, origin)
    return Slot(slot.offset + memoryview(value).nbytes - 2, slot.kind, slot.more) if slot else None
