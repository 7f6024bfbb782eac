"""Finds dates in a sentence and resolves them against the day it was said on; knows no language.

A language's file gives the patterns, whose named groups say what was found (`day`, `month`, `offset` …), and the words
that the groups may hold. Dates are kept to the day; a week, month or year begins on its first day. What stands under
`[loose]` ("last summer", "a few weeks ago") is too vague to be the date of a fact, and good enough to search by.
"""

from __future__ import annotations

import calendar
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from memproxy.dates.needs import Need, lacking, needs

_Date = date  # a field of that name hides it
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Mention:
    """A date as it was said: where it stands, and what its groups hold."""

    start: int
    end: int
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Day:
    """A resolved date. `unit` is how exact it is: `day`, `week`, `weekend`, `month`, `season` or `year`."""

    date: date
    unit: str = "day"
    year_said: bool = True
    until: _Date | None = None
    """The last day that may be meant, where the unit does not tell."""

    @property
    def at(self) -> datetime:
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)

    @property
    def last(self) -> _Date:
        """The last day that is meant."""
        if self.until is not None:
            return self.until
        if self.unit in _MONTHS:
            return _months_on(self.date, _MONTHS[self.unit]) - timedelta(days=1)
        return self.date + timedelta(days=_DAYS[self.unit] - 1)


_DAYS = {"day": 1, "weekend": 2, "week": 7}
_MONTHS = {"month": 1, "season": 3, "year": 12}
FEW = (2, 5)
"""What "a few" may mean."""


@cache
def calendars(*, loose: bool = False) -> Mapping[str, Calendar]:
    """Those of all languages there are files for. `loose` also finds what is vague."""
    found = sorted((entry for entry in files(__package__).iterdir() if entry.name.endswith(".toml")), key=str)
    tables = {entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text("utf-8")) for entry in found}
    return {name: Calendar(table, loose=loose) for name, table in tables.items()}


class Calendar:
    """The dates of one language."""

    def __init__(self, table: Mapping[str, Any], *, loose: bool = False) -> None:
        more = table.get("loose", {}) if loose else {}
        self._loose = loose
        self._words = {name: {**table.get(name, {}), **more.get(name, {})} for name in _TABLES}
        self._say: Mapping[str, Any] = table.get("say", {})
        sources = (*table["patterns"], *more.get("patterns", ()))
        self._patterns = [(re.compile(pattern), needs(pattern)) for pattern in map(self._expand, sources)]
        self._needs = frozenset[Need]().union(*(wanted for _, wanted in self._patterns))

    @property
    def words(self) -> Iterator[str]:
        """One of these, or a year, stands in whatever names a date."""
        for name in ("months", "weekdays", "offsets", "units", "seasons"):
            yield from self._words[name]

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
        plain = _plain(sentence)
        missing = lacking(plain, self._needs)
        for pattern, wanted in self._patterns:
            for found in pattern.finditer(plain) if missing.isdisjoint(wanted) else ():
                groups = {name: text for name, text in found.groupdict().items() if text is not None}
                yield Mention(found.start(), found.end(), groups)

    def resolve(self, mention: Mention, *, said: date, ahead: bool) -> Day | None:
        """The day meant; None where there is none (31 June). `ahead`: a date without a year lies ahead, else behind."""
        try:
            return self._resolve(mention.groups, said, ahead)
        except (ValueError, OverflowError):
            return None

    def _resolve(self, groups: Mapping[str, str], said: date, ahead: bool) -> Day | None:
        if "season" in groups:
            return self._season(groups, said)
        if "over" in groups:
            return self._over(groups, said)
        if "few" in groups:
            unit = self._words["units"][groups["unit"]]
            first, last = (_back(said, unit, count) for count in reversed(FEW))
            return Day(first, until=last)
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
        if unit == "week" and self._loose:  # nobody counts weeks to the day
            middle = said + timedelta(weeks=count)
            return Day(middle - timedelta(days=3), until=middle + timedelta(days=3))
        if unit in ("day", "week"):
            return Day(said + timedelta(days=count * (7 if unit == "week" else 1)))
        return _shifted(said, unit, count)

    def _over(self, groups: Mapping[str, str], said: date) -> Day:
        """Up to today: "the last two weeks"."""
        unit, word = self._words["units"][groups["unit"]], groups["over"]
        count = FEW[1] if word in self._words["few"] else self._number("numbers", word) if word else 1
        return Day(_back(said, unit, count), until=said)

    def _season(self, groups: Mapping[str, str], said: date) -> Day:
        """That of the year named, else the latest that has begun; "last" is the latest that is over, "next" the first
        to come. Seasons are those of the north."""
        month = self._number("seasons", groups["season"])
        if "year" in groups:
            return Day(date(int(groups["year"]), month, 1), "season")
        which = self._number("which", groups["which"]) if "which" in groups else None
        begun = [year for year in range(said.year - 2, said.year + 2) if date(year, month, 1) <= said]
        latest = Day(date(begun[-1], month, 1), "season")
        if which == 1:
            return Day(_months_on(latest.date, 12), "season")
        if which == -1 and latest.last >= said:
            return Day(_months_on(latest.date, -12), "season")
        return latest if which != 0 or latest.last >= said else Day(date(said.year, month, 1), "season")

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


_ODD = str.maketrans("İıſK", "iisk")
"""Letters that are one of ASCII's in another case, and may have another length there."""


def _plain(sentence: str) -> str:
    """In lower case, each character in its place."""
    return sentence.lower() if sentence.isascii() else sentence.translate(_ODD).lower()


_TABLES = ("months", "weekdays", "offsets", "which", "units", "numbers", "seasons", "few")


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
    return Day(_months_on(said, count), unit)


def _months_on(day: date, count: int) -> date:
    """The first of the month that many months on."""
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def _back(said: date, unit: str, count: int) -> date:
    return said - timedelta(days=count * {"day": 1, "week": 7, "weekend": 7, "month": 30, "year": 365}[unit])
