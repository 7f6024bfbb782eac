"""The items and the events of a scripted response: every event in its order, named and numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from memproxy.testing.replies import Answer

Item = dict[str, Any]


def message(text: str, number: int = 1, **fields: Any) -> Item:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {
        "id": f"msg_{number}",
        "type": "message",
        "status": "completed",
        "content": [part],
        "role": "assistant",
    } | fields


def refused(text: str, number: int = 1) -> Item:
    return message("", number, content=[{"type": "refusal", "refusal": text}])


def function(call_id: str, name: str, arguments: str) -> Item:
    fields = {"arguments": arguments, "call_id": call_id, "name": name}
    return {"id": f"fc_{call_id}", "type": "function_call", "status": "completed", **fields}


def reasoning(number: int = 1) -> Item:
    return {"id": f"rs_{number}", "type": "reasoning", "encrypted_content": "gAAAA" * 20, "summary": []}


def searched(number: int = 1) -> Item:
    action = {"type": "search", "query": "weather"}
    return {"id": f"ws_{number}", "type": "web_search_call", "status": "completed", "action": action}


def output(said: str | Answer | list[Item], number: int) -> list[Item]:
    """The items of an answer."""
    if isinstance(said, list):
        return said
    answer = Answer(said) if isinstance(said, str) else said
    calls = [function(call.id, call.name, call.arguments) for call in answer.tools]
    return [*([message(answer.text, number)] if answer.text else []), *calls]


def events(begun: Item, made: Item, *, queued: bool = False, chunks: int = 0) -> tuple[bytes, ...]:
    """The stream from the response as it began to the response as it was made; `chunks` counts the pieces of text of
    each part, 0: one per word."""
    found: list[tuple[str, Item]] = []
    if queued:
        found.append(("response.queued", {"response": begun | {"status": "queued"}}))
    found = [("response.created", {"response": begun}), *found, ("response.in_progress", {"response": begun})]
    for place, item in enumerate(made["output"]):
        found += [(kind, {"output_index": place, **fields}) for kind, fields in _item(item, chunks)]
    found.append((f"response.{made['status']}", {"response": made}))
    return tuple(event(kind, number, **fields) for number, (kind, fields) in enumerate(found))


def event(kind: str, number: int, **fields: Any) -> bytes:
    data = msgspec.json.encode({"type": kind, "sequence_number": number, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def _item(item: Item, chunks: int) -> Iterator[tuple[str, Item]]:
    empty: Item = {"content": []} if item["type"] == "message" else {"arguments": ""} if "arguments" in item else {}
    yield "response.output_item.added", {"item": item | empty | {"status": "in_progress"}}
    if item["type"] == "message":
        for place, part in enumerate(item["content"]):
            for kind, fields in _part(part, chunks):
                yield kind, {"item_id": item["id"], "content_index": place, **fields}
    elif item["type"] == "function_call":
        for piece in re.findall(r".{1,8}", item["arguments"], re.DOTALL):
            yield "response.function_call_arguments.delta", {"item_id": item["id"], "delta": piece}
        yield "response.function_call_arguments.done", {"item_id": item["id"], "arguments": item["arguments"]}
    elif item["type"].endswith("_call"):
        yield f"response.{item['type']}.in_progress", {"item_id": item["id"]}
        yield f"response.{item['type']}.completed", {"item_id": item["id"]}
    yield "response.output_item.done", {"item": item}


def _part(part: Item, chunks: int) -> Iterator[tuple[str, Item]]:
    kind, field = ("refusal", "refusal") if part["type"] == "refusal" else ("output_text", "text")
    yield "response.content_part.added", {"part": part | {field: ""}}
    for piece in _pieces(part[field], chunks):
        yield f"response.{kind}.delta", {"delta": piece, "logprobs": [], "obfuscation": "x"}
    yield f"response.{kind}.done", {field: part[field], "logprobs": []}
    yield "response.content_part.done", {"part": part}


def _pieces(text: str, chunks: int) -> list[str]:
    if chunks <= 0:
        return re.findall(r"\S+\s*|\s+", text)
    size = -(-len(text) // chunks) or 1
    return [text[start : start + size] for start in range(0, len(text), size)]
