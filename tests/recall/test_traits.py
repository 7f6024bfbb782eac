"""What a text is like, whatever is asked."""

from __future__ import annotations

import pytest

from memproxy.recall.traits import TRAITS, traits
from memproxy.recall.words import terms
from memproxy.testing.store_samples import fact


def read(text: str, **metadata: str) -> dict[str, object]:
    made = fact(1, text=text, metadata=metadata)
    return dict(zip((name for name, _ in TRAITS), traits(made, terms(text)), strict=True))


@pytest.mark.parametrize(
    ("text", "trait"),
    [
        ("We went there last week.", "clock"),
        ("It was on the 3rd, in 2023.", "clock"),
        ("I have two cats.", "counts"),
        ("It took 45 minutes.", "counts"),
        ("Always show the units when I ask about distances.", "standing"),
        ("From now on answer in short sentences.", "standing"),
        ("I'd really prefer a window seat.", "prefers"),
        ("Thanks, that helps.", "reacts"),
    ],
)
def test_a_trait_is_seen(text, trait):
    assert read(text)[trait]


def test_a_plain_statement_has_none():
    assert not any(read("The cat sat on a mat.")[name] for name in ("clock", "counts", "standing", "prefers", "reacts"))


def test_names_are_counted_within_a_sentence():
    assert read("Then we met Anna and Bob in Porto, then Clara.")["names"] == 3
    assert read("Then we met. Later we left.")["names"] == 0


def test_a_piece_knows_its_place():
    assert read("text", chunk="1/1")["pieces"] == 0
    assert read("text", chunk="3/8")["pieces"] > read("text", chunk="3/8")["piece"] > 0
