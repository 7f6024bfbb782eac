"""Where nothing is relevant, nothing is said."""

from __future__ import annotations

import numpy as np
import pytest

from memproxy.recall.candidates import Candidates, Words
from memproxy.recall.entity_memory import COLUMNS
from memproxy.recall.floor import above
from memproxy.recall.question import read
from memproxy.recall.rank import rank


def shown(text: str, *cosines: float, near: float = 0.0, speakers: dict[str, int] | None = None) -> int:
    """How many facts of these cosines are shown for the question."""
    scores, size = np.array(cosines, np.float32), len(cosines)
    words = np.full(size, near, np.float32)
    nothing = np.zeros(size, np.float32)
    found = Candidates(
        rows=np.arange(size),
        facts=np.zeros(size, COLUMNS),
        cosine=scores,
        around=scores,
        before=nothing,
        after=nothing,
        talk=scores,
        lately=nothing,
        own=words,
        near=words,
        words=Words(words, words, words),
    )
    question = read(text, speakers or {})
    return above(found, rank(found, question), question)


def test_a_strange_topic_opens_nothing():
    assert shown("Write quicksort in C++.", 0.3, 0.2) == 0


def test_a_topic_of_the_memory_opens_it():
    assert shown("Which pottery class is cheap?", 0.65, 0.55) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Where did I go?",
        "What is my knee worth?",
        "What should I eat?",
        "Suggest a present for my sister.",
        "What do you know about me?",
        "Do you remember the plan?",
        "Wie heißt mein Hund?",
    ],
)
def test_a_question_about_oneself_needs_less(text):
    assert shown(text, 0.36) == 1


@pytest.mark.parametrize(
    "text", ["How can I exit vim?", "Can I use a list as a key?", "Help me write a loop.", "Tell me a joke."]
)
def test_a_favour_is_no_question_about_oneself(text):
    assert shown(text, 0.36) == 0


def test_whoever_tells_of_themselves_at_length_needs_less():
    story = "I went to the market, we bought apples and I baked a cake for the neighbours, and now I am tired."
    assert shown(story, 0.36) == 1
    assert shown("Describe a market where people buy apples and bake cakes for neighbours.", 0.36) == 0


def test_the_best_of_many_facts_must_be_nearer_than_the_best_of_few():
    few, many = (0.55,) * 8, (0.55,) * 400
    assert shown("Which pottery class is cheap?", *few) == 8
    assert shown("Which pottery class is cheap?", *many) == 0


def test_in_scripts_without_spaces_words_must_speak_too():
    assert shown("水的沸点是多少度？", 0.7, near=0.05) == 0
    assert shown("水的沸点是多少度？", 0.7, near=0.8) == 1
    assert shown("我住在哪里？", 0.7, near=0.2) == 1


def test_a_question_that_names_a_speaker_needs_less():
    assert shown("What does Ann eat?", 0.3, speakers={"ann": 0}) == 1
    assert shown("What do Ann and Bob eat?", 0.3, speakers={"ann": 0, "bob": 1}) == 1
    assert shown("What does Ann eat?", 0.3) == 0


@pytest.mark.parametrize("text", ["hi", "Thanks!", "ok, please go on", "👍", "..."])
def test_small_talk_asks_for_nothing(text):
    assert shown(text, 0.9, near=1.0) == 0


def test_without_vectors_a_good_match_of_words_opens():
    assert shown("Which pottery class?", 0.0, near=0.8) == 1
    assert shown("Which pottery class?", 0.0, near=0.4) == 0


def test_what_falls_far_behind_the_best_is_cut():
    assert shown("Which pottery class?", 0.9, 0.8, 0.05) == 2


def test_no_candidates_are_nothing_to_show():
    assert shown("Which pottery class?") == 0
