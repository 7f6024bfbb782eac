"""Event streams are read as browsers read them, wherever they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.events import Cutter, events, masked

LINES = st.sampled_from(
    [b"", b"", b"", b"data: {}", b"data:1", b"data", b"data: ", b"data:  2", b"event: x", b"event:y", b"id: 1",
     b": ping", b"retry: 5", b"datax: 1", "data: é".encode()]
)  # fmt: skip
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"]))).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_name_and_data_of_each_event(end: bytes):
    lines = [b": ping", b"", b"event: a", b"data: 1", b"data:2", b"id: 7", b"", b"event: none", b"", b"data: 3"]
    assert list(events(b"\xef\xbb\xbf" + end.join(lines))) == [(b"a", b"1\n2"), (b"", b"3")]


def cuts(stream: bytes, sizes: list[int]) -> list[bytes]:
    pieces, start = [], 0
    for size in [*sizes, len(stream)]:
        pieces.append(stream[start : start + size])
        start += size
    return pieces


@given(stream=STREAMS, sizes=st.lists(st.integers(0, 9)))
def test_a_stream_cut_anywhere_gives_the_same_events_and_the_same_bytes(stream: bytes, sizes: list[int]):
    cutter = Cutter()
    whole = [event for piece in cuts(stream, sizes) for event in cutter.feed(piece)]
    rest = cutter.rest()
    assert b"".join([*whole, rest]) == stream
    assert [found for event in [*whole, rest] for found in events(event)] == list(events(stream))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_is_passed_on_as_soon_as_it_is_complete(end: bytes):
    cutter = Cutter()
    event = b"event: x" + end + b"data: 1" + end + end
    pieces = [cutter.feed(event[at : at + 1]) for at in range(len(event))]
    if end == b"\r\n":  # its first half ends the line already
        assert pieces[-2:] == [[event[:-1]], [b"\n"]]
    else:
        assert pieces[-1] == [event]
    assert not any(pieces[:-2])


def test_a_masked_event_keeps_the_places_of_its_data():
    event = b'event: x\r\ndata: {"a":\r\ndata:1}\r\nid: 2\r\n\r\n'
    assert masked(event) == b'        \r\n      {"a":\r\n     1}\r\n     \r\n\r\n'
