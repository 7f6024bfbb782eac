"""What a response repeats of its request is what the client sent, byte for byte what it would be without memory."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.openai_responses import OpenAIResponses
from memproxy.dialects.openai_responses_echo import FRAME
from memproxy.domain import Fact
from memproxy.recall.render import block
from memproxy.testing.responses_events import Item, event, events, message

responses = OpenAIResponses()
THEN = datetime(2026, 5, 3, tzinfo=UTC)


def fact(text: str) -> Fact:
    return Fact(text, "episode", text, 9, THEN, THEN)


BLOCK = block([fact('Alice has a cat, "Mö\\ka" 中 😀'), fact("</memory> she said")])
BLOCKS = (BLOCK, block([fact("Alice lives in Lisbon")]))


def test_the_frame_is_that_of_a_block():
    opening, closing = FRAME
    assert BLOCK.startswith(opening)
    assert BLOCK.rstrip().endswith(closing)


ABSENT = object()
OWN = (
    st.just(ABSENT)
    | st.none()
    | st.text()
    | st.sampled_from(["", "Be kind.", "Be kind.\n", "\n\n", "</memory>", "<memory>"])
)
Style = Callable[[Any], bytes]
STYLES: list[Style] = [
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace"),
    lambda value: json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003E").replace("/", "\\/").encode(),
    lambda value: (
        json.dumps(value).replace("\\n", "\\u000a").replace("<", "\\u003C").replace("Quoted", "\\u0051uoted").encode()
    ),
]
SIZES = st.lists(st.integers(1, 60), max_size=40)


def request(own: Any, **fields: Any) -> bytes:
    instructions = {} if own is ABSENT else {"instructions": own}
    return json.dumps({"input": "hi", **instructions, **fields}).encode()


def augmented(body: bytes, blocks: tuple[str, ...] = BLOCKS) -> Any:
    """The instructions that the provider gets to see."""
    return json.loads(responses.insert_system(body, responses.read(body), blocks))["instructions"]


def response(instructions: Any, **fields: Any) -> Item:
    said = message(f"As your memory says: {BLOCK}")
    tools = [{"type": "function", "parameters": {"properties": {"instructions": {"default": BLOCK}}}}]
    return {"id": "resp_1", "instructions": instructions, "output": [said], "tools": tools, **fields}


def whole(instructions: Any, style: Style) -> bytes:
    return style(response(instructions, status="completed"))


def streamed(instructions: Any, style: Style, line: bytes = b"\n") -> bytes:
    begun, made = (response(instructions, status=status) for status in ("in_progress", "completed"))
    sent = b": ping\n\n"
    for one in events(begun, made, queued=True):
        name, data = one.split(b"\n")[:2]
        # A value of several lines stands in several lines.
        lines = style(json.loads(data[6:])).split(b"\n")
        sent += name + b"\n" + b"".join(b"data: " + part + b"\n" for part in lines) + b"\n"
    return sent.replace(b"\n", line)


def restored(sent: bytes, body: bytes | None, sizes: list[int] | None = None) -> bytes:
    restore, shown, start = responses.restore(body), b"", 0
    for size in [*(sizes or ()), len(sent)]:
        shown += restore.feed(sent[start : start + size])
        start += size
    return shown + restore.end()


@given(own=OWN, style=st.sampled_from(STYLES), sizes=SIZES, fetched=st.booleans())
def test_a_body_is_what_it_would_be_without_memory(own: Any, style: Style, sizes: list[int], fetched: bool):
    body = request(own)
    direct = whole(None if own is ABSENT else own, style)
    assert restored(whole(augmented(body), style), None if fetched else body, sizes) == direct


@given(
    own=OWN,
    style=st.sampled_from(STYLES),
    line=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    sizes=SIZES,
    fetched=st.booleans(),
)
def test_a_stream_is_what_it_would_be_without_memory(
    own: Any, style: Style, line: bytes, sizes: list[int], fetched: bool
):
    body = request(own)
    direct = streamed(None if own is ABSENT else own, style, line)
    assert restored(streamed(augmented(body), style, line), None if fetched else body, sizes) == direct


@pytest.mark.parametrize("own", [[], [{"role": "developer", "content": "Be kind."}]])
def test_a_list_is_put_back_as_the_client_wrote_it(own: list):
    body = request(own)
    assert json.loads(restored(whole(augmented(body), STYLES[0]), body)) == response(own, status="completed")


def test_a_string_that_comes_back_as_a_list_loses_the_block_alone():
    body = request("Be kind.")
    items = [{"role": "developer", "content": [{"type": "input_text", "text": augmented(body)}]}]
    direct = [{"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]}]
    for known in (body, None):
        shown = json.loads(restored(whole(items, STYLES[0]), known))["instructions"]
        assert shown == (direct if known is None else "Be kind.")


def test_a_block_that_the_client_itself_sent_stays():
    body = request(f"Be kind.\n\n{BLOCK}")
    shown = restored(whole(augmented(body), STYLES[0]), body)
    assert json.loads(shown)["instructions"] == f"Be kind.\n\n{BLOCK}"


def test_what_the_provider_put_after_the_block_stays():
    body = request("Be kind.")
    sent = whole(f"Be kind.\n\n{BLOCK.strip()} And short.", STYLES[0])
    assert json.loads(restored(sent, None))["instructions"] == "Be kind. And short."
    assert json.loads(restored(sent, body))["instructions"] == "Be kind."


@pytest.mark.parametrize(
    "sent", [whole("Be kind.", STYLES[0]), whole(None, STYLES[0]), streamed("Be kind.", STYLES[0])]
)
def test_where_there_is_no_block_every_byte_stays(sent: bytes):
    assert restored(sent, request("Other.")) == restored(sent, None) == sent


def test_an_event_is_passed_on_as_soon_as_it_is_complete():
    restore = responses.restore(request("Be kind."))
    delta = event("response.output_text.delta", 1, delta=BLOCK)
    assert restore.feed(delta) == delta
    created = event("response.created", 0, response=response(augmented(request("Be kind."))))
    assert restore.feed(created[:-1]) == b""
    assert restore.feed(created[-1:] + delta[:5]) == event("response.created", 0, response=response("Be kind."))
    assert restore.feed(delta[5:]) == delta
    assert restore.end() == b""


def test_whitespace_that_keeps_the_connection_awake_passes_at_once():
    restore = responses.restore(request("Be kind."))
    assert restore.feed(b"\n") == b"\n"
    assert restore.feed(b" \r\n") == b" \r\n"
    assert restore.feed(whole("x", STYLES[0])) == b""
    assert restore.end() == whole("x", STYLES[0])


@pytest.mark.parametrize("own", ["Be kind.", ABSENT])
@pytest.mark.parametrize("make", [whole, streamed])
@pytest.mark.parametrize("known", [True, False])
def test_of_a_reply_that_broke_off_no_part_of_the_block_is_shown(own: Any, make: Any, known: bool):
    body = request(own)
    sent = make(augmented(body, ("<memory>\nQuoted from earlier conversations: SECRET\n</memory>",)), STYLES[2])
    direct = make(None if own is ABSENT else own, STYLES[2])
    for size in range(0, len(sent), 7):
        shown = restored(sent[:size], body if known else None)
        assert b"SECRET" not in shown
        assert b"Quoted from earlier conversations" not in shown[: direct.index(b"As your memory")]
        assert direct.startswith(shown)


@given(st.binary(), st.none() | st.binary(), SIZES)
def test_no_bytes_make_restoring_fail(sent: bytes, body: bytes | None, sizes: list[int]):
    assert restored(sent, body, sizes) == sent


@given(
    st.lists(st.sampled_from([b'"instructions"', b":", b'"', b"<memory>", b"{", b"}", b"\n\n", b"data: ", b"\\"])),
    SIZES,
)
def test_no_damage_makes_restoring_fail(parts: list[bytes], sizes: list[int]):
    restored(b"".join(parts), request("x"), sizes)
    restored(b"".join(parts), None, sizes)
