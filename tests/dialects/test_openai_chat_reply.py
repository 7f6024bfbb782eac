"""The reply of a chat completion: what was said is read from any shape that a server gives it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Answer as Read
from memproxy.dialects.dialect import Said
from memproxy.dialects.openai_chat import OpenAIChat
from memproxy.identity import keyed, reply_key
from memproxy.testing.replies import Answer, ToolCall, completion, events

chat = OpenAIChat()


def whole(said: Answer) -> bytes:
    return b"".join(step for step in completion(said, "m").steps if isinstance(step, bytes)).partition(b"\r\n\r\n")[2]


def chunk(**choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"


def message(**fields: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": "stop"}
    return json.dumps({"model": "m", "choices": [choice]}).encode()


def read(body: bytes, *, stream: bool = False) -> Read:
    answer = chat.answer(body, stream=stream)
    assert answer is not None
    return answer


def extra(answer: Read) -> dict:
    return json.loads(answer.extra or b"{}")


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_read_whole_and_from_a_stream(stream: bool):
    said = Answer("Hello, 中 world")
    body = b"".join(events(said, "m", usage=True)) + b"data: [DONE]\n\n" if stream else whole(said)
    answer = chat.answer(body, stream=stream)
    assert answer is not None
    assert (answer.text, answer.complete) == ("Hello, 中 world", True)
    assert answer.usage is not None
    assert answer.usage.model == "m"


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_are_put_together(stream: bool):
    said = Answer("", (ToolCall("call_1", "f", '{"a":1}'), ToolCall("call_2", "g", "{}")))
    body = b"".join(events(said, "m", chunks=3)) if stream else whole(said)
    answer = chat.answer(body, stream=stream)
    assert answer is not None
    assert answer.calls == ("call_1", "call_2")
    calls = json.loads(answer.extra or b"")["tool_calls"]
    assert [call["function"] for call in calls] == [
        {"name": "f", "arguments": '{"a":1}'},
        {"name": "g", "arguments": "{}"},
    ]


def test_a_stream_that_was_cut_is_read_as_far_as_it_went():
    body = chunk(delta={"content": "half an "}) + chunk(delta={"content": "ans"}) + b'data: {"choices":[{"ind'
    answer = chat.answer(body, stream=True)
    assert answer is not None
    assert (answer.text, answer.complete) == ("half an ans", False)


def test_a_json_reply_that_was_cut_is_read_as_far_as_it_went():
    body = whole(Answer('half an "ans\\wer" \u4e2d'))
    start = body.index(b"half")
    end = body.index(b'"', body.index("\u4e2d".encode()))
    for cut in range(start + 1, end):
        answer = chat.answer(body[:cut], stream=False)
        assert answer is not None
        assert 'half an "ans\\wer" \u4e2d'.startswith(answer.text)
        assert not answer.complete
    assert chat.answer(body[: start - 1], stream=False) is None


def test_an_error_in_mid_stream_leaves_the_answer_incomplete():
    body = chunk(delta={"content": "half"}, finish_reason="stop") + b'data: {"error":{"message":"overloaded"}}\n\n'
    answer = chat.answer(body, stream=True)
    assert answer is not None
    assert not answer.complete


@pytest.mark.parametrize("line", [b"\r\n", b"\n", b"\r"])
def test_comments_line_ends_and_empty_choices_do_no_harm(line: bytes):
    body = b": ping" + line + line + b"event: x" + line + b'data:{"choices":[]}' + line + line
    body += chunk(delta={"content": "hi"}).replace(b"\n", line)
    answer = chat.answer(body, stream=True)
    assert answer is not None
    assert answer.text == "hi"


def test_of_several_choices_the_first_is_remembered():
    body = b"".join(
        chunk(delta={"content": text}, index=index) for index, text in ((1, "B"), (0, "A"), (1, "b"), (0, "a"))
    )
    answer = chat.answer(body, stream=True)
    assert answer is not None
    assert answer.text == "Aa"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":{}}', b'{"choices":[]}', b'{"choices":null}', b"[1]"])
def test_what_is_no_answer_is_none(body: bytes):
    assert chat.answer(body, stream=False) is None
    assert chat.answer(b"data: " + body, stream=True) is None


@pytest.mark.parametrize("stream", [False, True])
def test_the_other_choices_are_kept_beside_the_first(stream: bool):
    said = Answer("one two", (ToolCall("c", "f", "{}"),))
    body = b"".join(events(said, "m", n=3)) if stream else choices(said, 3)
    answer = read(body, stream=stream)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    other = {"role": "assistant", "content": "one two", "tool_calls": [call]}
    assert answer.text == "one two"
    assert extra(answer) == {"tool_calls": [call], "choices": [other, other]}


def choices(said: Answer, n: int) -> bytes:
    steps = completion(said, "m", n).steps
    return b"".join(step for step in steps if isinstance(step, bytes)).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "text", "kept"),
    [
        ({"content": None, "refusal": "I can't."}, "I can't.", {"refusal": "I can't."}),
        ({"content": None, "audio": {"id": "audio_1", "data": "AAAA", "transcript": "Hi"}}, "Hi",
         {"audio": {"id": "audio_1"}}),
        ({"content": "Hi", "reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{"text": "hm"}]},
         "Hi", {}),
        ({"content": "<think>\nhm\n</think>\n\nHi"}, "Hi", {}),
        ({"content": "Say </think> aloud"}, "Say </think> aloud", {}),
        ({"content": "Hi", "annotations": [{"type": "url_citation", "url_citation": {"title": "T"}}]}, "Hi", {}),
        ({"content": '{"a": 1}', "logprobs": {"content": [{"token": "{"}]}, "obfuscation": "xyz"}, '{"a": 1}', {}),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, "odd", 7,
                      {"type": "text", "text": "Hi"}]}, "Hi", {}),
        ({"content": "", "function_call": {"name": "f", "arguments": "{}"}}, "",
         {"function_call": {"name": "f", "arguments": "{}"}}),
        ({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]}, "",
         {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]}),
        ({"content": "Hi", "tool_calls": [], "function_call": None, "refusal": None, "audio": None}, "Hi", {}),
    ],
)  # fmt: skip
def test_what_was_said_is_remembered_and_nothing_else(fields: dict, text: str, kept: dict, stream: bool):
    body = chunk(delta=fields) + chunk(delta={}, finish_reason="stop") if stream else message(**fields)
    answer = read(body, stream=stream)
    assert (answer.text, extra(answer), answer.complete) == (text, kept, True)


PIECES = {
    "refusal": [{"refusal": "I "}, {"refusal": "can't."}],
    "audio": [
        {"audio": {"id": "audio_1"}},
        {"audio": {"data": "AAAA"}},
        {"audio": {"transcript": "I "}},
        {"audio": {"transcript": "can't."}},
        {"audio": {"expires_at": 1}},
    ],
}


@pytest.mark.parametrize("kind", PIECES)
def test_what_comes_in_pieces_is_joined(kind: str):
    assert read(b"".join(chunk(delta=delta) for delta in PIECES[kind]), stream=True).text == "I can't."


def function(index: int | None, call_id: str | None, name: str | None, arguments: str) -> bytes:
    call = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return chunk(delta={"tool_calls": [{field: value for field, value in call.items() if value is not None}]})


@pytest.mark.parametrize(
    "chunks",
    [
        [(0, "a", "f", ""), (1, "b", "g", ""), (0, None, None, '{"x"'), (1, None, None, "{}"), (0, None, None, ":1}")],
        [(0, "a", "f", '{"x"'), (0, "a", "f", ":1}"), (1, "b", "g", "{}")],
        [(0, "a", "f", '{"x":1}'), (0, "b", "g", "{}")],
        [(None, "a", "f", '{"x":1}'), (None, "b", "g", "{}")],
        [(0, "a", "f", '{"x"'), (0, "", "", ":1}"), (1, "b", "g", "{}")],
    ],
    ids=["interleaved", "names repeated", "one index for all", "no index", "empty ids"],
)
def test_parallel_calls_are_told_apart(chunks: list):
    answer = read(b"".join(function(*one) for one in chunks), stream=True)
    assert answer.calls == ("a", "b")
    assert [call["function"] for call in extra(answer)["tool_calls"]] == [
        {"name": "f", "arguments": '{"x":1}'},
        {"name": "g", "arguments": "{}"},
    ]


def test_arguments_in_very_many_pieces_are_put_together_in_time():
    pieces = 100_000
    body = function(0, "a", "f", "") + function(0, None, None, "x" * 9) * pieces
    (call,) = extra(read(body, stream=True))["tool_calls"]
    assert call["function"]["arguments"] == "x" * 9 * pieces


def test_calls_of_odd_shapes_do_no_harm():
    odd = [{"id": 7, "function": "x"}, {"id": 7, "function": {"arguments": {}}}, {"index": "0"}, {"function": None}, 7]
    body = b"".join(chunk(delta={"content": "hi", "tool_calls": [one]}) for one in odd)
    assert read(body, stream=True).text == "hi" * len(odd)


def test_the_older_function_call_is_put_together_and_known_by_its_name():
    deltas = [{"function_call": {"name": "f", "arguments": ""}}, *({"function_call": {"arguments": a}} for a in "{}")]
    answer = read(b"".join(chunk(delta=delta) for delta in deltas), stream=True)
    assert answer.calls == ("f",)
    assert extra(answer) == {"function_call": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("tail", "complete"),
    [
        (b"", False),
        (b"data: [DONE]\n\n", True),
        (b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n', True),
        (b'data: {"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}\n\n', False),
        (b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\ndata: [DONE]\n\n', False),
        (b'data: {"error":{"message":"overloaded"}}\n\ndata: [DONE]\n\n', False),
        (b'data: {"error":"overloaded","choices":[]}\n\ndata: [DONE]\n\n', False),
        (b'event: error\ndata: {"message":"overloaded"}\n\ndata: [DONE]\n\n', False),
        (b'data: {"object":"error","message":"overloaded"}\n\ndata: [DONE]\n\n', False),
        (b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n', True),
        (b'data: {"error":null,"choices":[]}\n\ndata: [DONE]\n\n', True),
    ],
)
def test_a_stream_is_complete_if_it_says_so_and_nothing_failed(tail: bytes, complete: bool):
    answer = read(chunk(delta={"content": "half"}) + tail, stream=True)
    assert (answer.text, answer.complete) == ("half", complete)


ODD = [
    b'data: {"choices":null}\n\n',
    b'data: {"choices":[{"index":null,"delta":{"content":"hi"}}]}\n\n',
    b'data: {"choices":[{"delta":null}]}\n\n',
    b'data: {"choices":[{}]}\n\n',
    b'data: {"choices":[{"delta":7},{"delta":{"content":{"a":1}}}],"usage":"none","model":7}\n\n',
    b'data: {"usage":{"prompt_tokens":null,"completion_tokens":7.0}}\n\n',
    b"data: not json\n\n",
    b"data: 7\ndata: []\n\n",
    b'data: {"choices":[{"message":{"content":"hi"}}]}\n\n',
]


@given(st.lists(st.sampled_from(ODD)).map(b"".join), st.lists(st.sampled_from(ODD)).map(b"".join))
def test_odd_chunks_do_not_hide_the_others(before: bytes, after: bytes):
    answer = read(before + chunk(delta={"content": "hello"}, finish_reason="stop") + after, stream=True)
    assert "hello" in answer.text
    assert answer.complete


def test_a_whole_message_after_its_chunks_is_not_said_twice():
    body = chunk(delta={"content": "hello"}) + chunk(message={"content": "hello"}, finish_reason="stop")
    assert read(body, stream=True).text == "hello"
    assert read(chunk(message={"content": "hello"}), stream=True).text == "hello"


def test_chunks_that_share_an_event_are_all_read():
    body = chunk(delta={"content": "a"})[:-1] + chunk(delta={"content": "b"})
    assert read(body, stream=True).text == "ab"


@pytest.mark.parametrize("usage", [{"prompt_tokens": 3, "completion_tokens": 4.0}, {"prompt_tokens": 3, "x": {}}])
def test_usage_is_read_as_far_as_it_goes(usage: dict):
    body = json.dumps({"model": "m", "choices": [{"message": {"content": "hi"}}], "usage": usage}).encode()
    used = read(body).usage
    assert used is not None
    assert (used.model, used.prompt_tokens) == ("m", 3)


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("said", "resent"),
    [
        ({"content": "Hi"}, {"content": [{"type": "text", "text": "Hi"}]}),
        ({"content": "Hi"}, {"content": "  Hi\n"}),
        ({"content": None, "refusal": "No."}, {"content": None, "refusal": "No."}),
        ({"content": None, "refusal": "No."}, {"content": [{"type": "refusal", "refusal": "No."}]}),
        ({"content": None, "audio": {"id": "a1", "data": "AA", "transcript": "Hi"}}, {"audio": {"id": "a1"}}),
        ({"content": None, "audio": {"id": "a1", "data": "AA", "transcript": "Hi"}},
         {"content": None, "audio": {"id": "a1", "data": "AA", "transcript": "Hi"}}),
        ({"content": "<think>hm</think>Hi"}, {"content": "Hi"}),
        ({"content": "<think>hm</think>Hi"}, {"content": "<think>hm</think>Hi"}),
        ({"content": None, "tool_calls": [CALL]}, {"content": "", "tool_calls": [CALL]}),
        ({"content": None, "function_call": {"name": "f", "arguments": "{}"}},
         {"content": None, "function_call": {"name": "f", "arguments": "{}"}}),
        ({"content": "Hi", "reasoning_content": "hm"}, {"content": "Hi", "reasoning_content": "hm", "name": "bot"}),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
         {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
    ],
)  # fmt: skip
def test_an_answer_is_known_again_when_the_client_resends_it(said: dict, resent: dict):
    answer = read(message(**said))
    text = answer.text if answer.resent is None else answer.resent
    key = reply_key([Said("user", "hello")], Said("assistant", text, calls=answer.calls))
    history = [{"role": "user", "content": "hello"}, {"role": "assistant", **resent}]
    again = chat.read(json.dumps({"messages": history}).encode())
    assert keyed(again.messages)[1].key == key


@given(st.binary(), st.booleans())
def test_no_bytes_make_reading_a_reply_fail(body: bytes, stream: bool):
    chat.answer(body, stream=stream)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(
        ["choices", "message", "delta", "content", "tool_calls", "function", "id", "index", "audio", "refusal", "usage",
         "function_call", "error", "model", "object", "finish_reason", "prompt_tokens", "transcript", "type", "text"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_no_json_makes_reading_a_reply_fail(value: object):
    body = json.dumps(value).encode()
    chat.answer(body, stream=False)
    chat.answer(b"data: " + body + b"\n\n", stream=True)
