"""Dates in people's words, resolved against the day on which they were said: Wednesday 29 April 2026."""

from __future__ import annotations

from datetime import date

import pytest

from memproxy.dates.calendar import calendars

WEDNESDAY = date(2026, 4, 29)
BOOKS, LOOSE = calendars(), calendars(loose=True)

AHEAD = [
    ("en", "tomorrow", "2026-04-30"),
    ("en", "the day after tomorrow", "2026-05-01"),
    ("en", "on Friday", "2026-05-01"),
    ("en", "this Friday", "2026-05-01"),
    ("en", "next Friday", "2026-05-08"),
    ("en", "next Monday", "2026-05-04"),
    ("en", "on 3 May", "2026-05-03"),
    ("en", "on the 3rd of May", "2026-05-03"),
    ("en", "May 3rd, 2027", "2027-05-03"),
    ("en", "on March 1", "2027-03-01"),
    ("en", "on 29 February", "2028-02-29"),
    ("en", "on 2026-12-24", "2026-12-24"),
    ("en", "in two weeks", "2026-05-13"),
    ("en", "in 10 days", "2026-05-09"),
    ("en", "next week", "2026-05-04"),
    ("en", "next month", "2026-05-01"),
    ("en", "in October", "2026-10-01"),
    ("en", "in April", "2026-04-01"),
    ("zh", "明天", "2026-04-30"),
    ("zh", "后天下午", "2026-05-01"),
    ("zh", "大后天", "2026-05-02"),
    ("zh", "周五", "2026-05-01"),
    ("zh", "这周五", "2026-05-01"),
    ("zh", "下周五", "2026-05-08"),
    ("zh", "下下周一", "2026-05-11"),
    ("zh", "下个月", "2026-05-01"),
    ("zh", "5月3日", "2026-05-03"),
    ("zh", "2027年5月3号", "2027-05-03"),
    ("zh", "三天后", "2026-05-02"),
    ("zh", "明年", "2027-01-01"),
]
BEHIND = [
    ("en", "yesterday", "2026-04-28"),
    ("en", "last Friday", "2026-04-24"),
    ("en", "on Friday", "2026-04-24"),
    ("en", "in May", "2025-05-01"),
    ("en", "since 2019", "2019-01-01"),
    ("en", "last year", "2025-01-01"),
    ("en", "three months ago", "2026-01-01"),
    ("en", "two days ago", "2026-04-27"),
    ("zh", "去年", "2025-01-01"),
    ("zh", "上周五", "2026-04-24"),
    ("zh", "3天前", "2026-04-26"),
]


def resolved(name: str, words: str, *, ahead: bool) -> str | None:
    (mention,) = BOOKS[name].find(words)
    day = BOOKS[name].resolve(mention, said=WEDNESDAY, ahead=ahead)
    return day.date.isoformat() if day else None


@pytest.mark.parametrize(("language", "words", "day"), AHEAD)
def test_lies_ahead(language: str, words: str, day: str) -> None:
    assert resolved(language, words, ahead=True) == day


@pytest.mark.parametrize(("language", "words", "day"), BEHIND)
def test_lies_behind(language: str, words: str, day: str) -> None:
    assert resolved(language, words, ahead=False) == day


@pytest.mark.parametrize("words", ["on 31 June", "on 2026-13-01", "in 999 years ahead of 9999-12-31"])
def test_a_day_that_does_not_exist_is_none(words: str) -> None:
    mentions = BOOKS["en"].find(words)
    days = [BOOKS["en"].resolve(m, said=date(9999, 12, 31), ahead=True) for m in mentions]
    assert days[0] is None


@pytest.mark.parametrize(
    "words", ["I may go", "by Friday", "every Friday", "on Fridays", "march on", "12 monkeys", "in Berlin"]
)
def test_what_only_looks_like_a_date_is_none(words: str) -> None:
    assert BOOKS["en"].find(words) == []


VAGUE = [
    ("en", "last summer", "2025-06-01", "2025-08-31"),
    ("en", "this summer", "2026-06-01", "2026-08-31"),
    ("en", "next winter", "2026-12-01", "2027-02-28"),
    ("en", "the summer of 2022", "2022-06-01", "2022-08-31"),
    ("en", "last night", "2026-04-28", "2026-04-28"),
    ("en", "this morning", "2026-04-29", "2026-04-29"),
    ("en", "two weeks ago", "2026-04-12", "2026-04-18"),
    ("en", "a few days ago", "2026-04-24", "2026-04-27"),
    ("en", "the last two weeks", "2026-04-15", "2026-04-29"),
    ("en", "the past few months", "2025-11-30", "2026-04-29"),
    ("en", "last May", "2025-05-01", "2025-05-31"),
    ("en", "May 2023", "2023-05-01", "2023-05-31"),
    ("en", "last week", "2026-04-20", "2026-04-26"),
    ("en", "last weekend", "2026-04-25", "2026-04-26"),
    ("en", "last year", "2025-01-01", "2025-12-31"),
    ("en", "my 2024 marathon", "2024-01-01", "2024-12-31"),
    ("zh", "去年夏天", "2025-06-01", "2025-08-31"),
    ("zh", "前年", "2024-01-01", "2024-12-31"),
    ("zh", "上上周", "2026-04-13", "2026-04-19"),
    ("zh", "几天前", "2026-04-24", "2026-04-27"),
    ("zh", "最近三天", "2026-04-26", "2026-04-29"),
    ("ja", "昨日", "2026-04-28", "2026-04-28"),
    ("ja", "先週の火曜日", "2026-04-21", "2026-04-21"),
    ("ja", "去年の夏", "2025-06-01", "2025-08-31"),
    ("ja", "先月", "2026-03-01", "2026-03-31"),
    ("ja", "2週間前", "2026-04-12", "2026-04-18"),
]


@pytest.mark.parametrize(("language", "words", "first", "last"), VAGUE)
def test_what_is_vague_spans_the_days_that_may_be_meant(language: str, words: str, first: str, last: str) -> None:
    (mention,) = LOOSE[language].find(words)
    day = LOOSE[language].resolve(mention, said=WEDNESDAY, ahead=False)
    assert day is not None
    assert (day.date.isoformat(), day.last.isoformat()) == (first, last)


@pytest.mark.parametrize("words", ["It may rain", "they march on", "a second try"])
def test_words_that_are_dates_only_elsewhere_are_none(words: str) -> None:
    assert LOOSE["en"].find(words) == []
