"""Server-sent events, as the HTML standard defines them: read from a whole stream, or cut out of one as it arrives.

Lines end in LF, CR or CRLF; a blank line ends an event; several `data` lines are one value with line breaks in it; a
line that begins with a colon is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE = re.compile(rb"[^\r\n]+")


def events(stream: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each event that has data; the last one too where its end is missing."""
    name = data = b""
    for line in stream.removeprefix(_BOM).splitlines():
        if not line:
            if data:
                yield name, data
            name = data = b""
        elif line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            data = data + b"\n" + value if data else value
        elif line.startswith(b"event:"):
            name = line[6:].removeprefix(b" ")
    if data:
        yield name, data


def masked(event: bytes) -> bytes:
    """One event with all but its data (and line breaks, which JSON allows) replaced by spaces: offsets in the JSON are
    offsets in the event."""
    return _LINE.sub(_mask, event)


class Cutter:
    """Cuts a stream into events as its bytes arrive; each keeps every byte, the blank line that ends it included."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._after_cr = False
        self._find = _blank_line

    @property
    def begun(self) -> bytearray:
        """The event that is not complete yet; not to be kept."""
        return self._buffer

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that are complete now."""
        self._buffer += piece
        if b"\r" in piece:
            self._find = _any_blank_line
        whole, start = [], 0
        if self._after_cr and self._buffer.startswith(b"\n"):
            whole, start = [b"\n"], 1  # the rest of the line end by which the event before it was complete
        while end := self._find(self._buffer, max(start, self._searched)):
            whole.append(bytes(self._buffer[start:end]))
            start = end
        del self._buffer[:start]
        if piece:
            self._after_cr = not self._buffer and piece.endswith(b"\r")
        self._searched = max(0, len(self._buffer) - 3)  # a blank line may have begun
        return whole

    def rest(self) -> bytes:
        """The event that has begun; it is let go."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest


def _blank_line(buffer: bytearray, start: int) -> int:
    """Where the next event ends; 0 where it does not. Nearly all streams have one sign for the end of a line."""
    found = buffer.find(b"\n\n", start)
    return found + 2 if found >= 0 else 0


def _any_blank_line(buffer: bytearray, start: int) -> int:
    match = _BLANK_LINE.search(buffer, start)
    return match.end() if match else 0


def _mask(match: re.Match[bytes]) -> bytes:
    line = match[0]
    if not line.removeprefix(_BOM).startswith(b"data:"):
        return b" " * len(line)
    size = line.index(b":") + 1
    return b" " * size + line[size:]
