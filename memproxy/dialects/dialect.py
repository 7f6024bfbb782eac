"""What the core knows of an API: a `Dialect` reads a request, inserts blocks into its bytes and reads the answer.

Sans-I/O: bytes in, values out. A dialect never rewrites what it does not insert: inserting splices bytes at offsets
into the body that the prompt was read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from memproxy.domain import Usage


class Unreadable(Exception):
    """The bytes are not a request (or an answer) of this dialect. The request goes on as it came, without memory."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a request as the client sent it."""

    role: str
    text: str
    name: str | None = None
    calls: tuple[str, ...] = ()
    """Ids of the tool calls it makes (assistant) or answers (tool)."""
    extra: bytes | None = None
    """JSON of what a replay needs beside the text."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a request says, as far as memory is concerned."""

    messages: tuple[Said, ...]
    model: str = ""
    source: object = None
    """What the dialect itself needs to insert into the body; nobody else looks at it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant said."""

    text: str
    calls: tuple[str, ...] = ()
    extra: bytes | None = None
    complete: bool = True
    usage: Usage | None = None


class Dialect(Protocol):
    name: str

    def claim(self, body: bytes) -> str | None:
        """Whom the body names as the person, where it does; cheap, since most bodies name nobody."""
        ...

    def read(self, body: bytes) -> Prompt:
        """Raises `Unreadable`."""
        ...

    def insert(self, body: bytes, prompt: Prompt, blocks: Mapping[int, str]) -> bytes:
        """The body with each block in front of the text of the message with that index. A block brings its own
        distance to the text."""
        ...

    def insert_system(self, body: bytes, prompt: Prompt, blocks: tuple[str, ...]) -> bytes:
        """The body with all blocks at the end of the system message."""
        ...

    def answer(self, body: bytes, *, stream: bool) -> Answer | None:
        """The answer in a whole reply body, or in as much of an event stream as arrived; None where there is none."""
        ...

    def finished(self, tail: bytes) -> int | None:
        """The offset in `tail` (the newest bytes of a stream) from which on a client takes the answer for complete."""
        ...


@dataclass(frozen=True, slots=True)
class Splice:
    """Insertions into a body, collected and applied in one pass."""

    at: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, offset: int, piece: bytes) -> None:
        self.at.append((offset, piece))

    def apply(self, body: bytes) -> bytes:
        pieces: list[bytes | memoryview] = []
        last = 0
        view = memoryview(body)
        for offset, piece in sorted(self.at, key=lambda entry: entry[0]):
            pieces += [view[last:offset], piece]
            last = offset
        return b"".join([*pieces, view[last:]])
