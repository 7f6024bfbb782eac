"""Values keep their place in the original bytes, and what is mended keeps its length."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from memproxy.dialects.attachments import LONGEST, mention, mention_at
from memproxy.dialects.raw import end_of, mended, start_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'"\\ud83d"', b'"\\ufffd"'),
        (b'"\\ude00"', b'"\\ufffd"'),
        (b'"\\ud83d\\ude00"', b'"\\ud83d\\ude00"'),
        (b'"\\ud83d\\ud83d\\ude00\\ude00"', b'"\\ufffd\\ud83d\\ude00\\ufffd"'),
        (b'"\\\\ud83d"', b'"\\\\ud83d"'),
        (b'"\\\\\\ud83d"', b'"\\\\\\ufffd"'),
        (b'"\\n\\ud83d\\n"', b'"\\n\\ufffd\\n"'),
        (b"\xef\xbb\xbf{}", b"   {}"),
    ],
)
def test_lone_surrogates_are_replaced_by_as_many_bytes_and_nothing_else_is(value: bytes, expected: bytes):
    assert mended(value) == expected


@given(st.text(st.characters(), max_size=30) | st.lists(st.sampled_from("\\\ud83d\ude00nu"), max_size=12).map("".join))
def test_any_string_is_readable_once_it_is_mended(text: str):
    written = json.dumps(text).encode()
    assert len(mended(written)) == len(written)
    assert json.loads(mended(written)) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize("value", [b"null", b"1", b"{}", b"true"])
def test_only_strings_and_lists_have_a_place_for_a_block(value: bytes):
    assert start_of(Raw(value), 0) is end_of(Raw(value), 0) is None


@pytest.mark.parametrize(("value", "more"), [(b"[]", False), (b"[ \n]", False), (b"[1]", True), (b'[""]', True)])
def test_a_list_knows_whether_it_holds_anything(value: bytes, more: bool):
    slot = start_of(Raw(value), 0)
    assert slot is not None
    assert slot.more is more


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.com/a/cat.png?sig=secret#x", "[image cat.png]"),
        ("HTTP://example.com/my%20cat.png/", "[image my cat.png]"),
        ("https://example.com", "[image]"),
        ("data:image/png;base64,AAAA", "[image]"),
        ("file-123", "[image]"),
        ("http://[bad/cat.png", "[image]"),
        ("", "[image]"),
    ],
)
def test_an_image_is_called_by_the_last_piece_of_its_path(url: str, text: str):
    assert mention_at("image", Raw(json.dumps(url).encode())) == text


def test_a_name_is_one_line_of_bounded_length():
    assert mention("file", " a\nb ") == "[file a b]"
    assert mention("file", "x" * 10_000) == f"[file {'x' * LONGEST}]"
    assert mention("audio") == mention("audio", " ") == "[audio]"
