"""A turn while it is put together: of what it brings, what its session does not hold yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bson import ObjectId

from memproxy.domain import ANCHOR, Injection, Message
from memproxy.storable import clean, digest, joined, micros
from memproxy_mongo.documents import anchor_mark, entry_document, id_mark, key_mark, message_document, session_id
from memproxy_mongo.driver import Document
from memproxy_mongo.lives import Life
from memproxy_mongo.tails import Tail


@dataclass(slots=True)
class Filling:
    life: Life
    name: str
    """Of the session."""
    tail: Tail
    """How the session is before the turn; nothing of it is changed here."""
    process: str | None = None
    created: int = 0
    last: int = 0
    marks: set[bytes] = field(default_factory=set)
    """Of what is added."""
    said: list[Message] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Ids of those that need extraction."""
    entry: Injection | None = None
    seen: int = 0
    """The version that the entry was recalled from."""
    begun: bool = False

    def __post_init__(self) -> None:
        self.process, self.created, self.last = self.tail.process, self.tail.created, self.tail.last

    @property
    def new(self) -> bool:
        """Whether the session is."""
        return self.tail.number == 0

    def open(self, process: str | None, created_at: datetime) -> bool:
        """Whether the session begins with this."""
        begins = self.new and not self.begun
        if begins:
            self.begun, self.process = True, process
            self.created = self.last = micros(created_at)
        return begins

    def holds(self, *marks: bytes) -> bool:
        """Whether any of them is there, or added already."""
        return not (self.tail.held.isdisjoint(marks) and self.marks.isdisjoint(marks))

    def say(self, message: Message, *, augmented: bool = False) -> bool:
        """Whether the session did not hold the message."""
        marks = [key_mark(message.key)]
        if message.external_id is not None:
            marks.append(id_mark(message.external_id))
        if self.holds(*marks):
            return False
        self.marks.update(marks)
        self.said.append(message)
        if not augmented:
            self.left.append(message.id)
        return True

    def note(self, given: Injection) -> bool:
        """Whether the session's ledger did not hold the entry."""
        mark = anchor_mark(given.anchor)
        if self.holds(mark):
            return False
        self.marks.add(mark)
        self.entry = given
        return True

    def document(self, *, at: int) -> Document:
        """The turn, with the session as it is after it; `at` is when an entry without a time was given."""
        made: Document = {
            # Two turns that follow the same one have the same `_id`: one of them is stored. An id that its last turn
            # drew, and not one made of names and numbers, so that an index gets its entries at its end.
            "_id": self.tail.following or session_id(self.life.mark, self.name),
            "next": ObjectId(),
            "o": self.life.mark,
            "s": self.name,
            "n": self.tail.number,
            "open": True,
            "process": self.process,
            "created": self.created,
            "last": self.last,
            "first": self.tail.messages,
            "messages": self.tail.messages + len(self.said),
            "entries": self.tail.entries + (self.entry is not None),
            "said": [message_document(message) for message in self.said],
            "left": self.left,
            "marks": self._marks(),
        }
        if self.entry is not None:
            made |= self._ledger(self.entry, at)
        return made

    def _marks(self) -> Sequence[bytes]:
        """Keys first: their places are the places of the messages."""
        marks = [key_mark(m.key) for m in self.said]
        marks += [id_mark(m.external_id) for m in self.said if m.external_id is not None]
        return [*marks, anchor_mark(self.entry.anchor)] if self.entry is not None else marks

    def _ledger(self, given: Injection, at: int) -> Document:
        return {
            "entry": entry_document(given, at=at),
            "ledger": len(given.anchor) == ANCHOR,
            "shown": bool(given.block),
            # What was recalled is as new as the life that is known here, or newer.
            "at": max(self.life.version, self.seen),
            "seen": self.seen,
            "request": digest(joined(self.life.tenant, clean(given.request_id))),
        }
