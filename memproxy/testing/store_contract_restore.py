"""What every store promises of carrying an entity away and taking it in, as tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from memproxy.domain import (
    Event,
    Fact,
    FactState,
    Injection,
    Kept,
    MemoryWrite,
    Message,
    Page,
    Scope,
    Session,
    Source,
    Triple,
)
from memproxy.errors import BadRequest, Conflict
from memproxy.ports import Store
from memproxy.testing.store_samples import (
    ALICE,
    BOB,
    NOON,
    STRANGER,
    after,
    entry,
    event,
    fact,
    key,
    message,
    triple,
    turn,
)

ELSEWHERE = Scope("elsewhere", "alina", "import")


async def fill(store: Store, scope: Scope = ALICE) -> None:
    """Three sessions, named against the order of their times, and a memory with a past."""
    odd = message("b", role="assistant", name="Al", external_id="x1", extra=b"{}", complete=False, at=after(-5))
    await store.commit([turn("a", odd, scope=scope, session="s3", injection=entry("a", "- tea", tokens=3))])
    await store.commit([turn("c", scope=replace(scope, process=None), session="s1", at=after(1))])
    await store.commit([turn(scope=replace(scope, process="app"), session="s2", at=after(2))])
    late = turn("d", "e", scope=scope, session="s3", at=after(60), injection=entry("d", request="r2", at=after(3)))
    await store.commit([late])
    full = fact(
        1, kind="profile", embedding=bytes(range(32)), model="m", attribute="home", value="rome", speaker="Al",
        role="assistant", process="chat", mentions=3, valid_from=after(-1), valid_to=after(1), superseded_by="fact-2",
        state=FactState.SUPERSEDED, confidence=0.25, expires_at=after(99), pinned=True, authored=True,
        sources=(Source("m1", "s1", "x1"), Source("m2", "s2", "m2")), metadata={"a": "1"},
    )  # fmt: skip
    gone = fact(3, state=FactState.FORGOTTEN, text="", attribute="likes", value="digest")
    change = MemoryWrite(
        (fact(9), full, gone), (triple(2), triple(1)), (event(2), event(1, at=after(9))), (message("a").id,)
    )
    await store.write(scope, change)
    await store.write(scope, MemoryWrite((fact(9, text="changed"), fact(2))))


async def carried(store: Store, scope: Scope = ALICE, *, limit: int = 1000) -> list[Kept]:
    """The whole archive, page by page."""
    rows: list[Kept] = []
    cursor = None
    while True:
        page = await store.export(scope, cursor=cursor, limit=limit)
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            return rows


def plain(rows: Sequence[Kept]) -> list[Kept]:
    """Without what a store gives anew."""
    return [replace(k, row=replace(k.row, number=0, version=0)) if isinstance(k.row, Fact) else k for k in rows]


async def told(store: Store, scope: Scope) -> list[object]:
    """What the other verbs tell of it."""
    keys = [key("a"), key("e")]
    names = ("s1", "s2", "s3")
    return [
        await store.sessions(scope, cursor=None, limit=9),
        [await store.messages(scope, name, cursor=None, limit=9) for name in names],
        [await store.unaugmented(scope, name, limit=9) for name in names],
        replace(await store.look(scope, session=None, keys=keys, pairs=keys), version=0),
        await store.history(scope, "fact-1"),
    ]


class ArchiveContract:
    async def test_an_archive_holds_every_row_in_its_order(self, store: Store) -> None:
        await fill(store)
        rows = await carried(store)
        assert [type(kept.row) for kept in rows] == (
            [Session] * 3 + [Message] * 5 + [Injection] * 2 + [Fact] * 4 + [Triple] * 2 + [Event] * 2
        )
        said = [f"{k.session} {k.row.text}{'!' * k.augmented}" for k in rows if isinstance(k.row, Message)]
        assert said == ["s1 c", "s3 a!", "s3 b", "s3 d", "s3 e"]
        given = [f"{k.session} {k.row.request_id}" for k in rows if isinstance(k.row, Injection)]
        assert given == ["s3 request-1", "s3 r2"]
        assert [k.row.id for k in rows if isinstance(k.row, Fact)] == ["fact-9", "fact-1", "fact-3", "fact-2"]

    async def test_an_archive_tells_what_the_other_verbs_tell(self, store: Store) -> None:
        await fill(store)
        rows = await carried(store)
        assert [k.row for k in rows if isinstance(k.row, Fact)] == list((await store.changes(ALICE, since=0)).facts)
        sessions = (await store.sessions(ALICE, cursor=None, limit=9)).items
        assert {k.row for k in rows if isinstance(k.row, Session)} == set(sessions)
        (given,) = (k.row for k in rows if isinstance(k.row, Injection) and k.row.request_id == "request-1")
        assert given == entry("a", "- tea", tokens=3)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 17, 18, 19])
    async def test_pages_of_any_size_make_the_same_archive(self, store: Store, limit: int) -> None:
        await fill(store)
        assert await carried(store, limit=limit) == await carried(store)
        page = await store.export(ALICE, cursor=None, limit=limit)
        assert (page.total, len(page.items)) == (18, min(limit, 18))
        assert (page.next_cursor is None) == (limit >= 18)

    async def test_an_unknown_entity_and_those_of_others_are_not_carried(self, store: Store) -> None:
        await fill(store, BOB)
        await fill(store, STRANGER)
        assert await store.export(ALICE, cursor=None, limit=9) == Page((), None, 0)

    async def test_pages_stay_right_while_rows_are_added(self, store: Store) -> None:
        await fill(store)
        before = await carried(store)
        seen: list[Kept] = []
        cursor = None
        for step in range(99):
            page = await store.export(ALICE, cursor=cursor, limit=2)
            seen += page.items
            cursor = page.next_cursor
            assert page.total == 18
            if cursor is None:
                break
            await store.commit([turn(f"late {step}", session="s0"), turn(f"late {step}", session="s3")])
            await store.write(ALICE, MemoryWrite(triples=(triple(100 + step),)))
        ids = [self.identity(kept) for kept in seen]
        assert len(set(ids)) == len(ids)
        assert set(map(self.identity, before)) <= set(ids)

    @staticmethod
    def identity(kept: Kept) -> tuple[object, ...]:
        row = kept.row
        name = row.anchor if isinstance(row, Injection) else row.id
        return (type(row), kept.session, name)

    @pytest.mark.parametrize("cursor", ["", "x", "1", "-1 2 3 x", "a b c d", "1.5 2 3 s", '{"a": 1}', "[]", "null"])
    async def test_a_cursor_that_no_archive_gave_out_is_refused(self, store: Store, cursor: str) -> None:
        await fill(store)
        with pytest.raises(BadRequest):
            await store.export(ALICE, cursor=cursor, limit=9)

    @pytest.mark.parametrize("size", [1, 4, 1000])
    async def test_what_is_taken_in_is_the_same_memory(self, store: Store, size: int) -> None:
        await fill(store)
        rows = await carried(store)
        added = [await store.restore(ELSEWHERE, rows[n : n + size]) for n in range(0, len(rows), size)]
        assert sum(added) == len(rows)
        assert plain(await carried(store, ELSEWHERE)) == plain(rows)
        assert [f.number for f in (await store.changes(ELSEWHERE, since=0)).facts] == [1, 2, 3, 4]
        assert await told(store, ELSEWHERE) == await told(store, ALICE)
        assert len(await store.about(ELSEWHERE, attributes=[], statements=[("home", "rome")])) == 1

    async def test_what_is_taken_in_counts_as_the_entity_s_own(self, store: Store) -> None:
        await fill(store)
        await store.restore(ELSEWHERE, await carried(store))
        here, there = await store.entity(ALICE), await store.entity(ELSEWHERE)
        assert here is not None
        assert there is not None
        assert replace(there, id="alice", created_at=here.created_at, version=here.version) == here
        found = await store.receipt("elsewhere", "r2")
        assert found is not None
        assert (found.scope, found.session) == (replace(ELSEWHERE, process="chat"), "s3")

    async def test_what_is_taken_in_twice_is_there_once(self, store: Store) -> None:
        await fill(store)
        rows = await carried(store)
        await store.restore(ELSEWHERE, rows)
        once = await carried(store, ELSEWHERE)
        assert await store.restore(ELSEWHERE, rows) == 0
        assert await carried(store, ELSEWHERE) == once
        assert await store.restore(ALICE, rows) == 0
        assert await carried(store) == rows

    async def test_a_row_that_comes_twice_is_taken_once(self, store: Store) -> None:
        await fill(store)
        rows = await carried(store)
        assert await store.restore(ELSEWHERE, [*rows, *rows]) == len(rows)
        assert plain(await carried(store, ELSEWHERE)) == plain(rows)

    async def test_what_is_there_stays_as_it_is(self, store: Store) -> None:
        mine = message("mine", key=key("a"), id="m1")
        await store.commit([turn(mine, message("f", external_id="x1"), session="s3", scope=ELSEWHERE, at=after(5))])
        await store.write(
            ELSEWHERE, MemoryWrite((fact(1, text="mine"),), (triple(1, "fact-5"),), (event(1, "fact-5"),))
        )
        own = await carried(store, ELSEWHERE)
        await fill(store)
        rows = await carried(store)
        assert await store.restore(ELSEWHERE, rows) == len(rows) - 6
        merged = await carried(store, ELSEWHERE)
        assert all(kept in merged for kept in own if not isinstance(kept.row, Session))
        page = await store.messages(ELSEWHERE, "s3", cursor=None, limit=9)
        assert [m.text for m in page.items] == ["mine", "f", "d", "e"]
        (session,) = (k.row for k in merged if isinstance(k.row, Session) and k.row.id == "s3")
        assert (session.messages, session.created_at, session.last_at) == (4, after(5), after(5))
        assert [(f.id, f.number) for f in (await store.changes(ELSEWHERE, since=0)).facts] == [
            ("fact-1", 1),
            ("fact-9", 2),
            ("fact-3", 3),
            ("fact-2", 4),
        ]

    async def test_a_session_that_was_taken_in_goes_on(self, store: Store) -> None:
        await fill(store)
        await store.restore(ELSEWHERE, await carried(store))
        again = turn("a", "d", "f", session="s3", scope=ELSEWHERE, injection=entry("f", "- milk", tokens=4))
        assert [c.added for c in await store.commit([again])] == [1]
        page = await store.messages(ELSEWHERE, "s3", cursor=None, limit=9)
        assert [m.text for m in page.items] == ["a", "b", "d", "e", "f"]
        known = await store.look(ELSEWHERE, session="s3", keys=[], pairs=[])
        assert [e.block for e in known.injections] == ["- tea", "", "- milk"]

    async def test_taking_in_counts_the_version_up_by_one_and_tells_the_feed(self, store: Store) -> None:
        await fill(store)
        rows = await carried(store)
        version = await store.write(ELSEWHERE, MemoryWrite((fact(7),)))
        await store.restore(ELSEWHERE, rows)
        read = await store.changes(ELSEWHERE, since=version)
        assert (read.version, {f.version for f in read.facts}, len(read.facts)) == (version + 1, {version + 1}, 4)
        with pytest.raises(Conflict):
            await store.write(ELSEWHERE, MemoryWrite(expected=version))

    async def test_a_row_whose_session_is_not_in_the_archive_opens_it(self, store: Store) -> None:
        rows = [Kept(message("b", at=after(5)), "s1"), Kept(entry("b", at=after(6)), "s2"), Kept(message("c"), "s1")]
        assert await store.restore(ALICE, rows) == 3
        sessions = (await store.sessions(ALICE, cursor=None, limit=9)).items
        assert [(s.id, s.process, s.messages, s.created_at) for s in sessions] == [
            ("s2", None, 0, after(6)),
            ("s1", None, 2, after(5)),
        ]

    async def test_texts_that_no_database_holds_are_replaced(self, store: Store) -> None:
        odd, clean = "a\0b\ud83dc", "a�b�c"
        rows = [
            Kept(message(odd, id="m1", name=odd, external_id=odd), "s1"),
            Kept(fact(1, text=odd, kind=odd, role=odd, model=odd, metadata={odd: odd})),
            Kept(replace(event(1), reason=odd, action=odd)),
            Kept(replace(triple(1), object=odd)),
        ]
        await store.restore(ALICE, rows)
        _, said, learned, stated, told = [kept.row for kept in await carried(store)]
        assert isinstance(said, Message)
        assert (said.text, said.name, said.external_id) == (clean, clean, clean)
        assert isinstance(learned, Fact)
        assert (learned.text, learned.kind, learned.role, learned.metadata) == (clean, clean, clean, {clean: clean})
        assert stated == replace(triple(1), object=clean)
        assert told == replace(event(1), reason=clean, action=clean)

    @pytest.mark.parametrize("odd", ["a\0", "\ud83d"], ids=ascii)
    async def test_ids_that_no_database_holds_are_refused_with_all_that_came(self, store: Store, odd: str) -> None:
        session = Session("s1", None, 0, NOON, NOON)
        refused = [
            Kept(replace(session, id=odd)), Kept(replace(session, process=odd)), Kept(message("b", id=odd), "s1"),
            Kept(message("b"), odd), Kept(replace(entry("b"), facts=(odd,)), "s1"), Kept(entry("b"), odd),
            Kept(fact(2, id=odd)), Kept(fact(2, superseded_by=odd)), Kept(fact(2, sources=(Source(odd, "s1"),))),
            Kept(replace(triple(1), fact_id=odd)), Kept(replace(event(1), id=odd)),
        ]  # fmt: skip
        for row in refused:
            with pytest.raises(BadRequest):
                await store.restore(ALICE, [Kept(fact(1)), row])
        with pytest.raises(BadRequest):
            await store.restore(Scope("acme", odd), [Kept(fact(1))])
        assert await store.entity(ALICE) is None

    async def test_ids_are_taken_in_letter_by_letter(self, store: Store) -> None:
        names = ["x" * 128, "A.b_c@d:e+f-g", "👩", "a b", "a%b", "A", "a", "ａ", "'"]
        rows = [Kept(fact(1, id=name)) for name in names] + [Kept(message("a"), name) for name in names]
        assert await store.restore(ALICE, rows) == len(rows)
        assert {f.id for f in await store.fetch(ALICE, names)} == set(names)
        assert {s.id for s in (await store.sessions(ALICE, cursor=None, limit=99)).items} == set(names)

    async def test_large_entities_are_carried_whole(self, store: Store) -> None:
        await store.commit([turn(*(f"m{n}" for n in range(2500)), session=name) for name in ("s1", "s2")])
        facts = (fact(n, embedding=bytes(64), sources=(Source(f"m{n}", "s1"),)) for n in range(2500))
        await store.write(ALICE, MemoryWrite(tuple(facts), tuple(triple(n) for n in range(1200))))
        rows = await carried(store, limit=700)
        assert await store.restore(ELSEWHERE, rows) == len(rows) == 8702
        assert plain(await carried(store, ELSEWHERE, limit=999)) == plain(rows)

    async def test_an_archive_from_before_a_fact_was_forgotten_brings_back_nothing_of_it(self, store: Store) -> None:
        told = event(1, before="tea", after="milk")
        await store.write(ALICE, MemoryWrite((fact(1), fact(2)), (triple(1), triple(2, "fact-2")), (told,)))
        archive = (await store.export(ALICE, cursor=None, limit=99)).items
        await store.write(ALICE, MemoryWrite((fact(1, state=FactState.FORGOTTEN, text=""),)))
        before = (await store.export(ALICE, cursor=None, limit=99)).items
        more = Kept(event(7, before="tea", after="milk"))
        assert await store.restore(ALICE, [*archive, more]) == 1
        after_it = [kept.row for kept in (await store.export(ALICE, cursor=None, limit=99)).items]
        assert after_it == [*(kept.row for kept in before), replace(event(7), after=None)]
