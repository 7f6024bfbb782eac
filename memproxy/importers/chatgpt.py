"""ChatGPT's export: a conversation is a tree of nodes, of which the path to `current_node` is what its owner sees.

The rest of the tree was edited away or regenerated. On the path stand many messages that nobody said: hidden ones
(weight 0), tool calls (a `recipient` other than `all`), tool results, the model's thinking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from memproxy.importers.conversation import NOT_SPEECH, ROLES, Conversation, Transcript, ancestry, attached, time_of

SPEECH = ("text", "multimodal_text")
THINKING = ("thoughts", "reasoning_recap")

# The app's own marks within a text: private-use characters around a kind and its fields, and the older 【4†source】.
_MARK = re.compile("\ue200([a-z_]+)\ue202(.*?)\ue201", re.DOTALL)
_LEFTOVER = re.compile("[\ue200-\ue206]|【[^【】]{0,40}†[^【】]{0,200}】")


class Node(msgspec.Struct):
    message: Any = None
    parent: str | None = None


class Chat(msgspec.Struct):
    mapping: dict[str, Node]
    id: str | None = None
    conversation_id: str | None = None
    create_time: float | str | None = None
    current_node: str | None = None


class Author(msgspec.Struct):
    role: str


class Content(msgspec.Struct):
    content_type: str = "text"
    parts: list[Any] | None = None


class Attachment(msgspec.Struct):
    name: str | None = None


class Metadata(msgspec.Struct):
    attachments: list[Attachment] | None = None
    is_visually_hidden_from_conversation: bool | None = None


class Message(msgspec.Struct):
    author: Author
    id: str | None = None
    content: Content | None = None
    create_time: float | str | None = None
    weight: float | None = None
    recipient: str | None = None
    metadata: Metadata | None = None


def is_like(value: Any) -> bool:
    return isinstance(value, dict) and "mapping" in value


def conversation(value: Any) -> Conversation:
    """Raises `msgspec.ValidationError` where this is no conversation."""
    chat = msgspec.convert(value, Chat)
    transcript = Transcript(time_of(chat.create_time))
    path = _path(chat)
    for name in path:
        _read(transcript, name, chat.mapping[name].message)
    elsewhere = chat.mapping.keys() - set(path)
    transcript.skip("branch", sum(chat.mapping[name].message is not None for name in elsewhere))
    return transcript.end("chatgpt", chat.conversation_id or chat.id)


def _path(chat: Chat) -> list[str]:
    """Names of the nodes from the root to the current one."""
    leaf = chat.current_node if chat.current_node in chat.mapping else _newest_leaf(chat.mapping)
    return ancestry({name: node.parent for name, node in chat.mapping.items()}, leaf)


def _newest_leaf(mapping: Mapping[str, Node]) -> str | None:
    """Stands in for a `current_node` that is missing or points nowhere."""
    parents = {node.parent for node in mapping.values()}
    leaves = [name for name in mapping if name not in parents]
    return max(leaves, key=lambda name: _time(mapping[name].message), default=None)


def _time(message: Any) -> float:
    time = time_of(message.get("create_time")) if isinstance(message, dict) else None
    return time.timestamp() if time else 0.0


def _read(transcript: Transcript, name: str, value: Any) -> None:
    if value is None:
        return
    try:
        message = msgspec.convert(value, Message)
    except msgspec.ValidationError:
        transcript.skip("unreadable")
        return
    if reason := _not_said(message):
        transcript.skip(reason)
        return
    transcript.add(
        id=message.id or name,
        role=ROLES[message.author.role],
        text=_text(message),
        at=time_of(message.create_time),
    )


def _not_said(message: Message) -> str | None:
    """Why this is nothing that a person or the assistant said."""
    kind = message.content.content_type if message.content else "text"
    hidden = message.weight == 0 or (message.metadata and message.metadata.is_visually_hidden_from_conversation)
    if reason := NOT_SPEECH.get(message.author.role):
        return reason
    if hidden:
        return "hidden"
    if kind in THINKING:
        return "thinking"
    if message.recipient not in (None, "all") or kind not in SPEECH:
        return "tool"
    return None if message.author.role in ROLES else "unreadable"


def _text(message: Message) -> str:
    parts = (message.content.parts if message.content else None) or []
    said = "\n".join(text for part in parts if (text := _part(part)))
    files = (message.metadata.attachments if message.metadata else None) or []
    return f"{_unmarked(said)}\n{attached([file.name or '' for file in files])}"


def _part(part: Any) -> str:
    """Speech is transcribed; images and sounds are pointers to files, whose names stand in the metadata."""
    if isinstance(part, dict):
        part = part.get("text")
    return part if isinstance(part, str) else ""


def _unmarked(text: str) -> str:
    return _LEFTOVER.sub("", _MARK.sub(_spoken, text))


def _spoken(mark: re.Match[str]) -> str:
    """What a mark shows to the reader: the name of an entity, the title of a link, nothing of a citation."""
    kind, fields = mark[1], mark[2]
    if kind == "url":
        return fields.partition("\ue202")[0]
    if kind != "entity":
        return ""
    try:
        return str(json.loads(fields)[1])
    except (ValueError, LookupError, TypeError):
        return ""
