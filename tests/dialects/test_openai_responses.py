"""Responses requests are read and spliced without touching a byte that is not ours."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Prompt, Unreadable
from memproxy.dialects.openai_responses import OpenAIResponses
from memproxy.testing.responses_events import function, message, reasoning, searched

responses = OpenAIResponses()
BLOCK = '<memory>\n- "quoted" \\ and Ünïcode 中\n</memory>\n\n'


def request(said: Any = "hi", **fields: Any) -> bytes:
    return json.dumps({"model": "m", "input": said, **fields}).encode()


def read(body: bytes) -> Prompt:
    return responses.read(body)


def said(*items: Any) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in read(request(items)).messages]


def user(content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **fields}


def test_a_string_is_one_message_of_the_person():
    assert [(one.role, one.text) for one in read(request("hi")).messages] == [("user", "hi")]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (user("hi"), ("user", "hi")),
        (user("hi", type="message"), ("user", "hi")),
        (user([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]), ("user", "a\nb")),
        ({"role": "developer", "content": "x"}, ("developer", "x")),
        ({"role": "system", "type": "message", "content": "x"}, ("system", "x")),
        ({"role": "assistant", "content": "x"}, ("assistant", "x")),
        (message("x"), ("assistant", "x")),
        (message("", content=[{"type": "refusal", "refusal": "No."}]), ("assistant", "No.")),
        (user([{"type": "input_image", "image_url": "https://e.com/a/cat.png?x"}]), ("user", "[image cat.png]")),
        (user([{"type": "input_image", "image_url": "data:image/png;base64,AA"}]), ("user", "[image]")),
        (user([{"type": "input_image", "file_id": "file-1", "image_url": None}]), ("user", "[image]")),
        (user([{"type": "input_file", "filename": "a.pdf", "file_data": "data:x"}]), ("user", "[file a.pdf]")),
        (user([{"type": "input_file", "file_url": "https://e.com/b.pdf"}]), ("user", "[file b.pdf]")),
        (user([{"type": "input_file", "file_id": "file-1"}]), ("user", "[file file-1]")),
        (user([{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]), ("user", "[audio]")),
        (function("c", "f", "{}"), ("assistant", "")),
        ({"type": "function_call_output", "call_id": "c", "output": "42"}, ("tool", "42")),
        ({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "42"}]},
         ("tool", "42")),
        ({"type": "computer_call_output", "call_id": "c",
          "output": {"type": "computer_screenshot", "image_url": "data:"}}, ("tool", "[image]")),
        ({"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a", "stderr": "b", "outcome": {}}]},
         ("tool", "ab")),
        ({"type": "local_shell_call_output", "id": "c", "output": "{}"}, ("tool", "{}")),
        ({"type": "custom_tool_call_output", "call_id": "c", "output": "x"}, ("tool", "x")),
        ({"type": "mcp_approval_response", "approval_request_id": "c", "approve": True}, ("tool", "")),
        ({"type": "image_generation_call", "id": "ig", "result": "AAAA"}, ("assistant", "[image]")),
    ],
)  # fmt: skip
def test_each_kind_of_item_is_read(item: dict, expected: tuple[str, str]):
    assert said(item) == [expected]


@pytest.mark.parametrize(
    "item",
    [reasoning(), searched(), {"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"},
     {"type": "mcp_call", "id": "m", "name": "f", "arguments": "{}", "output": "x"}, {"type": "compaction"},
     {"type": "code_interpreter_call", "id": "ci"}, {"type": "next_year's", "content": "x"}, {"type": 7}, 7, "x",
     None, []],
)  # fmt: skip
def test_items_that_nobody_said_are_skipped_and_stay(item: Any):
    body = request([user("a"), item, user("b")])
    prompt = read(body)
    assert [one.text for one in prompt.messages] == ["a", "b"]
    inserted = json.loads(responses.insert(body, prompt, {1: "B"}))
    assert inserted["input"] == [user("a"), item, user("Bb")]


@pytest.mark.parametrize(
    "call",
    [
        function("c", "f", "{}"),
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "SELECT 1"},
        {"type": "computer_call", "id": "cu", "call_id": "c", "action": {"type": "click"}},
        {"type": "local_shell_call", "id": "ls", "call_id": "c", "action": {"type": "exec"}},
        {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file"}},
        {"type": "mcp_approval_request", "id": "c", "name": "f", "arguments": "{}", "server_label": "s"},
    ],
)
def test_a_call_is_kept_for_a_legal_replay(call: dict):
    (asked,) = read(request([call])).messages
    assert (asked.role, asked.text, asked.calls) == ("assistant", "", ("c",))
    kept = {field: value for field, value in call.items() if field != "status"}
    assert json.loads(asked.extra or b"") == {"items": [kept]}


def test_what_the_model_says_in_one_go_is_one_message():
    items = [user("hi"), reasoning(), message("I look. "), searched(), message("Here."), function("a", "f", "{}"),
             function("b", "g", "{}"), {"type": "function_call_output", "call_id": "a", "output": "1"},
             {"type": "function_call_output", "call_id": "b", "output": "2"}, reasoning(),
             message("Done.")]  # fmt: skip
    messages = read(request(items)).messages
    assert [(one.role, one.text, one.calls) for one in messages] == [
        ("user", "hi", ()),
        ("assistant", "I look. Here.", ("a", "b")),
        ("tool", "1", ("a",)),
        ("tool", "2", ("b",)),
        ("assistant", "Done.", ()),
    ]


@pytest.mark.parametrize(
    ("fields", "session", "previous", "carried"),
    [
        ({}, None, None, True),
        ({"store": True}, None, None, True),
        ({"store": None}, None, None, True),
        ({"store": False}, None, None, False),
        ({"store": False, "conversation": None, "previous_response_id": None}, None, None, False),
        ({"conversation": "conv_1", "store": False}, "conv_1", None, True),
        ({"conversation": {"id": "conv_1"}}, "conv_1", None, True),
        ({"previous_response_id": "resp_1", "store": False}, None, "resp_1", True),
    ],
)
def test_it_is_known_who_keeps_the_conversation(fields: dict, session: str, previous: str, carried: bool):
    prompt = read(request(**fields))
    assert (prompt.session, prompt.previous, prompt.carried) == (session, previous, carried)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("hi", "Bhi"),
        ([], [{"type": "input_text", "text": "B"}]),
        (
            [{"type": "input_text", "text": "hi"}],
            [{"type": "input_text", "text": "B"}, {"type": "input_text", "text": "hi"}],
        ),
    ],
)
def test_a_client_that_keeps_the_conversation_gets_the_block_before_its_text(content: Any, expected: Any):
    body = request([message("Hello"), user(content)], store=False)
    inserted = json.loads(responses.insert(body, read(body), {1: "B"}))
    assert inserted == json.loads(request([message("Hello"), user(expected)], store=False))


def test_a_string_gets_the_block_before_its_text():
    body = request("hi", store=False)
    assert responses.insert(body, read(body), {0: "B\n"}) == body.replace(b'"hi"', b'"B\\nhi"')


def test_several_blocks_each_find_their_message():
    body = request([user("1"), message("2"), searched(), user("3")], store=False)
    inserted = json.loads(responses.insert(body, read(body), {2: "B2 ", 0: "B0 "}))
    assert [item.get("content") for item in inserted["input"] if item.get("role") == "user"] == ["B0 1", "B2 3"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, "B1\n\nB2"),
        ({"instructions": None}, "B1\n\nB2"),
        ({"instructions": "Be kind."}, "Be kind.\n\nB1\n\nB2"),
        ({"instructions": ""}, "\n\nB1\n\nB2"),
        ({"instructions": []}, [{"type": "message", "role": "developer", "content": "B1\n\nB2"}]),
        ({"instructions": [user("x")]}, [user("x"), {"type": "message", "role": "developer", "content": "B1\n\nB2"}]),
        ({"prompt": {"id": "p"}, "instructions": "Be kind."}, "Be kind.\n\nB1\n\nB2"),
    ],
)
def test_where_the_provider_keeps_it_the_block_stands_at_the_end_of_the_instructions(own: dict, expected: Any):
    body = request("hi", **own)
    inserted = json.loads(responses.insert_system(body, read(body), ("B1\n\n", "B2\n\n")))
    assert inserted == {**json.loads(body), "instructions": expected}


def test_nothing_else_changes_where_instructions_come_into_being():
    body = b' \n{ "big":12345678901234567890123,\t"input" : "h\\u00e9\\/", "x":[[]] }\n'
    inserted = responses.insert_system(body, read(body), ("B",))
    assert inserted == body.replace(b"{", b'{"instructions":"B",', 1)
    body = body.replace(b'"x"', b'"instructions" :  null , "x"')
    inserted = responses.insert_system(body, read(body), ("B",))
    assert inserted == body.replace(b"null", b'"B"')


@pytest.mark.parametrize("own", [{}, {"instructions": None}])
def test_instructions_do_not_take_the_place_of_a_templates(own: dict):
    body = request("hi", prompt={"id": "pmpt_1", "variables": {"city": "Lisbon"}}, **own)
    assert responses.insert_system(body, read(body), ("B",)) == body


@pytest.mark.parametrize("own", [7, {"a": 1}, True])
def test_instructions_of_an_odd_type_are_left_alone(own: Any):
    body = request("hi", instructions=own)
    assert responses.insert_system(body, read(body), ("B",)) == body


@pytest.mark.parametrize("fields", [{"prompt": {"id": "p"}}, {"conversation": "c"}, {"previous_response_id": "r"}])
def test_a_request_may_say_nothing_of_its_own(fields: dict):
    assert read(json.dumps(fields).encode()).messages == ()


@pytest.mark.parametrize(
    ("fields", "entity"),
    [
        ({"safety_identifier": "s", "user": "u", "metadata": {"user_id": "m"}}, "s"),
        ({"user": "u", "metadata": {"user_id": "m"}}, "u"),
        ({"metadata": {"user_id": "m"}}, "m"),
        ({"user": None, "metadata": None}, None),
    ],
)
def test_the_body_claims_an_entity_in_the_documented_order(fields: dict, entity: str | None):
    assert responses.claim(request(**fields)) == entity


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"model":"m"}', b'{"input":[}', b"\xff", b"[" * 100_000])
def test_what_is_no_request_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        read(body)


def test_a_file_of_many_megabytes_leaves_no_trace_in_the_text():
    file = {"type": "input_file", "file_data": "data:application/pdf;base64," + "A" * 20_000_000}
    body = request([user([file, {"type": "input_text", "text": "what is it?"}])], store=False)
    prompt = read(body)
    assert prompt.messages[0].text == "[file]\nwhat is it?"
    part = b'{"type":"input_text","text":"B"},'
    assert responses.insert(body, prompt, {0: "B"}) == body.replace(b'"content": [', b'"content": [' + part, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ITEMS = st.one_of(
    JSON,
    st.builds(user, st.text() | st.lists(st.builds(lambda text: {"type": "input_text", "text": text}, st.text()))),
    st.builds(message, st.text()),
    st.sampled_from([reasoning(), searched(), function("c", "f", "{}")]),
    st.fixed_dictionaries(
        {"type": JSON | st.just("message")}, optional={"role": JSON, "content": JSON, "call_id": JSON}
    ),
)


@given(items=st.lists(ITEMS, max_size=6), extra=JSON, block=st.text(st.characters(codec="utf-8"), min_size=1))
def test_inserting_and_taking_out_again_gives_the_original(items: list, extra: object, block: str):
    body = json.dumps({"x": extra, "input": items}, ensure_ascii=False).encode("utf-8", "replace")
    prompt = read(body)
    for index, one in enumerate(prompt.messages):
        inserted = responses.insert(body, prompt, {index: block})
        if one.role == "user":
            escaped = json.dumps(block, ensure_ascii=False)[1:-1].encode()
            assert escaped in inserted or json.dumps(block)[1:-1].encode() in inserted or inserted == body
        assert len(read(inserted).messages) == len(prompt.messages)
    with_system = json.loads(responses.insert_system(body, prompt, (block,)))
    assert with_system.pop("instructions") == block.strip()
    assert with_system == json.loads(body)


@given(st.binary() | JSON.map(lambda value: json.dumps({"input": value, "instructions": value}).encode()))
def test_no_bytes_make_the_dialect_fail_otherwise(body: bytes):
    try:
        prompt = read(body)
    except Unreadable:
        return
    assert responses.insert(body, prompt, {}) == body
    responses.insert(body, prompt, dict.fromkeys(range(len(prompt.messages)), BLOCK))
    responses.insert_system(body, prompt, (BLOCK,))
    responses.restore(body)


@pytest.mark.parametrize(
    ("fields", "carried"),
    [
        ({"input": "hi"}, True),
        ({"input": "hi", "store": False}, False),
        ({"input": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}, False),
        ({"input": [{"role": "assistant", "content": "yes"}], "previous_response_id": "resp_1"}, True),
        ({"input": "hi", "store": False, "conversation": "conv_1"}, True),
    ],
)
def test_who_sends_answers_back_keeps_the_conversation_itself(fields: dict, carried: bool):
    assert responses.read(json.dumps(fields).encode()).carried is carried
