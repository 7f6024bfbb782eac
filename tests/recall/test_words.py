"""What counts as the same word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from memproxy.recall.lexical import Lexical
from memproxy.recall.words import stem, terms

SPACELESS = Path(__file__).parents[2] / "bench" / "data" / "spaceless.tsv"


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


def test_scripts_without_spaces_are_cut_into_words_and_ideographs():
    assert terms("住在里斯本") == ["住在", "住", "里斯本", "里", "斯", "本"]
    assert terms("茶") == ["茶"]
    assert terms("ย้ายไปเชียงใหม่") == ["ย้าย", "เชียงใหม่"]
    assert terms("東京に行きました")[0] == "東京"


@pytest.mark.parametrize("text", ["ខ្ញុំស្រលាញ់ប្រទេស", "ຂ້ອຍຢູ່ວຽງຈັນ", "ရန်ကုန်မှာနေတယ်"], ids=["khmer", "lao", "burmese"])
def test_other_scripts_without_spaces_are_cut_too(text):
    assert len(terms(text)) > 1


def test_a_vowel_of_two_signs_does_not_break_a_thai_word():
    assert terms("ทำงาน") == ["ทำงาน"]


def _statements(language: str) -> list[tuple[str, str]]:
    rows = (line.split("\t") for line in SPACELESS.read_text("utf-8").splitlines())
    return [(statement, question) for tongue, statement, question in rows if tongue == language]


@pytest.mark.parametrize("language", ["zh", "ja", "th"])
def test_questions_without_spaces_find_their_statements(language):
    statements = _statements(language)
    index, places = Lexical(), np.arange(len(statements)) * 5 + 3
    for row, (statement, _) in enumerate(statements):
        index.add(row, terms(statement))
    ranks = []
    for row, (_, question) in enumerate(statements):
        if question:
            own = index.match(terms(question), places, len(statements) * 5 + 8, np.arange(len(statements))).own
            ranks.append(int((own >= own[row]).sum()))
    assert len(ranks) >= 24
    assert sum(rank == 1 for rank in ranks) >= 0.9 * len(ranks)
    assert max(ranks) <= 3


def test_a_megabyte_without_a_space_is_cut():
    assert len(terms("我昨天去了北京" * 50_000)) > 50_000


def test_scripts_are_parted_where_they_meet():
    assert terms("iPhone手机15") == [*terms("iPhone"), "手机", "手", "机", "15"]


def test_hangul_and_kana_keep_their_syllables():
    assert terms("한국어를") == ["한국어를"]
    assert terms("ガラス") == ["ガラス"]


def test_words_written_with_underscores_are_parted():
    assert terms("budget_tracker") == terms("budget tracker")
