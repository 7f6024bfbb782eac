"""Tokens are counted as o200k counts them; without its ranks, never far too few."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs import user_cache_dir

from memproxy.errors import ModelUnavailable
from memproxy.tokens import Estimate, O200k

RANKS = Path(os.environ.get("MEMPROXY_MODEL_DIR") or user_cache_dir("memproxy")) / "tiktoken"
needs_ranks = pytest.mark.skipif(not RANKS.exists(), reason=f"no token ranks in {RANKS}: run `memproxy model pull`")

SENTENCES = (
    "Caroline moved to Boston in May 2023 and loves it there.",
    "My cat is called Momo; she is three, black & very lazy :-)",
    "我住在柏林,喜欢喝绿茶。",
    "def quicksort(xs):\n    return xs if len(xs) < 2 else ...",
    "https://example.org/a/b?c=d#e 0123456789 +49 30 1234567",
    "Привет, как дела? สวัสดี 😀👩‍👩‍👧",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
)


@pytest.fixture(scope="module")
def o200k() -> O200k:
    return O200k(cache_dir=RANKS)


@needs_ranks
def test_known_texts_have_their_known_counts(o200k: O200k) -> None:
    assert [o200k.count(text) for text in ("", "hello world", "Hello, world!\n- a")] == [0, 2, 6]


@needs_ranks
def test_special_tokens_in_a_text_are_text(o200k: O200k) -> None:
    assert o200k.count("<|endoftext|>") > 1


@needs_ranks
def test_half_a_surrogate_pair_can_be_counted(o200k: O200k) -> None:
    assert o200k.count("a \ud83d b") > 0


@needs_ranks
def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/somewhere")
    O200k(cache_dir=RANKS).load()
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "/somewhere"


@needs_ranks
@settings(max_examples=1000, deadline=None)
@given(st.text(), st.text())
def test_a_block_costs_what_its_lines_cost(a: str, b: str) -> None:
    above, below = a.rstrip() + "\n", "- " + b
    assert COUNTER.count(above + below) == COUNTER.count(above) + COUNTER.count(below)


COUNTER = O200k(cache_dir=RANKS)


@needs_ranks
@pytest.mark.parametrize("text", SENTENCES)
def test_the_estimate_is_not_below_the_count(o200k: O200k, text: str) -> None:
    assert o200k.count(text) <= Estimate().count(text) <= 4 * o200k.count(text) + 8


def test_missing_ranks_are_named_with_the_remedy_and_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="memproxy model pull"):
        O200k(cache_dir=tmp_path).count("hello")


def test_damaged_ranks_are_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    file.write_bytes(b"IQ== 0\n")
    with pytest.raises(ModelUnavailable, match="damaged"):
        O200k(cache_dir=tmp_path).count("hello")
    assert file.exists()


def test_an_empty_text_has_no_tokens() -> None:
    assert Estimate().count("") == 0
