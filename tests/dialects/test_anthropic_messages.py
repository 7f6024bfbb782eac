"""Anthropic's Messages: what a request says, where blocks stand, and what its cache makes of them."""

import json
import re
from itertools import pairwise

import pytest

from memproxy.dialects.anthropic_messages import AnthropicMessages
from memproxy.dialects.dialect import Said
from memproxy.errors import BadRequest, BodyTooLarge, Draining, Forbidden, MemproxyError, NotFound, Unauthorized
from memproxy.testing import anthropic
from memproxy.testing.replies import Answer, ToolCall

dialect = AnthropicMessages()
BLOCK = "<memory>\n- lives in Porto\n</memory>\n\n"
MARK = {"cache_control": {"type": "ephemeral"}}
REMINDER = "<system-reminder>\nYour todo list is empty.\n</system-reminder>"
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1.0}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 20}}
DEVICE, ACCOUNT, SESSION = "ab" * 32, "6f2c9c1e-0000-4000-8000-00805f9b34fb", "0d1d1c1a-1111-4111-9111-00805f9b34fb"


def text(words: str, **fields: object) -> dict:
    return {"type": "text", "text": words, **fields}


def user(*blocks: object) -> dict:
    return {"role": "user", "content": list(blocks)}


def request(*messages: dict, **fields: object) -> bytes:
    return json.dumps({"model": "m", **fields, "messages": messages}).encode()


def said(*messages: dict, **fields: object) -> list[Said]:
    return list(dialect.read(request(*messages, **fields)).messages)


def inserted(*messages: dict, block: str = BLOCK, **fields: object) -> dict:
    """The body with a block for its last message, as the provider reads it."""
    body = request(*messages, **fields)
    prompt = dialect.read(body)
    return json.loads(dialect.insert(body, prompt, {len(prompt.messages) - 1: block}))


# What a request says


def test_thinking_tools_of_the_server_and_the_like_are_not_what_the_assistant_said():
    content = [
        {"type": "thinking", "thinking": "secret", "signature": "x"},
        text("I will look."),
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"title": "t", "url": "u"}]},
        {"type": "redacted_thinking", "data": "x"},
        text("It says "),
        text("so", citations=[{"type": "char_location", "cited_text": "long"}]),
        text("."),
        {**USE, **MARK},
    ]
    [_, answer] = said(user(text("hi")), {"role": "assistant", "content": content})
    assert answer.text == "I will look.\nIt says so."
    assert answer.calls == ("toolu_1",)
    assert json.loads(answer.extra or b"") == {"content": [USE]}


def test_results_of_tools_are_no_new_turn_of_the_person_whatever_stands_beside_them():
    [one] = said(user({**RESULT, "is_error": True, **MARK}, text(REMINDER), text("do this instead")))
    assert (one.role, one.calls) == ("tool", ("toolu_1",))
    assert one.text == "42\ndo this instead"
    assert json.loads(one.extra or b"") == {
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True}]
    }


def test_results_of_several_blocks_are_read_without_their_images():
    [one] = said(user({**RESULT, "content": [text("a"), IMAGE, {"type": "document", "title": "b.pdf", "source": {}}]}))
    assert one.text == "a\n[image]\n[document b.pdf]"


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (REMINDER, ""),
        (REMINDER + "hello" + REMINDER, "hello"),
        ("<system-reminder> never closed", "<system-reminder> never closed"),
        ("</system-reminder> first, " + REMINDER, "</system-reminder> first, "),
    ],
)
def test_reminders_of_the_client_s_program_are_not_the_person_s_words(words: str, own: str):
    assert said(user(text(words), text("end")))[0].text.removesuffix("end").removesuffix("\n") == own
    assert said({"role": "user", "content": words})[0].text == own


def test_a_message_of_reminders_alone_is_the_program_speaking():
    found = said(user(text(REMINDER)), user(IMAGE), user({"type": "from_next_year"}), {"role": "user", "content": ""})
    assert [one.role for one in found] == ["system", "user", "user", "system"]


@pytest.mark.parametrize(
    ("block", "name"),
    [
        (IMAGE, "[image]"),
        ({"type": "image", "source": {"type": "url", "url": "https://x.org/my%20cat.png?s=1"}}, "[image my cat.png]"),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "[image file_1]"),
        ({"type": "document", "title": "Plan", "context": "c", "source": {"data": "d"}}, "[document Plan]"),
        ({"type": "document", "source": {"type": "text", "data": "long"}}, "[document]"),
        ({"type": "search_result", "title": "News", "source": "u", "content": [text("long")]}, "[search result News]"),
        ({"type": "container_upload", "file_id": "file_2"}, "[file file_2]"),
        ({"type": "from_next_year", "text": "?"}, ""),
    ],
)  # fmt: skip
def test_what_is_attached_is_known_by_its_name(block: dict, name: str):
    assert said(user(block, text("look")))[0].text.removesuffix("look").strip() == name


def test_system_text_is_read_from_both_its_places():
    found = said(user(text("hi")), {"role": "system", "content": "later"}, system=[text("a", **MARK), text("b")])
    assert [(one.role, one.text) for one in found] == [("system", "a\nb"), ("user", "hi"), ("system", "later")]


@pytest.mark.parametrize(
    ("user_id", "person", "session"),
    [
        ("alice", "alice", None),
        (f"user_{DEVICE}_account_{ACCOUNT}_session_{SESSION}", f"user_{DEVICE}_account_{ACCOUNT}", SESSION),
        (f"user_{DEVICE}_account__session_{SESSION}", f"user_{DEVICE}_account_", SESSION),
        (
            json.dumps({"device_id": DEVICE, "account_uuid": ACCOUNT, "session_id": SESSION}),
            f"user_{DEVICE}_account_{ACCOUNT}",
            SESSION,
        ),
        (json.dumps({"device_id": DEVICE, "session_id": SESSION}), f"user_{DEVICE}_account_", SESSION),
        (json.dumps({"session_id": SESSION}), None, SESSION),
        ('{"team": "a"}', '{"team": "a"}', None),
        ('{"session_id": 1}', '{"session_id": 1}', None),
        # Otherwise every guest of a shop would be the same person.
        (f"guest_session_{SESSION}", f"guest_session_{SESSION}", None),
        ("user_x_account_y_session_short", "user_x_account_y_session_short", None),
        (None, None, None),
        ("", None, None),
        (7, None, None),
    ],
)
def test_the_user_id_names_the_person_and_what_claude_code_writes_there_the_session_too(
    user_id: object, person: str | None, session: str | None
):
    body = request(user(text("hi")), metadata={"user_id": user_id})
    assert dialect.claim(body) == person
    assert dialect.read(body).session == session


@pytest.mark.parametrize("metadata", [None, 7, [], "x", {}, {"user_id": {}}])
def test_metadata_of_another_shape_names_nobody(metadata: object):
    body = request(user(text("hi")), metadata=metadata)
    assert dialect.claim(body) is None
    assert dialect.read(body).session is None


def test_a_thread_goes_on_from_the_answer_that_it_names():
    thread = {"type": "continue", "previous_message_id": "msg_0123456789abcdefghij"}
    prompt = dialect.read(request(user(text("and then?")), thread=thread))
    assert prompt.previous == "msg_0123456789abcdefghij"
    assert not prompt.carried  # the thread keeps the message with its block, as the ledger would
    assert dialect.read(request(user(text("hi")), thread={"type": "create"})).previous is None


# Where a block stands


def test_a_string_and_a_list_with_that_one_text_give_the_provider_the_same():
    assert inserted({"role": "user", "content": "hi"})["messages"][0]["content"] == BLOCK + "hi"
    assert inserted(user(text("hi", **MARK)))["messages"][0]["content"] == [text(BLOCK + "hi", **MARK)]


def test_a_document_with_its_own_breakpoint_keeps_the_bytes_before_it():
    document = {"type": "document", "source": {"type": "text", "data": "d"}, **MARK}
    assert inserted(user(text("rules", **MARK), document, text("hi")))["messages"][0]["content"] == [
        text("rules", **MARK), document, text(BLOCK + "hi"),
    ]  # fmt: skip


def test_the_block_stands_before_the_person_s_words_and_not_in_a_reminder():
    content = inserted(user(text(REMINDER), text("hi"), text(REMINDER, **MARK)))["messages"][0]["content"]
    assert content == [text(REMINDER), text(BLOCK + "hi"), text(REMINDER, **MARK)]


def test_a_message_without_text_gets_a_text_before_its_last_block_which_keeps_its_breakpoint():
    assert inserted(user(IMAGE, {**IMAGE, **MARK}))["messages"][0]["content"] == [IMAGE, text(BLOCK), {**IMAGE, **MARK}]


def test_results_of_tools_stay_first():
    assert inserted(user(RESULT, text("go on")))["messages"][0]["content"] == [RESULT, text(BLOCK + "go on")]
    assert inserted(user(RESULT))["messages"][0]["content"] == [RESULT]


@pytest.mark.parametrize("content", ["", " \n", [], [text("")], [text(REMINDER)], None, 7])
def test_what_the_api_will_refuse_is_left_for_it_to_refuse(content: object):
    body = request({"role": "user", "content": content})
    assert dialect.insert(body, dialect.read(body), {0: BLOCK}) == body


def test_only_messages_of_the_user_have_a_place_for_a_block():
    body = request(
        user(text("hi")),
        {"role": "assistant", "content": "hello"},
        {"role": "system", "content": "be kind"},
        system="be short",
    )
    assert dialect.insert(body, dialect.read(body), {0: BLOCK, 2: BLOCK, 3: BLOCK}) == body


@pytest.mark.parametrize(
    ("fields", "system"),
    [
        ({}, "B1\n\nB2"),
        ({"system": "be kind"}, "be kind\n\nB1\n\nB2"),
        ({"system": ""}, "B1\n\nB2"),
        ({"system": [text("a"), text("b", **MARK)]}, [text("a"), text("b", **MARK), text("B1\n\nB2")]),
        ({"system": []}, [text("B1\n\nB2")]),
        ({"system": None}, None),
    ],
)
def test_placement_system_goes_behind_the_client_s_last_breakpoint_there(fields: dict, system: object):
    body = request(user(text("hi")), **fields)
    changed = json.loads(dialect.insert_system(body, dialect.read(body), ("B1\n", "B2\n")))
    assert changed == {**json.loads(body), "system": system}


# What the provider's cache makes of it


class Cache:
    """The provider's: keeps each prefix that ends at a breakpoint; a later request looks back over twenty blocks."""

    LOOKBACK = 20

    def __init__(self) -> None:
        self.kept: set[str] = set()

    def found(self, body: bytes) -> int:
        """How many blocks of the prompt come from the cache."""
        blocks, marks = self.prompt(body)
        keys = [json.dumps(blocks[: end + 1]) for end in range(len(blocks))]
        found = max(
            (end + 1 for mark in marks for end in range(mark, max(-1, mark - self.LOOKBACK), -1)
             if keys[end] in self.kept),
            default=0,
        )  # fmt: skip
        self.kept.update(keys[mark] for mark in marks)
        return found

    @staticmethod
    def prompt(body: bytes) -> tuple[list, list[int]]:
        """The blocks in the order of the prompt, a string standing for one of text, and which of them are marked."""
        value = json.loads(body)
        blocks, marks = [], []
        for role, content in [("system", value["system"]), *((m["role"], m["content"]) for m in value["messages"])]:
            for block in [text(content)] if isinstance(content, str) else content:
                if "cache_control" in block:
                    marks.append(len(blocks))
                blocks.append([role, {key: inner for key, inner in block.items() if key != "cache_control"}])
        return blocks, marks


def marked(messages: list[dict], last: int) -> list[dict]:
    """As agents mark their newest messages: a string becomes a list for as long as it is marked."""
    out = []
    for at, message in enumerate(messages):
        if at < len(messages) - last:
            out.append(message)
            continue
        content = message["content"]
        blocks = [text(content)] if isinstance(content, str) else content
        out.append({**message, "content": [*blocks[:-1], {**blocks[-1], **MARK}]})
    return out


def conversation(turns: int, calls: int) -> list[dict]:
    """An agent's: per turn what the person says (with a reminder, every third time an image alone), and calls."""
    messages: list[dict] = []
    for turn in range(turns):
        first = [text(REMINDER), text(f"do {turn}"), text("and mind the tests")]
        messages.append(
            user(IMAGE) if turn % 3 == 2 else user(*first) if turn % 3 else {"role": "user", "content": "do"}
        )
        for call in range(calls):
            use = {**USE, "id": f"toolu_{turn}_{call}"}
            thought = {"type": "thinking", "thinking": f"{turn} {call}", "signature": "c2ln"}
            messages.append({"role": "assistant", "content": [thought, text("looking"), use]})
            messages.append(user({**RESULT, "tool_use_id": use["id"]}, text(REMINDER)))
        messages.append({"role": "assistant", "content": f"done {turn}"})
    return messages


def replay(messages: list[dict], last: int, *, memory: bool) -> tuple[list[list], list[int]]:
    """The prompts of a conversation, and how many blocks of each the cache finds."""
    cache, prompts, found = Cache(), [], []
    for size in (at for at, message in enumerate(messages, 1) if message["role"] == "user"):
        body = request(*marked(messages[:size], last), system=[text("be an agent", **MARK)])
        if memory:
            prompt = dialect.read(body)
            ledger = {at: f"{BLOCK}{at}" for at, one in enumerate(prompt.messages) if one.role == "user"}
            body = dialect.insert(body, prompt, ledger)
        prompts.append(Cache.prompt(body)[0])
        found.append(cache.found(body))
    return prompts, found


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_cache_finds_as_much_of_a_long_conversation_as_without_memory(last: int):
    messages = conversation(turns=7, calls=6)
    _, plain = replay(messages, last, memory=False)
    prompts, given = replay(messages, last, memory=True)
    for before, after in pairwise(prompts):
        assert after[: len(before)] == before
    # Beside an image alone the block is one of its own.
    alone = re.compile(re.escape(BLOCK) + r"\d+")
    own = [
        sum(1 for _, block in prompt[:found] if alone.fullmatch(block.get("text", "")))
        for prompt, found in zip(prompts, given, strict=True)
    ]
    assert [found - more for found, more in zip(given, own, strict=True)] == plain
    assert plain[-1] > 80


def test_breakpoints_are_neither_added_nor_moved_nor_taken_away():
    body = request(*marked(conversation(2, 3)[:-1], 3), system=[text("be an agent", **MARK)])
    prompt = dialect.read(body)
    augmented = dialect.insert(
        body, prompt, {at: BLOCK for at, one in enumerate(prompt.messages) if one.role == "user"}
    )
    augmented = dialect.insert_system(augmented, dialect.read(augmented), (BLOCK,))

    def marks(some: bytes) -> list:
        blocks, found = Cache.prompt(some)
        return [json.dumps(blocks[at][1])[-30:] for at in found]

    assert augmented.count(b"cache_control") == body.count(b"cache_control") == 4
    assert marks(augmented) == marks(body)


# What a reply says


HELLO = anthropic.events(anthropic.Message(Answer("Hello, world"), cached=5, id="msg_0123456789abcdefghij"))


@pytest.mark.parametrize("stream", [False, True])
def test_usage_model_and_id_of_a_reply_are_read(stream: bool):
    message = anthropic.Message(Answer("Hello, world"), model="claude-x", cached=5, id="msg_0123456789abcdefghij")
    body = b"".join(anthropic.events(message)) if stream else anthropic.body(message)
    answer = dialect.answer(body, stream=stream)
    assert answer is not None
    assert answer.id == "msg_0123456789abcdefghij"
    assert answer.usage is not None
    # What came from the cache was part of the prompt.
    assert (answer.usage.model, answer.usage.prompt_tokens, answer.usage.completion_tokens) == ("claude-x", 17, 2)


def test_an_id_that_an_imitation_gives_to_every_answer_is_no_id():
    answer = dialect.answer(anthropic.body(anthropic.Message(Answer("hi"), id="msg_1")), stream=False)
    assert answer is not None
    assert answer.id is None


@pytest.mark.parametrize(
    ("reason", "complete"),
    [("end_turn", True), ("max_tokens", True), ("stop_sequence", True), ("model_context_window_exceeded", True),
     ("pause_turn", False), ("refusal", False)],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_complete_unless_the_provider_says_that_it_is_not(reason: str, complete: bool, stream: bool):
    message = anthropic.Message(Answer("as far as I know", finish=reason))
    body = b"".join(anthropic.events(message)) if stream else anthropic.body(message)
    answer = dialect.answer(body, stream=stream)
    assert answer is not None
    assert (answer.text, answer.complete) == ("as far as I know", complete)


@pytest.mark.parametrize("at", range(len(HELLO)))
def test_an_error_anywhere_in_a_stream_leaves_the_answer_incomplete(at: int):
    for body in ((*HELLO[:at], anthropic.OVERLOADED), (*HELLO[:at], anthropic.OVERLOADED, *HELLO[at:])):
        answer = dialect.answer(b"".join(body), stream=True)
        assert answer is None or not answer.complete


def test_events_blocks_and_deltas_that_nobody_knows_yet_are_passed_over():
    start = anthropic.event("content_block_start", index=7, content_block={"type": "hologram", "text": "?"})
    delta = anthropic.event("content_block_delta", index=7, delta={"type": "hologram_delta", "text": "?", "n": 1})
    odd = anthropic.event("weather", delta="sunny", index="x", usage=[])
    orphan = anthropic.event("content_block_delta", index=9, delta={"type": "text_delta", "text": "?"})
    garbage = b"event: content_block_delta\ndata: {nope\n\n"
    answer = dialect.answer(
        b"".join([HELLO[0], odd, garbage, *HELLO[1:4], start, delta, orphan, *HELLO[4:]]), stream=True
    )
    assert answer is not None
    assert (answer.text, answer.complete) == ("Hello, world", True)


def test_a_call_that_came_with_half_its_input_is_no_call():
    events = anthropic.events(anthropic.Message(Answer("", (ToolCall("toolu_1", "f", '{"city":"Porto"}'),))))
    half = next(at for at, event in enumerate(events) if b"Porto" in event or b'"Por' in event)
    assert dialect.answer(b"".join(events[:half]), stream=True) is None
    whole = dialect.answer(b"".join(events), stream=True)
    assert whole is not None
    assert json.loads(whole.extra or b"") == {
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "Porto"}}]
    }


def test_a_call_without_input_is_a_call():
    events = [event for event in anthropic.events(anthropic.Message(Answer("", (ToolCall("t", "f", "{}"),))))
              if b"partial_json" not in event]  # fmt: skip
    answer = dialect.answer(b"".join(events), stream=True)
    assert answer is not None
    assert answer.calls == ("t",)


@pytest.mark.parametrize(
    "content",
    [[], [{"type": "compaction", "content": "a summary", "signature": "x"}], [{"type": "thinking", "thinking": "hm"}]],
)
def test_where_nothing_was_said_there_is_no_answer(content: list):
    body = json.dumps({"type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn"}).encode()
    assert dialect.answer(body, stream=False) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"type":"error","error":{}}', b'{"input_tokens":7}', b"[1]"])
def test_what_is_no_answer_is_none(body: bytes):
    assert dialect.answer(body, stream=False) is None
    assert dialect.answer(b"data: " + body, stream=True) is None


def test_bytes_that_are_no_text_do_not_lose_the_rest():
    answer = dialect.answer(b"".join(HELLO).replace(b"Hello", b"He\xffllo"), stream=True)
    assert answer is not None
    assert answer.text.endswith("world")


def test_a_stream_that_ends_right_after_its_reason_is_complete():
    answer = dialect.answer(b"".join(HELLO[:-1]), stream=True)
    assert answer is not None
    assert answer.complete


# What memproxy itself refuses


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "invalid_request_error"),
        (Unauthorized("x"), "authentication_error"),
        (Forbidden("x"), "permission_error"),
        (NotFound("x"), "not_found_error"),
        (BodyTooLarge("x"), "request_too_large"),
        (Draining("x"), "overloaded_error"),
        (MemproxyError("x"), "api_error"),
    ],
)
def test_a_refusal_has_the_type_that_the_api_has_for_its_status(error: MemproxyError, kind: str):
    assert json.loads(dialect.refusal(error, "req-1")) == {
        "type": "error",
        "error": {"type": kind, "message": "x", "details": {"error_code": error.code}},
        "request_id": "req-1",
    }
