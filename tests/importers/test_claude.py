"""Claude's export: words of the person and the assistant, uploads by their names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memproxy.importers.conversation import Broken, Conversation

from .reading import ids, one, sample, texts


def message(name: str, text: str, parent: str | None = None, **fields: object) -> dict[str, object]:
    made = {"uuid": name, "sender": "human", "content": [{"type": "text", "text": text}], **fields}
    return {**made, "parent_message_uuid": parent} if parent else made


@pytest.fixture
def export() -> list[Conversation | Broken]:
    return sample("claude/conversations.json", "claude")


def test_senders_become_roles_and_times_are_kept(export):
    first, second = export[0].messages[:2]
    assert (first.role, second.role) == ("user", "assistant")
    assert first.at == datetime(2025, 2, 14, 10, 4, 23, 500000, UTC)


def test_blocks_count_and_the_apps_remarks_between_them_do_not(export):
    assert texts(export[0])[1] == "Let me look.\nAvoid the cake."


def test_uploads_are_named_and_what_they_say_is_not_told(export):
    assert texts(export[0])[0].splitlines()[1:] == ["[attached: menu.txt]", "[attached: menu photo.jpg]"]
    assert texts(export[0])[2] == "[attached: pasted text]"
    assert not any("Vienna" in text or "somebody else" in text for text in texts(export[0]))


def test_a_message_that_only_used_a_tool_is_empty(export):
    assert export[0].skipped == {"empty": 1}


def test_of_two_answers_the_one_that_was_kept_is_read(export):
    assert texts(export[1]) == ["I run a bakery.", "A second answer.", "Thanks!"]
    assert export[1].skipped == {"branch": 1}


def test_without_a_current_leaf_the_newest_is_taken():
    told = [
        message("q", "Hi", "root"),
        message("new", "New", "q", created_at="2025-02-02T00:00:00Z"),
        message("old", "Old", "q", created_at="2025-02-01T00:00:00Z"),
    ]
    assert texts(one({"uuid": "c", "chat_messages": told}, "claude")) == ["Hi", "New"]


def test_an_empty_conversation_has_no_messages_and_a_broken_one_is_named(export):
    assert texts(export[2]) == []
    assert export[3] == Broken(4, "Expected `array`, got `str` - at `$.chat_messages`")


def test_an_older_message_without_blocks_has_its_text():
    told = [{"uuid": "m", "sender": "human", "text": "I sail."}]
    assert texts(one({"uuid": "c", "chat_messages": told}, "claude")) == ["I sail."]


def test_one_message_of_an_unknown_shape_costs_no_other():
    told = [message("a", "Fine"), {"uuid": "b", "sender": 7}, message("c", "Too", sender="robot")]
    read = one({"uuid": "c", "chat_messages": told}, "claude")
    assert (texts(read), read.skipped) == (["Fine"], {"unreadable": 2})


def test_the_same_export_gives_the_same_ids(export):
    assert list(ids(sample("claude/conversations.json", "claude"))) == list(ids(export))
    assert export[0].session == "claude:8f3a2b1c-0000-4000-8000-000000000001"
