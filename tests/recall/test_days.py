"""Dates in questions, matched with the days on which things were said."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.recall.days import EXACT, MONTH, NEAR, Day, named, nearness


def near(text: str, *said: str) -> list[float]:
    times = [datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in said]
    return [round(float(found), 3) for found in nearness(named(text), np.array(times))]


@pytest.mark.parametrize(
    "text", ["on 8 May 2023", "May 8th, 2023", "2023-05-08", "the 8th of may 2023", "What happened May 8 2023?"]
)
def test_a_full_date_is_read_in_its_usual_forms(text):
    assert Day(5, 8, 2023) in named(text)


def test_a_month_alone_needs_a_word_before_it():
    assert named("in May") == (Day(5, None, None),)
    assert named("It may rain. They march on.") == ()


def test_what_was_said_on_the_day_is_nearest():
    days = ["2023-05-08", "2023-05-09", "2023-05-14", "2023-06-08", "2022-05-08"]
    assert near("on 8 May 2023", *days) == [EXACT, EXACT, pytest.approx(NEAR), 0, 0]


def test_a_date_without_a_year_means_any_year():
    assert near("on May 8", "2021-05-08", "2024-05-08", "2024-07-08") == [EXACT, EXACT, 0]


def test_a_month_covers_all_of_its_days():
    assert near("in May 2023", "2023-05-01", "2023-05-31", "2023-06-01") == [MONTH, MONTH, 0]


def test_the_best_of_several_dates_counts():
    assert near("8 May 2023 or 1 July 2023", "2023-07-01") == [EXACT]


@given(st.text(), st.floats(0, 4e9))
def test_no_text_upsets_it(text, said):
    assert 0 <= nearness(named(text + " 31 February 2023 0000-99-99"), np.array([said]))[0] <= 1
