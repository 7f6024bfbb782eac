"""Pages of the in-memory store: the cursor names the last item shown, so that rows added meanwhile move nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from memproxy.domain import Page
from memproxy.errors import BadRequest


class Dated(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> datetime: ...


Place = tuple[int, str, int]
"""Where a row stands in an archive: in which part, under which name, at which number."""

_BEFORE_ALL = (-1, "", 0)

T = TypeVar("T")
D = TypeVar("D", bound=Dated)


def oldest_page(items: Sequence[T], cursor: str | None, limit: int) -> Page[T]:
    """A list that only grows at its end: the cursor is the number of items shown."""
    start = _number(cursor) if cursor is not None else 0
    end = start + limit
    return Page(tuple(items[start:end]), str(end) if end < len(items) else None, len(items))


def newest_page(items: Sequence[D], cursor: str | None, limit: int) -> Page[D]:
    """Newest first: the cursor is the time and id of the last item shown."""
    ordered = sorted(items, key=lambda item: (item.created_at, item.id), reverse=True)
    if cursor is not None:
        last = _moment(cursor)
        ordered = [item for item in ordered if (item.created_at, item.id) < last]
    shown = tuple(ordered[:limit])
    more = len(ordered) > limit
    return Page(shown, f"{shown[-1].created_at.isoformat()} {shown[-1].id}" if more else None, len(items))


def numbered_page(items: Iterable[T], cursor: str | None, limit: int, *, number: Callable[[T], int]) -> Page[T]:
    """Highest number first: the cursor is that of the last item shown."""
    ordered = sorted(items, key=number, reverse=True)
    last = _number(cursor) if cursor is not None else None
    left = [item for item in ordered if last is None or number(item) < last]
    more = len(left) > limit
    return Page(tuple(left[:limit]), str(number(left[limit - 1])) if more else None, len(ordered))


def placed_page(items: Iterable[tuple[Place, T]], cursor: str | None, limit: int) -> Page[T]:
    """In the order of the places, of which no two are the same: the cursor is the place of the last item shown, with
    the total of the first page."""
    ordered = sorted(items, key=lambda item: item[0])
    last, total = _place(cursor) if cursor is not None else (_BEFORE_ALL, len(ordered))
    left = [(place, item) for place, item in ordered if place > last]
    shown = left[:limit]
    following = json.dumps([*shown[-1][0], total]) if len(left) > limit else None
    return Page(tuple(item for _, item in shown), following, total)


def _place(cursor: str) -> tuple[Place, int]:
    try:
        part, text, number, total = json.loads(cursor)
    except (ValueError, TypeError) as error:
        raise bad_cursor() from error
    if [type(value) for value in (part, text, number, total)] != [int, str, int, int]:
        raise bad_cursor()
    return (part, text, number), total


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise bad_cursor()
    return int(cursor)


def _moment(cursor: str) -> tuple[datetime, str]:
    time, _, last_id = cursor.partition(" ")
    try:
        return datetime.fromisoformat(time), last_id
    except ValueError as error:
        raise bad_cursor() from error


def bad_cursor() -> BadRequest:
    return BadRequest("`cursor` is not one that this list gave out; leave it out to start anew.", param="cursor")
