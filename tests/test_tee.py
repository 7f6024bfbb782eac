"""A copy is kept, and the end of a reply waits for its turn to be durable."""

import gzip
from itertools import pairwise

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.openai_chat import OpenAIChat
from memproxy.tee import Tee

STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"hi [DONE]"}}]}\n\ndata: [DONE]\n\n'


END = b"data: [DONE]\n\n"


def tee(*, stream: bool = True, encoding: str = "") -> Tee:
    return Tee(dialect=OpenAIChat(), stream=stream, encoding=encoding)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[a:b] for a, b in pairwise(edges) if a < b]


@given(st.lists(st.integers(min_value=0), max_size=12))
def test_however_a_stream_is_cut_all_passes_and_its_end_waits(places: list[int]):
    one = tee()
    before = b""
    pieces = iter(cut(STREAM, places))
    for piece in pieces:
        before += one.feed(piece)
        if one.finished:
            break
    held = one.rest()
    after = b"".join(one.feed(piece) for piece in pieces)
    assert before + held + after == STREAM
    assert not before.endswith(END)
    assert held or after == b""
    assert one.kept() == STREAM


def test_what_comes_before_the_end_is_released_at_once():
    one = tee()
    assert one.feed(STREAM.removesuffix(END)) == STREAM.removesuffix(END)
    assert not one.finished
    assert one.feed(END) == b""
    assert one.finished
    assert one.rest() == END


def test_a_whole_body_keeps_its_newest_piece_back():
    one = tee(stream=False)
    assert [one.feed(b"a"), one.feed(b"b"), one.feed(b"c")] == [b"", b"a", b"b"]
    assert one.rest() == b"c"
    assert one.rest() == b""


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.compress), ("identity", bytes)],
)
def test_an_encoded_stream_is_understood_and_passed_as_it_is(encoding: str, compress):
    body = compress(STREAM)
    one = tee(encoding=encoding)
    released = b"".join(one.feed(body[i : i + 7]) for i in range(0, len(body), 7))
    assert one.finished
    assert one.kept() == STREAM
    assert len(released) < len(body)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "made-up"])
def test_what_cannot_be_decoded_passes_and_is_not_readable(encoding: str):
    one = tee(encoding=encoding)
    assert one.feed(b"not compressed at all") == b"not compressed at all"
    assert not one.readable
    assert one.kept() == b""
