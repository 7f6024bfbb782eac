"""What recall reads in a question."""

from __future__ import annotations

import pytest

from memproxy.recall.question import FOCUS, read

PEOPLE = {"caroline": 0, "melanie smith": 1}


def test_the_named_speaker_is_taken_out_of_the_text():
    question = read("What did Caroline's dog eat?", PEOPLE)
    assert question.text == "What did dog eat?"
    assert question.speaker == 0


def test_a_first_name_stands_for_its_speaker():
    assert read("When did melanie paint?", PEOPLE).speaker == 1


def test_a_first_name_of_several_is_nobody_in_particular():
    assert read("When did Melanie paint?", PEOPLE | {"melanie jones": 2}).speaker is None


def test_of_two_named_neither_is_preferred():
    question = read("Where did Caroline and Melanie Smith meet?", PEOPLE)
    assert question.speaker is None
    assert question.text == "Where did and meet?"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("小明最近怎么样", "最近怎么样"),
        ("昨日美咲さんは何を買った？", "昨日 は何を買った？"),
        ("민수는 어디 살아?", "는 어디 살아?"),
    ],
)
def test_names_are_found_where_no_space_parts_words(text, bare):
    question = read(text, {"小明": 0, "美咲": 1, "민수": 2, "明": 3})
    assert question.speaker is not None
    assert question.text == bare


def test_a_name_of_one_ideograph_must_stand_alone():
    assert read("明天去哪里", {"明": 0}).speaker is None


def test_a_name_inside_a_word_is_no_name():
    assert read("the carolines", PEOPLE).speaker is None


def test_a_question_of_nothing_but_a_name_keeps_it():
    assert read("Caroline?", PEOPLE).text == "Caroline?"


def test_names_with_signs_of_their_own_are_taken_literally():
    assert read("What does A.C. (Bob) like?", {"a.c. (bob)": 0, "": 1, "*": 2}).text


def test_of_a_long_message_both_ends_are_read():
    text = "alpha " + "x" * 10 * FOCUS + " omega"
    question = read(text, {})
    assert len(question.text) <= FOCUS + 1
    assert {"alpha", "omega"} <= set(question.terms)
