"""Words of like meaning."""

from __future__ import annotations

from importlib.resources import files

from memproxy.recall.related import related
from memproxy.recall.words import stem


def test_children_are_related_to_kids_both_ways():
    assert "children" in dict(related("kid"))
    assert "kid" in dict(related("children"))


def test_no_relative_is_worth_a_match_and_the_nearest_comes_last():
    shares = [share for _, share in related("job")]
    assert shares == sorted(shares)
    assert all(0 < share < 1 for share in shares)


def test_a_name_has_no_relatives():
    assert related("xiomara") == []


def test_the_list_holds_stems_as_the_index_does():
    """`stem` is not idempotent, so that a word and its stem may differ again; what `stem` can give is all that is
    looked up."""
    lines = files("memproxy.recall").joinpath("related_words.txt").read_text().splitlines()
    assert len(lines) > 5000
    assert {stem(word) for word in ("children", "jobs", "hiking", "movies")} <= {line.split()[0] for line in lines}
