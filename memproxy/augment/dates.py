"""Finds dates in a sentence and resolves them against the day it was said on; knows no language.

A language's `[dates]` table gives the patterns, whose named groups say what was found (`day`, `month`, `offset` …),
and the words that the groups may hold. Dates are kept to the day; a week, month or year begins on its first day.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Mention:
    """A date as it was said: where it stands, and what its groups hold."""

    start: int
    end: int
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Day:
    """A resolved date. `unit` is how exact it is: `day`, `week`, `weekend`, `month` or `year`."""

    date: date
    unit: str = "day"
    year_said: bool = True

    @property
    def at(self) -> datetime:
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)


class Calendar:
    """The dates of one language."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._words = {name: dict(table[name]) for name in _TABLES}
        self._say: Mapping[str, Any] = table["say"]
        self._patterns = [re.compile(self._expand(source), re.IGNORECASE) for source in table["patterns"]]

    def _expand(self, source: str) -> str:
        def alternatives(found: re.Match[str]) -> str:
            entries = self._words.get(found[1])
            return found[0] if entries is None else "|".join(sorted(map(re.escape, entries), key=len, reverse=True))

        return _PLACEHOLDER.sub(alternatives, source)

    def find(self, sentence: str) -> list[Mention]:
        """What is said about dates, by position; where patterns overlap, the one that began first, or is longer."""
        found = sorted(self._all(sentence), key=lambda m: (m.start, -m.end))
        kept: list[Mention] = []
        for mention in found:
            if not kept or mention.start >= kept[-1].end:
                kept.append(mention)
        return kept

    def _all(self, sentence: str) -> Iterator[Mention]:
        for pattern in self._patterns:
            for found in pattern.finditer(sentence):
                groups = {name: text.lower() for name, text in found.groupdict().items() if text is not None}
                yield Mention(found.start(), found.end(), groups)

    def resolve(self, mention: Mention, *, said: date, ahead: bool) -> Day | None:
        """The day meant; None where there is none (31 June). `ahead`: a date without a year lies ahead, else behind."""
        try:
            return self._resolve(mention.groups, said, ahead)
        except (ValueError, OverflowError):
            return None

    def _resolve(self, groups: Mapping[str, str], said: date, ahead: bool) -> Day | None:
        if "offset" in groups:
            return Day(said + timedelta(days=self._number("offsets", groups["offset"])))
        if "weekday" in groups:
            return Day(self._weekday(groups, said, ahead))
        if "unit" in groups:
            return self._unit(groups, said)
        return _calendar_day(groups, self._month(groups), said, ahead)

    def _weekday(self, groups: Mapping[str, str], said: date, ahead: bool) -> date:
        """ "Next Friday" is that of the next calendar week: said on a Wednesday it is nine days off, as the nearer one
        would be "this Friday". A bare "Friday" is the nearest in the direction of the statement."""
        wanted = self._number("weekdays", groups["weekday"])
        if weeks := self._number("which", groups["which"]) if "which" in groups else 0:
            return said + timedelta(days=wanted - said.weekday() + 7 * weeks)
        if ahead:
            return said + timedelta(days=(wanted - said.weekday()) % 7)
        return said - timedelta(days=(said.weekday() - wanted) % 7)

    def _unit(self, groups: Mapping[str, str], said: date) -> Day:
        unit = self._words["units"][groups["unit"]]
        if "count" not in groups:
            return _shifted(said, unit, self._number("which", groups["which"]))
        count = self._number("numbers", groups["count"]) * (-1 if "ago" in groups else 1)
        if unit in ("day", "week"):
            return Day(said + timedelta(days=count * (7 if unit == "week" else 1)))
        return _shifted(said, unit, count)

    def _month(self, groups: Mapping[str, str]) -> int | None:
        if "number" in groups:
            return int(groups["number"])
        return self._number("months", groups["month"]) if "month" in groups else None

    def _number(self, table: str, word: str) -> int:
        value = self._words[table].get(word)
        return int(word) if value is None else int(value)

    def say(self, day: Day) -> str:
        """The date as this language writes it, with its preposition."""
        return self._format(self._say[day.unit], day.date)

    def birthday(self, day: Day) -> str:
        pattern = self._say["birthday_year"] if day.year_said else self._say["birthday"]
        return self._format(pattern, day.date)

    def _format(self, pattern: str, day: date) -> str:
        return pattern.format(day=day.day, month=self._say["month_names"][day.month - 1], year=day.year)


_TABLES = ("months", "weekdays", "offsets", "which", "units", "numbers")


def _calendar_day(groups: Mapping[str, str], month: int | None, said: date, ahead: bool) -> Day:
    year = int(groups["year"]) if "year" in groups else None
    if month is None:
        return Day(date(year or said.year, 1, 1), "year")
    unit = "day" if "day" in groups else "month"
    day = int(groups.get("day", 1))
    if year is None:
        return Day(_nearest(month, day, said, ahead, unit), unit, year_said=False)
    return Day(date(year, month, day), unit)


def _nearest(month: int, day: int, said: date, ahead: bool, unit: str) -> date:
    """The next (or last) such day; one that began is still this one: "in May", said in May."""
    today = said if unit == "day" else said.replace(day=1)
    years = range(said.year, said.year + 9) if ahead else range(said.year, said.year - 9, -1)
    for year in years:
        if day > calendar.monthrange(year, month)[1]:
            continue  # 29 February
        found = date(year, month, day)
        if (found >= today) if ahead else (found <= today):
            return found
    raise ValueError("no such day")


def _shifted(said: date, unit: str, count: int) -> Day:
    """The beginning of the week, weekend, month or year that lies `count` from this one."""
    if unit in ("week", "weekend"):
        monday = said + timedelta(days=7 * count - said.weekday())
        return Day(monday + timedelta(days=5 if unit == "weekend" else 0), unit)
    if unit == "day":
        return Day(said + timedelta(days=count))
    if unit == "year":
        return Day(date(said.year + count, 1, 1), unit)
    months = said.year * 12 + said.month - 1 + count
    return Day(date(months // 12, months % 12 + 1, 1), unit)
