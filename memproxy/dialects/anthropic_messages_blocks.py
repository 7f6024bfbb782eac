"""What the content blocks of Anthropic's Messages say: the same reading for a request and for a reply.

Remembered are text, what images and documents are called, and which tools were called. Thinking is signed, goes back
and forth untouched, and is never remembered; neither is what server tools, MCP and compaction leave in a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.attachments import mention, mention_at
from memproxy.dialects.raw import NONE, decoded, given, head, text_of
from memproxy.dialects.spoken import spoken

THINKING = ("thinking", "redacted_thinking")
# What agents (Claude Code first) put beside the person's words in the same message.
REMINDER, REMINDED = "<system-reminder>", "</system-reminder>"


class Block(Struct):
    type: Raw = NONE
    text: Raw = NONE
    id: Raw = NONE
    name: Raw = NONE
    input: Raw = NONE
    toolset_name: Raw = NONE
    tool_use_id: Raw = NONE
    is_error: Raw = NONE
    content: Raw = NONE
    title: Raw = NONE
    source: Raw = NONE
    file_id: Raw = NONE


class _Source(Struct):
    url: Raw = NONE
    file_id: Raw = NONE


_TEXT = Raw(b'"text"')
_blocks = msgspec.json.Decoder(list[Block])
_source = msgspec.json.Decoder(_Source)


def blocks_of(content: Raw) -> list[Block]:
    """A string stands for one block of text."""
    match head(content):
        case b'"':
            return [Block(type=_TEXT, text=content)]
        case b"[":
            return _blocks.decode(content)
    return []


def own_words(text: str) -> str:
    """The text without the reminders that the client's program put in."""
    pieces, position = [], 0
    while (start := text.find(REMINDER, position)) >= 0 and (end := text.find(REMINDED, start)) >= 0:
        pieces.append(text[position:start])
        position = end + len(REMINDED)
    return "".join([*pieces, text[position:]]) if position else text


def answered(blocks: Iterable[Block]) -> str:
    """The text of an assistant's blocks."""
    kinds = ((text_of(block.type), block) for block in blocks)
    return spoken(text_of(block.text) if kind == "text" else None for kind, block in kinds if kind not in THINKING)


def told(blocks: Iterable[Block]) -> str:
    """The words of a user's message or of a tool's result, one block a line."""
    return "\n".join(filter(None, map(_told, blocks)))


def _told(block: Block) -> str:
    match text_of(block.type):
        case "text":
            return own_words(text_of(block.text))
        case "image":
            return _attached("image", block.source)
        case "document":
            title = text_of(block.title)
            return mention("document", title) if title else _attached("document", block.source)
        case "search_result":
            return mention("search result", text_of(block.title))
        case "container_upload":
            return mention("file", text_of(block.file_id))
        case "tool_result":
            return told(blocks_of(block.content))
    return ""


def _attached(kind: str, source: Raw) -> str:
    # Sparing a look at megabytes of data.
    if head(source) != b"{" or b'"base64"' in bytes(memoryview(source)[:64]):
        return mention(kind)
    found = _source.decode(source)
    return mention(kind, text_of(found.file_id)) if given(found.file_id) else mention_at(kind, found.url)


def uses(blocks: Iterable[Block]) -> Iterator[Block]:
    """The calls that the client is to answer."""
    return (block for block in blocks if text_of(block.type) == "tool_use")


def results(blocks: Iterable[Block]) -> Iterator[Block]:
    return (block for block in blocks if text_of(block.type) == "tool_result")


def replayed(kind: str, blocks: Iterable[Block]) -> bytes | None:
    """Calls, or the heads of results, as the API takes them back; without `cache_control`, which has its day."""
    fields = ("id", "name", "input", "toolset_name") if kind == "tool_use" else ("tool_use_id", "is_error")
    content = [
        {"type": kind} | {field: value for field in fields if given(value := getattr(block, field))} for block in blocks
    ]
    return msgspec.json.encode({"content": content}) if content else None


def is_object(raw: Raw | bytes) -> bool:
    return isinstance(decoded(raw), dict)
