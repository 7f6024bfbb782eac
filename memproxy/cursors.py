"""Cursors of lists, for stores: they name the last one shown, so that what is added meanwhile moves nothing."""

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
    return whole_number(time), last_id


def before(cursor: str | None) -> int:
    """The number of the last one shown of a list that shows the highest first."""
    return START if cursor is None else whole_number(cursor)


def page(
    found: Sequence[Any], limit: int, total: int, *, read: Callable[[Any], T], cursor: Callable[[Any], str]
) -> Page[T]:
    """A page of `found`, of which one more than `limit` was asked for, to know whether there is a next page."""
    following = cursor(found[limit - 1]) if len(found) > limit else None
    return Page(tuple(map(read, found[:limit])), following, total)


def whole_number(text: str) -> int:
    """Raises `BadRequest` where the text is not one that a cursor holds."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest("`cursor` is not one that this list gave out; leave it out to start anew.", param="cursor")
    return int(text)
