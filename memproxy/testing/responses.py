"""OpenAI's Responses as the scripted upstream speaks it: whole, streamed, in the background, with what it keeps.

    upstream = ScriptedUpstream(script=Responses(lambda given: f"I was given {len(given.items)} items."))

What is stored is given to the model again with `previous_response_id` or `conversation`, instructions are not, and the
response repeats them, as the provider does. An answer made in the background is queued, then in progress, then there:
one step further each time it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from memproxy.testing.exchange import Reply, Request
from memproxy.testing.replies import CREATED, Answer, Pace, chunked, error, whole
from memproxy.testing.responses_events import Item, events, output

PATH = re.compile(r".*/(responses|conversations)(?:/([\w-]+))?(?:/(\w+))?")
PROMPT_TOKENS = 17
"""Always, so that the same answer has the same bytes."""
STEPS = ("queued", "in_progress", "completed")


@dataclass(frozen=True, slots=True)
class Given:
    """What the model is given: the instructions of this request, and all items, those kept from earlier ones first."""

    instructions: Any
    items: tuple[Item, ...]
    body: Mapping[str, Any]

    @property
    def texts(self) -> list[str]:
        return [text for item in self.items for text in _texts(item)]


def _texts(item: Item) -> list[str]:
    content = item.get("content") or item.get("output") or ()
    return [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]


@dataclass(slots=True)
class Stored:
    """One response that the provider keeps."""

    response: dict[str, Any]
    input: tuple[Item, ...]
    """Of this request."""
    items: tuple[Item, ...]
    """All that the model was given."""
    made: dict[str, Any]
    """The response once it is made."""
    events: tuple[bytes, ...] = ()

    def step(self) -> None:
        """One step further towards being made."""
        if self.response["status"] in STEPS[:-1]:
            following = STEPS[STEPS.index(self.response["status"]) + 1]
            self.response = self.made if following == "completed" else self.response | {"status": following}


Rule = Callable[[Given], str | Answer | list[Item]]
"""What the model says: a text, an answer with calls, or the very items of the output."""


@dataclass(slots=True)
class Responses:
    """A script for `ScriptedUpstream`; one instance keeps one account's responses and conversations."""

    rule: Rule = lambda given: "Understood."
    pace: Pace = field(default_factory=Pace)
    status: str = "completed"
    """How an answer ends: `completed`, `incomplete` or `failed`."""
    stored: dict[str, Stored] = field(default_factory=dict)
    conversations: dict[str, list[Item]] = field(default_factory=dict)
    _number: count[int] = field(default_factory=lambda: count(1))

    async def __call__(self, request: Request) -> Reply | None:
        found = PATH.fullmatch(request.path)
        if found is None:
            return None
        kind, name, more = found.groups()
        if kind == "conversations":
            return self._conversation(request, name, more)
        match request.method, name, more:
            case "POST", None, None:
                return self._create(request.json)
            case "POST", "input_tokens", None:
                return _json({"object": "response.input_tokens", "input_tokens": len(request.buffer) // 4})
            case _, str(), _ if name not in self.stored:
                return error(404, f"Response with id '{name}' not found.")
            case "GET", str(), None:
                return self._retrieve(self.stored[name], parse_qs(urlsplit(request.target).query))
            case "GET", str(), "input_items":
                return _json(_listed(self.stored[name].input))
            case "POST", str(), "cancel":
                stored = self.stored[name]
                stored.response = stored.made = stored.response | {"status": "cancelled"}
                return _json(stored.response)
            case "DELETE", str(), None:
                del self.stored[name]
                return _json({"id": name, "object": "response", "deleted": True})
        return None

    def _create(self, body: dict[str, Any]) -> Reply:
        number = next(self._number)
        kept = self._kept(body)
        if kept is None:
            return error(404, "Previous response or conversation not found.", code="previous_response_not_found")
        own = _items(body.get("input"))
        given = Given(body.get("instructions"), (*kept, *own), body)
        said = output(self.rule(given), number)
        begun = _response(body, f"resp_{number}", given)
        made = begun | {"status": self.status, "output": said, "usage": _usage(said)}
        if self.status == "incomplete":
            made["incomplete_details"] = {"reason": "max_output_tokens"}
        if self.status == "failed":
            made |= {"error": {"code": "server_error", "message": "The model failed."}, "output": []}
        sent = events(begun, made, queued=bool(body.get("background")), chunks=self.pace.chunks)
        return self._sent(body, self._keep(body, Stored(begun, own, given.items, made, sent)))

    def _sent(self, body: dict[str, Any], stored: Stored) -> Reply:
        if body.get("stream"):
            stored.response = stored.made
            return self._stream(stored.events)
        if body.get("background"):
            stored.response = stored.response | {"status": "queued"}
        else:
            stored.response = stored.made
        return _json(stored.response).after(self.pace.first) if self.pace.first else _json(stored.response)

    def _stream(self, pieces: tuple[bytes, ...]) -> Reply:
        reply = chunked(pieces[: self.pace.upto], delay=self.pace.delay)
        reply = replace(reply, steps=(*reply.steps[:-1], *self.pace.end))
        return reply.after(self.pace.first) if self.pace.first else reply

    def _keep(self, body: dict[str, Any], stored: Stored) -> Stored:
        if body.get("store") is not False:
            self.stored[stored.made["id"]] = stored
        if (conversation := _named(body.get("conversation"))) is not None:
            self.conversations[conversation] += [*stored.input, *stored.made["output"]]
        return stored

    def _kept(self, body: dict[str, Any]) -> tuple[Item, ...] | None:
        """What was said before; None where that is not known."""
        if (previous := body.get("previous_response_id")) is not None:
            before = self.stored.get(previous)
            return (*before.items, *before.made["output"]) if before else None
        if (conversation := _named(body.get("conversation"))) is not None:
            return tuple(self.conversations[conversation]) if conversation in self.conversations else None
        return ()

    def _retrieve(self, stored: Stored, query: Mapping[str, list[str]]) -> Reply:
        stored.step()
        if query.get("stream") == ["true"]:
            stored.response = stored.made
            return self._stream(stored.events[int(query.get("starting_after", ["-1"])[0]) + 1 :])
        return _json(stored.response)

    def _conversation(self, request: Request, name: str | None, more: str | None) -> Reply | None:
        if request.method == "POST" and name is None:
            name = f"conv_{next(self._number)}"
            self.conversations[name] = list(_items(request.json.get("items")))
            return _json({"id": name, "object": "conversation", "created_at": CREATED, "metadata": {}})
        if name not in self.conversations:
            return error(404, "Conversation not found.")
        return _json(_listed(self.conversations[name])) if request.method == "GET" and more == "items" else None


def _json(value: object) -> Reply:
    return whole(body=msgspec.json.encode(value))


def _named(conversation: Any) -> str | None:
    return conversation.get("id") if isinstance(conversation, dict) else conversation


def _items(given: Any) -> tuple[Item, ...]:
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    return tuple(given or ())


def _listed(items: Any) -> dict[str, Any]:
    named = [{"id": f"item_{place}", **_written_out(item)} for place, item in enumerate(items)]
    ends = {"first_id": named[0]["id"], "last_id": named[-1]["id"]} if named else {"first_id": "", "last_id": ""}
    return {"object": "list", "data": named, "has_more": False, **ends}


def _written_out(item: Item) -> Item:
    """As the provider shows it: with its type, and a text as a part."""
    content = item.get("content")
    if not isinstance(content, str):
        return item
    return {"type": "message", **item, "content": [{"type": "input_text", "text": content}]}


def _response(body: dict[str, Any], name: str, given: Given) -> dict[str, Any]:
    """The response before anything is said, its fields in the provider's order; most repeat the request."""
    conversation = _named(body.get("conversation"))
    return {
        "id": name,
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": bool(body.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": given.instructions,
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body.get("model", "scripted"),
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        **({"conversation": {"id": conversation}} if conversation else {}),
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": body.get("text", {"format": {"type": "text"}}),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _usage(said: list[Item]) -> dict[str, Any]:
    words = sum(len(text.split()) for item in said for text in _texts(item))
    return {
        "input_tokens": PROMPT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": words,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": PROMPT_TOKENS + words,
    }
