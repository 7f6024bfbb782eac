"""What the core knows of an API: a `Dialect` reads a request, inserts blocks into its bytes and reads the answer.

Sans-I/O: bytes in, values out, any chunking. A dialect never rewrites what it does not insert: inserting splices bytes
at offsets into the body that the prompt was read from. It answers garbage with `Unreadable` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from memproxy.domain import Usage
from memproxy.errors import MemproxyError


class Unreadable(Exception):
    """The bytes are not a request (or an answer) of this dialect. The request goes on as it came, without memory."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a request as the client sent it."""

    role: str
    """`user`, `assistant`, `tool`, `system` or `developer`, whatever the API calls them. A message that only carries
    results of tools is a `tool` message: it is no new turn of the person."""
    text: str
    """The words. Images and files stand in it by their name, as `[image cat.png]`, never by their bytes."""
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
    session: str | None = None
    """The conversation, where the body names it."""
    previous: str | None = None
    """Id of the stored answer that this request goes on from: what was said before it is not in the request."""
    carried: bool = False
    """The provider keeps the messages of this request and gives them to the model again later. A block among them
    would pile up; it goes to the system text, which is not kept, each time anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant said."""

    text: str
    calls: tuple[str, ...] = ()
    extra: bytes | None = None
    complete: bool = True
    usage: Usage | None = None
    id: str | None = None
    """Under which the provider stores it, where a later request may name it as `Prompt.previous`."""
    pending: bool = False
    """Not there yet: it is being made in the background, and will be fetched by `id`."""
    resent: str | None = None
    """The text of the message as the client resends it, where that is not what was said: a spoken answer comes back as
    a mere id. Its key is made of this."""


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
        distance to the text. An index whose message has no place for a block is left out."""
        ...

    def insert_system(self, body: bytes, prompt: Prompt, blocks: tuple[str, ...]) -> bytes:
        """The body with all blocks at the end of the system message (its `instructions`, its `system`), which comes
        into being where there is none."""
        ...

    def answer(self, body: bytes, *, stream: bool) -> Answer | None:
        """The answer in a whole reply body, or in as much of a stream as arrived; None where there is none."""
        ...

    def ending(self) -> Ending:
        """Watches one stream for its end."""
        ...

    def refusal(self, error: MemproxyError, request_id: str) -> bytes:
        """The JSON body by which memproxy itself refuses a request, as clients of this API parse errors."""
        ...


class Ending(Protocol):
    def feed(self, piece: bytes) -> int | None:
        """Takes the next bytes of a stream; the offset in them from which on a client takes the answer for complete (0
        where that began in an earlier piece), None while it does not."""
        ...


@runtime_checkable
class Echoing(Protocol):
    """A dialect whose replies repeat what the request said, so that an inserted block would show."""

    def restore(self, body: bytes | None) -> Restore:
        """Puts the client's own value back, in a whole reply or an event stream: the first bytes tell which. `body` is
        the request as the client sent it; None where the reply is to a request that fetches an earlier answer: then
        what looks like our block is taken out."""
        ...


class Restore(Protocol):
    """Rewrites one reply on its way; bytes it has no business with pass as they are, event by event."""

    def feed(self, piece: bytes) -> bytes: ...

    def end(self) -> bytes:
        """What was held back."""
        ...


class Marker:
    """An `Ending` that is a line of the stream: `pattern` matches it from the line break before it, `hint` is a part of
    it that is quickly found."""

    TAIL = 64
    """Longer than any such line up to where it is recognised, with the line break before it."""

    def __init__(self, *, hint: bytes, pattern: re.Pattern[bytes]) -> None:
        self._hint = hint
        self._pattern = pattern
        self._tail = b"\n"  # a stream begins a line, as what comes later does not

    def feed(self, piece: bytes) -> int | None:
        window = self._tail + piece
        match = self._pattern.search(window) if self._hint in window else None
        if match is not None:
            return max(0, match.start() - len(self._tail))
        self._tail = window[-self.TAIL :]
        return None


@dataclass(frozen=True, slots=True)
class Splice:
    """Changes to a body, collected and applied in one pass."""

    at: list[tuple[int, int, bytes]] = field(default_factory=list)

    def add(self, offset: int, piece: bytes, *, over: int = 0) -> None:
        """The piece goes in at the offset, in the place of `over` bytes."""
        self.at.append((offset, over, piece))

    def apply(self, body: bytes) -> bytes:
        pieces: list[bytes | memoryview] = []
        last = 0
        view = memoryview(body)
        for offset, over, piece in sorted(self.at, key=lambda entry: entry[0]):
            pieces += [view[last:offset], piece]
            last = offset + over
        return b"".join([*pieces, view[last:]])
