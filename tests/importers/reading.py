"""How these tests read a file: all the way from its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from memproxy.importers.conversation import Broken, Conversation
from memproxy.importers.formats import Format, read
from memproxy.importers.records import records

DATA = Path(__file__).parent / "data"


def everything(data: bytes, format: Format) -> list[Conversation | Broken]:
    return list(read(records(data), format))


def sample(name: str, format: Format) -> list[Conversation | Broken]:
    return everything((DATA / name).read_bytes(), format)


def one(value: object, format: Format) -> Conversation:
    """The only conversation of an export of this one."""
    (found,) = everything(json.dumps([value]).encode(), format)
    assert isinstance(found, Conversation)
    return found


def texts(conversation: Conversation | Broken) -> list[str]:
    assert isinstance(conversation, Conversation), conversation
    return [said.text for said in conversation.messages]


def ids(conversations: list[Conversation | Broken]) -> Iterator[tuple[str, str]]:
    for conversation in conversations:
        if isinstance(conversation, Conversation):
            yield from ((conversation.session, said.id) for said in conversation.messages)
