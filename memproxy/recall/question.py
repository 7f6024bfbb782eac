"""What recall reads in a question: the words to search for, whom it names, which dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from memproxy.recall.cached import cached
from memproxy.recall.days import Span, named
from memproxy.recall.words import spaceless, terms

FOCUS = 2000
"""Characters of a long message that are searched for: its first and last half of this. The request stands at one of the
ends; what lies between is pasted, and would drown it."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    """Without the names of speakers, which would pull an encoder to every greeting that holds them."""
    terms: tuple[str, ...]
    speaker: int | None
    """Code of the one speaker that is named; None where none is, or several."""
    days: tuple[Span, ...]
    named: bool = False
    """Whether any speaker is named."""
    trust: float = 1.0
    """In cosines, 0 to 1."""


_AFTER_NAMES = "(?:['’]s\\b|さん|ちゃん|くん|様|님|씨)?"
_HANGUL = re.compile("[\uac00-\ud7af]{2,}").fullmatch

HALF_TRUST = 0.5
"""To an English encoder, the default, all texts in scripts without spaces are alike: there words must speak too."""


def focused(text: str) -> str:
    return text if len(text) <= FOCUS else f"{text[: FOCUS // 2]} {text[-FOCUS // 2 :]}"


def read(text: str, speakers: Mapping[str, int], now: datetime | None = None, newest: float | None = None) -> Question:
    """`speakers` maps casefolded names to codes. Days are resolved against `now`, and where nothing can have been said
    then against `newest`, the seconds of the last thing said."""
    text = focused(text)
    aliases = _aliases(speakers)
    bare, codes = _without(text, aliases) if aliases else (text, set())
    words = tuple(terms(bare))
    return Question(
        text=bare,
        terms=words,
        speaker=next(iter(codes)) if len(codes) == 1 else None,
        days=named(bare, words, now or datetime.now(UTC), newest),
        named=bool(codes),
        trust=HALF_TRUST if spaceless(bare) else 1.0,
    )


def _aliases(speakers: Mapping[str, int]) -> dict[str, int]:
    """Full names, and first names that belong to one speaker only."""
    firsts = [name.split()[0] for name in speakers if name.strip()]
    short = {name.split()[0]: code for name, code in speakers.items() if name.strip()}
    return {name: code for name, code in short.items() if firsts.count(name) == 1 and len(name) > 1} | dict(speakers)


def _without(text: str, aliases: Mapping[str, int]) -> tuple[str, set[int]]:
    pattern = _pattern(tuple(aliases))
    codes = {aliases[match.group(1).casefold()] for match in pattern.finditer(text)}
    bare = " ".join(pattern.sub(" ", text).split()) if codes else text
    return bare if re.search(r"\w", bare) else text, codes


@cached(size=256)
def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    return re.compile(rf"({'|'.join(map(_bordered, longest_first))}){_AFTER_NAMES}", re.IGNORECASE)


def _bordered(name: str) -> str:
    """The name as a word of its own. 小明最近 has no border after the name, and 민수는 none before its particle; a name
    of one such sign is too easily part of another word."""
    before = r"\b" if not spaceless(name) or len(name) == 1 else ""
    after = r"\b" if not (before == "" or _HANGUL(name)) else ""
    return f"{before}{re.escape(name)}{after}"
