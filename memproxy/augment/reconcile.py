"""Reconciles what was just claimed with what is known: pure, and indifferent to the order in which messages arrive.

The statements about one thing form a timeline, ordered by when they were made, not by when they were imported:

    home    ── Berlin (Jan–Mar) ──► Lisbon (May–)         a new value supersedes the one before it
                        ▲
              Rome (Apr, imported later)                    is put in between: closed from the start

- The same value again is a mention: counted, its source added.
- Another value of a single-valued attribute, the opposite of a liking, and "not any more" are *rivals*: the one stated
  last is current, the others stay in the history, closed, each pointing to what superseded it.
- What was forgotten is not learned again from messages.
- A message that a fact already has among its sources changes nothing, so a page may be processed twice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from memproxy.domain import Claim, Event, Fact, FactState, Message, Scope, Source, Triple
from memproxy.ids import new_id

ENDED = "~"
"""Put before an attribute's name it makes that of the statement's end: `~home` `berlin`, "No longer lives in …"."""

_OPPOSITES = {"likes": "dislikes", "dislikes": "likes"}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is to be written: facts new or changed (without tokens and embedding where new), triples, events."""

    facts: tuple[Fact, ...] = ()
    triples: tuple[Triple, ...] = ()
    events: tuple[Event, ...] = ()


def attributes(claims: Sequence[Claim]) -> list[str]:
    """The attributes whose facts must be known to reconcile these claims: what to ask `Memory.about` for."""
    names: set[str] = set()
    for claim in claims:
        for name in (claim.attribute, _OPPOSITES.get(claim.attribute, claim.attribute)):
            names.update((name, ENDED + name))
    return sorted(names)


def normalised(value: str) -> str:
    """The identity of a value: letters' case, width and spacing do not count."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def reconcile(
    known: Sequence[Fact],
    claims: Sequence[Claim],
    messages: Mapping[str, Message],
    *,
    scope: Scope,
    session: str,
    now: datetime,
) -> Reconciled:
    """Apply the claims to the known facts of their attributes. `messages` are those they were read in, by id."""
    ledger = _Ledger({fact.id: fact for fact in known}, scope, session, now)
    for claim in sorted(claims, key=lambda claim: messages[claim.message_id].created_at):
        ledger.take(claim, messages[claim.message_id])
    return Reconciled(tuple(ledger.changed.values()), tuple(ledger.triples), tuple(ledger.events))


@dataclass(slots=True)
class _Ledger:
    """The facts as they become, and what was changed about them."""

    facts: dict[str, Fact]
    scope: Scope
    session: str
    now: datetime
    changed: dict[str, Fact] = field(default_factory=dict)
    triples: list[Triple] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def take(self, claim: Claim, message: Message) -> None:
        attribute = ENDED + claim.attribute if claim.ended else claim.attribute
        stated = _Stated(claim, attribute, normalised(claim.value), message)
        told = (fact for fact in self.facts.values() if stated.is_about(fact))
        if any(source.message_id == message.id for fact in told for source in fact.sources):
            return
        if any(fact.state is FactState.FORGOTTEN for fact in self.facts.values() if stated.is_forgotten_by(fact)):
            return
        line = [fact for fact in self.facts.values() if stated.concerns(fact)]
        if any(fact.last_seen > message.created_at for fact in line):
            self._take_past(stated, line)
        else:
            self._take_newest(stated, line)

    def _take_newest(self, stated: _Stated, line: list[Fact]) -> None:
        """Nothing was stated later: this is what holds now."""
        newest = max(line, key=_last, default=None)
        if newest is not None and newest.state is FactState.CURRENT and stated.is_same(newest):
            self._mention(newest, stated)
            return
        fact = self._insert(stated)
        for other in line:
            if other.state is FactState.CURRENT:
                self._close(other, fact)

    def _take_past(self, stated: _Stated, line: list[Fact]) -> None:
        """A message imported late: its statement finds its place among those already known and changes nothing about
        what holds now."""
        at = stated.message.created_at
        spanning = sorted((f for f in line if f.first_seen <= at < f.last_seen), key=stated.is_same, reverse=True)
        before = max((f for f in line if f.last_seen <= at), key=_last, default=None)
        after = min((f for f in line if f.first_seen > at), key=_first, default=None)
        next_ = spanning[0] if spanning else after
        for neighbour in (next_ if spanning else before, next_):
            if neighbour is not None and stated.is_same(neighbour):
                self._mention(neighbour, stated)
                return
        fact = self._insert(stated)
        if before is not None and not spanning:
            self._close(before, fact)
        if next_ is not None:
            self._close(fact, next_)

    def _mention(self, fact: Fact, stated: _Stated) -> None:
        claim, at = stated.claim, stated.message.created_at
        dated = at >= fact.last_seen and claim.valid_from is not None and claim.valid_from != fact.valid_from
        said = replace(
            fact,
            mentions=fact.mentions + 1,
            first_seen=min(fact.first_seen, at),
            last_seen=max(fact.last_seen, at),
            sources=(*fact.sources, self._source(stated)),
        )
        if dated:  # the text may name the date
            vector = fact.embedding if claim.text == fact.text else None
            said = replace(said, valid_from=claim.valid_from, text=claim.text, embedding=vector)
        self._put(said)
        self._note(said, "mentioned", "said again", fact.text, said.text)

    def _insert(self, stated: _Stated) -> Fact:
        fact = self._fact(stated)
        self._put(fact)
        self._note(fact, "created", "said by the person", None, fact.text)
        if stated.claim.triple is not None:
            self.triples.append(Triple(new_id(), *stated.claim.triple, fact_id=fact.id))
        return fact

    def _close(self, old: Fact, by: Fact) -> None:
        ended = max(by.valid_from or by.first_seen, old.valid_from or old.first_seen)
        self._put(replace(old, state=FactState.SUPERSEDED, valid_to=ended, superseded_by=by.id))
        self._note(old, "superseded", _reason(by), old.text, by.text)

    def _fact(self, stated: _Stated) -> Fact:
        claim, at = stated.claim, stated.message.created_at
        return Fact(
            id=new_id(),
            kind=claim.kind,
            text=claim.text,
            tokens=0,
            first_seen=at,
            last_seen=at,
            attribute=stated.attribute,
            value=stated.value,
            speaker=stated.message.name,
            role=stated.message.role,
            process=self.scope.process,
            valid_from=claim.valid_from,
            confidence=claim.confidence,
            sources=(self._source(stated),),
        )

    def _source(self, stated: _Stated) -> Source:
        return Source(stated.message.id, self.session, stated.message.public_id)

    def _put(self, fact: Fact) -> None:
        self.facts[fact.id] = self.changed[fact.id] = fact

    def _note(self, fact: Fact, action: str, reason: str, before: str | None, after: str | None) -> None:
        self.events.append(Event(new_id(), fact.id, action, reason, before, after, self.now))


@dataclass(frozen=True, slots=True)
class _Stated:
    """A claim with the message it was read in, and how facts relate to it."""

    claim: Claim
    attribute: str
    value: str
    message: Message

    def is_about(self, fact: Fact) -> bool:
        return (fact.attribute, fact.value) == (self.attribute, self.value)

    def is_same(self, fact: Fact) -> bool:
        return self.is_about(fact) and not self._other_day(fact)

    def _other_day(self, fact: Fact) -> bool:
        """A plan on another day is another plan: an exam in May, an exam in September."""
        days = (fact.valid_from, self.claim.valid_from)
        return self.claim.kind == "event" and None not in days and days[0] != days[1]

    def concerns(self, fact: Fact) -> bool:
        """Whether the fact stands on the same timeline: it says the same, or cannot hold together with this."""
        if fact.state is FactState.FORGOTTEN:
            return False
        return self.is_same(fact) or self._moved(fact) or self._contradicts(fact)

    def _moved(self, fact: Fact) -> bool:
        """The same plan, whose old day had not come when the new one was named, was moved."""
        return self.is_about(fact) and fact.valid_from is not None and fact.valid_from >= self.message.created_at

    def _contradicts(self, fact: Fact) -> bool:
        name, other = self.claim.attribute, fact.attribute or ""
        if self.claim.ended:
            return self.ends(fact)
        if other == ENDED + name:
            return fact.value in (self.value, "")
        if self.claim.single:
            return other == name
        return other == _OPPOSITES.get(name) and fact.value == self.value

    def ends(self, fact: Fact) -> bool:
        """An end without a value ("I quit my job") ends whatever there was; "Lisbon" also ends "Lisbon, Portugal"."""
        if fact.attribute != self.claim.attribute:
            return False
        return self.value in (fact.value, "") or (fact.value or "").startswith(f"{self.value}, ")

    def is_forgotten_by(self, fact: Fact) -> bool:
        """A tombstone stands for the statement, and for its end, which would tell of it too."""
        names = (self.claim.attribute, ENDED + self.claim.attribute)
        return fact.attribute in names and fact.value == self.value


def _first(fact: Fact) -> tuple[datetime, str]:
    return (fact.first_seen, fact.id)


def _last(fact: Fact) -> tuple[datetime, bool, str]:
    """Of two that were stated at once, the one that holds is the later."""
    return (fact.last_seen, fact.state is FactState.CURRENT, fact.id)


def _reason(by: Fact) -> str:
    return "the person said that it no longer holds" if (by.attribute or "").startswith(ENDED) else "a newer statement"
