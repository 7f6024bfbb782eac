"""One HTTP exchange as the scripted upstream sees it: the request as it came, the reply as a list of steps.

A reply is data, so that a test states what goes over the wire instead of programming it:

    Reply((b"HTTP/1.1 200 OK\\r\\n…", 0.5, b"data: …", End.RESET))

A `bytes` step is written as it is, a number is a pause in seconds (`math.inf`: stall until the client gives up), an
event is waited for, so that a test decides when the reply goes on, and an `End` closes the connection. A reply without
an `End` leaves the connection open for the next request.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

PIECE = 1 << 16
"""Bytes read at a time, so that a test can watch a large body arrive."""


class End(StrEnum):
    """How a reply closes its connection."""

    CLOSE = "close"
    """In order: what was written arrives, then the end of the connection."""
    RESET = "reset"
    """With a TCP reset, as a crashed server does."""


Step = bytes | float | asyncio.Event | End


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back for one request, step by step."""

    steps: tuple[Step, ...]

    def after(self, seconds: float) -> Reply:
        """The same reply, its first byte held back."""
        return Reply((seconds, *self.steps))

    def then(self, *steps: Step) -> Reply:
        return Reply((*self.steps, *steps))

    def cut(self, size: int, *steps: Step) -> Reply:
        """The first `size` bytes of the reply, then `steps`."""
        kept: list[Step] = []
        for step in self.steps:
            if isinstance(step, bytes):
                kept.append(step[:size])
                size -= len(step)
            else:
                kept.append(step)
            if size <= 0:
                break
        return Reply((*kept, *steps))


STALL = Reply((math.inf,))
HANG_UP = Reply((End.CLOSE,))


@dataclass(eq=False)
class Request:
    """A request exactly as it arrived, and what became of it. Times are `time.monotonic()` seconds."""

    method: str
    target: str
    """Path and query as they stood in the request line."""
    headers: list[tuple[str, str]]
    """In the order and spelling in which they came, repeated ones included."""
    at: float
    """When the last byte of the head had arrived."""
    buffer: bytearray = field(default_factory=bytearray, repr=False)
    complete_at: float | None = None
    """When the last byte of the body had arrived."""
    ended_at: float | None = None
    """When the reply's last step was done."""
    cancelled_at: float | None = None
    """When the client went away before that."""

    @property
    def body(self) -> bytes:
        """As much of the body as has arrived."""
        return bytes(self.buffer)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)

    @cached_property
    def json(self) -> Any:
        """The decoded body; raises `msgspec.DecodeError` where it is not JSON."""
        return msgspec.json.decode(self.buffer)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.json.get("messages", ()))

    @property
    def prompt(self) -> str:
        """Text of the last user message, its parts joined by line ends."""
        said = [message for message in self.messages if message.get("role") == "user"]
        return text_of(said[-1].get("content")) if said else ""


Script = Callable[[Request], Awaitable[Reply | None]]
"""Answers a request, or leaves it to the next script with None."""


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part.get("type") == "text")


class BadFraming(ValueError):
    """The request's head or framing is not what RFC 9112 allows a client to send."""


async def read_head(reader: asyncio.StreamReader) -> Request:
    """Raises `IncompleteReadError` at the end of the connection, `BadFraming` for a head that makes no sense."""
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1")
    line, *fields = head.split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadFraming(f"bad request line: {line!r}")
    return Request(words[0], words[1], [_pair(text) for text in fields], time.monotonic())


def _pair(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name or name != name.strip():
        raise BadFraming(f"bad header line: {text!r}")
    return name, value.strip(" \t")


async def read_body(request: Request, reader: asyncio.StreamReader) -> None:
    """Strict where a lenient server would hide a fault of the proxy: one length, or chunked, never both."""
    lengths, codings = request.values("content-length"), request.values("transfer-encoding")
    if len(lengths) + len(codings) > 1 or any(coding != "chunked" for coding in codings):
        raise BadFraming(f"ambiguous body: content-length {lengths}, transfer-encoding {codings}")
    if codings:
        await _read_chunks(request, reader)
    elif lengths:
        await _read_exactly(request, reader, int(lengths[0]))
    request.complete_at = time.monotonic()


async def _read_exactly(request: Request, reader: asyncio.StreamReader, size: int) -> None:
    while size > 0:
        piece = await reader.read(min(size, PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", size)
        request.buffer += piece
        size -= len(piece)


async def _read_chunks(request: Request, reader: asyncio.StreamReader) -> None:
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        await _read_exactly(request, reader, size)
        if await reader.readexactly(2) != b"\r\n":
            raise BadFraming("a chunk longer than its size")
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
