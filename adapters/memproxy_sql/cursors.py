"""Cursors of lists: they name the last row shown, so that rows added meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from memproxy.domain import Page
from memproxy.errors import BadRequest

T = TypeVar("T")

START = 2**63 - 1
"""Later than any time and any position."""


def position(cursor: str | None) -> int:
    """The first position to show of a list that grows at its end."""
    return 0 if cursor is None else _number(cursor)


def newest(cursor: str | None) -> tuple[int, str]:
    """Time and id of the last row shown of a list that grows at its head."""
    if cursor is None:
        return START, ""
    time, _, last_id = cursor.partition(" ")
    return _number(time), last_id


def before(cursor: str | None) -> int:
    """The number of the last row shown of a list that shows the highest first."""
    return START if cursor is None else _number(cursor)


def place(cursor: str) -> tuple[int, int, int, str]:
    """Of the last row of an archive that was shown: its part, the total of all, its number and its name."""
    part, total, number, name = [*cursor.split(" ", 3), "", "", ""][:4]
    return _number(part), _number(total), _number(number), name


def page(
    rows: Sequence[Any], limit: int, total: int, *, read: Callable[[Any], T], cursor: Callable[[Any], str]
) -> Page[T]:
    """A page of `rows`, of which one more than `limit` was asked for, to know whether there is a next page."""
    following = cursor(rows[limit - 1]) if len(rows) > limit else None
    return Page(tuple(map(read, rows[:limit])), following, total)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest("`cursor` is not one that this list gave out; leave it out to start anew.", param="cursor")
    return int(text)
