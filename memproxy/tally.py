"""What a memory comes to: how many rows of each kind there are, and digests that are the same wherever the same rows
lie, whatever store holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Protocol, TypeVar

import msgspec

from memproxy.archive_lines import Line, archived
from memproxy.domain import Event, Fact, Injection, Kept, Message, Page, Scope, Session, Triple
from memproxy.ports import Archive

T = TypeVar("T")

KINDS: dict[type, str] = {
    Session: "sessions",
    Message: "messages",
    Fact: "facts",
    Triple: "triples",
    Event: "events",
    Injection: "ledger entries",
}
PAGE = 256
"""Rows read in one go."""


@dataclass(slots=True)
class Tally:
    counts: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    """By kind, the sum over its rows: their order does not matter, but where it is part of the digest."""

    def differs(self, other: Tally) -> str | None:
        """The first kind of which the other holds more, less or something else, in words."""
        for kind in KINDS.values():
            if self.counts[kind] != other.counts[kind]:
                return f"{self.counts[kind]:,} {kind} here, {other.counts[kind]:,} there"
            if self.digests[kind] != other.digests[kind]:
                return f"as many {kind} here and there, but not the same"
        return None


async def tally(archive: Archive, scope: Scope, *, progress: Callable[[int], None] | None = None) -> Tally:
    """Of an entity; nothing, where there is none. `progress` is told how many more rows were read."""
    found = Tally()
    async for kind, one in digests(archive, scope):
        found.counts[kind] += 1
        found.digests[kind] += one
        if progress is not None and found.counts.total() % PAGE == 0:
            progress(PAGE)
    if progress is not None:
        progress(found.counts.total() % PAGE)
    return found


async def digests(archive: Archive, scope: Scope) -> AsyncIterator[tuple[str, int]]:
    """Kind and digest of each row. The place of a message or an entry in its session, and of a fact among the facts,
    is part of it; numbers and versions, which each store gives anew, are not."""
    place, last = 0, None
    async for kept in everything(partial(archive.export, scope, limit=PAGE)):
        here = (type(kept.row), kept.session)
        place, last = (place + 1 if here == last else 0), here
        ordered = isinstance(kept.row, Message | Injection | Fact)
        yield KINDS[type(kept.row)], digest(_line(kept), place=place if ordered else 0)


def _line(kept: Kept) -> Line:
    """Without the count of a session: its messages are counted themselves, and may not all be there yet."""
    return archived(replace(kept, row=replace(kept.row, messages=0)) if isinstance(kept.row, Session) else kept)


def digest(value: object, *, place: int = 0) -> int:
    return int.from_bytes(blake2b(b"%d %b" % (place, _ENCODER.encode(value)), digest_size=16).digest())


class Listing(Protocol[T]):
    """A verb that lists, given all but its cursor."""

    def __call__(self, *, cursor: str | None) -> Awaitable[Page[T]]: ...


async def everything(ask: Listing[T]) -> AsyncIterator[T]:
    """All items of a list, page by page."""
    cursor = None
    while True:
        page = await ask(cursor=cursor)
        for item in page.items:
            yield item
        if (cursor := page.next_cursor) is None:
            return


_ENCODER = msgspec.json.Encoder(order="deterministic")
