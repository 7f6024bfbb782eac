"""What becomes of a fact that its owner corrects: pure.

before   f1 "Lives in Berlin"                 after   f1 "Lives in Lisbon"    the person's own words, from now on
                                                      f2 "Lives in Berlin"    until now, superseded by f1
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from memproxy.augment.attributes import Told
from memproxy.augment.statements import ENDED, WORDS, normalised, words
from memproxy.domain import Event, Fact, FactState
from memproxy.ids import new_id


def rewritten(fact: Fact, text: str, told: Told | None, now: datetime) -> Fact:
    """The fact with the person's own words in it, which hold from now on. A piece of a message is none any more."""
    episode = fact.kind == "episode"
    about = fact.attribute if fact.attribute != WORDS else None
    if about is not None and (told is None or told.attribute != about.removeprefix(ENDED)):
        told = Told(about, text)  # the rules read nothing in it, or something else: it is about what it was about
    return replace(
        fact,
        kind="knowledge" if episode else fact.kind,
        text=text,
        state=FactState.CURRENT,
        attribute=told.attribute if told else None,
        value=normalised(told.value) if told else None,
        speaker=None,
        role="user",
        first_seen=now,
        last_seen=now,
        valid_from=now,
        valid_to=None,
        superseded_by=None,
        confidence=1.0,
        authored=True,
        metadata={} if episode else fact.metadata,
    )


def as_it_was(fact: Fact, now: datetime) -> Fact:
    """The row that keeps what a fact said before it was corrected."""
    attribute, value = words(fact.text) if fact.attribute is None else (fact.attribute, fact.value)
    return replace(
        fact,
        id=new_id(),
        number=0,
        attribute=attribute,
        value=value,
        state=FactState.SUPERSEDED,
        superseded_by=fact.id,
        valid_to=now,
        pinned=False,
    )


_MARKS = ("kind", "valid_from", "expires_at", "metadata")


def marks(fact: Fact, made: Fact, now: datetime) -> tuple[Event, ...]:
    """The history of what changed beside the text."""
    events = []
    if made.pinned != fact.pinned:
        events.append(event(fact.id, "pinned" if made.pinned else "unpinned", "the person asked", None, None, now))
    if made.text == fact.text and (changed := [name for name in _MARKS if getattr(made, name) != getattr(fact, name)]):
        reason = f"the person changed {', '.join(changed)}"
        events.append(event(fact.id, "corrected", reason, None, None, now))
    return tuple(events)


def event(fact_id: str, action: str, reason: str, before: str | None, after: str | None, at: datetime) -> Event:
    return Event(new_id(), fact_id, action, reason, before, after, at)
