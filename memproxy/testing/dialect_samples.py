"""What the contract of dialects tries them with: talk, and every odd way to write it down and to cut it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

Pair = tuple[str, str]
"""A role, `system`, `user` or `assistant`, and what is said."""

BLOCK = '<memory>\n- "quoted" \\ and Ünïcode 中 😀\n</memory>\n\n'
TRICKY = 'A "quote", a \\ and ]}\n\ndata: [DONE]\n\nevent: message_stop\n\n{"finishReason": 1}\n中 😀 the end.'
"""An answer full of what ends streams, for the samples of replies."""
ODD = (
    b"123456789012345678901234567890", b"-0.0e-7", b"1.0E+2", b"1e999", b"[[[ ]]]", b'{"":{ }}', b"true", b"null",
    rb'"\u00e9\/\b\ud83d"', rb'"\\\ud83d\ude00"', b'"data: [DONE]"',
)  # fmt: skip
_EMPTY: dict[type[Any], bytes] = {str: b'"no"', list: b"[ ]", tuple: b"[]", dict: b"{ }"}
SPACES = (b"", b"", b" ", b"\n", b"\r\n\t ")


@dataclass(frozen=True, slots=True)
class Told:
    """A reply of the API, and what it says."""

    body: bytes
    text: str
    calls: tuple[str, ...] = ()
    stream: bool = True
    end: bytes | None = None
    """Of a stream: the line or sign from which on a client takes the answer for complete."""
    resent: Any = None
    """The request, as Python values, whose last message is this reply as a client sends it back."""

    def streams(self) -> Iterator[bytes]:
        """The stream in all the ways to write it."""
        events = re.search(rb"(?m)^data:", self.body)
        return (variant(self.body) for variant in STREAMED if events) if self.stream else iter(())


def written(value: Any, random: Random, *, plain: bool = False) -> bytes:
    """The value as JSON of an odd hand: whitespace, escapes, unknown fields, and fields that stand twice, of which the
    last one counts."""

    def space() -> bytes:
        return random.choice(SPACES)

    def string(text: str) -> bytes:
        encoded = json.dumps(text, ensure_ascii=random.random() < 0.5).encode()
        return encoded.replace(b"/", b"\\/") if random.random() < 0.5 else encoded

    def entries(found: dict[str, Any]) -> Iterator[bytes]:
        for name, inner in found.items():
            if not plain and random.random() < 0.3:
                yield string("x-" + name) + b":" + space() + random.choice(ODD)
            if not plain and random.random() < 0.2:
                yield string(name) + b":" + _EMPTY.get(type(inner), b"0")
            yield string(name) + space() + b":" + space() + write(inner)

    def write(inner: Any) -> bytes:
        if isinstance(inner, dict):
            return b"{" + space() + (space() + b"," + space()).join(entries(inner)) + space() + b"}"
        if isinstance(inner, list | tuple):
            return b"[" + space() + (space() + b"," + space()).join(map(write, inner)) + space() + b"]"
        return string(inner) if isinstance(inner, str) else json.dumps(inner).encode()

    return space() + write(value) + space()


def common(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with together."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def added(augmented: bytes, original: bytes) -> bytes:
    """What has to be taken out of one to get the other."""
    start = common(augmented, original)
    assert augmented.endswith(original[start:]), "what was inserted is not one piece"
    return augmented[start : start + len(augmented) - len(original)]


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from (text for inner in value.values() for text in strings(inner))
        case list():
            yield from (text for inner in value for text in strings(inner))


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(body) + 1) for place in places} | {len(body)})
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def line_ends(body: bytes, end: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n").replace(b"\n", end)


def commented(body: bytes) -> bytes:
    """With a byte order mark, comments, and fields that nobody needs here."""
    noise = b": keep-alive\nid: 7\nretry: 10\n\n"
    return b"\xef\xbb\xbf" + noise + line_ends(body, b"\n").replace(b"\n\n", b"\n\n: ping\n\n")


def narrow(body: bytes) -> bytes:
    """No space after the colon."""
    return re.sub(rb"(?m)^(data|event): ", rb"\1:", body)


def spread(body: bytes) -> bytes:
    """Data of several lines, each with its own field name."""
    return re.sub(rb"(?m)^data: \{", b"data: {\ndata: ", body)


STREAMED: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: line_ends(body, b"\n"),
    lambda body: line_ends(body, b"\r\n"),
    lambda body: line_ends(body, b"\r"),
    commented,
    narrow,
    spread,
)

said_texts = st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: "a" + text)
conversations = st.builds(
    lambda system, texts, last: [
        *([("system", system)] if system else []),
        *[("user" if at % 2 == 0 else "assistant", text) for at, text in enumerate(texts[: len(texts) // 2 * 2])],
        ("user", last),
    ],
    st.none() | said_texts,
    st.lists(said_texts, max_size=4),
    said_texts,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
edits = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 4), st.binary(max_size=4)), max_size=4)


def changed(value: Any, other: object, random: Random) -> Any:
    """The value with another one somewhere in it."""
    if isinstance(value, dict | list) and value and random.random() < 0.8:
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = random.choice(keys)
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        copy[key] = changed(value[key], other, random)
        return copy
    return other
