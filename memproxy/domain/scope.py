"""Whose: the scope that every store call takes, and the keys that tenants come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory a call may touch; every store call takes one. `process` is the app that writes, and does not
    narrow reads (recall narrows by process where it was asked to)."""

    tenant: str
    entity: str
    process: str | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One credential of a tenant; the secret itself is never stored."""

    id: str
    tenant: str
    digest: bytes = field(repr=False)
    """HMAC-SHA256 of the secret (`crypto.py`)."""
    created_at: datetime = field(kw_only=True)
    entity: str | None = None
    process: str | None = None
    recall_scope: str | None = None
    """`process` narrows what the key may recall; None leaves the setting."""
    revoked_at: datetime | None = None
