"""What OpenAI's Responses repeat of a request: `instructions`, in the response and in each event that carries it.

A block that went there is taken out again where it is repeated, whatever escapes the provider writes, so that the
client sees what the provider would have repeated without it; where that does not give what the client sent, its own
value is put in. Only the value of `instructions` is touched: an answer that quotes the block stays an answer.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.dialect import Splice, Unreadable
from memproxy.dialects.events import Cutter, masked
from memproxy.dialects.raw import BROKEN, NONE, address, decoded, given, parsed

FRAME = "<memory>\nQuoted from earlier conversations", "</memory>"
"""How a block begins and ends; `recall/render.py` writes it."""


class _Response(Struct):
    instructions: Raw = NONE
    response: Raw = NONE


_response = msgspec.json.Decoder(_Response)

_NULL = b"null"
_SHORT = {"\n": rb"\\n|", "/": rb"/|\\/|"}


def _escaped(text: str) -> bytes:
    """A pattern of the text in JSON, each letter as it is or as an escape."""
    letters = (_SHORT.get(letter, re.escape(letter.encode()) + b"|") + _code(letter) for letter in text)
    return b"".join(b"(?:" + letter + b")" for letter in letters)


def _code(letter: str) -> bytes:
    return rb"\\u(?i:%04x)" % ord(letter)


_GAP, _BEGINS, _ENDS = map(_escaped, ("\n\n", *FRAME))
_GAP_SIZE = len(rb"\u000a\u000a")
_OPENING = re.compile(_BEGINS)
_BLOCK = re.compile(rb'(?P<gap>%b)?%b(?:[^"\\]|\\.)*?%b' % (_GAP, _BEGINS, _ENDS), re.DOTALL)
_KEY = re.compile(rb'"instructions"\s*:\s*')
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


_SPACE = b" \t\r\n"


class Echo:
    """Rewrites one reply, a JSON body or an event stream: its first byte tells which. `own` is what the client sent as
    `instructions`; None where that is not known."""

    def __init__(self, own: bytes | None) -> None:
        self._own = own
        self._cutter: Cutter | None = None
        self._whole = bytearray()

    def feed(self, piece: bytes) -> bytes:
        if self._cutter is None and not self._whole:
            if not (begun := piece.lstrip(_SPACE)):
                return piece  # keeps the connection awake
            if not begun.startswith(b"{"):
                self._cutter = Cutter()
        if self._cutter is not None:
            return b"".join(map(self._event, self._cutter.feed(piece)))
        self._whole += piece
        return b""

    def end(self) -> bytes:
        rest = self._cutter.rest() if self._cutter else bytes(self._whole)
        self._whole.clear()
        return self._event(rest)

    def _event(self, event: bytes) -> bytes:
        """An event, or a body, as the client gets to see it."""
        if b'"instructions"' not in event:
            return event
        try:
            buffer, found = parsed(_response, event if self._cutter is None else masked(event))
            value = (_response.decode(found.response) if given(found.response) else found).instructions
        except (Unreadable, *BROKEN):
            return self._broken_off(event)
        if not given(value):
            return event
        offset, old = address(value) - address(buffer), bytes(value)
        splice = Splice()
        splice.add(offset, self._shown(event[offset : offset + len(old)]), over=len(old))
        return splice.apply(event)

    def _shown(self, value: bytes) -> bytes:
        opening = _OPENING.search(value)
        near = max(0, opening.start() - _GAP_SIZE) if opening else len(value)
        first = _BLOCK.search(value, near)
        if first is None:
            return value
        rest = value[:near] + _BLOCK.sub(b"", value[near:])
        if self._own is None:
            return rest if rest != b'""' or first["gap"] else _NULL
        if self._own == _NULL or decoded(rest) == decoded(self._own):
            return _NULL if self._own == _NULL else rest
        return self._own

    def _broken_off(self, rest: bytes) -> bytes:
        """What is left of an event whose end is missing, up to where a block may stand."""
        for key in _KEY.finditer(rest):
            string = _STRING.match(rest, key.end())
            if string is None:
                return rest[: key.end()]
            if _OPENING.search(string[0]):
                return rest[: key.end()] + self._shown(string[0]) + rest[string.end() :]
        return rest
