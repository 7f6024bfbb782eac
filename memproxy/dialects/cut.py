"""What is left of a JSON text that broke off: its longest beginning that makes sense, with what was open closed.

{"content": [{"type": "text", "text": "half an ans    ─►    {"content": [{"type": "text", "text": "half an ans"}]}
"""

from __future__ import annotations

import re

# A string that ends, a string that does not (up to the last whole escape), a sign, or a number or name, which is known
# to be whole by what follows. Each is taken whether it is whole or not: to look for its end again from every byte of it
# would take forever.
_TOKEN = re.compile(
    rb'"(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+(?P<end>")?+|[\[\]{},:]|[^\s\[\]{},:"]++(?P<whole>(?=[\s\[\]{},:"]))?+',
    re.DOTALL,
)
# Half a character: its other half was cut off.
_HALF = re.compile(rb"\\u[dD][89abAB]..\Z")


def closed(text: bytes) -> bytes:
    """The text itself where nothing is missing; a value that is not valid JSON stays so."""
    closers, kept, key = bytearray(), (0, b""), False
    for match in _TOKEN.finditer(text):
        match text[match.start() : match.start() + 1]:
            case b"{" | b"[" as opener:
                closers += b"}" if opener == b"{" else b"]"
                key = opener == b"{"
            case b"}" | b"]":
                del closers[-1:]
            case b",":
                key = closers.endswith(b"}")
                continue
            case b":":
                key = False
                continue
            case b'"' if match["end"] is None and not key:
                return text[: match.start()] + _readable(match[0]) + b'"' + closers[::-1]
            case sign if key or (sign != b'"' and match["whole"] is None):
                continue
        kept = match.end(), bytes(closers[::-1])
    return text[: kept[0]] + kept[1]


def _readable(string: bytes) -> bytes:
    return _HALF.sub(b"", string).decode("utf-8", "ignore").encode()
