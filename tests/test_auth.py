"""The tenant comes from the credential and nothing else; keys stop working when they are revoked."""

import asyncio
from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from memproxy.auth import QUERY_KEY, Caller, Gate, KeyRing, without_key
from memproxy.crypto import Credential, digest, matches, new_credential, parse_credential
from memproxy.domain import ApiKey
from memproxy.errors import Forbidden, StoreUnavailable, Unauthorized
from memproxy.tasks import Tasks
from memproxy.testing.memory_store import MemoryStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def made(store: MemoryStore, **bound: str) -> Credential:
    credential = new_credential()
    await store.create_key(ApiKey(credential.id, "acme", digest(credential), created_at=NOW, **bound))
    return credential


def gate(store: MemoryStore, clock: Clock | None = None, mode: str = "keys") -> Gate:
    ring = KeyRing(keys=store, tasks=Tasks(), ttl=10, grace=3600, patience=0.05, clock=clock or Clock())
    return Gate(mode=mode, ring=ring)


def headers(**values: str) -> CIMultiDict[str]:
    return CIMultiDict({name.replace("_", "-"): value for name, value in values.items()})


def test_a_credential_is_read_back_from_its_text_and_hides_its_secret():
    credential = new_credential()
    assert parse_credential(credential.text) == credential
    assert credential.secret not in repr(credential)
    assert matches(credential, digest(credential))
    assert not matches(Credential(credential.id, new_credential().secret), digest(credential))


@pytest.mark.parametrize("text", ["", "sk-123", "mp_", "mp_short_secret", "Bearer mp_x"])
def test_other_credentials_are_not_taken_for_memproxy_keys(text: str):
    assert parse_credential(text) is None


@pytest.mark.parametrize("header", ["Authorization", "authorization", "x-api-key", "x-goog-api-key", "X-Memproxy-Key"])
async def test_a_key_is_accepted_wherever_clients_put_it(header: str):
    store = MemoryStore()
    key = await made(store)
    value = f"Bearer {key.text}" if header.lower() == "authorization" else key.text
    caller = await gate(store).admit(CIMultiDict({header: value}))
    assert caller.tenant == "acme"
    assert caller.spent == {header.lower()}


async def test_a_key_in_its_own_header_leaves_the_providers_credential_alone():
    store = MemoryStore()
    key = await made(store)
    caller = await gate(store).admit(headers(X_Memproxy_Key=key.text, Authorization="Bearer sk-provider"))
    assert "x-memproxy-key" in caller.spent


@pytest.mark.parametrize("presented", [None, "sk-provider", new_credential().text], ids=["none", "another", "unknown"])
async def test_no_key_another_key_and_an_unknown_key_are_refused(presented: str | None):
    with pytest.raises(Unauthorized, match="memproxy key"):
        await gate(MemoryStore()).admit(headers(Authorization=f"Bearer {presented}") if presented else headers())


async def test_a_known_id_with_a_wrong_secret_is_refused():
    store = MemoryStore()
    key = await made(store)
    forged = Credential(key.id, new_credential().secret)
    with pytest.raises(Unauthorized):
        await gate(store).admit(headers(Authorization=f"Bearer {forged.text}"))


async def test_a_revoked_key_stops_working_within_the_bound():
    store, clock = MemoryStore(), Clock()
    key = await made(store)
    door = gate(store, clock)
    await door.admit(headers(Authorization=f"Bearer {key.text}"))
    await store.revoke_key(key.id, now=NOW)
    clock.now = 9.9
    assert (await door.admit(headers(Authorization=f"Bearer {key.text}"))).tenant == "acme"
    clock.now = 10.1
    with pytest.raises(Unauthorized, match="revoked"):
        await door.admit(headers(Authorization=f"Bearer {key.text}"))


class AwayStore(MemoryStore):
    away = False

    hangs = False

    async def find_key(self, key_id: str) -> ApiKey | None:
        if self.hangs:
            await asyncio.sleep(60)
        if self.away:
            raise StoreUnavailable("the store is away")
        return await super().find_key(key_id)


@pytest.mark.parametrize("how", ["away", "hangs"])
async def test_a_known_key_works_while_the_store_is_away_and_an_unknown_one_is_told_so(
    how: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("memproxy.auth.UNKNOWN", 0.05)
    store, clock = AwayStore(), Clock()
    key, other = await made(store), await made(store)
    door = gate(store, clock)
    await door.admit(headers(Authorization=f"Bearer {key.text}"))
    setattr(store, how, True)
    clock.now = 3599
    async with asyncio.timeout(10):
        assert (await door.admit(headers(Authorization=f"Bearer {key.text}"))).tenant == "acme"
        with pytest.raises(StoreUnavailable, match="has not been seen"):
            await door.admit(headers(Authorization=f"Bearer {other.text}"))
        clock.now = 3601
        with pytest.raises(StoreUnavailable, match="has not been seen"):
            await door.admit(headers(Authorization=f"Bearer {key.text}"))


async def test_a_key_that_was_revoked_stops_although_the_store_is_slow():
    store, clock = AwayStore(), Clock()
    key = await made(store)
    door = gate(store, clock)
    await door.admit(headers(Authorization=f"Bearer {key.text}"))
    await store.revoke_key(key.id, now=NOW)
    slow, clock.now = asyncio.Event(), 11

    async def find_key(key_id: str) -> ApiKey | None:
        await slow.wait()
        return await MemoryStore.find_key(store, key_id)

    store.find_key = find_key
    await door.admit(headers(Authorization=f"Bearer {key.text}"))
    slow.set()
    with pytest.raises(Unauthorized, match="revoked"):
        await door.admit(headers(Authorization=f"Bearer {key.text}"))


async def test_unknown_keys_do_not_crowd_out_those_that_are_good(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("memproxy.auth.CACHED_KEYS", 4)
    store, clock = AwayStore(), Clock()
    keys = [await made(store) for _ in range(3)]
    door = gate(store, clock)
    for key in keys:
        await door.admit(headers(Authorization=f"Bearer {key.text}"))
    for _ in range(20):
        with pytest.raises(Unauthorized):
            await door.admit(headers(Authorization=f"Bearer {new_credential().text}"))
    store.away, clock.now = True, 60
    for key in keys:
        assert (await door.admit(headers(Authorization=f"Bearer {key.text}"))).tenant == "acme"


async def test_open_mode_takes_anybody_and_still_spends_a_memproxy_key():
    door = gate(MemoryStore(), mode="open")
    assert await door.admit(headers(Authorization="Bearer sk-provider")) == Caller("default", brings_own=True)
    caller = await door.admit(headers(Authorization=f"Bearer {new_credential().text}"))
    assert (caller.tenant, caller.spent) == ("default", {"authorization"})


def test_a_pinned_key_names_its_entity_and_refuses_other_names():
    key = ApiKey("id", "acme", b"", created_at=NOW, entity="alice", process="app")
    caller = Caller("acme", key=key)
    assert caller.entity(None) == "alice"
    assert caller.entity("alice") == "alice"
    assert caller.process(None) == "app"
    with pytest.raises(Forbidden) as refused:
        caller.entity("bob")
    assert refused.value.param == "X-Memproxy-Entity"
    with pytest.raises(Forbidden):
        caller.process("other")


async def test_the_key_in_a_query_counts_and_is_taken_out():
    store = MemoryStore()
    credential = await made(store)
    query = f"alt=sse&key={credential.text}&x=%2F"
    caller = await gate(store).admit(headers(), query)
    assert (caller.tenant, caller.spent, caller.brings_own) == ("acme", {QUERY_KEY}, False)
    assert without_key(query) == "alt=sse&x=%2F"


async def test_every_memproxy_key_is_spent_and_what_is_left_is_the_callers_own():
    store = MemoryStore()
    credential = await made(store)
    both = {"x-api-key": credential.text, "Authorization": f"Bearer {credential.text}"}
    caller = await gate(store).admit(headers(**both))
    assert (caller.spent, caller.brings_own) == ({"x-api-key", "authorization"}, False)
    caller = await gate(store).admit(headers(**{"X-Memproxy-Key": credential.text, "x-api-key": "sk-ant-own"}))
    assert (caller.spent, caller.brings_own) == ({"x-memproxy-key"}, True)
    assert without_key("key=AIza-own&alt=sse") == "key=AIza-own&alt=sse"


async def test_known_keys_go_on_working_while_the_store_is_away_and_stop_when_it_says_so():
    store, clock = MemoryStore(), Clock()
    credential = await made(store)
    door = gate(store, clock)
    await door.admit(headers(Authorization=f"Bearer {credential.text}"))
    clock.now += 60
    store.fault = StoreUnavailable("away")
    assert (await door.admit(headers(Authorization=f"Bearer {credential.text}"))).tenant == "acme"
    store.fault = None
    await store.revoke_key(credential.id, now=NOW)
    clock.now += 60
    with pytest.raises(Unauthorized, match="revoked"):
        await door.admit(headers(Authorization=f"Bearer {credential.text}"))
