"""Fills the block: ranked facts, best first, as long as they say something new and fit.

Left out, each with its reason for the receipt: what an earlier block of the session gave (`given`), what the history in
the request already says (`visible`), what another fact of the block says (`duplicate`), what scores too far below the
best (`floor`), what does not fit (`budget`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from memproxy.domain import Fact
from memproxy.recall.render import FRAME_TOKENS

MISSES = 12
"""Facts in a row that do not fit before the rest is not tried any more."""


@dataclass(slots=True)
class Seen:
    """What the model has before it without any block of ours."""

    texts: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    _joined: str = field(init=False, repr=False)
    """What does not stand in here stands in none of `texts`: one search for nearly every fact."""

    def __post_init__(self) -> None:
        self._joined = "\n".join(self.texts)

    def has(self, fact: Fact) -> str | None:
        """The reason to leave the fact out, if there is one."""
        if fact.id in self.given:
            return "given"
        if fact.text in self._joined and any(fact.text in text for text in self.texts):
            return "visible"
        return None


@dataclass(slots=True)
class Packing:
    """A block in the making."""

    budget: int
    limit: int
    seen: Seen
    tokens: int = FRAME_TOKENS
    taken: list[int] = field(default_factory=list)
    """Positions of the facts in the block, in the order offered."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    _misses: int = 0
    _sameness: set[int] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _noted: Iterable[Fact] = ()

    @property
    def full(self) -> bool:
        return len(self.taken) >= self.limit or self._misses >= MISSES

    def note(self, facts: Iterable[Fact]) -> None:
        """Where to look for messages that the model has before it word for word: statements taken from them say nothing
        new. They are looked for when the first statement is offered."""
        self._noted = facts

    def offer(self, position: int, fact: Fact, sameness: int) -> None:
        """`sameness` is equal for facts of the same words."""
        reason = self._reason(fact, sameness)
        if reason is not None:
            self.left_out.append((fact.id, reason))
            self._misses += reason == "budget"
            return
        self._misses = 0
        self.taken.append(position)
        self.tokens += fact.tokens
        self._sameness.add(sameness)
        if fact.kind == "episode":
            self._tell(fact)

    def _tell(self, episode: Fact) -> None:
        self._told.update(source.message_id for source in episode.sources)

    def _reason(self, fact: Fact, sameness: int) -> str | None:
        if sameness in self._sameness or (fact.kind != "episode" and self._repeats(fact)):
            return "duplicate"
        if self.tokens + fact.tokens > self.budget:  # before the texts are searched, which costs more
            return "budget"
        return self.seen.has(fact)

    def _repeats(self, statement: Fact) -> bool:
        """Whether its own message stands in the block or in the history already."""
        for noted in self._noted:
            if noted.kind == "episode" and self.seen.has(noted):
                self._tell(noted)
        self._noted = ()
        return any(source.message_id in self._told for source in statement.sources)

    def drop(self, facts: Iterable[Fact], reason: str) -> None:
        self.left_out += [(fact.id, reason) for fact in facts]
