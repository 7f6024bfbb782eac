"""Dates in people's words, resolved against the day on which they were said: Wednesday 29 April 2026."""

from __future__ import annotations

from datetime import date

import pytest

from memproxy.augment.rules import languages

WEDNESDAY = date(2026, 4, 29)
BOOKS = {language.name: language.calendar for language in languages()}

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
