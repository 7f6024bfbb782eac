"""OpenAI-style JSON Lines: conversations or single messages, with ids or without."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from memproxy.importers.conversation import Broken, Conversation
from memproxy.importers.openai_jsonl import PIECE

from .reading import everything, ids, sample, texts


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def said(text: str, **fields: object) -> dict[str, object]:
    return {"role": "user", "content": text, **fields}


def test_a_line_of_a_fine_tuning_file_is_a_conversation():
    first = sample("finetune.jsonl", "jsonl")[0]
    assert texts(first) == ["I live in Porto.", "Noted."]
    assert first.skipped == {"system": 1}


def test_parts_are_told_as_text_files_by_name_and_pictures_not_at_all():
    read = sample("finetune.jsonl", "jsonl")
    assert texts(read[1]) == ["Look at my cat Mia.\n[attached: cat.pdf]", "What a cat!"]
    assert "base64" not in repr(read)


def test_a_conversations_time_is_its_messages_where_they_have_none():
    assert {one.at for one in sample("finetune.jsonl", "jsonl")[1].messages} == {datetime(2025, 5, 1, 8, tzinfo=UTC)}


def test_a_broken_line_is_named_by_its_number_and_the_next_is_read():
    read = sample("finetune.jsonl", "jsonl")
    assert isinstance(read[2], Broken)
    assert read[2].number == 4
    assert texts(read[3]) == ["I live in Porto."]


def test_messages_of_a_log_are_put_together_by_their_session():
    read = sample("log.jsonl", "jsonl")
    assert [(one.session, len(one.messages)) for one in read] == [("jsonl:s1", 2), ("jsonl:s2", 3), ("jsonl:s1", 1)]
    assert read[0].messages[0].at == datetime(2025, 1, 1, 8, tzinfo=UTC)


def test_the_same_words_said_twice_are_two_messages():
    (read,) = everything(lines(said("ok"), said("ok")), "jsonl")
    assert len({one.id for one in read.messages}) == 2


def test_a_log_that_has_grown_keeps_the_ids_it_had():
    before = [said(f"message {number}") for number in range(PIECE + 3)]
    short, long = (list(ids(everything(lines(*log), "jsonl"))) for log in (before, [*before, said("new")]))
    assert long[: len(short)] == short
    assert len(set(long)) == PIECE + 4


def test_two_conversations_that_begin_alike_are_two_sessions():
    read = everything(lines({"messages": [said("hi"), said("a")]}, {"messages": [said("hi"), said("b")]}), "jsonl")
    assert read[0].session != read[1].session


def test_an_array_of_messages_is_read_like_lines():
    read = everything(json.dumps([said("one"), said("two")]).encode(), "jsonl")
    assert [texts(one) for one in read] == [["one", "two"]]


def test_a_line_without_a_role_is_broken_and_does_not_end_the_log():
    read = everything(lines(said("a"), {"content": "b"}, said("c")), "jsonl")
    assert [one for one in read if isinstance(one, Broken)] == [Broken(2, "Object missing required field `role`")]
    assert [texts(one) for one in read if isinstance(one, Conversation)] == [["a", "c"]]
