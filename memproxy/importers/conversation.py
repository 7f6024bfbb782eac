"""What an importer gives: conversations of messages, and what of an export was left out and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from math import isfinite

from memproxy.ids import ID

REASONS = {
    "branch": "on a branch that was edited away or regenerated",
    "empty": "without text",
    "hidden": "hidden in the app",
    "system": "instructions to the model",
    "thinking": "the model's thinking",
    "tool": "calls of tools and their results",
    "unreadable": "in a shape that is not known",
}
"""Why a message is left out."""

ROLES = {"user": "user", "human": "user", "assistant": "assistant"}
NOT_SPEECH = {"system": "system", "developer": "system", "tool": "tool", "function": "tool"}
"""Roles whose messages nobody said, and the reason under which they are left out."""

MAX_ID = 256
MAX_NAME = 128
# Seconds since 1970 reach this in the year 5138; whatever is larger counts milliseconds.
MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Said:
    """One message, as its export has it."""

    id: str
    role: str
    """`user` or `assistant`."""
    text: str
    at: datetime | None = None
    """None where neither the message nor one before it has a time."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages of one session, in order. A format without conversations may give one in several pieces."""

    session: str
    messages: tuple[Said, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    """How many messages were left out, by reason."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A conversation that cannot be read, named so that its owner finds it."""

    number: int
    """Its place in the file, from 1."""
    why: str


class Transcript:
    """A conversation in the making: it gives each message a time and counts what is left out."""

    def __init__(self, started: datetime | None = None) -> None:
        self._time = started
        self._said: list[Said] = []
        self._skipped: Counter[str] = Counter()

    def skip(self, reason: str, count: int = 1) -> None:
        if count:
            self._skipped[reason] += count

    def add(self, *, id: str | None, role: str, text: str, at: datetime | None = None, name: str | None = None) -> None:
        """A message without a time was said with the one before it, which keeps the order."""
        text = well_formed(text).strip()
        if not text:
            self.skip("empty")
            return
        self._time = at or self._time
        own = short_id(id or f"{len(self._said)} {text}", limit=MAX_ID)
        name = well_formed(name)[:MAX_NAME] if name else None
        self._said.append(Said(own, role, text, self._time, name))

    def end(self, prefix: str, given: str | None) -> Conversation:
        """`given` is the export's own id of the conversation; without one, the first message stands for it."""
        first = self._said[0].id if self._said else ""
        return Conversation(session_id(prefix, given or first), tuple(self._said), dict(self._skipped))


def session_id(prefix: str, given: str) -> str:
    """A session id that is the same for the same conversation at each import."""
    return short_id(f"{prefix}:{given}", limit=128, prefix=f"{prefix}:")


def short_id(text: str, *, limit: int, prefix: str = "") -> str:
    """The text itself where it may be an id, else a digest of it."""
    if len(text) <= limit and ID.fullmatch(text):
        return text
    return prefix + digest(text)


def digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def time_of(value: float | str | None) -> datetime | None:
    """Seconds or milliseconds since 1970, or RFC 3339; None where it is neither."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if value is None or not isfinite(value) or value <= 0:
            return None
        return datetime.fromtimestamp(value / 1000 if value > MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def ancestry(parents: Mapping[str, str | None], leaf: str | None) -> list[str]:
    """Names from the root of a tree to one of its leaves; a circle ends where it closes."""
    path: dict[str, None] = {}
    while leaf is not None and leaf in parents and leaf not in path:
        path[leaf] = None
        leaf = parents[leaf]
    return list(path)[::-1]


def attached(names: Sequence[str]) -> str:
    """Lines that stand for files: their names, never their content, which nobody said."""
    return "\n".join(f"[attached: {' '.join(name.split())}]" for name in dict.fromkeys(names) if name.strip())


_SURROGATE = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """Half an emoji, as exports that cut texts hold them, is no character and cannot be sent."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
