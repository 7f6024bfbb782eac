"""The days that a question or a memory names, and how well two of them meet.

    question "last Tuesday", asked on 2 May ──► span of days ─┐
                                                              ├──► nearness of a memory, 0 to 1
    memory: said on 29 April, "yesterday I …" ─► its spans ───┘

A date without a year means that date in any year. What is relative is meant from the time of asking. Where nothing at
all was said in the days that a question names so, though something was said before, it is read as if it had been asked
when the last thing was said: so people speak of a conversation that they take up again, and of one that was imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from memproxy.dates.calendar import Calendar, Mention, calendars
from memproxy.recall.words import terms

EXACT, NEAR = 1.0, 0.3
"""What a match is worth: within a day of the date, within a week."""
WIDTHS = ((3, EXACT), (9, 0.8), (31, 0.5), (124, 0.4), (366, 0.25))
"""What it is worth to fall into a span of so many days: a year says little."""
_LONG = ("month", "season", "year")
"""Of these the current one has a past; "this week" and "today" chiefly speak of what is to come."""
SPANS = 4
"""Of a memory that are kept."""
_EPOCH = date(1970, 1, 1).toordinal()

Days = NDArray[np.int64]
Worth = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """Days since 1970, both ends included."""

    first: int
    last: int
    yearly: bool = False
    """No year was named: these days of any year."""
    past: bool = True
    """Something may have been said then: it lies behind the question."""

    def over(self, days: Days) -> Iterator[Span]:
        """The span in each year that these days fall into, or itself."""
        if not self.yearly or not len(days):
            yield self
            return
        begins = date.fromordinal(self.first + _EPOCH)
        low, high = (date.fromordinal(int(day) + _EPOCH).year for day in (days.min(), days.max()))
        for year in range(max(low - 1, MINYEAR), min(high + 1, MAXYEAR) + 1):
            first = date(year, begins.month, min(begins.day, 28)).toordinal() - _EPOCH + max(begins.day - 28, 0)
            yield Span(first, first + self.last - self.first)


def named(text: str, found: Sequence[str], now: datetime, newest: float | None = None) -> tuple[Span, ...]:
    """The days that a question names. `found` are its terms, `newest` the seconds of the last thing that was said."""
    today = now.astimezone(UTC).date()
    last = None if newest is None else datetime.fromtimestamp(newest, UTC).date()
    spans = []
    for book, mention in _mentions(text, found):
        span = _span(book, mention, today)
        if span is not None and last is not None and span.past and not span.yearly and _relative(mention):
            beyond = _number(last) < span.first
            span = _span(book, mention, last) if beyond else span
        if span is not None:
            spans.append(span)
    return tuple(dict.fromkeys(spans))


def spoken_of(text: str, found: Sequence[str], said: datetime) -> tuple[Span, ...]:
    """The days that a memory names, but for the day on which it was said."""
    today = said.astimezone(UTC).date()
    spans = (_span(book, mention, today, nearest=True) for book, mention in _mentions(text, found))
    others = (span for span in spans if span is not None and (span.first, span.last) != (_number(today),) * 2)
    return tuple(dict.fromkeys(others))[:SPANS]


def nearness(asked: Sequence[Span], said: NDArray[np.float64], spoken: Mapping[int, Sequence[Span]]) -> Worth:
    """How well memories match the best of the asked days: by the time they were said (seconds since 1970), or by the
    days they speak of (by their place in `said`)."""
    best = np.zeros(len(said), np.float32)
    if not asked:
        return best
    days = (said // 86_400).astype(np.int64)
    for span in asked:
        for one in span.over(days) if span.past else ():
            np.maximum(best, _met(one, days, days), out=best)
    if spoken:
        _by_words(asked, spoken, best)
    return best


def _by_words(asked: Sequence[Span], spoken: Mapping[int, Sequence[Span]], best: Worth) -> None:
    pairs = [(place, span) for place, spans in spoken.items() for span in spans]
    places = np.array([place for place, _ in pairs], np.intp)
    firsts, lasts = (np.array(ends, np.int64) for ends in zip(*((s.first, s.last) for _, s in pairs), strict=True))
    for span in asked:
        for one in span.over(firsts):
            np.maximum.at(best, places, _met(one, firsts, lasts))


def _met(span: Span, firsts: Days, lasts: Days) -> Worth:
    gaps = np.maximum(np.maximum(firsts - span.last, span.first - lasts), 0)
    widths = np.maximum(lasts - firsts, span.last - span.first) + 1
    inside = np.zeros(len(firsts), np.float32)
    for width, worth in reversed(WIDTHS):
        inside[widths <= width] = worth
    narrow = widths <= WIDTHS[0][0]
    near = np.where(narrow & (gaps <= 7), NEAR, 0)
    return np.where(gaps <= narrow, inside, near).astype(np.float32)


def _mentions(text: str, found: Sequence[str]) -> Iterator[tuple[Calendar, Mention]]:
    """Looks for the words that dates are made of before it tries all patterns."""
    said = frozenset(found)
    for book, words in _hints():
        if not words.isdisjoint(said) or " May" in text or " may " in text:
            for mention in book.find(text):
                yield book, mention


@cache
def _hints() -> tuple[tuple[Calendar, frozenset[str]], ...]:
    """Of each language the index terms one of which stands in every date; `may` is none, as a function word."""
    years = frozenset(str(year) for year in range(1900, 2100))
    return tuple((book, years.union(*map(terms, book.words))) for book in calendars(loose=True).values())


def _span(book: Calendar, mention: Mention, today: date, *, nearest: bool = False) -> Span | None:
    """`nearest`: a date without a year is the closest such day; else it is that day of any year."""
    ahead = mention.groups.get("which") == "next"
    day = book.resolve(mention, said=today, ahead=ahead)
    if day is None:
        return None
    if nearest and not day.year_said and (other := book.resolve(mention, said=today, ahead=not ahead)):
        day = min(day, other, key=lambda found: abs(found.date - today))
    first, last, now = _number(day.date), _number(day.last), _number(today)
    yearly = not (day.year_said or nearest)
    return Span(first, last, yearly=yearly, past=yearly or last < now or (first <= now and day.unit in _LONG))


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _relative(mention: Mention) -> bool:
    return not mention.groups.keys() & {"year", "month", "number"}
