"""Single values in the form that every database can hold: for stores, whatever they keep them in.

Times are microseconds since 1970. NUL and lone surrogates, which not every database can hold, become U+FFFD in texts;
an id with one is refused, because an altered id could meet another.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from memproxy.errors import BadRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stored)


def maybe_micros(time: datetime | None) -> int | None:
    return None if time is None else micros(time)


def maybe_moment(stored: int | None) -> datetime | None:
    return None if stored is None else moment(stored)


def clean(text: str) -> str:
    if "\0" not in text and (text.isascii() or _encodes(text)):
        return text
    return _UNSTORABLE.sub("�", text)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def maybe_clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


def check_ids(*ids: str | None) -> None:
    """Raises `BadRequest` for an id that not every database can hold."""
    if any(text is not None and text != clean(text) for text in ids):
        raise BadRequest("An id may hold neither NUL nor a lone surrogate.")


def joined(first: str, second: str) -> str:
    """Two ids as one, which no other two make."""
    return f"{len(first)}:{first}{second}"


def digest(text: str) -> bytes:
    """16 bytes by which a text that was made clean is looked up, however long it is."""
    return blake2b(text.encode(), digest_size=16).digest()
