"""What the two APIs of OpenAI have in common: whom a body names, how its parts read, and how an error looks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.attachments import mention, mention_at
from memproxy.dialects.raw import BROKEN, NONE, decoded, head, items_of, text_of
from memproxy.errors import MemproxyError


class _Claims(Struct):
    user: Raw = NONE
    safety_identifier: Raw = NONE
    metadata: Raw = NONE


class _Part(Struct):
    """A part of a content list. Chat completions and Responses name the same things differently, and clients mix the
    names up; other vendors add video and documents."""

    type: Raw = NONE
    text: Raw = NONE
    refusal: Raw = NONE
    image_url: Raw = NONE
    video_url: Raw = NONE
    audio_url: Raw = NONE
    document_url: Raw = NONE
    file_url: Raw = NONE
    file: Raw = NONE
    filename: Raw = NONE
    file_id: Raw = NONE


class _Address(Struct):
    url: Raw = NONE


class _File(Struct):
    filename: Raw = NONE
    file_id: Raw = NONE


_claims = msgspec.json.Decoder(_Claims)
_part = msgspec.json.Decoder(_Part)
_parts = msgspec.json.Decoder(list[_Part])
_address = msgspec.json.Decoder(_Address)
_file = msgspec.json.Decoder(_File)

_ATTACHED = {
    '"image_url"': "image",
    '"input_image"': "image",
    '"computer_screenshot"': "image",
    '"input_audio"': "audio",
    '"audio_url"': "audio",
    '"video_url"': "video",
    '"file"': "file",
    '"input_file"': "file",
    '"document_url"': "file",
}
_KINDS = {kind.encode(): attached for kind, attached in _ATTACHED.items()}
_LONGEST_KIND = max(map(len, _KINDS))


def claim(body: bytes) -> str | None:
    """Whom a body names as the person."""
    try:
        claims = _claims.decode(body)
        for raw in (claims.safety_identifier, claims.user):
            if raw is not NONE and (named := text_of(raw)):
                return named
    except BROKEN:
        return None
    metadata = None if claims.metadata is NONE else decoded(claims.metadata)
    person = metadata.get("user_id") if isinstance(metadata, dict) else None
    return person if isinstance(person, str) and person else None


def refusal(error: MemproxyError, request_id: str) -> bytes:
    """An error object as OpenAI's clients parse it."""
    said = {"message": str(error), "type": "memproxy_error", "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": {**said, "request_id": request_id}})


def content_text(content: Raw, *, between: str = "\n") -> str:
    """The words in a message's content, a string or a list of parts; what is attached stands in them by its name."""
    match head(content):
        case b'"':
            return text_of(content)
        case b"[":
            try:
                return _joined(_parts.decode(content), between)
            except msgspec.ValidationError:
                return parts_text(items_of(content), between=between)
    return ""


def parts_text(parts: Iterable[Raw], *, between: str = "\n") -> str:
    """The words in a list of parts, whatever else stands in it."""
    return _joined((part for item in parts for part in _one(item)), between)


def _joined(parts: Iterable[_Part], between: str) -> str:
    return between.join(filter(None, map(_part_text, parts)))


def _one(item: Raw) -> list[_Part]:
    try:
        return [_part.decode(item)]
    except msgspec.ValidationError:
        return []


def _part_text(part: _Part) -> str:
    attached = _KINDS.get(bytes(memoryview(part.type)[: _LONGEST_KIND + 1]))
    if attached is not None:
        return _mention(attached, part)
    return text_of(part.text) or text_of(part.refusal)


def _mention(kind: str, part: _Part) -> str:
    if kind == "file":
        return _file_mention(part)
    for field in (part.image_url, part.video_url, part.audio_url):
        if field is not NONE:
            return mention_at(kind, _url(field))
    return mention(kind)


def _file_mention(part: _Part) -> str:
    named = _file.decode(part.file) if head(part.file) == b"{" else part
    if name := text_of(named.filename):
        return mention("file", name)
    for field in (part.document_url, part.file_url):
        if field is not NONE:
            return mention_at("file", _url(field))
    return mention("file", text_of(named.file_id))


def _url(field: Raw) -> Raw:
    """Most APIs wrap an address into an object, some do not."""
    return _address.decode(field).url if head(field) == b"{" else field
