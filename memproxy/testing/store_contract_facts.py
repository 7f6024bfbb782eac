"""What every store promises of reading facts, by what they state, by id and as lists, and of forgetting them."""

from __future__ import annotations

from typing import Any

import pytest

from memproxy.domain import Event, Fact, FactState, MemoryWrite, Page, Scope, Source, Triple
from memproxy.errors import BadRequest
from memproxy.ports import Store
from memproxy.testing.store_samples import ALICE, BOB, NOON, STRANGER, after, entry, event, fact, triple, turn


async def remember(store: Store, *given: Fact, scope: Scope = ALICE) -> int:
    return await store.write(scope, MemoryWrite(facts=given))


async def listed(
    store: Store,
    *states: FactState,
    scope: Scope = ALICE,
    kinds: tuple[str, ...] = (),
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 1000,
) -> Page[Fact]:
    return await store.facts(scope, states=states, kinds=kinds, text=text, cursor=cursor, limit=limit)


def serials(facts: Page[Fact]) -> list[int]:
    return [int(one.id.removeprefix("fact-")) for one in facts.items]


VALUES = ["", "Tea", "tea ", "té", "te\u0301", "x" * 1_000_000, "'", "茶"]


def stating(serial: int, attribute: str, value: str | None, **fields: Any) -> Fact:
    return fact(serial, attribute=attribute, value=value, **fields)


class FactsContract:
    async def test_a_statement_is_found_in_every_state_by_number(self, store: Store) -> None:
        stated = [stating(9 - n, "home", "berlin", state=state) for n, state in enumerate(FactState)]
        await remember(store, stating(1, "home", "paris"), *stated, stating(2, "name", "berlin"), fact(3))
        found = await store.about(ALICE, attributes=[], statements=[("home", "berlin"), ("home", "rome")])
        assert [f.id for f in found] == ["fact-9", "fact-8", "fact-7"]

    async def test_attributes_and_statements_are_asked_together_and_each_fact_comes_once(self, store: Store) -> None:
        await remember(store, stating(1, "likes", "tea"), stating(2, "home", "rome"), stating(3, "likes", "milk"))
        found = await store.about(
            ALICE, attributes=["home", "home"], statements=[("likes", "tea"), ("likes", "tea"), ("home", "rome")]
        )
        assert [f.id for f in found] == ["fact-1", "fact-2"]

    @pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value[:9]))
    async def test_a_statement_is_known_letter_by_letter(self, store: Store, value: str) -> None:
        others = [stating(n, "likes", other) for n, other in enumerate(["tea", "TEA", "te", "x" * 999_999, None])]
        await remember(store, stating(9, "likes", value), *others)
        (found,) = await store.about(ALICE, attributes=[], statements=[("likes", value)])
        assert found.id == "fact-9"

    async def test_a_statement_that_no_database_holds_is_found_as_it_was_kept(self, store: Store) -> None:
        await remember(store, stating(1, "li\0kes", "te\ud83da"))
        for asked in (("li\0kes", "te\ud83da"), ("li�kes", "te�a")):
            assert len(await store.about(ALICE, attributes=[], statements=[asked])) == 1

    async def test_a_changed_statement_is_found_by_its_new_value_alone(self, store: Store) -> None:
        await remember(store, stating(1, "home", "rome"))
        await remember(store, stating(1, "home", "oslo"))
        assert list(await store.about(ALICE, attributes=[], statements=[("home", "rome")])) == []
        assert len(await store.about(ALICE, attributes=[], statements=[("home", "oslo")])) == 1

    async def test_statements_of_others_are_not_found(self, store: Store) -> None:
        await remember(store, stating(1, "home", "rome"), scope=BOB)
        await remember(store, stating(1, "home", "rome"), scope=STRANGER)
        assert list(await store.about(ALICE, attributes=["home"], statements=[("home", "rome")])) == []

    async def test_many_statements_are_asked_at_once(self, store: Store) -> None:
        await remember(
            store, *(stating(n, "likes", f"dish {n}", sources=(Source(f"m{n}", "s1"),)) for n in range(2500))
        )
        wanted = [("likes", f"dish {n}") for n in range(0, 5000, 2)]
        found = await store.about(ALICE, attributes=[], statements=wanted)
        assert [f.number for f in found] == list(range(1, 2501, 2))
        assert found[-1].sources == (Source("m2498", "s1"),)

    async def test_facts_are_fetched_by_id_in_any_state_by_number(self, store: Store) -> None:
        kept = [fact(9 - n, state=state, sources=(Source("m1", "s1", "x"),)) for n, state in enumerate(FactState)]
        await remember(store, *kept, fact(1))
        found = await store.fetch(ALICE, ["fact-7", "none", "fact-9", "fact-8", "fact-9"])
        assert [(f.id, f.number, f.sources) for f in found] == [(k.id, n, k.sources) for n, k in enumerate(kept, 1)]
        assert list(await store.fetch(ALICE, [])) == []

    async def test_facts_of_others_are_not_fetched(self, store: Store) -> None:
        await remember(store, fact(1), scope=BOB)
        await remember(store, fact(1), scope=STRANGER)
        assert list(await store.fetch(ALICE, ["fact-1"])) == []

    async def test_many_facts_are_fetched_at_once(self, store: Store) -> None:
        await remember(store, *(fact(n) for n in range(2500)))
        assert len(await store.fetch(ALICE, [f"fact-{n}" for n in range(5000)])) == 2500

    async def test_facts_are_listed_newest_first_with_their_sources(self, store: Store) -> None:
        await remember(store, fact(1, sources=(Source("m1", "s1", "x"),)), fact(2, at=after(-99)))
        await remember(store, fact(3), fact(1, sources=(Source("m2", "s1", "y"),)))
        page = await listed(store)
        assert (serials(page), page.next_cursor, page.total) == ([3, 2, 1], None, 3)
        assert page.items == tuple(reversed((await store.changes(ALICE, since=0)).facts))

    async def test_an_unknown_entity_has_no_facts_to_list(self, store: Store) -> None:
        await remember(store, fact(1), scope=BOB)
        await remember(store, fact(1), scope=STRANGER)
        assert await listed(store) == Page((), None, 0)

    async def test_facts_are_listed_by_state(self, store: Store) -> None:
        await remember(store, *(fact(n, state=state) for n, state in enumerate(FactState)), fact(3))
        assert serials(await listed(store, FactState.CURRENT)) == [3, 0]
        assert serials(await listed(store, FactState.SUPERSEDED, FactState.FORGOTTEN)) == [2, 1]

    async def test_facts_are_listed_by_kind(self, store: Store) -> None:
        await remember(store, fact(1), fact(2, kind="profile"), fact(3, kind="skill"), fact(4, kind="profile"))
        assert serials(await listed(store, kinds=("profile",))) == [4, 2]
        assert serials(await listed(store, kinds=("profile", "episode", "none"))) == [4, 2, 1]

    @pytest.mark.parametrize(
        ("said", "asked"),
        [
            ("Likes Green TEA", "green tea"),
            ("likes green tea", "GREEN"),
            ("Übermorgen in Köln", "üBERMORGEN"),
            ("Живёт в Москве", "МОСКВЕ"),
            ("Ζει στην ΑΘΗΝΑ", "αθηνα"),
            ("住在上海", "上海"),
            ("100 % sure_", "% SURE_"),
            ("a\\b", "A\\B"),
            ("it's", "IT'S"),
            ("👩‍👩‍👧 family", "👩‍👩‍👧"),
            ("nul\0", "L\0"),
        ],
    )
    async def test_facts_are_found_by_words_in_any_case(self, store: Store, said: str, asked: str) -> None:
        await remember(store, fact(1, text=said), fact(2, text="something else"), fact(3, text="100 x surey"))
        page = await listed(store, text=asked)
        assert (serials(page), page.total) == ([1], 1)

    async def test_no_words_ask_for_all_facts(self, store: Store) -> None:
        await remember(store, fact(1, text=""), fact(2))
        assert serials(await listed(store, text="")) == [2, 1]

    async def test_the_total_counts_what_was_asked_for(self, store: Store) -> None:
        await remember(store, *(fact(n, kind="skill", text="Tea") for n in range(5)), fact(5), fact(6, kind="skill"))
        await remember(store, fact(7, kind="skill", text="tea", state=FactState.SUPERSEDED))
        page = await listed(store, FactState.CURRENT, kinds=("skill",), text="tea", limit=2)
        assert (serials(page), page.total) == ([4, 3], 5)

    async def test_pages_stay_right_while_facts_are_added_and_changed(self, store: Store) -> None:
        await remember(store, *(fact(n) for n in range(10)))
        seen: list[int] = []
        cursor = None
        for step in range(4):
            page = await listed(store, cursor=cursor, limit=3)
            seen += serials(page)
            cursor = page.next_cursor
            await remember(store, fact(100 + step), fact(9, text=f"changed {step}"))
        assert (seen, cursor) == ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], None)

    async def test_a_list_that_ends_with_a_page_has_no_next_one(self, store: Store) -> None:
        await remember(store, fact(1), fact(2))
        assert (await listed(store, limit=2)).next_cursor is None
        assert (await listed(store, limit=1)).next_cursor is not None

    @pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "1 2", "9" * 30, "٣", "\0"])
    async def test_a_cursor_that_no_list_of_facts_gave_out_is_refused(self, store: Store, cursor: str) -> None:
        await remember(store, fact(1))
        with pytest.raises(BadRequest):
            await listed(store, cursor=cursor)


class ForgettingContract:
    async def test_the_history_of_a_fact_comes_oldest_first(self, store: Store) -> None:
        late, soon, other = event(1, at=after(9)), event(2, at=NOON), event(3, "fact-2")
        await store.write(ALICE, MemoryWrite(events=(late, other)))
        await store.write(ALICE, MemoryWrite(events=(soon,)))
        assert list(await store.history(ALICE, "fact-1")) == [soon, late]

    async def test_the_history_of_an_unknown_fact_and_of_others_is_empty(self, store: Store) -> None:
        for scope in (BOB, STRANGER):
            await store.write(scope, MemoryWrite((fact(1),), events=(event(1),)))
        assert list(await store.history(ALICE, "fact-1")) == []
        assert list(await store.history(BOB, "fact-2")) == []

    async def test_an_event_comes_back_as_it_was_written(self, store: Store) -> None:
        full = event(1, action="corrected", reason="by the person", before="a\0", after="ü", at=after(1.000001))
        await store.write(ALICE, MemoryWrite(events=(full,)))
        (found,) = await store.history(ALICE, "fact-1")
        assert (found.before, found.after, found.at, found.action) == ("a�", "ü", full.at, "corrected")

    async def test_the_history_of_what_is_forgotten_loses_its_words(self, store: Store) -> None:
        first, other = event(1, before="x", after="tea"), event(2, "fact-2", after="milk")
        await store.write(ALICE, MemoryWrite((fact(1), fact(2)), events=(first, other)))
        await store.write(BOB, MemoryWrite((fact(1),), events=(first,)))
        last = event(3, action="forgotten", before="tea", after=None, at=after(1))
        await store.write(ALICE, MemoryWrite((fact(1, state=FactState.FORGOTTEN, text=""),), events=(last,)))
        told = [(e.action, e.before, e.after) for e in await store.history(ALICE, "fact-1")]
        assert told == [("created", None, None), ("forgotten", None, None)]
        assert list(await store.history(ALICE, "fact-2")) == [other]
        assert list(await store.history(BOB, "fact-1")) == [first]

    async def test_what_is_unsaid_leaves_every_history_of_the_entity(self, store: Store) -> None:
        events = (
            Event("e1", "fact-1", "created", "said", None, "likes tea", NOON),
            Event("e2", "fact-1", "corrected", "said", "likes tea", "likes milk", NOON),
        )
        for scope in (ALICE, BOB):
            await store.write(scope, MemoryWrite((fact(1),), events=events))
        await store.write(ALICE, MemoryWrite(unsaid=("likes tea", "never said")))
        told = [(e.before, e.after) for e in await store.history(ALICE, "fact-1")]
        assert told == [(None, None), (None, "likes milk")]
        assert list(await store.history(BOB, "fact-1")) == list(events)

    async def test_triples_of_what_is_forgotten_go_also_those_of_the_same_change(self, store: Store) -> None:
        await store.write(ALICE, MemoryWrite((fact(1), fact(2)), triples=(triple(1), triple(2, "fact-2"))))
        await store.write(ALICE, MemoryWrite((fact(1, state=FactState.FORGOTTEN),), triples=(triple(3),)))
        page = await store.export(ALICE, cursor=None, limit=99)
        assert [kept.row for kept in page.items[2:]] == [triple(2, "fact-2")]

    async def test_a_corrected_fact_loses_the_triples_it_had_and_no_other_does(self, store: Store) -> None:
        await store.write(ALICE, MemoryWrite((fact(1), fact(2)), triples=(triple(1), triple(2, "fact-2"))))
        await store.write(BOB, MemoryWrite((fact(1),), triples=(triple(1),)))
        await store.write(ALICE, MemoryWrite((fact(1, text="other"),), triples=(triple(3),), untied=("fact-1",)))
        for scope, left in ((ALICE, [triple(2, "fact-2"), triple(3)]), (BOB, [triple(1)])):
            page = await store.export(scope, cursor=None, limit=99)
            assert [kept.row for kept in page.items if isinstance(kept.row, Triple)] == left

    async def test_struck_lines_go_from_every_block_of_the_entity(self, store: Store) -> None:
        block = "<memory>\n- likes tea\n- likes milk\n</memory>\n\n"
        await store.commit([turn("a", injection=entry("a", block, tokens=9), session=name) for name in ("s1", "s2")])
        await store.commit([turn("b", injection=entry("b", "- likes tea, too"), session="s1")])
        await store.write(ALICE, MemoryWrite(struck=("- likes tea\n", "- never given")))
        for name, more in (("s1", ["- likes tea, too"]), ("s2", [])):
            known = await store.look(ALICE, session=name, keys=[], pairs=[])
            assert [e.block for e in known.injections] == ["<memory>\n- likes milk\n</memory>\n\n", *more]
            assert known.tokens == 9

    async def test_a_block_that_shows_no_fact_any_more_is_empty(self, store: Store) -> None:
        await store.commit([turn("a", injection=entry("a", "<memory>\nQuoted.\n- likes tea\n</memory>\n\n", tokens=9))])
        await store.write(ALICE, MemoryWrite(struck=("- likes tea",)))
        (given,) = (await store.look(ALICE, session="s1", keys=[], pairs=[])).injections
        assert (given.block, given.tokens, given.facts) == ("", 9, ("fact-1", "fact-2"))

    async def test_a_line_is_struck_whatever_its_date_and_its_day_goes_with_it(self, store: Store) -> None:
        block = "<memory>\n- (since 2026-01-01) likes tea\n2026-01-02:\n- Al: tea\n2026-01-03:\n- Al: milk\n</memory>"
        await store.commit([turn("a", injection=entry("a", block))])
        await store.write(ALICE, MemoryWrite(struck=("- (2026-01-09 to 2026-02-01) likes tea\n", "- Al: tea\n")))
        (given,) = (await store.look(ALICE, session="s1", keys=[], pairs=[])).injections
        assert given.block == "<memory>\n2026-01-03:\n- Al: milk\n</memory>"

    async def test_facts_whose_line_is_struck_are_not_given_any_more(self, store: Store) -> None:
        await store.commit([turn("a", injection=entry("a", "- tea\n- milk"))])
        await store.commit([turn("b", injection=entry("b", "- milk"))])
        await store.write(ALICE, MemoryWrite((fact(2, text="coffee"),), struck=("- tea",)))
        given = (await store.look(ALICE, session="s1", keys=[], pairs=[])).injections
        assert [one.facts for one in given] == [("fact-1",), ("fact-1", "fact-2")]

    async def test_a_line_that_no_database_holds_is_struck_as_it_was_kept(self, store: Store) -> None:
        await store.commit([turn("a", injection=entry("a", "- te\0a\n- milk"))])
        await store.write(ALICE, MemoryWrite(struck=("- te\0a",)))
        assert [e.block for e in (await store.look(ALICE, session="s1", keys=[], pairs=[])).injections] == ["- milk"]

    async def test_blocks_of_others_keep_what_is_struck(self, store: Store) -> None:
        for scope in (BOB, STRANGER):
            await store.commit([turn("a", injection=entry("a", "- likes tea"), scope=scope)])
        await store.write(ALICE, MemoryWrite(struck=("- likes tea",)))
        for scope in (BOB, STRANGER):
            (given,) = (await store.look(scope, session="s1", keys=[], pairs=[])).injections
            assert given.block == "- likes tea"
