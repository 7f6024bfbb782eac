"""The text of what an assistant said in several parts."""

from __future__ import annotations

from collections.abc import Iterable


def spoken(parts: Iterable[str | None]) -> str:
    """One sentence with citations, or with pieces of a stream, is many parts; what a tool did in between, None here, is
    a break. So the text is the same in a reply, in a stream, and in the request that sends it back."""
    said: list[str] = []
    broken = False
    for part in parts:
        if part is None:
            broken = bool(said)
        elif part:
            if broken and not said[-1][-1].isspace():
                said.append("\n")
            said.append(part)
            broken = False
    return "".join(said)
