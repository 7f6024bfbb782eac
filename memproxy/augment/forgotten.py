"""What is left of what was forgotten: a digest that knows it again, and does not tell it.

A digest keeps a statement from being learned again; whoever guesses the statement can confirm the guess, so no secret
is kept by it, only words are gone. It has no key and no salt: an archive carries it to another tenant, and it must hold
there too.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

from memproxy.domain import Fact, FactState


def digest(attribute: str, value: str) -> str:
    """Of a statement, its value normalised."""
    told = f"{attribute}\n{value}".encode("utf-8", "replace")
    return blake2b(told, digest_size=16, person=b"forgotten").hexdigest()


def tombstone(fact: Fact, *, attribute: str, value: str) -> Fact:
    """The fact without anything that it said; `attribute` and `value` are how `about` finds it."""
    return replace(
        fact,
        state=FactState.FORGOTTEN,
        text="",
        tokens=0,
        embedding=None,
        model=None,
        attribute=attribute,
        value=value,
        speaker=None,
        valid_from=None,
        valid_to=None,
        superseded_by=None,
        expires_at=None,
        pinned=False,
        metadata={},
    )
