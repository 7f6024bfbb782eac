"""Single values as documents hold them: times in microseconds since 1970, and text that every database can hold.

NUL and lone surrogates, which not every database can hold, become U+FFFD in texts; an id with one is refused,
because an altered id could meet another.
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
    return _UNSTORABLE.sub("�", text)


def maybe_clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


def check_ids(*ids: str | None) -> None:
    if any(text is not None and _UNSTORABLE.search(text) for text in ids):
        raise BadRequest("An id may hold neither NUL nor a lone surrogate.")


def joined(first: str, second: str) -> str:
    """Two ids as one, which no other two make."""
    return f"{len(first)}:{first}{second}"


def digest(first: str, second: str) -> bytes:
    """By which two texts that were made clean are looked up, however long."""
    return blake2b(joined(first, second).encode(), digest_size=16).digest()
