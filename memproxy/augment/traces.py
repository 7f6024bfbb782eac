"""Everything that tells what one fact tells, so that it can be forgotten as a whole.

- The fact, and what it said before it was corrected.
- The facts that state the same, or that it ended, whether they hold or not.
- The pieces of the messages it was said in: of a message in several pieces, those that hold the value.
- For a piece of a message, and for words that state nothing the rules know: whatever has exactly these words,
  in letters of any case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

from memproxy.augment.statements import ENDED, WORDS, normalised, stated_by
from memproxy.augment.unwanted import holding, telling
from memproxy.domain import Fact, FactState, Scope
from memproxy.ports import Memory

PAGE = 500
"""Facts looked through in one go."""
_TELLING = (FactState.CURRENT, FactState.SUPERSEDED)


async def traces(memory: Memory, scope: Scope, fact: Fact) -> Sequence[Fact]:
    """The fact itself first. Reading the pieces of messages takes as long as they are back in time."""
    before = await _versions(memory, scope, fact)
    same = await _same(memory, scope, fact)
    found = {one.id: one for one in (fact, *before, *same) if one.state is not FactState.FORGOTTEN}
    said = _said(fact, before, same)
    async for pieces in _pieces(memory, scope, said):
        for number in _telling(pieces, said[_message(pieces[0])]):
            found.setdefault(pieces[number].id, pieces[number])
    return list(found.values())


async def _versions(memory: Memory, scope: Scope, fact: Fact) -> Sequence[Fact]:
    """What the fact said before: the event of a correction has the id of the row that keeps the old words."""
    kept = [event.id for event in await memory.history(scope, fact.id) if event.action == "corrected"]
    return await memory.fetch(scope, kept) if kept else ()


async def _same(memory: Memory, scope: Scope, fact: Fact) -> Sequence[Fact]:
    attribute, value = stated_by(fact)
    known = await memory.about(scope, attributes=(), statements=[(attribute, value), (ENDED + attribute, value)])
    if attribute != WORDS or not fact.text:
        return known
    words = normalised(fact.text)
    alike = _all(memory, scope, kinds=(), text=fact.text)
    return [*known, *[one async for one in alike if one.attribute is None and normalised(one.text) == words]]


def _said(fact: Fact, before: Iterable[Fact], same: Iterable[Fact]) -> Mapping[str, Collection[str]]:
    """The values to look for, by the message in which a statement was made."""
    said: dict[str, set[str]] = {}
    for one in (*before, *same):
        for source in one.sources:
            said.setdefault(source.message_id, set()).update(_values(one))
    for source in fact.sources:  # what was corrected keeps the messages of what it said before
        said.setdefault(source.message_id, set(_values(fact)))
    return {message: values for message, values in said.items() if values}


def _values(fact: Fact) -> Sequence[str]:
    return () if fact.attribute in (None, WORDS) else (fact.value or "",)


async def _pieces(memory: Memory, scope: Scope, said: Collection[str]) -> AsyncIterator[Sequence[Fact]]:
    """All pieces of each of the messages, newest first, until no message is left to be found."""
    waiting: dict[str, list[Fact]] = {message: [] for message in said}
    if waiting:
        async for piece in _all(memory, scope, kinds=("episode",), text=None):
            if (message := _message(piece)) not in waiting:
                continue
            waiting[message].append(piece)
            if len(waiting[message]) == _of(piece):
                yield waiting.pop(message)
                if not waiting:
                    return
    for pieces in filter(None, waiting.values()):
        yield pieces


def _message(piece: Fact) -> str:
    return piece.sources[0].message_id if piece.sources else ""


def _of(piece: Fact) -> int:
    """Of how many pieces its message was made."""
    total = piece.metadata.get("chunk", "").partition("/")[2]
    return int(total) if total.isascii() and total.isdigit() else 1


def _telling(pieces: Sequence[Fact], values: Iterable[str]) -> set[int]:
    """Where some pieces are gone already, those may have told it."""
    tells = telling if len(pieces) == _of(pieces[0]) else holding
    texts = [piece.text for piece in pieces]
    return {number for value in values for number in tells(value, texts)}


async def _all(memory: Memory, scope: Scope, *, kinds: Sequence[str], text: str | None) -> AsyncIterator[Fact]:
    cursor: str | None = None
    while True:
        page = await memory.facts(scope, states=_TELLING, kinds=kinds, text=text, cursor=cursor, limit=PAGE)
        for fact in page.items:
            yield fact
        if (cursor := page.next_cursor) is None:
            return
