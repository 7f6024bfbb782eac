"""From a request's credential to its caller: the tenant, and what the key allows.

    open   one tenant `default`; the client's own credential goes upstream untouched
    keys   a memproxy key is required, wherever the dialect's clients put theirs

A memproxy key never goes upstream, in either mode. Keys are read from the store by id and kept for a bounded time, so
that a revoked one stops working within `key_cache` seconds; while the store is away, those known go on working.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import parse_qsl

from memproxy.crypto import Credential, matches, parse_credential
from memproxy.domain import ApiKey
from memproxy.errors import Forbidden, StoreUnavailable, Unauthorized
from memproxy.ports import Keys

DEFAULT_TENANT = "default"
KEY_HEADER = "X-Memproxy-Key"
QUERY_KEY = "?key="
_PLACES = (KEY_HEADER.lower(), "authorization", "x-api-key", "x-goog-api-key")
# The last kept keys; a gateway with more active keys than this reads one from the store now and then.
CACHED_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request."""

    tenant: str
    key: ApiKey | None = None
    spent: frozenset[str] = frozenset()
    """Headers (lower case) that carried a memproxy key, and `?key=` where the query did: they must not go upstream."""
    brings_own: bool = False
    """Whether the request carries a credential beside the memproxy key: the provider's own, which goes upstream."""

    def entity(self, named: str | None) -> str | None:
        """Whose memory, as far as the envelope says: what the key is bound to, else what header or path name. None
        leaves it to the body. A key that is bound to an entity refuses another name, and overrides the body's."""
        pinned = self.key.entity if self.key else None
        if pinned and named and named != pinned:
            raise Forbidden(f"this key is bound to the entity {pinned!r}", param="X-Memproxy-Entity")
        return pinned or named

    def process(self, named: str | None) -> str | None:
        pinned = self.key.process if self.key else None
        if pinned and named and named != pinned:
            raise Forbidden(f"this key is bound to the process {pinned!r}", param="X-Memproxy-Process")
        return pinned or named


class KeyRing:
    """Known keys, each kept for `ttl` seconds."""

    def __init__(self, *, keys: Keys, ttl: float, clock: Callable[[], float] = monotonic) -> None:
        self._keys = keys
        self._ttl = ttl
        self._clock = clock
        self._known: dict[str, tuple[float, ApiKey | None]] = {}

    async def find(self, credential: Credential) -> ApiKey:
        """The key's record; `Unauthorized` where the key is unknown, wrong or revoked."""
        key = await self._record(credential.id)
        if key is None or not matches(credential, key.digest):
            raise Unauthorized("the memproxy key is not known here; check it, or make one with `memproxy keys create`")
        if key.revoked_at is not None:
            raise Unauthorized("the memproxy key was revoked; make another with `memproxy keys create`")
        return key

    async def _record(self, key_id: str) -> ApiKey | None:
        now = self._clock()
        kept = self._known.get(key_id)
        if kept is not None and kept[0] > now:
            return kept[1]
        try:
            key = await self._keys.find_key(key_id)
        except StoreUnavailable:
            if kept is None or kept[1] is None:
                raise
            key = kept[1]  # while the store is away, keys that were good go on working
        if len(self._known) >= CACHED_KEYS:
            self._known.clear()
        self._known[key_id] = (now + self._ttl, key)
        return key


class Gate:
    """Decides who the caller is."""

    def __init__(self, *, mode: str, ring: KeyRing) -> None:
        self._mode = mode
        self._ring = ring

    async def admit(self, headers: Mapping[str, str], query: str = "") -> Caller:
        """`query` as it stands in the request line. Raises `Unauthorized`; `StoreUnavailable` where an unknown key
        cannot be looked up."""
        spent, credential = _presented(headers, query)
        own = any(name in headers and name not in spent for name in _PLACES) or (
            QUERY_KEY not in spent and bool(_query_keys(query))
        )
        if self._mode == "open":
            return Caller(DEFAULT_TENANT, spent=spent, brings_own=own)
        if credential is None:
            raise Unauthorized(
                "a memproxy key is required: send it as `Authorization: Bearer mp_...` or in `X-Memproxy-Key`",
                param="Authorization",
            )
        key = await self._ring.find(credential)
        return Caller(key.tenant, key=key, spent=spent, brings_own=own)


def _presented(headers: Mapping[str, str], query: str) -> tuple[frozenset[str], Credential | None]:
    """Where memproxy keys stand, and the key: the first in the order of `_PLACES`."""
    found: dict[str, Credential] = {}
    for header in _PLACES:
        scheme, _, rest = headers.get(header, "").partition(" ")
        credential = parse_credential(rest if scheme.lower() == "bearer" else f"{scheme} {rest}".strip())
        if credential is not None:
            found[header] = credential
    for value in _query_keys(query):
        if (credential := parse_credential(value)) is not None:
            found[QUERY_KEY] = credential
    return frozenset(found), next(iter(found.values()), None)


def _query_keys(query: str) -> list[str]:
    return [value for name, value in parse_qsl(query) if name == "key"] if "key=" in query else []


def without_key(query: str) -> str:
    """The query without the parameters that hold a memproxy key; the others keep their bytes."""
    return "&".join(pair for pair in query.split("&") if not any(map(parse_credential, _query_keys(pair))))
