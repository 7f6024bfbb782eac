"""The shape of what a store keeps, which has versions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """One version of a store's schema."""

    id: str
    does: str
    """What it changed, in a sentence."""
    applied: bool
    """Whether the database is at it, or past it."""
