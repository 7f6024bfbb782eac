"""Of two statements that conflict, the newer one comes first, unless the question asks for the past."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memproxy.domain import Fact, Source
from memproxy.recall.candidates import Filter, gather
from memproxy.recall.currency import asks_past, in_time
from memproxy.recall.entity_memory import EntityMemory
from memproxy.recall.question import read
from memproxy.recall.rank import rank
from memproxy.testing.store_samples import after, fact

BUDGET = "I have a budget of $50 for snacks at the movie night."
RAISED = "I adjusted the snack budget to $75, which drinks fit?"
FILLER = [f"We talked about the {thing} for a while." for thing in ("garden", "car", "roof", "piano", "visa", "boat")]


def memory(*texts: str | Fact) -> EntityMemory:
    held = EntityMemory()
    held.apply(
        replace(one, number=number, first_seen=after(number), sources=(Source(f"m{number}", "s1"),))
        for number, one in enumerate((_episode(text) for text in (*texts, *FILLER)), 1)
    )
    return held


def _episode(text: str | Fact) -> Fact:
    return fact(1, text=text) if isinstance(text, str) else text


def order(question: str, *texts: str | Fact, lead: float = 0.3) -> list[str]:
    """The texts in their order. The first is nearest by meaning, each further one a `lead` less."""
    held, asked = memory(*texts), read(question, {})
    matches = held.match(asked.terms)
    cosines = [(number, max(0.0, 0.9 - lead * (number - 1))) for number in range(1, len(held) + 1)]
    found = gather(held, cosines, matches, Filter(at=after(10**6).timestamp()))
    ranking = in_time(held, found, rank(found, asked), asked)
    return [held.facts[row].text for row in found.rows[ranking.order].tolist()]


@pytest.mark.parametrize(
    ("question", "old", "new"),
    [
        ("What is my snack budget for the movie night?", BUDGET, RAISED),
        ("How many sources are in my Zotero library?", "Zotero has 45 sources.", "My Zotero library: 52 sources."),
        (
            "When is the dentist appointment?",
            "Dentist appointment on May 3.",
            "The dentist appointment is on May 9 now.",
        ),
        ("When is my dentist appointment?", "My dentist appointment is on Tuesday.", "Dentist appointment: Friday!"),
        ("What time is the Zoom meeting?", "Zoom meeting at 3 PM.", "Zoom meeting moved to 4:30 PM."),
        ("What is the test coverage?", "Test coverage is 65%.", "Test coverage improved to 78 %."),
        ("我的房租是多少？", "我的房租是4500元。", "房租涨到5000元了。"),
    ],
)
def test_the_newer_value_comes_first(question, old, new):
    assert order(question, old, new)[:2] == [new, old]


def test_of_several_newer_values_the_newest_comes_first():
    latest = "My snack budget is $85 by now."
    assert order("What is my snack budget?", BUDGET, RAISED, latest)[:3] == [latest, RAISED, BUDGET]


def test_a_change_without_a_value_comes_first_where_it_is_close():
    old, new = "My favourite editor is vim.", "I switched: my favourite editor is helix."
    assert order("What is my favourite editor?", old, new, lead=0.02)[0] == new
    assert order("What is my favourite editor?", old, new, lead=0.5)[0] == old


@pytest.mark.parametrize(
    "question",
    [
        "What was my snack budget before?",
        "What did I originally set as snack budget?",
        "How did my snack budget change over time?",
        "How many days are there between the snack budget and the movie night?",
        "以前的 snack budget 是多少？",
    ],
)
def test_where_the_past_is_asked_for_the_order_stays(question):
    assert order(question, BUDGET, RAISED)[0] == BUDGET


def test_another_topic_with_a_value_is_not_lifted():
    assert order("What is my snack budget?", BUDGET, "I paid $300 for the plumber.")[0] == BUDGET


def test_what_the_other_side_said_replaces_nothing():
    reply = replace(_episode("A snack budget of $90 would be better."), role="assistant")
    assert order("What is my snack budget?", BUDGET, reply)[0] == BUDGET


def test_the_same_value_again_replaces_nothing():
    assert order("What is my snack budget?", BUDGET, "As I said, the snack budget is $50.")[0] == BUDGET


def test_the_lift_is_part_of_what_is_explained():
    held, asked = memory(BUDGET, RAISED), read("What is my snack budget?", {})
    matches = held.match(asked.terms)
    found = gather(held, [(1, 0.9), (2, 0.5)], matches, Filter(at=after(10**6).timestamp()))
    ranking = in_time(held, found, rank(found, asked), asked)
    first = ranking.order[:1]
    [why] = ranking.why(first)
    assert why["newer"] > 0
    assert sum(why.values()) == pytest.approx(float(ranking.scores[first][0]), abs=0.01)
    assert list(np.sort(ranking.order)) == list(range(len(ranking.order)))


@pytest.mark.parametrize(
    ("text", "past"),
    [
        ("Where did I live before?", True),
        ("Where did I live in 2019?", True),
        ("What did I use to drink? I used to like tea.", True),
        ("我以前住在哪里？", True),
        ("Where do I live?", False),
        ("What is due in May?", False),
    ],
)
def test_questions_about_the_past_are_told_from_others(text, past):
    assert asks_past(read(text, {})) is past
