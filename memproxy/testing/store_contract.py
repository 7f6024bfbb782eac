"""What every `Store` promises, as tests: subclass `StoreContract` and give an opened, empty `store` fixture.

A store that outlives its process subclasses `DurableStoreContract` and also gives `reopen`: it opens the same
database a second time, while the first stays open.

Text is kept as it came, but for what not every database can hold: NUL and lone surrogates come back as U+FFFD.
Ids are never altered, lest two of them meet: one that holds such a character is refused with `BadRequest`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from memproxy.domain import ApiKey, MemoryWrite, Page, Scope
from memproxy.errors import BadRequest, Conflict, NotFound
from memproxy.ports import Store
from memproxy.testing.store_contract_archive import EntitiesContract, EraseContract, ReceiptsContract
from memproxy.testing.store_contract_facts import FactsContract, ForgettingContract
from memproxy.testing.store_contract_jobs import JobsContract
from memproxy.testing.store_contract_memory import MemoryContract, facts, remember
from memproxy.testing.store_contract_restore import ArchiveContract
from memproxy.testing.store_contract_turns import TurnsContract, look, texts
from memproxy.testing.store_samples import (
    ALICE,
    BOB,
    NOON,
    STRANGER,
    after,
    claim,
    entry,
    fact,
    job,
    message,
    turn,
)

Reopen = Callable[[], AbstractAsyncContextManager[Store]]


def api_key(number: int, tenant: str = "acme") -> ApiKey:
    return ApiKey(f"k{number}", tenant, b"digest" + bytes([number]), created_at=after(number))


class KeysContract:
    async def test_tenants_are_those_that_have_something(self, store: Store) -> None:
        assert list(await store.tenants()) == []
        await store.create_key(api_key(1, "zeta"))
        await store.commit([turn("a"), turn("b", scope=BOB)])
        await store.write(STRANGER, MemoryWrite())
        await store.enqueue([job(1, scope=replace(ALICE, tenant="nobody"))])
        assert list(await store.tenants()) == ["acme", "globex", "zeta"]
        for scope in (ALICE, BOB):
            await store.erase(scope)
        assert list(await store.tenants()) == ["globex", "zeta"]

    async def test_a_key_is_found_by_its_id(self, store: Store) -> None:
        full = replace(api_key(1), entity="alice", process="chat", recall_scope="process")
        await store.create_key(full)
        assert await store.find_key("k1") == full
        assert await store.find_key("k2") is None

    async def test_keys_are_listed_newest_first(self, store: Store) -> None:
        one, two, three = api_key(1), api_key(2, "globex"), api_key(3)
        for given in (one, three, two):
            await store.create_key(given)
        assert list(await store.keys("acme")) == [three, one]
        assert list(await store.keys(None)) == [three, two, one]
        assert list(await store.keys("nobody")) == []

    async def test_a_key_is_revoked_once_and_stays_in_the_list(self, store: Store) -> None:
        await store.create_key(api_key(1))
        await store.create_key(api_key(2))
        revoked = replace(api_key(1), revoked_at=after(5))
        assert await store.revoke_key("k1", now=after(5)) == revoked
        assert await store.revoke_key("k1", now=after(9)) == revoked
        assert await store.find_key("k1") == revoked
        assert list(await store.keys("acme")) == [api_key(2), revoked]

    async def test_an_unknown_key_cannot_be_revoked(self, store: Store) -> None:
        with pytest.raises(NotFound):
            await store.revoke_key("k1", now=NOON)

    async def test_a_key_is_not_replaced_by_another_of_its_id(self, store: Store) -> None:
        await store.create_key(api_key(1))
        with pytest.raises(Conflict):
            await store.create_key(api_key(1, "globex"))
        assert await store.find_key("k1") == api_key(1)


ODD = ["", " ", "\n", "👩‍👩‍👧‍👦", "مرحبا بالعالم", "王小明住在上海", "e\u0301", "\u202eabc", "x" * 1_000_000]
ODD += ["'; DROP TABLE message; --", "%_\\"]


class OddTextContract:
    @pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:12]))
    async def test_text_is_kept_as_it_came(self, store: Store, text: str) -> None:
        await store.commit([turn(message(text, name=text), injection=entry("a", text))])
        await remember(store, fact(1, text=text, value=text, attribute=text[:99], metadata={text: text}))
        (said,) = (await store.messages(ALICE, "s1", cursor=None, limit=1)).items
        (given,) = (await look(store, session="s1")).injections
        (known,) = await facts(store)
        assert (said.text, said.name, given.block) == (text, text, text)
        assert (known.text, known.value, known.metadata) == (text, text, {text: text})
        assert list(await store.about(ALICE, attributes=[text[:99]], statements=[])) == [known]

    async def test_what_no_database_holds_is_replaced(self, store: Store) -> None:
        odd, clean = "a\0b\ud83dc", "a�b�c"
        await store.commit([turn(message(odd, name=odd), injection=entry("a", odd), jobs=(job(1),))])
        await remember(store, fact(1, text=odd, value=odd, attribute=odd, speaker=odd, metadata={odd: odd}))
        (said,) = (await store.messages(ALICE, "s1", cursor=None, limit=1)).items
        (given,) = (await look(store, session="s1")).injections
        (known,) = await store.about(ALICE, attributes=[odd], statements=[])
        assert (said.text, said.name, given.block) == (clean, clean, clean)
        assert (known.text, known.value, known.speaker, known.metadata) == (clean, clean, clean, {clean: clean})
        (mine,) = await claim(store)
        await store.settle(mine, now=NOON, error=odd)
        assert [j.error for j in (await store.jobs("acme", entity=None, states=[], cursor=None, limit=1)).items] == [
            clean
        ]

    @pytest.mark.parametrize("odd", ["a\0", "\ud83d"], ids=ascii)
    async def test_an_id_that_no_database_holds_is_refused(self, store: Store, odd: str) -> None:
        for scope, session in ((Scope(odd, "alice"), "s1"), (Scope("acme", odd), "s1"), (ALICE, odd)):
            with pytest.raises(BadRequest):
                await store.commit([turn("a", scope=scope, session=session), turn("b")])
        with pytest.raises(BadRequest):
            await store.look(ALICE, session=odd, keys=[], pairs=[])
        with pytest.raises(BadRequest):
            await store.write(Scope("acme", odd), MemoryWrite())
        assert await texts(store) == []

    @pytest.mark.parametrize("name", ["x" * 128, "A.b_c@d:e+f-g", "👩", "a b", "a%b", "A", "a"])
    async def test_ids_are_kept_apart_letter_by_letter(self, store: Store, name: str) -> None:
        others = {"x" * 127, "A", "a", "a_b", "ａ"} - {name}
        for entity in others:
            await store.commit([turn("a", scope=Scope("acme", entity))])
        assert (await look(store, "a", scope=Scope("acme", name))).held == frozenset()
        await store.commit([turn("a", scope=Scope("acme", name))])
        assert await texts(store, scope=Scope("acme", name)) == ["a"]


class StoreContract(
    TurnsContract,
    MemoryContract,
    FactsContract,
    ForgettingContract,
    EntitiesContract,
    EraseContract,
    ReceiptsContract,
    ArchiveContract,
    JobsContract,
    KeysContract,
    OddTextContract,
):
    """Inherit, and override `store`."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError("a subclass gives the store")

    async def test_it_is_a_store_in_good_health(self, store: Store) -> None:
        assert isinstance(store, Store)
        await store.check()

    async def test_all_verbs_may_run_at_once(self, store: Store) -> None:
        people = [Scope("acme", f"e{n}") for n in range(20)]
        commits = (store.commit([turn(f"m{n}", scope=s, jobs=(job(n, scope=s),))]) for n, s in enumerate(people))
        writes = (remember(store, fact(n), scope=s) for n, s in enumerate(people))
        looks = (look(store, "m1", scope=s) for s in people)
        await asyncio.gather(*commits, *writes, *looks)
        for n, scope in enumerate(people):
            assert await texts(store, scope=scope) == [f"m{n}"]
            assert [f.id for f in await facts(store, scope=scope)] == [f"fact-{n}"]
        assert (await store.depth()).pending == 20


class DurableStoreContract(StoreContract):
    """Inherit, and override `store` and `reopen`."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        raise NotImplementedError("a subclass opens its database a second time")

    async def test_what_was_written_is_seen_by_another_at_once(self, store: Store, reopen: Reopen) -> None:
        async with reopen() as other:
            await store.commit([turn("a", injection=entry("a", "block", tokens=2), jobs=(job(1),))])
            version = await remember(store, fact(1))
            await store.create_key(api_key(1))
            assert await look(other, "a") == await look(store, "a")
            assert (await other.changes(ALICE, since=0)).version == version
            assert await other.find_key("k1") == api_key(1)
            assert [m.text for m in await other.unaugmented(ALICE, "s1", limit=1)] == ["a"]

    async def test_what_one_erases_is_gone_for_another_at_once(self, store: Store, reopen: Reopen) -> None:
        async with reopen() as other:
            await other.commit([turn("a", jobs=(job(1),))])
            version = await remember(other, fact(1))
            assert await store.erase(ALICE) is not None
            assert await other.entity(ALICE) is None
            assert await other.depth() == await store.depth()
            with pytest.raises(Conflict):
                await other.write(ALICE, MemoryWrite((fact(2),), expected=version))
            assert await remember(other, fact(3)) > version

    async def test_what_was_written_outlives_its_writer(self, store: Store, reopen: Reopen) -> None:
        async with reopen() as first:
            await first.commit([turn("a", "b", jobs=(job(1),))])
            version = await remember(first, fact(1))
        async with reopen() as second:
            assert await texts(second) == ["a", "b"]
            assert await remember(second, fact(2)) == version + 1
            assert [f.number for f in await facts(second)] == [1, 2]
            assert [j.id for j in await claim(second)] == ["job-1"]

    async def test_a_job_is_claimed_by_one_of_two_only(self, store: Store, reopen: Reopen) -> None:
        await store.enqueue([job(n, scope=replace(ALICE, entity=f"e{n}")) for n in range(20)])
        async with reopen() as other:
            claims = (claim(s, worker=w, limit=3) for _ in range(4) for s, w in ((store, "w1"), (other, "w2")))
            taken = [mine.id for claimed in await asyncio.gather(*claims) for mine in claimed]
        assert sorted(taken) == sorted(f"job-{n}" for n in range(20))

    async def test_two_writers_add_to_one_session_without_loss(self, store: Store, reopen: Reopen) -> None:
        async with reopen() as other:
            commits = (s.commit([turn(f"{n}", "shared")]) for n in range(20) for s in (store, other))
            added = sum(c.added for batch in await asyncio.gather(*commits) for c in batch)
        page = await store.messages(ALICE, "s1", cursor=None, limit=99)
        assert (added, page.total, len({m.text for m in page.items})) == (21, 21, 21)

    async def test_versions_rise_by_one_over_two_writers(self, store: Store, reopen: Reopen) -> None:
        first = await remember(store, fact(0))
        async with reopen() as other:
            writes = (remember(s, fact(n, id=f"{n}{s is other}")) for n in range(10) for s in (store, other))
            versions = await asyncio.gather(*writes)
        assert sorted(versions) == list(range(first + 1, first + 21))

    async def test_an_opened_database_is_empty_only_once(self, store: Store, reopen: Reopen) -> None:
        await store.commit([turn("a")])
        for _ in range(2):
            async with reopen() as again:
                assert (await again.sessions(ALICE, cursor=None, limit=1)) != Page((), None, 0)
