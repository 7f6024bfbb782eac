"""Chat completions are read and spliced without touching a byte that is not ours."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Unreadable
from memproxy.dialects.openai_chat import OpenAIChat
from memproxy.testing.replies import Answer, ToolCall, completion, events

chat = OpenAIChat()
BLOCK = '<memory>\n- "quoted" \\ and Ünïcode 中\n</memory>\n\n'


def whole(said: Answer) -> bytes:
    return b"".join(step for step in completion(said, "m").steps if isinstance(step, bytes)).partition(b"\r\n\r\n")[2]


def request(*messages: dict, **fields: object) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **fields}).encode()


def test_a_string_gets_the_block_before_its_text():
    body = request({"role": "user", "content": "hi"})
    inserted = chat.insert(body, chat.read(body), {0: BLOCK})
    assert json.loads(inserted)["messages"][0]["content"] == BLOCK + "hi"


@pytest.mark.parametrize(
    "parts", [[], [{"type": "text", "text": "hi"}], [{"type": "image_url", "image_url": {"url": "x"}}]]
)
def test_a_list_gets_the_block_as_a_part_of_its_own(parts: list):
    body = request({"role": "user", "content": parts})
    inserted = chat.insert(body, chat.read(body), {0: BLOCK})
    assert json.loads(inserted)["messages"][0]["content"] == [{"type": "text", "text": BLOCK}, *parts]


def test_all_bytes_around_the_block_stay_as_they_came():
    body = (
        b'{ "big":123456789012345678901234567890, "e":1.0E+2,\t"dup":1,"dup":2, '
        b'"messages" : [ {"content":"a\\u00e9\\/\\n", "role":"user","x":[[[]]]} ] , "model":"m" }\n'
    )
    inserted = chat.insert(body, chat.read(body), {0: "B"})
    assert inserted == body.replace(b'"content":"a', b'"content":"Ba')


def test_several_blocks_each_find_their_message():
    body = request(
        {"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}, {"role": "user", "content": "1"}
    )
    inserted = json.loads(chat.insert(body, chat.read(body), {2: "B2 ", 0: "B0 "}))
    assert [m["content"] for m in inserted["messages"]] == ["B0 1", "2", "B2 1"]


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ([{"role": "system", "content": "be kind"}], {"role": "system", "content": "be kind\n\nB1\n\nB2"}),
        ([{"role": "developer", "content": [{"type": "text", "text": "x"}]}],
         {"role": "developer", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "B1\n\nB2"}]}),
        ([], {"role": "system", "content": "B1\n\nB2"}),
    ],
)  # fmt: skip
def test_placement_system_appends_to_the_system_message_or_makes_one(system: list, expected: dict):
    body = request(*system, {"role": "user", "content": "hi"})
    inserted = json.loads(chat.insert_system(body, chat.read(body), ("B1\n", "B2\n")))
    assert inserted["messages"] == [expected, {"role": "user", "content": "hi"}]


def test_text_is_read_from_strings_and_parts_and_images_are_left_alone():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}
    body = request(
        {"role": "user", "content": [{"type": "text", "text": "look"}, image, {"type": "text", "text": "here"}]},
        {"role": "user", "content": None},
        {"role": "user"},
    )
    assert [said.text for said in chat.read(body).messages] == ["look\nhere", "", ""]


def test_tool_calls_and_their_results_are_kept_for_a_legal_replay():
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = request(
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    )
    said = chat.read(body).messages
    assert said[0].calls == said[1].calls == ("call_1",)
    assert json.loads(said[0].extra or b"") == {"tool_calls": [call]}
    assert json.loads(said[1].extra or b"") == {"tool_call_id": "call_1"}


@pytest.mark.parametrize(
    ("fields", "entity"),
    [
        ({"safety_identifier": "s", "user": "u", "metadata": {"user_id": "m"}}, "s"),
        ({"user": "u", "metadata": {"user_id": "m"}}, "u"),
        ({"metadata": {"user_id": "m"}}, "m"),
        ({"user": 7, "metadata": "odd"}, None),
    ],
)
def test_the_body_claims_an_entity_in_the_documented_order(fields: dict, entity: str | None):
    assert chat.claim(request({"role": "user", "content": "hi"}, **fields)) == entity


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"messages":{}}', b'{"messages":[1]}', b'{"messages":"x"}', b"\xff\xfe",
     b'{"messages":[{"role":"user","content":"\\ud8"}]}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_not_a_chat_request_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        chat.read(body)


def test_messages_of_odd_shapes_are_read_as_far_as_they_go():
    body = b'{"messages":[{"role":7,"content":{"a":1}},{"content":[1,"x",{"text":5}]},'
    body += b'{"role":"user","content":"\\ud800!"}]}'
    said = chat.read(body).messages
    assert [(one.role, one.text) for one in said] == [("", ""), ("", ""), ("user", "\ufffd!")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    messages=st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "system"])},
            optional={"content": JSON, "name": JSON, "tool_calls": JSON},
        ),
        min_size=1,
        max_size=6,
    ),
    extra=JSON,
    block=st.text(min_size=1),
)
def test_inserting_and_taking_out_again_gives_the_original(messages: list, extra: object, block: str):
    body = json.dumps({"x": extra, "messages": messages}, ensure_ascii=False).encode("utf-8", "replace")
    block = block.encode("utf-8", "replace").decode()
    prompt = chat.read(body)
    places = {i: block for i, message in enumerate(messages) if isinstance(message.get("content"), str | list)}
    inserted = json.loads(chat.insert(body, prompt, places))
    for index in places:
        content = inserted["messages"][index]["content"]
        if isinstance(content, str):
            assert content.startswith(block)
            inserted["messages"][index]["content"] = content[len(block) :]
        else:
            assert content.pop(0) == {"type": "text", "text": block}
    assert inserted == json.loads(body)


@given(st.binary() | JSON.map(lambda value: json.dumps({"messages": value}).encode()))
def test_no_bytes_make_the_dialect_fail_otherwise(body: bytes):
    try:
        prompt = chat.read(body)
    except Unreadable:
        return
    assert len(prompt.messages) >= 0
    assert chat.insert(body, prompt, {}) == body


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


def chunk(**choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"


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


def test_only_a_line_of_its_own_ends_a_stream():
    assert chat.ending().feed(chunk(delta={"content": "\ndata: [DONE]"})) is None
    assert chat.ending().feed(b'x"}\n\ndata: [DONE]\n\n') == 4
    assert chat.ending().feed(b"data:[DONE]\r\n") == 0
