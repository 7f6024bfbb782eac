"""What is said: sessions, messages, turns, and the ledger of the blocks that were given."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from memproxy.domain.queue import Job
from memproxy.domain.scope import Scope

ANCHOR = 16
"""Bytes of an anchor in the ledger."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d:")
"""The heading of a day, in a block."""
_DATED = re.compile(r"- \([^()]*\) ")


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    process: str | None
    messages: int
    created_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One captured message of a session, as the client's own words have it."""

    id: str
    role: str
    """`user`, `assistant` or `tool`."""
    text: str
    """The text that was said; empty where a message only carried tool calls."""
    key: bytes
    """16 bytes that recognise the message in a resent history (see `identity.py`); unique in a session."""
    created_at: datetime
    name: str | None = None
    external_id: str | None = None
    """The id under which a caller of the memory API knows the message; unique in a session."""
    extra: bytes | None = None
    """JSON of what a legal replay needs beside the text: `tool_calls`, `tool_call_id`, `refusal`."""
    complete: bool = True
    """False for a reply that broke off."""

    @property
    def public_id(self) -> str:
        return self.external_id or self.id


@dataclass(frozen=True, slots=True)
class Injection:
    """A ledger entry: the block that was given with one user message of a session. An empty block is an entry too:
    the provider has seen that message without one."""

    anchor: bytes
    """16 bytes: the user message with the pair before it. A request whose message has its block already is entered
    under its own, longer id instead: for its receipt alone, and no part of what `look` gives."""
    block: str
    tokens: int = 0
    facts: tuple[str, ...] = ()
    """Ids of the facts in the block."""
    request_id: str = ""
    receipt: bytes = b"{}"
    """JSON: what was recalled, with scores, and what was left out and why."""
    created_at: datetime | None = None

    def without(self, lines: Collection[str], facts: Collection[str] = ()) -> Injection:
        """The same entry, its block less these lines, whatever their dates; where one of them stood, without these ids
        too. A day's heading that is left without lines goes, and a block that shows no fact any more, none of its lines
        beginning with `- `, becomes empty."""
        gone = {_undated(line.removesuffix("\n")) for line in lines}
        told = self.block.split("\n")
        kept = [line for line in told if _undated(line) not in gone]
        kept = [line for line, after in pairwise([*kept, ""]) if not _DAY.fullmatch(line) or after.startswith("- ")]
        if len(kept) == len(told):
            return self
        shows = any(line.startswith("- ") for line in kept)
        left = tuple(fact for fact in self.facts if fact not in facts)
        return replace(self, block="\n".join(kept) if shows else "", facts=left)

    def tells(self, text: str) -> bool:
        """Whether a line of the block is this statement, whatever its dates: what was corrected is not."""
        told = _words(text)
        return bool(told) and any(_words(_undated(line)) == told for line in self.block.split("\n"))

    def emptied(self) -> Injection:
        """The same entry, telling nothing."""
        return replace(self, block="", facts=(), receipt=b"{}")


def _undated(line: str) -> str:
    """A line of a block without its date, which changes as a fact is mentioned and ends."""
    return _DATED.sub("- ", line, count=1)


def _words(text: str) -> str:
    """Letters and digits alone: a block escapes and folds the rest."""
    return "".join(filter(str.isalnum, text.replace("&lt;", "")))


@dataclass(frozen=True, slots=True)
class Usage:
    """What one turn used, as the upstream's reply reports it."""

    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """How the session of a turn is found, where the store was away when the turn began."""

    session: str | None
    """The one that the request names."""
    pairs: tuple[bytes, ...] = ()
    ids: tuple[str, ...] = ()
    answered: bool = False
    """Whether the last message of the turn is the answer; those before it are all that the request holds."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request adds to a session, committed as a whole or not at all."""

    scope: Scope
    session: str
    request_id: str
    at: datetime
    messages: tuple[Message, ...] = ()
    injection: Injection | None = None
    jobs: tuple[Job, ...] = ()
    usage: Usage | None = None
    seen: int = 0
    """Version of the memory that the injection was recalled from; 0 where it tells nothing. Where one of its facts was
    forgotten since, corrected, or erased with its entity, the ledger keeps an empty entry."""
    sought: Sought | None = None
    """Set until session and messages are settled against what the store holds; never committed so."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a turn: how many of its messages the session did not hold before."""

    added: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that a request needs, read in one go."""

    version: int = 0
    """Of the entity's memory; 0 where the entity is unknown."""
    session: str | None = None
    """The session named, or the one recognised; None where neither."""
    held: frozenset[bytes] = frozenset()
    """Those of the asked keys that the entity holds in any session."""
    injections: tuple[Injection, ...] = ()
    """The session's ledger, oldest first (`receipt` is left empty here)."""
    tokens: int = 0
    """What all blocks of the session add up to."""
    ids: frozenset[str] = frozenset()
    """Those of the asked message ids that the entity holds in any session."""
