"""What every store promises of `Turns`, as tests: sessions, messages, recognition and the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memproxy.domain import FactState, Injection, Known, MemoryWrite, Page, Scope, Session, Usage
from memproxy.errors import BadRequest
from memproxy.ports import Store
from memproxy.testing.store_samples import ALICE, BOB, STRANGER, after, entry, fact, job, key, message, turn


async def look(store: Store, *pairs: str, scope: Scope = ALICE, session: str | None = None) -> Known:
    """Look with the pairs as the whole history."""
    keys = [key(pair) for pair in pairs]
    return await store.look(scope, session=session, keys=keys, pairs=keys)


async def texts(store: Store, session: str = "s1", *, scope: Scope = ALICE) -> list[str]:
    return [m.text for m in (await store.messages(scope, session, cursor=None, limit=1000)).items]


class TurnsContract:
    async def test_a_turn_comes_back_as_it_was_committed(self, store: Store) -> None:
        said = message("Hi", name="Alice", external_id="m1")
        answer = message("Hello!", role="assistant", extra=b'{"tool_calls": []}', complete=False, at=after(1.000001))
        await store.commit([turn(said, answer, usage=Usage("gpt", 3, 4))])
        page = await store.messages(ALICE, "s1", cursor=None, limit=10)
        assert page == Page((said, answer), None, 2)

    async def test_an_empty_batch_and_an_empty_turn_add_nothing(self, store: Store) -> None:
        assert list(await store.commit([])) == []
        assert [c.added for c in await store.commit([turn()])] == [0]
        assert (await store.sessions(ALICE, cursor=None, limit=10)).total == 1

    async def test_a_batch_answers_turn_by_turn_in_order(self, store: Store) -> None:
        batch = [turn("a", "b"), turn("c", scope=BOB), turn("b", "d"), turn("a", session="s2"), turn(scope=STRANGER)]
        assert [c.added for c in await store.commit(batch)] == [2, 1, 1, 1, 0]
        assert await texts(store) == ["a", "b", "d"]

    async def test_a_turn_committed_twice_is_stored_once(self, store: Store) -> None:
        one = turn("a", "b", injection=entry("a", "block", tokens=7), jobs=(job(1),), usage=Usage("gpt", 1, 2))
        assert [c.added for c in await store.commit([one])] == [2]
        assert [c.added for c in await store.commit([one, one])] == [0, 0]
        assert await texts(store) == ["a", "b"]
        assert (await look(store, session="s1")).tokens == 7
        assert (await store.depth()).pending == 1

    async def test_a_message_is_known_by_its_key_within_the_session(self, store: Store) -> None:
        await store.commit([turn(message("a"))])
        await store.commit([turn(message("a", id="other"), message("A", id="third", key=key("a")))])
        await store.commit([turn(message("a", id="fourth"), session="s2")])
        assert await texts(store) == ["a"]
        assert await texts(store, "s2") == ["a"]

    async def test_a_message_is_known_by_its_external_id_within_the_session(self, store: Store) -> None:
        await store.commit([turn(message("a", external_id="x"))])
        again = [turn(message("b", external_id="x"), message("c", external_id="y"), message("d", external_id="y"))]
        assert [c.added for c in await store.commit(again)] == [1]
        await store.commit([turn(message("e", external_id="x"), session="s2")])
        assert (await texts(store), await texts(store, "s2")) == (["a", "c"], ["e"])

    async def test_an_entity_that_was_never_named_is_unknown(self, store: Store) -> None:
        assert await look(store, "a") == Known()
        assert await look(store, session="s1") == Known(session="s1")

    async def test_a_commit_makes_the_entity_known_and_leaves_its_version(self, store: Store) -> None:
        await store.commit([turn("a")])
        version = (await look(store)).version
        await store.commit([turn("b")])
        assert version > 0
        assert (await look(store)).version == version

    async def test_keys_are_held_in_any_session_of_the_entity_alone(self, store: Store) -> None:
        await store.commit([turn("a"), turn("b", session="s2"), turn("c", scope=BOB), turn("d", scope=STRANGER)])
        assert (await look(store, "a", "b", "c", "d", "e", session="s1")).held == {key("a"), key("b")}

    async def test_only_the_asked_keys_are_told(self, store: Store) -> None:
        await store.commit([turn("a", "b")])
        assert (await look(store, "b")).held == {key("b")}
        assert (await look(store)).held == frozenset()

    async def test_a_long_history_is_looked_up_whole(self, store: Store) -> None:
        await store.commit([turn(*(f"m{n}" for n in range(0, 3000, 2)))])
        known = await look(store, *(f"m{n}" for n in range(3000)))
        assert known.held == {key(f"m{n}") for n in range(0, 3000, 2)}
        assert known.session == "s1"

    async def test_a_session_is_recognised_by_any_message_it_holds(self, store: Store) -> None:
        await store.commit([turn("a", "b", "c")])
        assert (await look(store, "b")).session == "s1"
        assert (await look(store, "z")).session is None

    async def test_the_newest_pair_that_is_held_decides(self, store: Store) -> None:
        await store.commit([turn("a", "b", session="s1", at=after(1))])
        await store.commit([turn("a", "c", session="s2", at=after(2))])
        assert (await look(store, "z", "b", "c")).session == "s1"
        assert (await look(store, "z", "c", "b")).session == "s2"

    async def test_pairs_decide_and_other_keys_do_not(self, store: Store) -> None:
        await store.commit([turn("a", session="s1"), turn("b", session="s2")])
        known = await store.look(ALICE, session=None, keys=[key("a"), key("b")], pairs=[key("a")])
        assert known.session == "s1"

    async def test_a_session_in_which_nothing_follows_the_pair_comes_first(self, store: Store) -> None:
        await store.commit([turn("a", session="s1", at=after(1))])
        await store.commit([turn("a", "b", session="s2", at=after(2))])
        assert (await look(store, "a")).session == "s1"

    async def test_then_the_newest_session_comes_first(self, store: Store) -> None:
        await store.commit([turn("a", session="s2", at=after(1))])
        await store.commit([turn("a", session="s1", at=after(2))])
        assert (await look(store, "a")).session == "s1"
        await store.commit([turn("x", session="s1", at=after(3)), turn("y", session="s2", at=after(4))])
        assert (await look(store, "a")).session == "s2"

    async def test_no_session_of_another_is_recognised(self, store: Store) -> None:
        await store.commit([turn("a", scope=BOB, session="bobs"), turn("a", scope=STRANGER, session="theirs")])
        assert await look(store, "a") == Known()

    async def test_a_named_session_is_kept_whatever_the_history_says(self, store: Store) -> None:
        await store.commit([turn("a", session="s1")])
        assert (await look(store, "a", session="new")).session == "new"

    async def test_the_process_does_not_narrow_what_is_seen(self, store: Store) -> None:
        await store.commit([turn("a")])
        assert (await look(store, "a", scope=replace(ALICE, process="other"))).session == "s1"

    async def test_the_ledger_comes_oldest_first_with_its_tokens(self, store: Store) -> None:
        first, second, third = (
            entry("a", "one", tokens=5, at=after(9)),
            entry("b"),
            entry("c", "two", tokens=6, at=None),
        )
        await store.commit([turn("a", injection=first), turn("b", injection=second, at=after(1))])
        await store.commit(
            [turn("c", injection=third, at=after(2)), turn("z", session="s2", injection=entry("a", "no"))]
        )
        known = await look(store, "b")
        dated = (first, second, replace(third, created_at=after(2)))
        assert known.injections == tuple(replace(given, receipt=b"{}") for given in dated)
        assert known.tokens == 11

    async def test_an_anchor_has_one_block_for_ever(self, store: Store) -> None:
        await store.commit([turn("a", injection=entry("a", "first", tokens=1))])
        await store.commit([turn("b", injection=entry("a", "second", tokens=2))])
        known = await look(store, session="s1")
        assert ([given.block for given in known.injections], known.tokens) == (["first"], 1)

    async def test_the_ledger_of_another_is_not_seen(self, store: Store) -> None:
        await store.commit([turn("a", scope=scope, injection=entry("a", "secret")) for scope in (BOB, STRANGER)])
        assert (await look(store, session="s1")).injections == ()

    async def test_the_entry_of_a_request_that_came_again_is_for_its_receipt_alone(self, store: Store) -> None:
        again = Injection(b"request-2-came-again", "", request_id="request-2", receipt=b'{"given_with":"request-1"}')
        await store.commit([turn("a", injection=entry("a", "block")), turn("b", injection=again, at=after(1))])
        assert [given.request_id for given in (await look(store, session="s1")).injections] == ["request-1"]
        kept = await store.receipt("acme", "request-2")
        assert kept is not None
        assert kept.injection == replace(again, created_at=after(1))

    async def late(self, store: Store, seen: int, block: str = "block") -> Injection:
        """What the ledger keeps of a block that was recalled at that version and is committed now."""
        await store.commit([turn("u", injection=entry("u", block, tokens=5), seen=seen)])
        [kept] = (await look(store, session="s1")).injections
        return kept

    async def test_a_block_is_kept_where_the_memory_has_only_grown_since(self, store: Store) -> None:
        seen = await store.write(ALICE, MemoryWrite((fact(1), fact(2))))
        await store.write(ALICE, MemoryWrite((fact(3), fact(1, mentions=2))))
        assert (await self.late(store, seen)).block == "block"

    async def test_a_block_of_a_persons_own_words_is_kept_while_they_stand(self, store: Store) -> None:
        """Read again in a message, pinned, ended: the words are the same."""
        mine = fact(2, authored=True, kind="profile", text="I <3\nBraga.")
        seen = await store.write(ALICE, MemoryWrite((fact(1), mine)))
        await store.write(ALICE, MemoryWrite((replace(mine, mentions=2, pinned=True, valid_to=after(9)),)))
        block = "<memory>\n- (since 2026-11-21) I &lt;3 Braga.\n</memory>\n\n"
        assert (await self.late(store, seen, block)).block == block

    @pytest.mark.parametrize(
        "change", [{"state": FactState.FORGOTTEN, "text": ""}, {"authored": True, "text": "corrected"}]
    )
    async def test_a_block_of_what_was_forgotten_or_corrected_meanwhile_is_not_kept(
        self, store: Store, change: dict[str, Any]
    ) -> None:
        seen = await store.write(ALICE, MemoryWrite((fact(1), fact(2))))
        await store.write(ALICE, MemoryWrite((fact(2, **change),)))
        kept = await self.late(store, seen)
        assert (kept.block, kept.facts, kept.tokens) == ("", (), 5)
        receipt = await store.receipt("acme", "request-1")
        assert receipt is not None
        assert receipt.injection.receipt == b"{}"

    @pytest.mark.parametrize("reborn", [False, True])
    async def test_a_block_of_an_entity_that_was_erased_meanwhile_is_not_kept(self, store: Store, reborn: bool) -> None:
        seen = await store.write(ALICE, MemoryWrite((fact(1), fact(2))))
        await store.erase(ALICE)
        if reborn:
            await store.commit([turn("hello again", session="s2")])
        kept = await self.late(store, seen)
        assert (kept.block, kept.facts) == ("", ())
        assert await texts(store) == ["u"]

    async def test_messages_page_right_while_more_arrive(self, store: Store) -> None:
        await store.commit([turn("a", "b", "c")])
        page = await store.messages(ALICE, "s1", cursor=None, limit=2)
        await store.commit([turn("d", "e")])
        rest = await store.messages(ALICE, "s1", cursor=page.next_cursor, limit=9)
        assert [m.text for m in (*page.items, *rest.items)] == ["a", "b", "c", "d", "e"]
        assert (page.total, rest.total, rest.next_cursor) == (3, 5, None)

    async def test_messages_keep_their_order_whatever_their_times(self, store: Store) -> None:
        await store.commit([turn(message("late", at=after(9)), message("early", at=after(-9)))])
        assert await texts(store) == ["late", "early"]

    async def test_an_unknown_session_is_an_empty_list(self, store: Store) -> None:
        assert await store.messages(ALICE, "none", cursor=None, limit=5) == Page((), None, 0)
        assert list(await store.unaugmented(ALICE, "none", limit=5)) == []

    async def test_messages_of_another_are_not_seen(self, store: Store) -> None:
        await store.commit([turn("a", scope=BOB), turn("b", scope=STRANGER)])
        assert await texts(store) == []

    async def test_sessions_come_newest_first_with_their_counts(self, store: Store) -> None:
        await store.commit([turn("a", at=after(1)), turn("b", session="s2", at=after(2))])
        await store.commit([turn("a", "c", scope=replace(ALICE, process="other"), at=after(3))])
        page = await store.sessions(ALICE, cursor=None, limit=10)
        older = Session("s1", "chat", 2, after(1), after(3))
        assert page == Page((Session("s2", "chat", 1, after(2), after(2)), older), None, 2)

    async def test_sessions_page_right_while_more_arrive(self, store: Store) -> None:
        await store.commit([turn(session=f"s{n}", at=after(n // 2)) for n in range(5)])
        page = await store.sessions(ALICE, cursor=None, limit=2)
        await store.commit([turn(session="s9", at=after(9)), turn(session="s0", at=after(9))])
        rest = await store.sessions(ALICE, cursor=page.next_cursor, limit=9)
        assert [s.id for s in (*page.items, *rest.items)] == ["s4", "s3", "s2", "s1", "s0"]
        assert (page.total, rest.next_cursor) == (5, None)

    async def test_sessions_of_another_are_not_seen(self, store: Store) -> None:
        await store.commit([turn(scope=BOB), turn(scope=STRANGER)])
        assert await store.sessions(ALICE, cursor=None, limit=5) == Page((), None, 0)

    @pytest.mark.parametrize("cursor", ["", "x", "-1", "²", "1e3", "9" * 99])
    async def test_a_cursor_of_nobody_is_refused(self, store: Store, cursor: str) -> None:
        with pytest.raises(BadRequest) as refusal:
            await store.messages(ALICE, "s1", cursor=cursor, limit=1)
        assert refusal.value.param == "cursor"
        with pytest.raises(BadRequest) as refusal:
            await store.sessions(ALICE, cursor=cursor, limit=1)
        assert refusal.value.param == "cursor"
