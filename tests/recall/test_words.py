"""What counts as the same word."""

from __future__ import annotations

import pytest

from memproxy.recall.words import stem, terms


@pytest.mark.parametrize(
    "words",
    [
        ("hike", "hikes", "hiked", "hiking"),
        ("study", "studies", "studied", "studying"),
        ("dog", "dogs"),
        ("run", "running", "runs"),
        ("cross", "crosses", "crossed"),
    ],
)
def test_inflections_of_a_word_meet_in_one_term(words):
    assert len({stem(word) for word in words}) == 1


def test_accents_and_case_do_not_part_words():
    assert terms("Café MÜNCHEN") == terms("cafe munchen")


def test_function_words_are_no_terms():
    assert terms("What did I do on the last of my holidays?") == ["last", stem("holiday")]
    assert terms("hi, thanks! 你好") == []


def test_scripts_without_spaces_become_pairs():
    assert terms("住在里斯本") == ["住在", "在里", "里斯", "斯本"]
    assert terms("茶") == ["茶"]


def test_scripts_are_parted_where_they_meet():
    assert terms("iPhone手机15") == [*terms("iPhone"), "手机", "15"]


def test_hangul_and_kana_keep_their_syllables():
    assert terms("한국어를") == ["한국어를"]
    assert terms("がく") == ["がく"]


def test_words_written_with_underscores_are_parted():
    assert terms("budget_tracker") == terms("budget tracker")
