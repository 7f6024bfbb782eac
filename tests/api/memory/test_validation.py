"""Long bodies are validated in slices, with the same outcome as in one piece, and others get their turn between."""

from __future__ import annotations

import asyncio
import json

import pytest

from memproxy.api.memory import validation
from memproxy.api.memory.inputs import MessagesIn
from memproxy.errors import BadRequest

MANY = 3000


def told(**changes: object) -> bytes:
    messages = [{"role": "user", "content": f"Note {n}. " + "x" * 100} for n in range(MANY)]
    return json.dumps({"session": "s", "process": "p", "messages": messages} | changes).encode()


async def test_a_long_body_is_read_as_a_short_one_would_be():
    body = told()
    assert len(body) > validation.SLICE
    assert await validation.body(MessagesIn, body) == MessagesIn.model_validate_json(body)


async def test_others_get_their_turn_between_the_slices():
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.ensure_future(other())
    body = told()
    await validation.body(MessagesIn, body)
    waiting.cancel()
    assert turns >= len(body) // validation.SLICE


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (told(messages=[{"role": "king", "content": "x"}] * MANY), "messages.0.role"),
        (told(messages=[{"role": "user", "content": "x"}] * MANY + [{"role": "user"}]), f"messages.{MANY}.content"),
        (told(messages=[{"role": "user", "content": "x"}] * 100_001), "messages"),
        (told(session="no spaces"), "session"),
        (told(more=1), "more"),
        (told(messages={"0": "x" * validation.SLICE}), "messages"),
        (told()[:-1], "body"),
        (b"[" + b" " * validation.SLICE + b"]", "body"),
        (b"[" * validation.SLICE, "body"),
        (b'{"messages": "' + b"\xff" * validation.SLICE + b'"}', "body"),
    ],
    ids=["first", "last", "too many", "another field", "unknown", "no list", "cut", "array", "deep", "bytes"],
)
async def test_what_is_wrong_with_a_long_body_is_named(body: bytes, param: str):
    with pytest.raises(BadRequest) as refused:
        await validation.body(MessagesIn, body)
    assert refused.value.param == param


async def test_half_pairs_become_marks_in_a_long_body_too():
    body = told().replace(b"Note 7. ", rb"Note \ud83e 7 \ud83e\udd9c \\ud83e")
    read = await validation.body(MessagesIn, body)
    assert read.messages[7].text.startswith("Note \ufffd 7 \U0001f99c \\ud83e")
