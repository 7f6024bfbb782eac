"""From a request's credential to its caller: the tenant, and what the key allows.

    open   one tenant `default`; the client's own credential goes upstream untouched
    keys   a memproxy key is required, wherever the dialect's clients put theirs

A memproxy key never goes upstream, in either mode. Keys are read from the store by id and kept for a bounded time, so
that a revoked one stops working within `key_cache` seconds. While the store is away, or slow, those known go on working
for `key_grace` seconds, and their requests wait no longer than for memory.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import parse_qsl

from memproxy.crypto import Credential, matches, parse_credential
from memproxy.domain import ApiKey
from memproxy.errors import Forbidden, StoreUnavailable, Unauthorized
from memproxy.ports import Keys
from memproxy.tasks import Tasks

DEFAULT_TENANT = "default"
KEY_HEADER = "X-Memproxy-Key"
QUERY_KEY = "?key="
_PLACES = (KEY_HEADER.lower(), "authorization", "x-api-key", "x-goog-api-key")
# The last kept keys; a gateway with more active keys than this reads one from the store now and then.
CACHED_KEYS = 4096
UNKNOWN = 5.0
"""Seconds that the caller with an unknown key waits for the store."""


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


@dataclass(frozen=True, slots=True)
class _Kept:
    key: ApiKey | None
    read_at: float


class KeyRing:
    """Known keys, each taken as read for `ttl` seconds, and for `grace` where the store does not answer within
    `patience`."""

    def __init__(
        self,
        *,
        keys: Keys,
        tasks: Tasks,
        ttl: float,
        grace: float,
        patience: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._keys = keys
        self._tasks = tasks
        self._ttl, self._grace, self._patience = ttl, grace, patience
        self._clock = clock
        self._known: OrderedDict[str, _Kept] = OrderedDict()
        self._reading: dict[str, asyncio.Task[ApiKey | None]] = {}

    async def find(self, credential: Credential) -> ApiKey:
        """The key's record; `Unauthorized` where the key is unknown, wrong or revoked."""
        key = await self._record(credential.id)
        if key is None or not matches(credential, key.digest):
            raise Unauthorized("the memproxy key is not known here; check it, or make one with `memproxy keys create`")
        if key.revoked_at is not None:
            raise Unauthorized("the memproxy key was revoked; make another with `memproxy keys create`")
        return key

    async def _record(self, key_id: str) -> ApiKey | None:
        kept = self._known.get(key_id)
        age = self._clock() - kept.read_at if kept else 0.0
        if kept is not None and age < self._ttl:
            return kept.key
        good = kept.key if kept is not None and age < self._grace else None
        if key_id not in self._reading:
            self._reading[key_id] = self._tasks.start("key lookup", self._read(key_id))
        try:
            async with asyncio.timeout(UNKNOWN if good is None else self._patience):
                # The lookup goes on without those who cannot wait: a slow store must not keep a revoked key alive.
                return await asyncio.shield(self._reading[key_id])
        except (StoreUnavailable, TimeoutError) as exc:
            if good is None:
                raise StoreUnavailable(
                    "the store is away, and this memproxy key has not been seen since it left; try again in a moment"
                ) from exc
            return good

    async def _read(self, key_id: str) -> ApiKey | None:
        try:
            key = await self._keys.find_key(key_id)
        finally:
            del self._reading[key_id]
        self._known[key_id] = _Kept(key, self._clock())
        self._known.move_to_end(key_id, last=key is not None)  # the unknown go first
        if len(self._known) > CACHED_KEYS:
            self._known.popitem(last=False)
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
