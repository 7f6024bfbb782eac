"""How images, files and sound stand in the text of a message: by what they are called, never by their bytes."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from msgspec import Raw

from memproxy.dialects.raw import BROKEN, text_of

LONGEST = 128
"""Letters of a name; what calls itself longer is cut."""


def mention(kind: str, name: str = "") -> str:
    """`[image cat.png]`, or `[image]` where it has no name."""
    name = " ".join(name.split())[:LONGEST].strip()
    return f"[{kind} {name}]" if name else f"[{kind}]"


def mention_at(kind: str, url: Raw) -> str:
    """By the last piece of its address's path; a data URL, which may be long, is not even decoded."""
    if not bytes(memoryview(url)[:6]).lower().startswith((b'"http:', b'"https')):
        return mention(kind)
    try:
        path = urlsplit(text_of(url)).path
    except (ValueError, *BROKEN):
        return mention(kind)
    return mention(kind, unquote(path.rstrip("/").rpartition("/")[2]))
