"""What this process knows of the entities and sessions that it wrote to last, so that the next turn is written without
reading first.

It may be behind, for others write too, and that does no harm: a turn that was made from an older state finds its place
taken, and what the others wrote is read then (`commit.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

from memproxy.domain import Scope
from memproxy_mongo import lives
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.lives import Life, Name

_LIVES = 4096
"""Two hundred bytes each."""
_MARKS = 65_536
"""Of all sessions together; a hundred bytes each."""

STATE = ("next", "n", "process", "created", "last", "messages", "entries")
"""Fields of a turn that tell how its session is after it."""
FOLLOWED = ("_id", "o", "s", *STATE, "jobs", "shown", "at", "seen", "entry.block", "entry.facts")
"""Fields of a turn that it takes to make what follows from it."""


@dataclass(slots=True)
class Tail:
    """How a session is after its last turn; that of a new one unless turns were passed."""

    following: Any = None
    """The `_id` that the last turn has for the next one."""
    number: int = 0
    """Of the next turn."""
    process: str | None = None
    created: int = 0
    last: int = 0
    messages: int = 0
    entries: int = 0
    held: set[bytes] = field(default_factory=set)
    """Marks of all that the session holds."""

    def go_past(self, turn: Document) -> None:
        # Turns of the first memproxys that had this store name none.
        self.following = turn.get("next", {"after": turn["_id"]})
        self.number = turn["n"] + 1
        self.process, self.created, self.last = turn["process"], turn["created"], turn["last"]
        self.messages, self.entries = turn["messages"], turn["entries"]
        self.held.update(turn["marks"])


class Recent:
    """Lives that turns were committed to lately, and the tails of their sessions; the oldest go first."""

    def __init__(self) -> None:
        self._lives: OrderedDict[Name, Life] = OrderedDict()
        self._tails: OrderedDict[tuple[ObjectId, str], Tail] = OrderedDict()
        self._marks = 0
        self._open: list[Document] = []

    def follow_later(self, turn: Document) -> None:
        """It is stored; what follows from it is to be made."""
        kept = {name: turn[name] for name in FOLLOWED if name in turn}
        if "entry" in turn:
            kept["entry"] = {name: turn["entry"][name] for name in ("block", "facts")}
        self._open.append(kept)

    def to_follow(self, *, least: int = 1) -> Sequence[Document]:
        """All of them, where they are so many; they are for the caller then."""
        if len(self._open) < least:
            return ()
        turns, self._open = self._open, []
        return turns

    async def named(self, db: Database, names: Collection[Name]) -> Mapping[Name, Life]:
        found = {name: self._lives[name] for name in names if name in self._lives}
        missing = [Scope(*name) for name in names if name not in found]
        return found | dict(await lives.named_all(db, missing)) if missing else found

    def life(self, name: Name) -> Life | None:
        return self._lives.get(name)

    def keep(self, name: Name, life: Life) -> None:
        self._lives[name] = life
        self._lives.move_to_end(name)
        if len(self._lives) > _LIVES:
            self._lives.popitem(last=False)

    def drop(self, name: Name) -> None:
        """With the tails of its sessions."""
        life = self._lives.pop(name, None)
        for mark, session in [key for key in self._tails if life is not None and key[0] == life.mark]:
            self.take(mark, session)

    def take(self, mark: ObjectId, session: str) -> Tail:
        """For one writer, who keeps it when it is true again; whoever else comes meanwhile believes the session new."""
        tail = self._tails.pop((mark, session), None) or Tail()
        self._marks -= len(tail.held)
        return tail

    def keep_tail(self, mark: ObjectId, session: str, tail: Tail) -> None:
        self.take(mark, session)
        self._tails[mark, session] = tail
        self._marks += len(tail.held)
        while self._marks > _MARKS or len(self._tails) > _LIVES:
            _, old = self._tails.popitem(last=False)
            self._marks -= len(old.held)
