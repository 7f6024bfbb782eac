"""Gemini: what a request says, where blocks stand, and replies in three forms."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Said, Unreadable
from memproxy.dialects.gemini import Gemini
from memproxy.errors import BadRequest, Conflict, Draining, MemproxyError, Unauthorized, UpstreamTimeout
from memproxy.testing import gemini
from memproxy.testing.replies import Answer, ToolCall

dialect = Gemini()
BLOCK = "<memory>\n- lives in Porto\n</memory>\n\n"
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "iVBOR" * 1000}}
CALL = {"functionCall": {"id": "1", "name": "f", "args": {"a": 1.0}}, "thoughtSignature": "c2ln"}


def user(*parts: object) -> dict:
    return {"role": "user", "parts": list(parts)}


def text(words: str) -> dict:
    return {"text": words}


def request(*contents: dict, **fields: object) -> bytes:
    return json.dumps({**fields, "contents": contents}).encode()


def said(*contents: dict, **fields: object) -> list[Said]:
    return list(dialect.read(request(*contents, **fields)).messages)


def inserted(*contents: dict, **fields: object) -> dict:
    """The body with a block for its last message, as the provider reads it."""
    body = request(*contents, **fields)
    prompt = dialect.read(body)
    return json.loads(dialect.insert(body, prompt, {len(prompt.messages) - 1: BLOCK}))


# What a request says


def test_thoughts_and_code_that_the_model_ran_are_not_what_it_said():
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
        text("I will "),
        text("count."),
        {"executableCode": {"language": "PYTHON", "code": "1+1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"text": "It is 2.", "thoughtSignature": "c2ln"},
        CALL,
    ]
    [one] = said({"role": "model", "parts": parts})
    assert (one.role, one.text, one.calls) == ("assistant", "I will count.\nIt is 2.", ("1",))
    assert json.loads(one.extra or b"") == {"parts": [{"functionCall": CALL["functionCall"]}]}


def test_the_pieces_of_a_streamed_answer_that_google_s_clients_send_back_are_one_answer():
    content = gemini.Content(Answer("I will count.", (ToolCall("1", "f", "{}"),)), thought="hm")
    history = [user(text("hi")), *({"role": "model", "parts": [part]} for part in json.loads(gemini.body(content))
                                   ["candidates"][0]["content"]["parts"]), user(text("well?"))]  # fmt: skip
    found = said(*history)
    answer = dialect.answer(b"".join(gemini.events(content)), stream=True)
    assert answer is not None
    assert [one.role for one in found] == ["user", "assistant", "user"]
    assert (found[1].text, found[1].calls, found[1].extra) == (answer.text, answer.calls, answer.extra)
    body = request(*history)
    changed = json.loads(dialect.insert(body, dialect.read(body), {0: BLOCK, 2: BLOCK}))
    assert [changed["contents"][at]["parts"][0] for at in (0, -1)] == [text(BLOCK), text(BLOCK)]


@pytest.mark.parametrize("role", ["user", "function", None])
@pytest.mark.parametrize("field", ["functionResponse", "function_response"])
def test_what_a_function_returned_is_no_new_turn_of_the_person(role: str | None, field: str):
    response = {field: {"name": "f", "response": {"output": "42"}}}
    [one] = said({"parts": [response, text("go on")], **({"role": role} if role else {})})
    assert (one.role, one.text, one.calls) == ("tool", "42\ngo on", ("f",))
    assert json.loads(one.extra or b"") == {"parts": [{"functionResponse": {"name": "f"}}]}


def test_what_a_function_returned_is_kept_as_it_came_where_it_is_not_one_text():
    [one] = said(user({"functionResponse": {"name": "f", "response": {"a": [1, "x"]}}}))
    assert json.loads(one.text) == {"a": [1, "x"]}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (IMAGE, "[image]"),
        ({"inline_data": {"mime_type": "audio/wav", "display_name": "me.wav", "data": "AAAA"}}, "[audio me.wav]"),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.org/v1beta/files/abc"}}, "[video abc]"),
        ({"file_data": {"file_uri": "https://x.org/my%20plan.pdf"}}, "[file my plan.pdf]"),
        ({"fileData": {"displayName": "plan", "fileUri": "gs://bucket/x"}}, "[file plan]"),
        ({"text": "hm", "thought": True}, ""),
        ({"fromNextYear": {}}, ""),
    ],
)
def test_what_is_attached_is_known_by_its_name(part: dict, name: str):
    assert said(user(part, text("look")))[0].text.removesuffix("look").strip() == name


def test_a_content_without_a_role_is_the_person_s():
    assert [(one.role, one.text) for one in said({"parts": [text("hi")]})] == [("user", "hi")]


def test_one_content_may_stand_where_a_list_is_due():
    prompt = dialect.read(b'{"contents": {"parts": {"text": "hi"}}, "system_instruction": {"parts": {"text": "Neko"}}}')
    assert [(one.role, one.text) for one in prompt.messages] == [("system", "Neko"), ("user", "hi")]


@pytest.mark.parametrize("body", [b"{}", b'{"contents":null}', b'{"contents":"hi"}', b'{"contents":[1]}',
                                  b'{"contents":[{"parts":[1]}]}', b'{"generateContentRequest":{}}'])  # fmt: skip
def test_what_is_no_request_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        dialect.read(body)


def test_the_body_names_nobody():
    body = request(user(text("hi")), labels={"user_id": "billing"}, user="x")
    assert dialect.claim(body) is None
    assert dialect.read(body).session is None


# Where a block stands


def test_the_block_is_a_part_before_the_last_text_so_that_documents_keep_their_place_in_the_cache():
    document = {"fileData": {"fileUri": "https://x.org/plan.pdf"}}
    assert inserted(user(document, text("rules"), text("hi"), IMAGE))["contents"][0]["parts"] == [
        document, text("rules"), text(BLOCK), text("hi"), IMAGE,
    ]  # fmt: skip


def test_what_has_no_text_gets_one_at_its_end():
    assert inserted(user(IMAGE))["contents"][0]["parts"] == [IMAGE, text(BLOCK)]


def test_one_part_where_a_list_is_due_takes_the_block_into_its_text():
    assert inserted({"parts": text("hi")})["contents"][0]["parts"] == text(BLOCK + "hi")


def test_an_answer_to_calls_has_as_many_parts_as_there_were_calls():
    body = request(user({"functionResponse": {"name": "f", "response": {}}}, text("go on")))
    assert dialect.insert(body, dialect.read(body), {0: BLOCK}) == body


@pytest.mark.parametrize("parts", [None, [], [text("")], [text(" \n")], {}, [{"text": "hm", "thought": True}]])
def test_what_the_api_will_refuse_is_left_for_it_to_refuse(parts: object):
    body = request({"role": "user", "parts": parts})
    changed = json.loads(dialect.insert(body, dialect.read(body), {0: BLOCK}))
    assert changed["contents"][0]["parts"] in (parts, [{"text": "hm", "thought": True}, text(BLOCK)])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"systemInstruction": {"parts": [text("B1\n\nB2")]}}),
        (
            {"systemInstruction": {"parts": [text("a")]}},
            {"systemInstruction": {"parts": [text("a"), text("B1\n\nB2")]}},
        ),
        ({"system_instruction": {"parts": text("a")}}, {"system_instruction": {"parts": text("a\n\nB1\n\nB2")}}),
        ({"system_instruction": {"parts": []}}, {"system_instruction": {"parts": [text("B1\n\nB2")]}}),
        ({"systemInstruction": "a"}, {"systemInstruction": "a\n\nB1\n\nB2"}),
    ],
)
def test_placement_system_goes_to_the_end_of_the_system_instruction(fields: dict, expected: dict):
    body = request(user(text("hi")), **fields)
    changed = json.loads(dialect.insert_system(body, dialect.read(body), ("B1\n", "B2\n")))
    assert changed == {**expected, "contents": [user(text("hi"))]}


@pytest.mark.parametrize(
    "fields", [{"cachedContent": "cachedContents/1"}, {"cached_content": "c"}, {"systemInstruction": {"role": "x"}}]
)
def test_where_the_system_instruction_cannot_be_added_to_the_newest_message_takes_the_blocks(fields: dict):
    """It stands in the provider's cache, and the API refuses another beside it."""
    body = request(user(text("hi")), {"role": "model", "parts": [text("yes?")]}, user(text("well")), **fields)
    changed = json.loads(dialect.insert_system(body, dialect.read(body), ("B1\n", "B2\n")))
    expected = json.loads(body)
    expected["contents"][2]["parts"].insert(0, text("B1\nB2\n"))
    assert changed == expected


def test_the_request_that_is_counted_may_be_wrapped():
    inner = {"model": "models/m", "contents": [user(text("hi"))]}
    body = json.dumps({"generateContentRequest": inner}).encode()
    prompt = dialect.read(body)
    assert prompt.model == "models/m"
    changed = json.loads(dialect.insert(body, prompt, {0: BLOCK}))
    assert changed["generateContentRequest"]["contents"] == [user(text(BLOCK), text("hi"))]
    changed = json.loads(dialect.insert_system(body, prompt, (BLOCK,)))
    assert changed["generateContentRequest"]["systemInstruction"] == {"parts": [text(BLOCK.strip())]}


# What a reply says

FORMS = {"whole": False, "events": True, "array": True}


def reply(form: str, content: gemini.Content) -> bytes:
    found = {"whole": lambda: [gemini.body(content)], "events": lambda: gemini.events(content)}
    return b"".join(found.get(form, lambda: gemini.array(content))())


@pytest.mark.parametrize("form", FORMS)
def test_usage_and_model_of_a_reply_are_read(form: str):
    content = gemini.Content(Answer("Hello, world"), model="gemini-x", thought="hm hm hm")
    answer = dialect.answer(reply(form, content), stream=FORMS[form])
    assert answer is not None
    assert answer.usage is not None
    # What was thought is paid for as an answer.
    assert (answer.usage.model, answer.usage.prompt_tokens, answer.usage.completion_tokens) == ("gemini-x", 17, 5)


@pytest.mark.parametrize(("reason", "complete"), [("STOP", True), ("MAX_TOKENS", True), ("SAFETY", False),
                                                  ("RECITATION", False), ("CONTINUATION", False)])  # fmt: skip
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_is_complete_unless_the_provider_says_that_it_is_not(form: str, reason: str, complete: bool):
    answer = dialect.answer(reply(form, gemini.Content(Answer("so far", finish=reason))), stream=FORMS[form])
    assert answer is not None
    assert (answer.text, answer.complete) == ("so far", complete)


@pytest.mark.parametrize("form", FORMS)
def test_of_several_candidates_the_first_is_remembered_and_the_others_are_kept(form: str):
    answer = dialect.answer(reply(form, gemini.Content(Answer("so be it"), candidates=3)), stream=FORMS[form])
    assert answer is not None
    assert answer.text == "so be it"
    assert json.loads(answer.extra or b"") == {"candidates": [text("so be it"), text("so be it")]}


def test_candidates_are_told_apart_by_their_index():
    def chunk(*found: tuple[int | None, str]) -> bytes:
        candidates = [
            {"content": {"parts": [text(words)]}, **({} if index is None else {"index": index})}
            for index, words in found
        ]
        return b"data: " + json.dumps({"candidates": candidates}).encode() + b"\r\n\r\n"

    body = chunk((1, "B")) + chunk((1, "b"), (0, "A")) + chunk((None, "a"))
    answer = dialect.answer(body, stream=True)
    assert answer is not None
    assert (answer.text, answer.complete) == ("Aa", False)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_filter_stopped_before_it_began_is_no_answer(form: str):
    body = {"whole": b"%b", "events": b"data: %b\r\n\r\n", "array": b"[%b]"}[form] % gemini.blocked()
    assert dialect.answer(body, stream=FORMS[form]) is None


def test_a_call_without_an_id_is_known_by_its_function():
    body = reply("events", gemini.Content(Answer("", (ToolCall("", "f", "{}"), ToolCall("2", "g", "{}")))))
    answer = dialect.answer(body, stream=True)
    assert answer is not None
    assert answer.calls == ("f", "2")


def test_further_pieces_of_a_call_are_no_calls_of_their_own():
    pieces = [{"name": "f", "willContinue": True}, {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}]}, {}]
    body = b"".join(
        b"data: " + json.dumps({"candidates": [{"content": {"parts": [{"functionCall": piece}]}}]}).encode() + b"\n\n"
        for piece in pieces
    )
    answer = dialect.answer(body, stream=True)
    assert answer is not None
    assert answer.calls == ("f",)


@pytest.mark.parametrize("form", ["events", "array"])
def test_an_error_in_mid_stream_leaves_the_answer_incomplete(form: str):
    content = gemini.Content(Answer("half an answer"))
    failure = gemini.failure(503, "overloaded")
    if form == "events":
        bodies = [gemini.events(content)[0] + failure, gemini.events(content)[0] + b"data: {}\n\n" + failure]
    else:
        bodies = [gemini.array(content)[0] + b"," + failure + b"]", gemini.array(content)[0] + b",\n" + failure]
    for body in bodies:
        answer = dialect.answer(body, stream=True)
        assert answer is not None
        assert (answer.text, answer.complete) == ("half ", False)


def test_an_array_that_broke_off_between_two_replies_is_read_up_to_there():
    pieces = gemini.array(gemini.Content(Answer("one two three")))
    answer = dialect.answer(b"".join(pieces[:2]), stream=True)
    assert answer is not None
    assert (answer.text, answer.complete) == ("one two ", False)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error":{}}', b'{"candidates":null}', b"[1]",
                                  b'[{"error":{"code":400}}]', b'{"totalTokens":7}'])  # fmt: skip
def test_what_is_no_answer_is_none(body: bytes):
    for stream in (False, True):
        assert dialect.answer(body, stream=stream) is None
    assert dialect.answer(b"data: " + body, stream=True) is None


# Where a stream ends


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.text('"\\[]{},:x\n\u4e2d', max_size=9) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{}', max_size=3), inner, max_size=3),
    ).map(lambda value: [value]),
    places=st.lists(st.integers(0, 400), max_size=12),
    ascii_only=st.booleans(),
)
def test_the_bracket_that_closes_the_array_is_found_however_it_is_cut(value: list, places: list, ascii_only: bool):
    body = b" \r\n" + json.dumps(value, ensure_ascii=ascii_only, indent=1).encode()
    ends = sorted({place % len(body) for place in places} | {len(body)})
    ending, found = dialect.ending(), None
    for start, end in zip([0, *ends], ends, strict=False):
        offset = ending.feed(body[start:end])
        assert found is None or offset is None
        if offset is not None and found is None:
            found = start + offset
            break
    assert found == len(body) - 1


def test_an_event_stream_has_no_end_but_that_of_its_body():
    ending = dialect.ending()
    for event in gemini.events(gemini.Content(Answer("[a] {b} ]"))):
        assert ending.feed(event) is None


# What memproxy itself refuses


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest("x"), "INVALID_ARGUMENT"),
        (Unauthorized("x"), "UNAUTHENTICATED"),
        (Conflict("x"), "ABORTED"),
        (Draining("x"), "UNAVAILABLE"),
        (UpstreamTimeout("x"), "DEADLINE_EXCEEDED"),
        (MemproxyError("x"), "INTERNAL"),
    ],
)
def test_a_refusal_has_the_name_that_google_has_for_its_status(error: MemproxyError, status: str):
    body = json.loads(dialect.refusal(error, "req-1"))["error"]
    assert (body["code"], body["message"], body["status"]) == (error.status, "x", status)
    assert [detail["@type"].rpartition(".")[2] for detail in body["details"]] == ["ErrorInfo", "RequestInfo"]
    assert body["details"][0]["reason"] == error.code.upper()
