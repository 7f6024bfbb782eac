"""The items of OpenAI's Responses: the same reading for a request and for a reply.

What the model says in one go is several items: reasoning, messages, calls. Together they are one message of the
conversation, as in every other API. Tools that the provider runs by itself leave items that nobody has to answer; they,
reasoning, references and whatever comes next are skipped and never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.attachments import mention
from memproxy.dialects.dialect import Said
from memproxy.dialects.openai import content_text
from memproxy.dialects.raw import BROKEN, NONE, decoded, given, head, items_of, text_of


class Item(Struct):
    type: Raw = NONE
    role: Raw = NONE
    content: Raw = NONE
    id: Raw = NONE
    call_id: Raw = NONE
    name: Raw = NONE
    namespace: Raw = NONE
    arguments: Raw = NONE
    input: Raw = NONE
    action: Raw = NONE
    actions: Raw = NONE
    operation: Raw = NONE
    server_label: Raw = NONE
    output: Raw = NONE
    approval_request_id: Raw = NONE
    approve: Raw = NONE


_item = msgspec.json.Decoder(Item)
_items = msgspec.json.Decoder(list[Item])

_REPLAYED = (
    *("type", "id", "call_id", "name", "namespace", "arguments", "input", "action", "actions", "operation"),
    *("server_label", "approval_request_id", "approve"),
)
"""What the API wants back of a call, or of an answer to one beside what it says."""


@dataclass(slots=True)
class Turn:
    """What one side said, over one item or several."""

    role: str
    place: Raw = field(default_factory=lambda: NONE)
    """The content that a block may stand in."""
    texts: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    """Calls, or answers to them."""
    shown: list[str] = field(default_factory=list)
    """Images it made."""

    @property
    def text(self) -> str:
        # As the SDKs' `output_text` has it, which clients send back instead of the items.
        return "".join(self.texts) or "\n".join(self.shown)

    def take(self, other: Turn) -> None:
        """What the same side said next."""
        self.texts += other.texts
        self.items += other.items
        self.shown += other.shown

    @property
    def calls(self) -> tuple[str, ...]:
        return tuple(filter(None, map(call_id, self.items)))

    @property
    def extra(self) -> bytes | None:
        return msgspec.json.encode({"items": [_replayed(item) for item in self.items]}) if self.items else None

    def said(self) -> Said:
        if not self.items:
            return Said(self.role, self.text)  # nearly all have no more
        return Said(self.role, self.text, calls=self.calls, extra=self.extra)


def read_items(raw: Raw) -> list[Item]:
    """The items of a list; what is no item at all is left out."""
    try:
        return _items.decode(raw)
    except msgspec.ValidationError:
        return [item for one in items_of(raw) for item in read_item(one)]


def read_item(raw: Raw) -> list[Item]:
    """One item, or none where it is none."""
    try:
        return [_item.decode(raw)]
    except BROKEN:
        return []


def call_id(item: Item) -> str:
    """Approvals and the older local shell have no id but the item's own."""
    return text_of(item.call_id) or text_of(item.approval_request_id) or text_of(item.id)


def turns(items: Iterable[Item]) -> list[Turn]:
    """Who said what, in order."""
    found: list[Turn] = []
    for item in items:
        turn = _turn(item)
        if turn is None:
            continue
        if turn.role == "assistant" and found and found[-1].role == "assistant":
            found[-1].take(turn)
        else:
            found.append(turn)
    return found


def _turn(item: Item) -> Turn | None:
    kind = text_of(item.type)
    if kind == "message" or (not kind and given(item.role)):
        role = text_of(item.role)
        between = "" if role == "assistant" else "\n"
        return Turn(role, item.content, [content_text(item.content, between=between)])
    if kind == "mcp_approval_response" or (kind.endswith("_call_output") and call_id(item)):
        return Turn("tool", texts=[_output(item.output)], items=[item])
    if kind == "mcp_approval_request" or (kind.endswith("_call") and given(item.call_id)):
        return Turn("assistant", items=[item])
    if kind == "image_generation_call":
        return Turn("assistant", shown=[mention("image")])
    return None


def _output(raw: Raw) -> str:
    """What a tool returned: text, parts, one part (a screenshot), or what a shell printed."""
    if head(raw) == b"{":
        return content_text(Raw(b"[" + bytes(raw) + b"]"))
    text = content_text(raw)
    return text or "".join(_printed(decoded(one)) for one in items_of(raw))


def _printed(value: Any) -> str:
    printed = (value.get("stdout"), value.get("stderr")) if isinstance(value, dict) else ()
    return "".join(text for text in printed if isinstance(text, str))


def _replayed(item: Item) -> dict[str, Raw]:
    return {field: value for field in _REPLAYED if given(value := getattr(item, field))}
