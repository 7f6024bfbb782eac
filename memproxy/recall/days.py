"""Dates that a question names, as spans of days: "on 8 May 2023", "May 8", "2023-05-08", "in May", "May 2023".

Explicit dates only, in English and ISO form; a date without a year means that date in any year.
"""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MONTHS = {name.lower(): i for names in (month_name, month_abbr) for i, name in enumerate(names) if i} | {"sept": 9}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b", r"(?P<year>(?:19|20)\d\d)\b"
_HINT = re.compile(rf"\b(?=[adfjmnos\d])(?:{_MONTH}|\d{{4}}-\d\d-\d\d\b)", re.IGNORECASE)
"""Looks at the first letter of a word before it tries all months."""
_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        r"\b(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)\b",
        rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?",
        rf"\b{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?",
        rf"\b{_MONTH},?\s+{_YEAR}",
        rf"\b(?:in|during|since|until|by|last|this|early|late|mid)[\s-]+{_MONTH}",
    )
]
"""The last form asks for a word before the month, because `may` and `march` are words of their own."""

EXACT, NEAR, MONTH = 1.0, 0.3, 0.5
"""What a match is worth: within a day of the date, within a week, within the month where no day is named."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it is named."""

    month: int
    day: int | None
    year: int | None


def named(text: str) -> tuple[Day, ...]:
    """The dates in a text."""
    if not _HINT.search(text):
        return ()
    found: list[Day] = []
    for form in _FORMS:  # what one form has read is gone for the next: "8 May 2023" is not "May 2023" as well
        found += map(_day, form.finditer(text))
        text = form.sub(" ", text)
    return tuple(dict.fromkeys(day for day in found if 1 <= day.month <= 12 and (day.day or 1) in range(1, 32)))


def _day(match: re.Match[str]) -> Day:
    parts = match.groupdict()
    month = parts["month"].lower()
    number = int(month) if month.isdigit() else _MONTHS[month]
    day, year = parts.get("day"), parts.get("year")
    return Day(number, int(day) if day else None, int(year) if year else None)


def nearness(days: tuple[Day, ...], said: NDArray[np.float64]) -> NDArray[np.float32]:
    """How well times (seconds since 1970) match the best of the dates, 0 to 1."""
    best = np.zeros(len(said), np.float32)
    dates = said.astype("datetime64[s]").astype("datetime64[D]")
    for day in days:
        np.maximum(best, _nearness(day, dates), out=best)
    return best


def _nearness(day: Day, dates: NDArray[np.datetime64]) -> NDArray[np.float32]:
    years = dates.astype("datetime64[Y]").astype(np.int64) + 1970 if day.year is None else np.int64(day.year)
    months = np.asarray((years - 1970) * 12 + day.month - 1).astype("datetime64[M]")
    if day.day is None:
        return np.where(dates.astype("datetime64[M]") == months, MONTH, 0).astype(np.float32)
    apart = np.abs((dates - (months.astype("datetime64[D]") + (day.day - 1))).astype(np.int64))
    return np.where(apart <= 1, EXACT, np.where(apart <= 7, NEAR, 0)).astype(np.float32)
