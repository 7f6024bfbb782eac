"""Claude's export: a conversation is a list of messages; newer ones name their parents, and then it is a tree.

A message's words stand in its `content` blocks of type `text`; its `text` repeats them with remarks of the app between
them ("This block is not supported on your current device yet"), so it counts only where there are no blocks. What was
pasted or uploaded stands apart in `attachments` and `files`: it is named, not quoted, because nobody said it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from memproxy.importers.conversation import ROLES, Conversation, Transcript, ancestry, attached, time_of

PASTED = "pasted text"
"""Long pastes have no file name."""


class Chat(msgspec.Struct):
    chat_messages: list[Any]
    uuid: str | None = None
    created_at: str | None = None
    current_leaf_message_uuid: str | None = None


class Block(msgspec.Struct):
    type: str = ""
    text: str | None = None


class File(msgspec.Struct):
    file_name: str | None = None


class Message(msgspec.Struct):
    sender: str
    uuid: str | None = None
    text: str | None = None
    content: list[Block] | None = None
    created_at: str | None = None
    attachments: list[File] | None = None
    files: list[File] | None = None
    parent_message_uuid: str | None = None


def is_like(value: Any) -> bool:
    return isinstance(value, dict) and "chat_messages" in value


def conversation(value: Any) -> Conversation:
    """Raises `msgspec.ValidationError` where this is no conversation."""
    chat = msgspec.convert(value, Chat)
    transcript = Transcript(time_of(chat.created_at))
    for message in _path(chat, _messages(transcript, chat), transcript):
        if message.sender not in ROLES:
            transcript.skip("unreadable")
            continue
        transcript.add(id=message.uuid, role=ROLES[message.sender], text=_text(message), at=time_of(message.created_at))
    return transcript.end("claude", chat.uuid)


def _messages(transcript: Transcript, chat: Chat) -> list[Message]:
    read = []
    for value in chat.chat_messages:
        try:
            read.append(msgspec.convert(value, Message))
        except msgspec.ValidationError:
            transcript.skip("unreadable")
    return read


def _path(chat: Chat, messages: list[Message], transcript: Transcript) -> list[Message]:
    """The messages from the root to the current leaf; all of them where none was edited or regenerated."""
    by_id = {message.uuid: message for message in messages if message.uuid}
    parents = [message.parent_message_uuid for message in messages if message.parent_message_uuid]
    if len(set(parents)) == len(parents) or len(by_id) != len(messages):
        return messages
    leaf = chat.current_leaf_message_uuid
    if leaf not in by_id:
        leaves = by_id.keys() - set(parents)
        leaf = max(leaves, key=lambda name: by_id[name].created_at or "", default=None)
    path = ancestry({name: message.parent_message_uuid for name, message in by_id.items()}, leaf)
    transcript.skip("branch", len(messages) - len(path))
    return [by_id[name] for name in path]


def _text(message: Message) -> str:
    if message.content:
        said = "\n".join(block.text for block in message.content if block.type == "text" and block.text)
    else:
        said = message.text or ""
    names = [file.file_name or PASTED for file in message.attachments or []]
    names += [file.file_name or "" for file in message.files or []]
    return f"{said}\n{attached(names)}"
