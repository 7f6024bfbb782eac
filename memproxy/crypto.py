"""Secrets of API keys: made from the system's randomness, stored as an HMAC, compared in constant time.

A key reads `mp_<id>_<secret>`. The secret has 256 bits of randomness, so one HMAC is enough: slow password hashes
protect guessable secrets, and cost a request a quarter of a second.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field

_KEY = re.compile(r"mp_([a-z0-9]{12})_([A-Za-z0-9]{43})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_MIXED = _LETTERS + _LETTERS[:26].upper()


@dataclass(frozen=True, slots=True)
class Credential:
    """The two parts of a key as it was presented."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"mp_{self.id}_{self.secret}"


def new_credential() -> Credential:
    return Credential(
        "".join(secrets.choice(_LETTERS) for _ in range(12)), "".join(secrets.choice(_MIXED) for _ in range(43))
    )


def parse_credential(text: str) -> Credential | None:
    """None where the text is not a memproxy key."""
    match = _KEY.fullmatch(text.strip())
    return Credential(match[1], match[2]) if match else None


def digest(credential: Credential) -> bytes:
    """HMAC-SHA256 keyed by the secret, bound to the key's id."""
    return hmac.digest(credential.secret.encode(), b"memproxy-key:" + credential.id.encode(), "sha256")


def matches(credential: Credential, stored: bytes) -> bool:
    return hmac.compare_digest(digest(credential), stored)
