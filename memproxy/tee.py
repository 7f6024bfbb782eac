"""A copy of a reply as it passes, and the decision what may be released before the turn is committed.

Sans-I/O. An event stream is passed on as it comes, up to the event by which a client knows that it is complete. Any
other body is of use only when whole, so its newest piece waits until the next one arrives or the turn is committed.
"""

from __future__ import annotations

from memproxy.dialects.dialect import Dialect
from memproxy.encodings import UnknownEncoding, decoder

# A longer reply passes, but is remembered only this far; no chat answer comes near it.
KEPT = 32 * 1024 * 1024


class Tee:
    """`feed` returns what may go to the client now; `rest` what was held back, once the turn is committed."""

    def __init__(self, *, dialect: Dialect, stream: bool, encoding: str) -> None:
        self._ending = dialect.ending() if stream else None
        self._kept: list[bytes] = []
        self._size = 0
        self._held = b""
        self.finished = False
        """A client that gets the held bytes takes the answer for complete."""
        self.readable = True
        self._plain = encoding.strip().lower() in ("", "identity")
        try:
            self._decode = decoder(encoding)
        except UnknownEncoding:
            self._lose()

    def feed(self, piece: bytes) -> bytes:
        text = self._copy(piece)
        if self._ending is None:
            released, self._held = self._held, piece
            return released
        if self.finished:
            return piece
        end = self._ending.feed(text)
        if end is None:
            return piece
        self.finished = True
        # In an encoded stream the event's place in the piece is unknown: the piece waits as a whole.
        cut = end if self._plain else 0
        self._held = piece[cut:]
        return piece[:cut]

    def rest(self) -> bytes:
        held, self._held = self._held, b""
        return held

    def kept(self) -> bytes:
        """The reply so far, decoded."""
        return b"".join(self._kept)

    def _copy(self, piece: bytes) -> bytes:
        if not self.readable:
            return b""
        try:
            text = piece if self._plain else self._decode(piece)
        except UnknownEncoding:
            self._lose()
            return b""
        self._size += len(text)
        if self._size > KEPT:
            self.readable = False
        else:
            self._kept.append(text)
        return text

    def _lose(self) -> None:
        self.readable = False
        self._kept.clear()
