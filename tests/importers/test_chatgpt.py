"""ChatGPT's export: what its owner saw and said, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memproxy.importers.conversation import Broken, Conversation

from .reading import ids, one, sample, texts


def node(text: str | None, parent: str | None, *, role: str = "user", **fields: object) -> dict[str, object]:
    message = None if text is None else {"author": {"role": role}, "content": {"parts": [text]}, **fields}
    return {"message": message, "parent": parent}


def chat(current: str | None, **nodes: dict[str, object]) -> dict[str, object]:
    return {"id": "c", "create_time": 1700000000.0, "mapping": nodes, "current_node": current}


@pytest.fixture
def export() -> list[Conversation | Broken]:
    return sample("chatgpt/conversations.json", "chatgpt")


def test_the_branch_that_its_owner_sees_is_read_and_the_others_are_counted(export):
    moving = export[0]
    assert texts(moving)[0] == "I move to Lisbon next month. Which quarter is quiet?"
    assert not any("Madrid" in text for text in texts(moving))
    assert moving.skipped["branch"] == 2


def test_hidden_messages_tools_and_thinking_are_nobodys_words(export):
    assert export[0].skipped == {"system": 1, "hidden": 1, "thinking": 1, "tool": 2, "branch": 2}
    assert [said.role for said in export[0].messages] == ["user", "assistant", "user", "assistant"]


def test_each_message_keeps_its_time_and_one_without_has_that_of_the_one_before(export):
    times = [said.at for said in export[0].messages]
    assert times[0] == datetime(2024, 3, 5, 16, 1, 40, 250000, UTC)
    assert times[3] == times[2] == datetime(2024, 3, 6, 16, tzinfo=UTC)


def test_a_picture_is_named_and_its_pointer_is_not_told(export):
    assert texts(export[0])[2] == "This is my flat. Does the sofa fit?\n[attached: flat plan.png]"


def test_marks_of_the_app_become_what_they_showed(export):
    assert texts(export[0])[1] == "Lapa is quiet. See the guide."


def test_half_an_emoji_is_replaced(export):
    assert texts(export[0])[3] == "It fits under the window. \N{REPLACEMENT CHARACTER}"


def test_speech_is_read_from_its_transcript_and_an_empty_message_is_counted(export):
    assert texts(export[1]) == ["My sister Ana plays the cello.", "Lovely! How long has she played?"]
    assert export[1].skipped == {"empty": 1}


def test_a_conversation_without_a_tree_is_broken_and_the_next_is_read(export):
    assert export[2] == Broken(3, "Expected `object`, got `null` - at `$.mapping`")
    assert texts(export[3])[0] == "My dog is called Rex."


def test_without_a_current_node_the_newest_leaf_is_taken(export):
    assert texts(export[3]) == ["My dog is called Rex.", "Hello, Rex!"]


def test_the_same_export_gives_the_same_ids_and_no_id_twice(export):
    again = sample("chatgpt/conversations.json", "chatgpt")
    assert list(ids(again)) == list(ids(export))
    assert len(set(ids(export))) == len(list(ids(export)))
    assert export[0].session == "chatgpt:65e7c000-1111-4222-8333-444455556666"


def test_a_tree_that_runs_in_a_circle_ends():
    read = one(chat("a", a=node("one", "b"), b=node("two", "a")), "chatgpt")
    assert texts(read) == ["two", "one"]


def test_a_parent_that_is_not_there_is_where_the_path_begins():
    assert texts(one(chat("b", b=node("late", "gone")), "chatgpt")) == ["late"]


def test_one_message_of_an_unknown_shape_costs_no_other():
    read = one(chat("b", a=node("fine", None), b=node("odd", "a", weight="heavy")), "chatgpt")
    assert (texts(read), read.skipped) == (["fine"], {"unreadable": 1})


@pytest.mark.parametrize("time", [None, 0, -5, 1e300, "soon", "", float("nan")])
def test_a_time_that_is_none_becomes_the_conversations(time: object):
    read = one(chat("a", a=node("hello", None, create_time=time)), "chatgpt")
    assert read.messages[0].at == datetime.fromtimestamp(1700000000, UTC)


@pytest.mark.parametrize("time", [1709654400, 1709654400000, "2024-03-05T16:00:00Z", "2024-03-05T17:00:00+01:00"])
def test_times_in_seconds_milliseconds_and_words_are_read(time: object):
    read = one(chat("a", a=node("hello", None, create_time=time)), "chatgpt")
    assert read.messages[0].at == datetime(2024, 3, 5, 16, tzinfo=UTC)


def test_ids_that_memproxy_cannot_take_become_digests():
    strange = {**chat("a", a=node("hello", None, id="with space")), "id": "ü" * 200}
    read = one(strange, "chatgpt")
    assert read.session.startswith("chatgpt:")
    assert len(read.session) < 128
    assert read.messages[0].id.isalnum()
