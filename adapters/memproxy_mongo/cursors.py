"""Cursors of lists: they name the last document shown, so that documents added meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from memproxy.domain import Page
from memproxy.errors import BadRequest

T = TypeVar("T")

START = 2**63 - 1
"""Later than any time and any number."""


def newest(cursor: str | None) -> tuple[int, str]:
    """Time and id of the last one shown of a list that grows at its head."""
    if cursor is None:
        return START, ""
    time, _, last_id = cursor.partition(" ")
    return _number(time), last_id


def before(cursor: str | None) -> int:
    """The number of the last one shown of a list that shows the highest first."""
    return START if cursor is None else _number(cursor)


def place(cursor: str | None) -> tuple[int, int]:
    """Of the next message to show: the number of its turn in the session, and its place in the turn."""
    if cursor is None:
        return 0, 0
    turn, _, place_ = cursor.partition(" ")
    return _number(turn), _number(place_)


def archived(cursor: str) -> tuple[int, int, int, int, str]:
    """Of the last row of an archive that was shown: its part, the total of all, two numbers and a name."""
    part, total, number, place_, name = [*cursor.split(" ", 4), "", "", "", ""][:5]
    return _number(part), _number(total), _number(number), _number(place_), name


def page(
    found: Sequence[Any], limit: int, total: int, *, read: Callable[[Any], T], cursor: Callable[[Any], str]
) -> Page[T]:
    """A page of `found`, of which one more than `limit` was asked for, to know whether there is a next page."""
    following = cursor(found[limit - 1]) if len(found) > limit else None
    return Page(tuple(map(read, found[:limit])), following, total)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest("`cursor` is not one that this list gave out; leave it out to start anew.", param="cursor")
    return int(text)
