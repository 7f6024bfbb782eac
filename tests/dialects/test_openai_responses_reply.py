"""The reply of Responses: what was said, whole, streamed, cut off, refused, failed, or still being made."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Answer as Read
from memproxy.dialects.dialect import Said
from memproxy.dialects.openai_responses import OpenAIResponses
from memproxy.identity import keyed, reply_key
from memproxy.testing.replies import Answer, ToolCall
from memproxy.testing.responses_events import (
    Item,
    event,
    events,
    function,
    message,
    output,
    reasoning,
    refused,
    searched,
)

responses = OpenAIResponses()
BEGUN: Item = {"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": [], "store": True}
USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def made(*items: Item, **fields: Any) -> Item:
    return BEGUN | {"status": "completed", "output": list(items), "usage": USAGE} | fields


def body(*items: Item, **fields: Any) -> bytes:
    return json.dumps(made(*items, **fields)).encode()


def stream(*items: Item, **fields: Any) -> list[bytes]:
    return list(events(BEGUN, made(*items, **fields)))


def read(reply: bytes, *, stream: bool = False) -> Read:
    answer = responses.answer(reply, stream=stream)
    assert answer is not None
    return answer


ANSWERS = [
    ([message("Hello, 中 world")], "Hello, 中 world", ()),
    ([message("I look. ", 1), searched(), message("Here.", 2)], "I look. Here.", ()),
    ([message("", content=[{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}])], "ab", ()),
    ([reasoning(), message("Hello")], "Hello", ()),
    ([refused("I can't.")], "I can't.", ()),
    ([reasoning(), function("a", "f", '{"x":1}'), function("b", "g", "{}")], "", ("a", "b")),
    ([message("Let me see."), function("a", "f", '{"x":1}')], "Let me see.", ("a",)),
    ([{"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "sql", "input": "SELECT 1"}], "", ("c",)),
    ([{"type": "image_generation_call", "id": "i", "status": "completed", "result": "AAAA"}], "[image]", ()),
    ([{"type": "shell_call", "id": "i", "call_id": "c", "action": {}},
      {"type": "shell_call_output", "id": "o", "call_id": "c", "output": []}, message("Done.")], "Done.", ()),
    ([{"type": "next_year's", "text": "x"}, message("Hello")], "Hello", ()),
]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("items", "text", "calls"), ANSWERS)
def test_an_answer_is_read_whole_and_from_a_stream(items: list[Item], text: str, calls: tuple, streamed: bool):
    answer = read(b"".join(stream(*items)) if streamed else body(*items), stream=streamed)
    assert (answer.text, answer.calls, answer.complete, answer.pending) == (text, calls, True, False)
    assert answer.id == "resp_1"
    assert answer.usage is not None
    assert (answer.usage.model, answer.usage.prompt_tokens, answer.usage.completion_tokens) == ("m", 3, 4)


@pytest.mark.parametrize("streamed", [False, True])
def test_calls_are_kept_for_a_legal_replay(streamed: bool):
    items = [reasoning(), function("a", "f", '{"x":1}')]
    answer = read(b"".join(stream(*items)) if streamed else body(*items), stream=streamed)
    call = {"type": "function_call", "id": "fc_a", "call_id": "a", "name": "f", "arguments": '{"x":1}'}
    assert json.loads(answer.extra or b"") == {"items": [call]}


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_reached_its_longest_length_is_as_whole_as_it_gets(streamed: bool):
    fields = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    items = [message("half")]
    answer = read(b"".join(stream(*items, **fields)) if streamed else body(*items, **fields), stream=streamed)
    assert (answer.text, answer.complete) == ("half", True)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed", "error": {"code": "server_error", "message": "x"}},
        {"status": "completed", "error": {"code": "server_error", "message": "x"}},
    ],
)
def test_what_failed_is_incomplete(fields: dict, streamed: bool):
    items = [message("half")]
    answer = read(b"".join(stream(*items, **fields)) if streamed else body(*items, **fields), stream=streamed)
    assert (answer.text, answer.complete, answer.pending) == ("half", False, False)


def test_what_was_cancelled_is_incomplete():
    assert read(body(message("half"), status="cancelled")).complete is False
    assert responses.answer(body(status="cancelled"), stream=False) is None


@pytest.mark.parametrize("status", ["queued", "in_progress"])
@pytest.mark.parametrize("items", [(), (message("half"),)])
def test_what_is_still_being_made_will_be_fetched(status: str, items: tuple):
    answer = read(body(*items, status=status, background=True))
    assert (answer.id, answer.pending, answer.complete) == ("resp_1", True, False)


def test_a_background_stream_that_broke_off_will_be_fetched():
    begun = BEGUN | {"background": True}
    sent = events(begun, made(message("one two"), background=True), queued=True)
    for size in range(2, len(sent)):
        answer = read(b"".join(sent[:size]), stream=True)
        assert (answer.id, answer.pending, answer.complete) == ("resp_1", True, False)
    assert read(b"".join(sent), stream=True).pending is False
    resumed = read(b"".join(sent[5:]), stream=True)
    assert (resumed.text, resumed.complete, resumed.pending) == ("one two", True, False)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_is_not_stored_has_no_id(streamed: bool):
    items = [message("hi")]
    reply = b"".join(stream(*items, store=False)) if streamed else body(*items, store=False)
    assert read(reply, stream=streamed).id is None


def test_a_stream_that_was_cut_is_read_as_far_as_it_went():
    sent = stream(reasoning(), message("half an answer", 1), function("a", "f", '{"x": 12345}'))
    cut = next(at for at, one in enumerate(sent) if b'"delta":"an ' in one) + 1
    answer = read(b"".join(sent[:cut]) + sent[cut][:-9], stream=True)
    assert (answer.text, answer.calls, answer.complete, answer.id) == ("half an ", (), False, "resp_1")


def test_a_call_counts_once_all_its_arguments_came():
    sent = stream(message("See.", 1), function("a", "f", '{"x": 12345}'), function("b", "f", "{}"))
    done = next(at for at, one in enumerate(sent) if b'output_item.done","' in one and b"fc_a" in one)
    assert read(b"".join(sent[:done]), stream=True).calls == ()
    answer = read(b"".join(sent[: done + 1]), stream=True)
    assert (answer.text, answer.calls, answer.complete) == ("See.", ("a",), False)


@pytest.mark.parametrize("kind", ["output_text", "refusal"])
def test_the_text_of_a_stream_that_was_cut_is_what_its_end_says(kind: str):
    field = "text" if kind == "output_text" else "refusal"
    place = {"output_index": 0, "content_index": 0}
    sent = event(f"response.{kind}.delta", 0, delta="hel", **place)
    sent += event(f"response.{kind}.done", 1, **{field: "hello"}, **place)
    assert read(sent, stream=True).text == "hello"
    sent += event(f"response.{kind}.delta", 2, delta=" world", output_index=0, content_index=1)
    assert read(sent, stream=True).text == "hello world"


def test_an_error_event_leaves_the_answer_incomplete():
    sent = [*stream(message("half an answer"))[:7], event("error", 7, code="server_error", message="x", param=None)]
    answer = read(b"".join(sent), stream=True)
    assert (answer.text, answer.complete) == ("half an answer"[: len(answer.text)], False)
    assert answer.text


def test_a_last_event_that_says_nothing_does_not_hide_what_came_before():
    sent = stream(message("Hello"), function("a", "f", "{}"))
    last = event("response.completed", 99, response=made())
    answer = read(b"".join([*sent[:-1], last]), stream=True)
    assert (answer.text, answer.calls, answer.complete) == ("Hello", ("a",), True)


def test_events_of_unknown_types_are_ignored():
    sent = stream(message("Hello"))
    unknown = event("response.next_years.delta", 50, delta="x", output_index=0)
    odd = [unknown, b": ping\n\n", b"data: 7\n\n", b"data: {\n\n"]
    for cut in (len(sent), len(sent) - 1):
        assert read(b"".join(one + b"".join(odd) for one in sent[:cut]), stream=True).text == "Hello"


def unnamed(sent: bytes) -> bytes:
    return b"".join(line for line in sent.splitlines(keepends=True) if not line.startswith(b"event:"))


def test_events_without_names_are_read_by_their_type():
    sent = unnamed(b"".join(stream(message("Hello"))))
    assert read(sent, stream=True).text == "Hello"
    assert read(sent, stream=True).complete


def test_a_reply_that_was_cut_is_read_as_far_as_it_went():
    whole = body(message('half an "ans\\wer" 中'), function("a", "f", '{"x":1}'))
    for cut in range(len(whole)):
        answer = responses.answer(whole[:cut], stream=False)
        if answer is not None:
            assert 'half an "ans\\wer" 中'.startswith(answer.text)
            assert not answer.complete
            assert answer.calls in ((), ("a",))


@pytest.mark.parametrize(
    "reply", [b"", b"<html>", b'{"error":{"message":"x"}}', b"[1]", b"null", b"{}", b'{"output":7}']
)
def test_what_is_no_answer_is_none(reply: bytes):
    assert responses.answer(reply, stream=False) is None
    assert responses.answer(b"data: " + reply + b"\n\n", stream=True) is None


def key_of(*items: Any) -> bytes:
    """Of the last message, as a client sends it back."""
    history = [{"role": "user", "content": "hi"}, *items]
    return keyed(responses.read(json.dumps({"input": history}).encode()).messages)[-1].key


@pytest.mark.parametrize(("items", "text", "calls"), ANSWERS)
def test_an_answer_is_known_again_when_the_client_resends_it(items: list[Item], text: str, calls: tuple):
    answer = read(body(*items))
    key = reply_key([Said("user", "hi")], Said("assistant", answer.text, calls=answer.calls))
    assert key_of(*items) == key
    if not calls:
        assert key_of({"role": "assistant", "content": text}) == key


LINES = st.sampled_from([b"\n", b"\r\n", b"\r"])
SIZES = st.lists(st.integers(1, 40), max_size=60)


def cut(sent: bytes, sizes: list[int]) -> list[bytes]:
    pieces, start = [], 0
    for size in [*sizes, len(sent)]:
        pieces.append(sent[start : start + size])
        start += size
    return pieces


@pytest.mark.parametrize("last", ["response.completed", "response.incomplete", "response.failed", "error"])
@pytest.mark.parametrize("named", [True, False])
@given(line=LINES, sizes=SIZES)
def test_the_end_of_a_stream_is_found_wherever_it_is_cut(last: str, named: bool, line: bytes, sizes: list[int]):
    sent = event("response.output_text.delta", 1, delta='event: error\n\ndata: {"type":"error"}')
    end = b": ping\n\nid: 7\n" + event(last, 2, response={"id": "resp_1"})
    if not named:
        sent, end = unnamed(sent), unnamed(end)
    sent, end = sent.replace(b"\n", line), end.replace(b"\n", line)
    ending, passed = responses.ending(), b""
    for piece in cut(sent + end, sizes):
        found = ending.feed(piece)
        if found is not None:
            passed += piece[:found]
            assert passed.startswith(sent)
            said = b"event: " + last.encode() + line if named else b'"%b"' % last.encode()
            assert said not in passed[len(sent) :]
            return
        passed += piece
    raise AssertionError("the end was not found")


def test_an_end_is_told_by_its_type_wherever_that_stands():
    sent = b'data: {"response": {"id": "resp_1"},\ndata: "type" : "response.completed"}\n\n'
    ending = responses.ending()
    assert [ending.feed(sent[at : at + 1]) for at in range(len(sent))] == [None] * (len(sent) - 1) + [0]
    assert responses.ending().feed(b'data: {"delta": "response.completed", "type": "response.x"}\n\n') is None
    assert responses.ending().feed(b": ping\n\n" + sent) == len(b": ping\n\n")


@given(st.binary(), st.booleans())
def test_no_bytes_make_reading_a_reply_fail(reply: bytes, streamed: bool):
    responses.answer(reply, stream=streamed)
    responses.ending().feed(reply)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["response.completed", "message", "queued", "x"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(
        ["type", "response", "output", "item", "id", "status", "content", "text", "role", "delta", "output_index",
         "content_index", "usage", "input_tokens", "call_id", "error", "store", "background"]), inner, max_size=5),
    max_leaves=14,
)  # fmt: skip


@given(st.lists(JSON, min_size=1, max_size=4))
def test_no_json_makes_reading_a_reply_fail(values: list):
    written = [json.dumps(value).encode() for value in values]
    responses.answer(written[0], stream=False)
    sent = b"".join(b"data: " + one + b"\n\n" for one in written)
    responses.answer(sent, stream=True)
    responses.ending().feed(sent)


def test_a_scripted_answer_is_what_the_dialect_reads():
    items = output(Answer("Hi", (ToolCall("a", "f", "{}"),)), 1)
    assert (read(body(*items)).text, read(body(*items)).calls) == ("Hi", ("a",))
