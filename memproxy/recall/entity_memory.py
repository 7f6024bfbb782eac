"""What recall holds of one loaded entity: the facts, one table row of plain numbers for each, and the lexical index.

Everything that ranking reads of all candidates stands in the table, so that it is computed for all of them at once; the
fact itself is opened only where it is shown. A fact keeps its row for good. Rows of superseded and forgotten facts are
out of the lexical index and not alive; embeddings are not held at all, they live in the vector index.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from memproxy.domain import Fact, FactState
from memproxy.recall.days import Span, spoken_of
from memproxy.recall.lexical import REACH, Lexical, Matches, Rows
from memproxy.recall.succession import Succession
from memproxy.recall.traits import TRAITS, traits
from memproxy.recall.words import negates, terms

COLUMNS = np.dtype(
    [
        ("number", np.int64),
        ("chain", np.int64),  # episodes of one session share a chain; every other fact is one of its own
        ("said", np.float64),  # seconds since 1970
        ("ends", np.float64),  # no longer true, or no longer to be kept; inf where open
        ("sameness", np.int64),  # equal for texts that say the same in the same words
        ("kind", np.int32),
        ("speaker", np.int32),
        ("process", np.int32),
        ("alive", np.bool_),
        ("answers", np.bool_),  # said by the assistant side of a chat
        ("asks", np.bool_),  # ends in a question mark
        ("personal", np.bool_),  # I, my, we
        ("dated", np.bool_),  # names a day
        ("closed", np.bool_),  # superseded
        ("pinned", np.bool_),
        ("verbatim", np.bool_),  # an episode
        *TRAITS,
    ]
)
_PERSONAL = re.compile(r"\b(?:i|i'm|i've|i'd|my|me|mine|we|our)\b|[我俺咱]", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nothing|without|cannot)\b|n['’]t\b|[不没非无]|ない|ません|ไม่", re.IGNORECASE
)
_FACT_BYTES = 900
"""Of a fact's objects beside its text: the dataclass, ids, times, one source; measured with tracemalloc."""
_DATED_BYTES = 300
"""More, where it names days."""

Table = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Line:
    """The conversations in a row: neighbours stand side by side, conversations at a distance."""

    places: Rows
    """Where each row of the table stands."""
    gaps: NDArray[np.bool_]
    """By place: nothing stands there."""
    asked: NDArray[np.bool_]
    """By place: a question stands there."""
    talks: Rows
    """The number of each row's conversation."""
    lately: NDArray[np.float32]
    """By conversation: 1 for the latest, 1/2 for the one before it, and so on; 0 for facts that stand alone."""


class EntityMemory:
    """`version` is the entity's version up to which changes have been applied; `born` tells which life of the entity
    this is; `indexed` is False where the vector index could not follow when that was `tried` (monotonic)."""

    def __init__(self) -> None:
        self.version = 0
        self.born = 0
        self.indexed = True
        self.tried = 0.0
        self.facts: list[Fact] = []
        self.rows: dict[int, int] = {}
        self.lexical = Lexical()
        self._table = np.zeros(64, COLUMNS)
        self.speakers: dict[str, int] = {}
        """Casefolded names of those who have said something, with their codes."""
        self._codes: dict[tuple[str, str], int] = {}
        self._line: Line | None = None
        self.succession = Succession()
        self.pinned: set[int] = set()
        """Rows of living facts that are always shown."""
        self._spoken: dict[int, tuple[Span, ...]] = {}
        """By row, the days that facts name in words, but for those that name none."""
        self._text_bytes = 0

    def __len__(self) -> int:
        return len(self.facts)

    @property
    def bytes(self) -> int:
        facts = len(self.facts) * _FACT_BYTES + len(self._spoken) * _DATED_BYTES + self._text_bytes
        return facts + self._table.nbytes + self.lexical.bytes

    @property
    def table(self) -> Table:
        return self._table[: len(self.facts)]

    @property
    def newest(self) -> float | None:
        """When the last thing was said."""
        return float(self.table["said"].max()) if self.facts else None

    def apply(self, facts: Iterable[Fact]) -> None:
        """Take in changed facts, in the order of their numbers; replaying is harmless."""
        for fact in facts:
            self._put(fact)
        self._line = None

    def _put(self, fact: Fact) -> None:
        row = self.rows.get(fact.number)
        before = None if row is None else self.facts[row]
        if row is None:
            row = self._new_row(fact)
        elif self._table[row]["alive"]:
            self.lexical.remove(row, terms(self.facts[row].text))
        self.succession.take(row, fact, before)
        self._text_bytes += len(fact.text) - len(self.facts[row].text)
        self.facts[row] = replace(fact, embedding=None)
        (self.pinned.add if fact.pinned and fact.state is FactState.CURRENT else self.pinned.discard)(row)
        found = terms(fact.text)
        self._spoken.pop(row, None)
        if days := spoken_of(fact.text, found, fact.first_seen):
            self._spoken[row] = days
        self._table[row] = self._columns(row, fact, found)
        if fact.state is FactState.CURRENT:
            self.lexical.add(row, found)

    def _new_row(self, fact: Fact) -> int:
        row = self.rows[fact.number] = len(self.facts)
        self._text_bytes += len(fact.text)
        self.facts.append(fact)
        if row >= len(self._table):
            self._table = np.concatenate([self._table, np.zeros(len(self._table), COLUMNS)])
        return row

    def _columns(self, row: int, fact: Fact, found: list[str]) -> tuple[object, ...]:
        text = fact.text
        return (
            fact.number,
            self._chain(row, fact),
            fact.first_seen.timestamp(),
            min(_seconds(fact.valid_to), _seconds(fact.expires_at)),
            hash((frozenset(found) or text, negates(text))),
            self._code("kind", fact.kind),
            self._speaker(fact.speaker),
            self._code("process", fact.process or ""),
            fact.state is FactState.CURRENT,
            fact.role == "assistant" and fact.speaker is None,
            text.rstrip().endswith(("?", "？")),
            bool(_PERSONAL.search(text)),
            row in self._spoken,
            fact.state is FactState.SUPERSEDED,
            fact.pinned,
            fact.kind == "episode",
            *traits(fact, found),
        )

    def code_of(self, group: str, name: str) -> int:
        """The number that stands for a name in a column of the table; -1 where no fact has it."""
        return self._codes.get((group, name), -1)

    def _code(self, group: str, name: str) -> int:
        return self._codes.setdefault((group, name), len(self._codes))

    def _speaker(self, name: str | None) -> int:
        return -1 if name is None else self.speakers.setdefault(name.casefold(), len(self.speakers))

    def _chain(self, row: int, fact: Fact) -> int:
        alone = fact.kind != "episode" or not fact.sources
        return -1 - row if alone else self._code("session", fact.sources[0].session_id)

    def spoken_of(self, rows: Rows) -> dict[int, tuple[Span, ...]]:
        """The days that these facts name in words, by their place in `rows`."""
        return {place: self._spoken[int(rows[place])] for place in np.flatnonzero(self.table["dated"][rows]).tolist()}

    def line(self) -> Line:
        """All conversations, one after another."""
        if self._line is None:
            self._line = _lined_up(self.table)
        return self._line

    def match(self, terms: Iterable[str]) -> Matches:
        """What the words of a question find."""
        line = self.line()
        return self.lexical.match(terms, line.places, len(line.gaps), line.talks)


def _seconds(time: datetime | None) -> float:
    return math.inf if time is None else time.timestamp()


def _lined_up(table: Table) -> Line:
    alive = np.flatnonzero(table["alive"])
    # Rows are in the order of fact numbers but for replicas that raced, and numbers rise with what was said.
    order = alive[np.lexsort((table["number"][alive], table["chain"][alive]))]
    chains = table["chain"][order]
    breaks = np.concatenate([[0], np.cumsum(chains[1:] != chains[:-1])]) if len(order) else order
    places = np.zeros(len(table), np.int64)  # where the dead are, beyond the reach of all others
    places[order] = REACH + 1 + np.arange(len(order)) + REACH * breaks
    gaps = np.ones(int(places.max(initial=0)) + REACH + 1, np.bool_)
    gaps[places[order]] = False
    asked = np.zeros(len(gaps), np.bool_)
    asked[places[order]] = table["asks"][order]
    talks = np.full(len(table), breaks[-1] + 1 if len(order) else 0, np.int64)  # the dead have one of their own
    talks[order] = breaks
    return Line(places, gaps, asked, talks, _lately(chains >= 0, table["said"][order], breaks))


def _lately(told: NDArray[np.bool_], said: NDArray[np.float64], talks: Rows) -> NDArray[np.float32]:
    ends = np.full(int(talks.max(initial=-1)) + 2, -np.inf)
    np.maximum.at(ends, talks[told], said[told])
    lately = np.zeros(len(ends), np.float32)
    latest = np.argsort(-ends, kind="stable")[: np.count_nonzero(np.isfinite(ends))]
    lately[latest] = 1 / np.arange(1, len(latest) + 1)
    return lately
