"""Days that questions and memories name, and how they meet. Asked on Saturday 2 May 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.recall.days import EXACT, NEAR, named, nearness, spoken_of
from memproxy.recall.words import terms

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
MONTH, YEAR = 0.5, 0.25


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(text: str, newest: str | None = None):
    return named(text, terms(text), NOW, day(newest).timestamp() if newest else None)


def near(text: str, *said: str, newest: str | None = None) -> list[float]:
    times = np.array([day(one).timestamp() for one in said])
    return [round(float(found), 3) for found in nearness(asked(text, newest), times, {})]


@pytest.mark.parametrize(
    "text", ["on 8 May 2023", "May 8th, 2023", "2023-05-08", "the 8th of may 2023", "What happened May 8 2023?"]
)
def test_a_full_date_is_read_in_its_usual_forms(text):
    assert near(text, "2023-05-08", "2023-06-08") == [EXACT, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("What did I do yesterday?", "2026-05-01"),
        ("What did I say last Tuesday?", "2026-04-21"),
        ("Where was I on Tuesday?", "2026-04-28"),
        ("What did I tell you two weeks ago?", "2026-04-17"),
        ("What did we talk about last week?", "2026-04-23"),
        ("What did we cook last summer?", "2025-07-14"),
        ("What did I plan last month?", "2026-04-04"),
        ("Where did I travel last year?", "2025-11-30"),
        ("In May, what did I buy?", "2025-05-20"),
        ("我昨天吃了什么？", "2026-05-01"),
        ("上周我说了什么？", "2026-04-22"),
        ("去年我去了哪里？", "2025-03-03"),
        ("先週の火曜日に何をした？", "2026-04-21"),
    ],
)
def test_what_is_relative_is_meant_from_the_time_of_asking(text, said):
    matched, other = near(text, said, "2024-12-24")
    assert matched > other
    assert matched >= YEAR


def test_a_month_alone_needs_a_word_before_it():
    assert asked("It may rain. They march on.") == ()
    assert len(asked("in May")) == 1


def test_what_was_said_on_the_day_is_nearest():
    days = ["2023-05-08", "2023-05-09", "2023-05-14", "2023-06-08", "2022-05-08"]
    assert near("on 8 May 2023", *days) == [EXACT, EXACT, pytest.approx(NEAR), 0, 0]


def test_a_date_without_a_year_means_any_year():
    assert near("on May 8", "2021-05-08", "2024-05-08", "2024-07-08") == [EXACT, EXACT, 0]


def test_a_month_covers_all_of_its_days():
    assert near("in May 2023", "2023-05-01", "2023-05-31", "2023-06-01") == [MONTH, MONTH, 0]


def test_the_best_of_several_dates_counts():
    assert near("8 May 2023 or 1 July 2023", "2023-07-01") == [EXACT]


@pytest.mark.parametrize("text", ["What is due today?", "what's planned for tomorrow", "next week"])
def test_nothing_was_said_in_days_to_come(text):
    assert asked(text)
    assert near(text, "2026-05-02", "2026-05-03") == [0, 0]


def test_where_nothing_was_said_since_days_are_meant_from_the_last_conversation():
    assert near("What did I cook yesterday?", "2023-05-09", newest="2023-05-10") == [EXACT]
    assert near("What did I cook yesterday?", "2023-05-09", newest="2026-05-02") == [0]


def spoken(text: str, said: str) -> list[str]:
    days = (date(1970, 1, 1) + timedelta(span.first) for span in spoken_of(text, terms(text), day(said)))
    return [one.isoformat() for one in days]


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("Yesterday I went to the dentist.", ["2023-05-07"]),
        ("My exam is on 20 May, the party was on 1 May.", ["2023-05-20", "2023-05-01"]),
        ("We fly on 3 January.", ["2023-01-03"]),
        ("昨天我去了医院。", ["2023-05-07"]),
        ("I love today.", []),
        ("No date at all.", []),
    ],
)
def test_a_memory_speaks_of_days_as_seen_from_when_it_was_said(text, dates):
    assert spoken(text, "2023-05-08") == dates


def test_a_memory_is_found_by_the_day_it_speaks_of():
    said = np.array([day("2023-05-08").timestamp()] * 2)
    text = "The exam is on 20 June 2023."
    spans = spoken_of(text, terms(text), day("2023-05-08"))
    assert list(nearness(asked("What was on 20 June 2023?"), said, {1: spans})) == [0, EXACT]


@given(st.text(), st.floats(day("0001-01-01").timestamp(), day("9999-12-31").timestamp()))
def test_no_text_upsets_it(text, said):
    found = text + " 31 February 2023 0000-99-99 last week 30 February in 9999 weeks"
    spans = spoken_of(found, terms(found), NOW)
    assert 0 <= nearness(asked(found), np.array([said]), {0: spans})[0] <= 1
