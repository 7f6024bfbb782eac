"""Chat completions are read and spliced without touching a byte that is not ours."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Marker, Unreadable
from memproxy.dialects.openai_chat import OpenAIChat

chat = OpenAIChat()
BLOCK = '<memory>\n- "quoted" \\ and Ünïcode 中\n</memory>\n\n'


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
    assert [said.text for said in chat.read(body).messages] == ["look\n[image]\nhere", "", ""]


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


PARTS = [
    ({"type": "image_url", "image_url": {"url": "https://example.com/a/cat.png?x=1"}}, "[image cat.png]"),
    ({"type": "image_url", "image_url": "https://example.com/a/cat.png"}, "[image cat.png]"),
    ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}, "[image]"),
    ({"type": "image_url"}, "[image]"),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "[audio]"),
    (
        {"type": "file", "file": {"filename": "tax.pdf", "file_data": "data:x;base64,AAAA"}},
        "[file tax.pdf]",
    ),
    ({"type": "file", "file": {"file_id": "file-1"}}, "[file file-1]"),
    ({"type": "video_url", "video_url": {"url": "https://example.com/v.mp4"}}, "[video v.mp4]"),
    ({"type": "document_url", "document_url": "https://example.com/d.pdf"}, "[file d.pdf]"),
    ({"type": "refusal", "refusal": "No."}, "No."),
    ({"type": "thinking", "thinking": "hm"}, ""),
    ({"text": "no type"}, "no type"),
]


@pytest.mark.parametrize(("part", "text"), PARTS)
def test_each_kind_of_part_reads_as_what_it_is_called(part: dict, text: str):
    body = request({"role": "user", "content": [part]})
    assert [said.text for said in chat.read(body).messages] == [text]


def test_parts_of_odd_shapes_do_not_hide_the_others():
    body = request(
        {"role": "user", "content": [7, "x", {"type": 7}, {"text": {}}, {"type": "text", "text": "hi"}, None]}
    )
    assert chat.read(body).messages[0].text == "hi"


def test_an_end_inside_a_string_is_none_wherever_the_stream_is_cut():
    ending = chat.ending()
    for piece in (b'data: {"x": "', b"data: [DONE]" + b"." * (Marker.TAIL - 12), b'"}\n\n'):
        assert ending.feed(piece) is None


def test_an_image_of_many_megabytes_leaves_no_trace_in_the_text():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 20_000_000}}
    body = request({"role": "user", "content": [image, {"type": "text", "text": "what is it?"}]})
    prompt = chat.read(body)
    assert prompt.messages[0].text == "[image]\nwhat is it?"
    inserted = chat.insert(body, prompt, {0: "B"})
    assert inserted == body.replace(b'"content": [', b'"content": [{"type":"text","text":"B"},', 1)


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
def test_every_role_is_read_as_the_client_named_it(role: str):
    assert chat.read(request({"role": role, "content": "x"})).messages[0].role == role


def test_a_developer_message_gets_the_block_and_no_system_message_beside_it():
    body = request({"role": "developer", "content": "x"}, {"role": "system", "content": "y"})
    inserted = json.loads(chat.insert_system(body, chat.read(body), ("B",)))
    assert inserted["messages"] == [{"role": "developer", "content": "x\n\nB"}, {"role": "system", "content": "y"}]


def test_the_older_functions_are_read_with_their_answers():
    call = {"name": "weather", "arguments": "{}"}
    body = request(
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "weather", "content": "rain"},
    )
    asked, answered = chat.read(body).messages
    assert asked.calls == answered.calls == ("weather",)
    assert json.loads(asked.extra or b"") == {"function_call": call}
    assert (answered.role, answered.text) == ("function", "rain")


def test_parallel_tool_calls_and_their_results_stay_together():
    calls = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in "ab"]
    body = request(
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
    )
    said = chat.read(body).messages
    assert [one.calls for one in said] == [(), ("a", "b"), ("a",), ("b",)]
    assert [one.text for one in said] == ["hi", "", "1", "2"]


def test_everything_else_in_a_request_goes_on_as_it_came():
    fields = {
        "n": 3, "store": True, "prediction": {"type": "content", "content": "x"},
        "stream_options": {"include_usage": True},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}, "logprobs": True,
        "tools": [{"type": "custom", "custom": {"name": "sql"}}], "functions": [], "prompt_cache_key": "k",
        "modalities": ["text", "audio"], "audio": {"voice": "x", "format": "wav"}, "reasoning_effort": "low",
    }  # fmt: skip
    body = request({"role": "user", "content": "hi"}, **fields)
    prompt = chat.read(body)
    assert chat.insert(body, prompt, {0: "B"}) == body.replace(b'"content": "hi', b'"content": "Bhi')
    assert not prompt.carried  # what is stored is not given to the model again


def test_of_a_key_that_occurs_twice_the_last_one_counts():
    body = b'{"messages":[],"messages":[{"role":"user","content":"a","content":"b"}]}'
    prompt = chat.read(body)
    assert prompt.messages[0].text == "b"
    assert chat.insert(body, prompt, {0: "B"}) == body.replace(b'"b"', b'"Bb"')


def test_a_byte_order_mark_does_no_harm():
    body = b"\xef\xbb\xbf" + request({"role": "user", "content": "hi"})
    assert chat.insert(body, chat.read(body), {0: "B"}) == body.replace(b'"hi', b'"Bhi')


def test_only_a_line_of_its_own_ends_a_stream():
    chunk = json.dumps({"choices": [{"delta": {"content": "\ndata: [DONE]"}}]}).encode()
    assert chat.ending().feed(b"data: " + chunk + b"\n\n") is None
    assert chat.ending().feed(b'x"}\n\ndata: [DONE]\n\n') == 4
    assert chat.ending().feed(b"data:[DONE]\r\n") == 0


@given(st.lists(st.integers(1, 9)), st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_end_of_a_stream_is_found_wherever_it_is_cut(sizes: list[int], line: str):
    stream = f"data: {{}}{line}{line}data: [DONE]{line}{line}".encode()
    ending, start = chat.ending(), 0
    for size in [*sizes, len(stream)]:
        end = ending.feed(stream[start : start + size])
        if end is not None:
            assert b"[DONE]" not in stream[: start + end]
            return
        start += size
    raise AssertionError("the end was not found")
