"""What every store promises of `Archive`, as tests: the list of entities, erasing one, and receipts.

Carrying an entity away and taking it in is in `store_contract_restore.py`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from memproxy.domain import (
    ApiKey,
    Changes,
    Entity,
    FactState,
    JobState,
    Known,
    MemoryWrite,
    Page,
    Receipt,
    Scope,
    Usage,
)
from memproxy.errors import BadRequest, Conflict
from memproxy.ports import Store
from memproxy.testing.store_samples import (
    ALICE,
    BOB,
    NOON,
    STRANGER,
    after,
    claim,
    entry,
    event,
    fact,
    job,
    key,
    message,
    triple,
    turn,
)

EVERYONE = (ALICE, BOB, STRANGER)


async def fill(store: Store, scope: Scope) -> None:
    """Rows of every sort."""
    given = entry("a", "- likes tea", tokens=3, request=scope.entity)
    work = job(len(scope.entity), scope=scope)
    told = turn("a", "b", scope=scope, injection=given, usage=Usage("gpt", 1, 2), jobs=(work,))
    await store.commit([told, turn("c", scope=scope, session="s2", at=after(60))])
    facts = (fact(1, kind="profile", attribute="home", value="rome"), fact(2), fact(3))
    await store.write(scope, MemoryWrite(facts, (triple(1),), (event(1),), (message("a").id,)))


async def everything(store: Store, scope: Scope) -> list[object]:
    """What the verbs tell of an entity, but for its births and versions."""
    read = await store.changes(scope, since=0)
    return [
        [replace(known, version=0) for known in read.facts],
        await store.sessions(scope, cursor=None, limit=9),
        [await store.messages(scope, name, cursor=None, limit=9) for name in ("s1", "s2")],
        [await store.unaugmented(scope, name, limit=9) for name in ("s1", "s2")],
        replace(await store.look(scope, session="s1", keys=[key("a"), key("b")], pairs=[]), version=0),
        await store.history(scope, "fact-1"),
        (await store.export(scope, cursor=None, limit=99)).total,
        await store.jobs(scope.tenant, entity=scope.entity, states=[], cursor=None, limit=9),
        await store.receipt(scope.tenant, scope.entity),
    ]


class EntitiesContract:
    async def test_entities_are_listed_newest_first(self, store: Store) -> None:
        for name in ("zoe", "amy", "bob"):
            await store.commit([turn("a", scope=Scope("acme", name))])
        page = await store.entities("acme", cursor=None, limit=9)
        assert [e.id for e in page.items] == ["bob", "amy", "zoe"]
        assert (page.next_cursor, page.total) == (None, 3)

    async def test_a_tenant_sees_its_own_entities_alone(self, store: Store) -> None:
        for scope in EVERYONE:
            await store.commit([turn("a", scope=scope)])
        assert {e.id for e in (await store.entities("acme", cursor=None, limit=9)).items} == {"alice", "bob"}
        assert (await store.entities("globex", cursor=None, limit=9)).total == 1
        assert await store.entities("nobody", cursor=None, limit=9) == Page((), None, 0)

    async def test_pages_stay_right_while_entities_are_added(self, store: Store) -> None:
        for n in range(7):
            await store.write(Scope("acme", f"e{n}"), MemoryWrite())
        seen: list[str] = []
        cursor = None
        for step in range(4):
            page = await store.entities("acme", cursor=cursor, limit=2)
            seen += [e.id for e in page.items]
            cursor = page.next_cursor
            assert page.total == 7 + step
            await store.write(Scope("acme", f"late{step}"), MemoryWrite())
        assert (seen, cursor) == ([f"e{n}" for n in reversed(range(7))], None)

    @pytest.mark.parametrize("cursor", ["", "x", "-1", "yesterday a", "1e9 a"])
    async def test_a_cursor_that_no_list_of_entities_gave_out_is_refused(self, store: Store, cursor: str) -> None:
        with pytest.raises(BadRequest):
            await store.entities("acme", cursor=cursor, limit=9)

    async def test_an_entity_is_listed_with_what_it_holds(self, store: Store) -> None:
        for scope in EVERYONE:
            await fill(store, scope)
        await store.write(ALICE, MemoryWrite((fact(4, state=FactState.SUPERSEDED), fact(3, state=FactState.FORGOTTEN))))
        read = await store.changes(ALICE, since=0)
        found = await store.entity(ALICE)
        assert found is not None
        assert found == Entity("alice", found.created_at, after(60), 2, 3, {"profile": 1, "episode": 1}, read.version)
        assert found in (await store.entities("acme", cursor=None, limit=9)).items

    async def test_an_entity_without_messages_has_no_last_time(self, store: Store) -> None:
        await store.commit([turn(injection=entry("a"))])
        found = await store.entity(ALICE)
        assert found is not None
        assert (found.last_at, found.sessions, found.messages, found.facts) == (None, 1, 0, {})

    async def test_an_entity_is_there_from_its_first_write(self, store: Store) -> None:
        assert await store.entity(ALICE) is None
        await store.write(ALICE, MemoryWrite())
        assert await store.entity(ALICE) is not None
        assert await store.entity(BOB) is None
        assert await store.entity(STRANGER) is None

    async def test_a_key_bound_to_an_entity_makes_none(self, store: Store) -> None:
        await store.create_key(ApiKey("k1", "acme", b"digest", created_at=NOON, entity="alice"))
        assert await store.entity(ALICE) is None
        assert (await store.entities("acme", cursor=None, limit=9)).total == 0

    async def test_the_mark_of_a_life_is_its_birth_and_stays(self, store: Store) -> None:
        assert (await store.changes(ALICE, since=0)).born == 0
        await store.commit([turn("a")])
        born = (await store.changes(ALICE, since=0)).born
        await store.write(ALICE, MemoryWrite((fact(1),)))
        await store.commit([turn("b", session="s2")])
        assert (await store.changes(ALICE, since=0)).born == born
        found = await store.entity(ALICE)
        assert found is not None
        assert found.created_at.timestamp() == pytest.approx(born / 1e6, abs=1e-5)


class EraseContract:
    async def test_nothing_is_left_of_an_erased_entity(self, store: Store) -> None:
        empty = await everything(store, ALICE)
        await fill(store, ALICE)
        assert all(now != before for now, before in zip(await everything(store, ALICE), empty, strict=True))
        await store.erase(ALICE)
        assert await everything(store, ALICE) == empty
        assert await store.changes(ALICE, since=0) == Changes(0)
        assert await store.entity(ALICE) is None
        assert (await store.entities("acme", cursor=None, limit=9)).total == 0

    async def test_erasing_tells_what_there_was(self, store: Store) -> None:
        await fill(store, ALICE)
        there_was = await store.entity(ALICE)
        assert there_was is not None
        assert await store.erase(ALICE) == there_was

    async def test_where_there_is_nothing_erasing_does_nothing(self, store: Store) -> None:
        assert await store.erase(ALICE) is None
        await fill(store, ALICE)
        await store.erase(ALICE)
        assert await store.erase(ALICE) is None

    async def test_everyone_else_stays(self, store: Store) -> None:
        for scope in EVERYONE:
            await fill(store, scope)
        before = [await everything(store, scope) for scope in (BOB, STRANGER)]
        await store.erase(ALICE)
        assert [await everything(store, scope) for scope in (BOB, STRANGER)] == before

    async def test_an_entity_of_a_similar_name_stays(self, store: Store) -> None:
        others = [Scope("acme", name) for name in ("Alice", "alice ", "alice%", "alic", "ａlice", "aliceb")]
        for scope in (ALICE, *others):
            await fill(store, scope)
        await store.erase(ALICE)
        page = await store.entities("acme", cursor=None, limit=9)
        assert {e.id for e in page.items} == {scope.entity for scope in others}

    async def test_keys_bound_to_the_entity_stay(self, store: Store) -> None:
        bound = ApiKey("k1", "acme", b"digest", created_at=NOON, entity="alice")
        await store.create_key(bound)
        await fill(store, ALICE)
        await store.erase(ALICE)
        assert await store.find_key("k1") == bound

    async def test_jobs_of_an_entity_that_holds_nothing_else_go_too(self, store: Store) -> None:
        await store.enqueue([job(1), job(2, scope=BOB)])
        assert await store.erase(ALICE) is None
        assert [j.id for j in await claim(store)] == ["job-2"]

    async def test_a_running_job_of_the_entity_ends_without_a_word(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (running,) = await claim(store)
        await store.erase(ALICE)
        assert not await store.extend(running, lease=60, now=NOON)
        await store.settle(running, now=NOON)
        await store.settle(running, now=NOON, error="late", retry_at=after(1))
        assert (await store.jobs("acme", entity=None, states=list(JobState), cursor=None, limit=9)).total == 0

    async def test_a_change_computed_before_the_erasure_is_refused(self, store: Store) -> None:
        await fill(store, ALICE)
        version = (await store.changes(ALICE, since=0)).version
        await store.erase(ALICE)
        with pytest.raises(Conflict):
            await store.write(ALICE, MemoryWrite((fact(9),), expected=version))
        await store.commit([turn("new")])
        with pytest.raises(Conflict):
            await store.write(ALICE, MemoryWrite((fact(9),), expected=version))
        assert (await store.changes(ALICE, since=0)).facts == ()

    async def test_an_entity_that_comes_back_begins_anew(self, store: Store) -> None:
        await fill(store, ALICE)
        fresh = await everything(store, ALICE)
        await store.erase(ALICE)
        await fill(store, ALICE)
        assert await everything(store, ALICE) == fresh

    async def test_versions_rise_and_births_differ_over_many_lives(self, store: Store) -> None:
        lives: list[tuple[int, int]] = []
        for _ in range(20):
            for _ in range(5):
                await store.write(ALICE, MemoryWrite())
            read = await store.changes(ALICE, since=0)
            lives.append((read.version - 5, read.born))
            await store.erase(ALICE)
        assert all(later[0] > earlier[0] + 5 for earlier, later in pairwise(lives))
        assert len({born for _, born in lives}) == 20

    async def test_turns_may_be_committed_before_and_after(self, store: Store) -> None:
        for _ in range(3):
            assert [c.added for c in await store.commit([turn("a", jobs=(job(1),))])] == [1]
            await store.erase(ALICE)
        assert await store.look(ALICE, session="s1", keys=[key("a")], pairs=[]) == Known(session="s1")


class ReceiptsContract:
    async def test_a_receipt_is_found_by_its_request(self, store: Store) -> None:
        given = entry("a", "- likes tea", tokens=3, request="r1")
        await store.commit([turn("a", injection=given), turn("b", injection=entry("b", request="r2"))])
        assert await store.receipt("acme", "r1") == Receipt(ALICE, "s1", given)
        assert await store.receipt("acme", "r") is None

    async def test_a_receipt_is_found_in_its_tenant_alone(self, store: Store) -> None:
        await store.commit([turn("a", scope=STRANGER, injection=entry("a", request="r1"))])
        assert await store.receipt("acme", "r1") is None
        found = await store.receipt("globex", "r1")
        assert found is not None
        assert found.scope == STRANGER

    async def test_of_several_receipts_of_one_request_the_newest_is_given(self, store: Store) -> None:
        for n, name in enumerate("bca"):
            await store.commit([turn(session=name, injection=entry(name, name, at=after(n % 2), request="r1"))])
        found = await store.receipt("acme", "r1")
        assert found is not None
        assert (found.session, found.injection.block) == ("c", "c")

    async def test_a_receipt_that_was_struck_tells_what_is_left(self, store: Store) -> None:
        await store.commit([turn("a", injection=entry("a", "- tea\n- milk", request="r1"))])
        await store.write(ALICE, MemoryWrite(struck=("- tea",)))
        found = await store.receipt("acme", "r1")
        assert found is not None
        assert found.injection.block == "- milk"
