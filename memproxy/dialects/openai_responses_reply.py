"""OpenAI's Responses: the reply, whole, as a stream of named events, or fetched once it was made in the background.

The event that ends a stream carries the whole response, so nothing else of it needs reading. Of a stream that broke
off, what was said is put together from the items and pieces of text that arrived. Unknown events are ignored.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.cut import closed
from memproxy.dialects.dialect import Answer, Unreadable
from memproxy.dialects.events import Cutter, events
from memproxy.dialects.openai_responses_items import Item, Turn, call_id, read_item, turns
from memproxy.dialects.raw import BROKEN, NONE, given, items_of, legible, parsed, text_of
from memproxy.domain import Usage


class _Response(Struct):
    id: Raw = NONE
    status: Raw = NONE
    output: Raw = NONE
    model: Raw = NONE
    usage: Raw = NONE
    store: Raw = NONE
    background: Raw = NONE
    error: Raw = NONE


class _Event(Struct):
    type: Raw = NONE
    response: Raw = NONE
    item: Raw = NONE
    output_index: int | None = None
    content_index: int | None = None
    delta: Raw = NONE
    text: Raw = NONE
    refusal: Raw = NONE


class _Usage(Struct):
    input_tokens: int | float | None = None
    output_tokens: int | float | None = None


_response = msgspec.json.Decoder(_Response)
_event = msgspec.json.Decoder(_Event)
_usage = msgspec.json.Decoder(_Usage)

_MESSAGE, _ASSISTANT = Raw(b'"message"'), Raw(b'"assistant"')

_LAST = rb"(?:response\.(?:completed|incomplete|failed)|error)"
_LAST_TYPE = re.compile(_LAST)
# The head of such an event: what other lines say does not matter; without an `event` line the JSON says what it is.
_LAST_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|(?:id|retry|:)[^\r\n]*[\r\n])*+"
    rb'(?:event: ?%b[\r\n]|data:\s*\{\s*"type"\s*:\s*"%b")' % (_LAST, _LAST)
)
_BEING_MADE = ("queued", "in_progress")
_MADE = ("completed", "incomplete")
"""An answer that reached its longest length is as whole as it will get."""


def answer(body: bytes, *, stream: bool) -> Answer | None:
    """What the assistant said."""
    read = _followed if stream else _whole
    for attempt in (bytes, legible):
        with contextlib.suppress(*BROKEN):
            return read(attempt(body))
    return None


def _whole(body: bytes) -> Answer | None:
    response = _read(body)
    if response is not None:
        status = text_of(response.status)
        return _answer(response, _output(response), complete=status in ("", *_MADE), pending=status in _BEING_MADE)
    response = _read(closed(body))
    items = _output(response) if response else []
    if items and given(items[-1].call_id):
        items.pop()  # a call that came with half its arguments is no call
    return _answer(response, items) if response else None


class Terminal:
    """Finds the event by which a client knows that there is no more to come."""

    def __init__(self) -> None:
        self._cutter = Cutter()

    def feed(self, piece: bytes) -> int | None:
        start = -len(self._cutter.begun)
        for event in self._cutter.feed(piece):
            if _is_last(event):
                return max(0, start)
            start += len(event)
        # Some clients read lines, not events: as soon as it is clear what this will be, nothing more of it may pass.
        return max(0, start) if _LAST_HEAD.match(self._cutter.begun) else None


def _is_last(event: bytes) -> bool:
    if event.startswith(b"event: response."):  # nearly all do
        return bool(_LAST_HEAD.match(event))
    return bool(_LAST_HEAD.match(event)) or any(_ends(name, data) for name, data in events(event))


def _ends(name: bytes, data: bytes) -> bool:
    if name not in (b"", b"message"):
        return bool(_LAST_TYPE.fullmatch(name))
    # Looking for the word first spares decoding every event.
    return bool(_LAST_TYPE.search(data)) and bool(_LAST_TYPE.fullmatch(text_of(_told(data).type).encode()))


def _followed(body: bytes) -> Answer | None:
    found = list(events(body))
    told = next((_told(data) for name, data in reversed(found) if _ends(name, data)), None)
    response = _read(bytes(told.response)) if told else None
    if response is not None and (items := _output(response)):
        return _answer(response, items, complete=_completed(response, told))
    pieces = _Pieces()
    for _, data in found:
        pieces.add(_told(data))
    being_made = bytes(pieces.response.background) == b"true" and told is None
    return _answer(pieces.response, pieces.items(), complete=_completed(pieces.response, told), pending=being_made)


def _completed(response: _Response, told: _Event | None) -> bool:
    status = text_of(response.status) or text_of(told.type if told else NONE).removeprefix("response.")
    return told is not None and status in _MADE


class _Pieces:
    """What a stream said before it broke off."""

    def __init__(self) -> None:
        self.response = _Response()
        self._items: dict[int, Item] = {}
        self._whole: set[int] = set()
        self._texts: dict[int, dict[int, list[str]]] = {}

    def add(self, event: _Event) -> None:
        place, part = event.output_index or 0, event.content_index or 0
        match text_of(event.type):
            case "response.output_item.added" | "response.output_item.done" as kind:
                self._items.update((place, item) for item in read_item(event.item))
                if kind.endswith("done"):
                    self._whole.add(place)
            case "response.output_text.delta" | "response.refusal.delta":
                self._texts.setdefault(place, {}).setdefault(part, []).append(text_of(event.delta))
            case "response.output_text.done" | "response.refusal.done":
                self._texts.setdefault(place, {})[part] = [text_of(event.text) or text_of(event.refusal)]
            case _ if given(event.response):
                self.response = _read(bytes(event.response)) or self.response

    def items(self) -> list[Item]:
        places = sorted(self._items.keys() | self._texts.keys())
        return [self._items[place] if place in self._whole else self._begun(place) for place in places]

    def _begun(self, place: int) -> Item:
        """A message as far as it went; a call that came with half its arguments is no call."""
        texts = self._texts.get(place, {})
        text = "".join(piece for part in sorted(texts) for piece in texts[part])
        return Item(type=_MESSAGE, role=_ASSISTANT, content=Raw(msgspec.json.encode(text)))


def _read(body: bytes) -> _Response | None:
    try:
        return parsed(_response, body)[1]
    except Unreadable:
        return None


def _told(data: bytes) -> _Event:
    try:
        return parsed(_event, data)[1]
    except Unreadable:
        return _Event()


def _output(response: _Response) -> list[Item]:
    return [item for raw in items_of(response.output) for item in read_item(raw)]


def _answer(
    response: _Response, items: Iterable[Item], *, complete: bool = False, pending: bool = False
) -> Answer | None:
    said = Turn("assistant")
    answered: set[str] = set()
    for turn in turns(items):
        if turn.role == "assistant":
            said.take(turn)
        else:
            answered.update(turn.calls)  # by a tool that the provider runs
    said.items = [item for item in said.items if call_id(item) not in answered]
    if not (said.text or said.items or pending):
        return None
    return Answer(
        said.text,
        said.calls,
        said.extra,
        complete and not given(response.error),
        _used(response),
        id=None if bytes(response.store) == b"false" else text_of(response.id) or None,
        pending=pending,
    )


def _used(response: _Response) -> Usage | None:
    try:
        usage = _usage.decode(response.usage) if given(response.usage) else None
    except BROKEN:
        return None
    model = text_of(response.model)
    return Usage(model, int(usage.input_tokens or 0), int(usage.output_tokens or 0)) if usage else None
