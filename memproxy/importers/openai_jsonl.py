"""OpenAI-style JSON Lines: a conversation a line, `{"messages": [...]}` as for fine-tuning, or one message a line.

Neither has ids by rule, so they are made from what the lines say: a message's from its words and how often they were
said before in its session; a session's from the whole of a conversation's line, or from the first message of a log, so
that a log that has grown since adds only what is new. Where lines have an `id`, a `session` or a `created_at` of their
own, those are taken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from memproxy.importers.conversation import (
    NOT_SPEECH,
    ROLES,
    Broken,
    Conversation,
    Transcript,
    attached,
    digest,
    time_of,
)
from memproxy.importers.records import Record

PREFIX = "jsonl"
# A log may be one session of any length; it is handed on in pieces.
PIECE = 500
TEXTS = ("text", "input_text", "output_text")
Given = str | int | None


class Named(msgspec.Struct):
    """What both kinds of lines may say beside the words."""

    id: Given = None
    session: Given = None
    session_id: Given = None
    conversation_id: Given = None
    created_at: float | str | None = None
    timestamp: float | str | None = None

    @property
    def conversation(self) -> str | None:
        named = (self.session, self.session_id, self.conversation_id)
        return next((str(one) for one in named if one is not None), None)

    @property
    def time(self) -> float | str | None:
        return self.timestamp if self.created_at is None else self.created_at


class Message(Named, kw_only=True):
    role: str
    content: str | list[Any] | None = None
    name: str | None = None


class Chat(Named, kw_only=True):
    messages: list[Message]


class Ids:
    """Ids for the messages of one session."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, message: Message, text: str) -> str:
        if message.id is not None:
            return str(message.id)
        own = digest("\0".join((message.role, message.name or "", text)))
        self._seen[own] += 1
        return own if self._seen[own] == 1 else f"{own}-{self._seen[own]}"


def is_like(value: Any) -> bool:
    return isinstance(value, dict) and ("messages" in value or {"role", "content"} <= value.keys())


def conversations(records: Iterable[Record]) -> Iterator[Conversation | Broken]:
    log = Log()
    for record in records:
        if record.fault:
            yield Broken(record.number, record.fault)
            continue
        try:
            if isinstance(record.value, dict) and "messages" in record.value:
                yield _chat(msgspec.convert(record.value, Chat))
            else:
                yield from log.take(msgspec.convert(record.value, Message))
        except msgspec.ValidationError as exc:
            yield Broken(record.number, str(exc))
    yield from log.rest()


def _chat(line: Chat) -> Conversation:
    """A line that holds a conversation."""
    transcript, ids = Transcript(time_of(line.time)), Ids()
    for message in line.messages:
        _tell(transcript, message, ids)
    whole = digest("\0".join(f"{message.role}\0{_text(message)}" for message in line.messages))
    named = line.conversation or (None if line.id is None else str(line.id))
    return transcript.end(PREFIX, named or whole)


class Log:
    """Lines that hold one message each: neighbours of one session are put together. Lines that name no session are one
    session, known by its first message."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, Ids] = defaultdict(Ids)
        self._unnamed = ""
        self._session = ""
        self._piece: list[Message] = []

    def take(self, message: Message) -> Iterator[Conversation]:
        self._unnamed = self._unnamed or digest(f"{message.role}\0{_text(message)}")
        session = message.conversation or self._unnamed
        if session != self._session or len(self._piece) == PIECE:
            yield from self.rest()
        self._session = session
        self._piece.append(message)

    def rest(self) -> Iterator[Conversation]:
        if self._piece:
            transcript, ids = Transcript(), self._ids[self._session]
            for message in self._piece:
                _tell(transcript, message, ids)
            yield transcript.end(PREFIX, self._session)
        self._piece = []


def _tell(transcript: Transcript, message: Message, ids: Ids) -> None:
    if message.role not in ROLES:
        transcript.skip(NOT_SPEECH.get(message.role, "unreadable"))
        return
    text = _text(message)
    transcript.add(
        id=ids.of(message, text), role=ROLES[message.role], text=text, at=time_of(message.time), name=message.name
    )


def _text(message: Message) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    parts = [_part(part) for part in message.content]
    return "\n".join(part for part in parts if part)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    text, file = part.get("text"), part.get("file")
    if part.get("type") in TEXTS and isinstance(text, str):
        return text
    name = file.get("filename") if isinstance(file, dict) else None
    return attached([name]) if isinstance(name, str) else ""
