"""What the core knows of an API: a `Dialect` reads a request, inserts blocks into its bytes and reads the answer.

Sans-I/O: bytes in, values out. A dialect never rewrites what it does not insert: positions in a `Prompt` are offsets
into the body it was read from, and inserting splices bytes at those offsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from memproxy.domain import Usage


class Unreadable(Exception):
    """The bytes are not a request (or an answer) of this dialect. The request goes on as it came, without memory."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a block may go into one message: `text` is inside a JSON string, `part` is in front of a list's first
    part (`more` says whether the list holds any)."""

    offset: int
    kind: str
    more: bool = False


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
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a request says, as far as memory is concerned."""

    messages: tuple[Said, ...]
    model: str = ""
    entity: str | None = None
    """Whom the body names as the person: a claim."""
    system: Slot | None = None
    """Where a block goes with `placement = "system"`: the end of the system message, or the head of the list."""


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
