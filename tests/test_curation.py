"""What the owner of a memory asks for is done, stays done, and leaves what it should and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memproxy.augment.embed import Embed
from memproxy.augment.extract import Extract
from memproxy.augment.local import LocalExtractor
from memproxy.curation import Curation, FactChange, NewFact
from memproxy.domain import Event, Fact, FactState, Injection, Job, MemoryWrite, Message, Scope, Triple, Turn
from memproxy.errors import BadRequest, Conflict, ModelUnavailable, NotFound, StoreUnavailable
from memproxy.journal import Journal, Outcome
from memproxy.recall import cached
from memproxy.recall.engine import Query, Recall
from memproxy.recall.render import block, line
from memproxy.tasks import Tasks
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy.testing.memory_index import MemoryIndex
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, NOON, STRANGER, fact, key, message, turn


class Words:
    """A tokenizer that counts words."""

    def count(self, text: str) -> int:
        return len(text.split())


class Keeping(HashEmbedder):
    """Keeps what it was asked, until it is told to let go."""

    def let_go(self) -> None:
        self.asked.clear()


class House:
    """A memory and its owner. Time goes on by an hour with each thing that is said."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.tasks = Tasks()
        self.embedder = Keeping(dimensions=64)
        self.index = MemoryIndex()
        self.recall = Recall(memory=self.store, index=self.index, embedder=self.embedder, tasks=self.tasks)
        self.now = NOON
        self.said = 0
        self.owner = self.curation()

    def clock(self) -> datetime:
        return self.now

    def curation(self, **options: Any) -> Curation:
        fixed: dict[str, Any] = {
            "memory": self.store,
            "archive": self.store,
            "jobs": self.store,
            "recall": self.recall,
            "caches": [self.embedder],
            "embedder": self.embedder,
            "tokenizer": Words(),
            "clock": self.clock,
        }
        return Curation(**(fixed | options))

    async def hear(
        self, *texts: str | Message, session: str = "s1", scope: Scope = ALICE, at: datetime | None = None
    ) -> None:
        """Messages arrive and are worked through."""
        self.now += timedelta(hours=1)
        said = []
        for text in texts:
            self.said += 1
            if isinstance(text, str):
                text = message(text, at=at or self.now, id=f"m{self.said}", key=key(f"{self.said}"))
            said.append(text)
        await self.store.commit([turn(*said, session=session, scope=scope, at=self.now)])
        extract = Extract(
            turns=self.store,
            memory=self.store,
            extractor=LocalExtractor(),
            embedder=self.embedder,
            tokenizer=Words(),
            clock=self.clock,
        )
        await extract(Job("j", "extract", scope, session, self.now, self.now), last_try=True)
        self.now += timedelta(hours=1)

    async def facts(self, scope: Scope = ALICE) -> Sequence[Fact]:
        return (await self.store.changes(scope, since=0)).facts

    async def current(self, scope: Scope = ALICE) -> list[str]:
        return sorted(one.text for one in await self.facts(scope) if one.state is FactState.CURRENT)

    async def find(self, text: str) -> Fact:
        [found] = [one for one in await self.facts() if one.text == text]
        return found

    async def history(self, fact_id: str) -> Sequence[Event]:
        return await self.store.history(ALICE, fact_id)

    async def everything(self, scope: Scope = ALICE) -> str:
        """All that the store holds of the entity, but for the messages."""
        page = await self.store.export(scope, cursor=None, limit=10_000)
        return repr([kept.row for kept in page.items if not isinstance(kept.row, Message)]).casefold()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.tasks.stop()


# Add


async def test_what_the_person_adds_is_there_at_once_with_its_vector_cost_and_history(house: House) -> None:
    given = NewFact(
        "My sister's name is Ana", kind="relationship", pinned=True, valid_from=NOON, metadata={"from": "form"}
    )
    made = await house.owner.add(ALICE, given)
    assert (made.text, made.kind, made.pinned, made.authored) == ("My sister's name is Ana", "relationship", True, True)
    assert (made.model, made.tokens, made.metadata) == ("hash", Words().count(line(made)), {"from": "form"})
    assert (made.process, made.valid_from, made.number) == ("chat", NOON, 1)
    assert [await house.find("My sister's name is Ana")] == [made]
    [created] = await house.history(made.id)
    assert (created.action, created.reason, created.after) == ("created", "written by the person", made.text)


async def test_what_is_added_is_recalled(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("The garage code is 4711"))
    recalled = await house.recall.recall(Query(ALICE, "What is the garage code?", floor=False, at=house.now))
    assert [hit.fact.id for hit in recalled.block.hits] == [made.id]


@pytest.mark.parametrize("text", ["I live in Lisbon", "Lives in Lisbon.", "I moved to Lisbon."])
async def test_an_added_statement_closes_what_it_contradicts_however_it_is_put(house: House, text: str) -> None:
    await house.hear("I live in Berlin.")
    made = await house.owner.add(ALICE, NewFact(text))
    assert (made.attribute, made.value) == ("home", "lisbon")
    berlin = await house.find("Lives in Berlin")
    assert (berlin.state, berlin.superseded_by, berlin.valid_to) == (FactState.SUPERSEDED, made.id, house.now)
    assert berlin.tokens == Words().count(line(berlin))
    assert (await house.history(berlin.id))[-1].reason == "the person's own words"


async def test_an_attribute_that_the_person_names_is_theirs(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("Shoe size is 43", attribute="Shoe_Size", value=" 43 "))
    assert (made.attribute, made.value) == ("shoe_size", "43")
    home = await house.owner.add(ALICE, NewFact("Has a flat in Rome", attribute="home", value="Rome"))
    again = await house.owner.add(ALICE, NewFact("Has a house in Oslo", attribute="home", value="Oslo"))
    assert (await house.find("Has a flat in Rome")).superseded_by == again.id
    assert home.id != again.id


@pytest.mark.parametrize("given", [{"text": " \n"}, {"kind": "episode"}, {"attribute": "~home"}, {"attribute": " "}])
async def test_what_makes_no_fact_is_refused_and_the_field_named(house: House, given: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        await house.owner.add(ALICE, NewFact(**({"text": "words"} | given)))
    assert refused.value.param in given
    assert await house.facts() == ()


async def test_of_others_nothing_is_touched(house: House) -> None:
    for scope in (BOB, STRANGER):
        await house.hear("I live in Berlin.", scope=scope)
    before = [await house.everything(scope) for scope in (BOB, STRANGER)]
    made = await house.owner.add(ALICE, NewFact("Lives in Lisbon"))
    await house.owner.change(ALICE, made.id, FactChange(text="Lives in Porto"))
    await house.owner.forget(ALICE, made.id)
    await house.owner.erase(ALICE)
    assert [await house.everything(scope) for scope in (BOB, STRANGER)] == before
    theirs = (await house.facts(BOB))[0].id
    for call in (house.owner.forget(ALICE, theirs), house.owner.change(ALICE, theirs, FactChange(text="x"))):
        with pytest.raises(NotFound):
            await call


# Correct, pin, expire


async def test_a_corrected_fact_keeps_its_id_and_what_it_said_before_becomes_history(house: House) -> None:
    await house.hear("I live in Berlin.")
    before = await house.find("Lives in Berlin")
    made = await house.owner.change(ALICE, before.id, FactChange(text="Lives in Munich"))
    assert (made.id, made.number, made.text, made.value) == (before.id, before.number, "Lives in Munich", "munich")
    assert (made.authored, made.state, made.first_seen, made.valid_from) == (
        True, FactState.CURRENT, house.now, house.now,
    )  # fmt: skip
    assert made.embedding != before.embedding
    page = await house.store.export(ALICE, cursor=None, limit=99)
    assert not [one.row for one in page.items if isinstance(one.row, Triple)]
    kept = await house.find("Lives in Berlin")
    assert (kept.state, kept.superseded_by, kept.valid_to) == (FactState.SUPERSEDED, before.id, house.now)
    assert (kept.first_seen, kept.sources, kept.value) == (before.first_seen, before.sources, "berlin")
    assert [one.action for one in await house.history(made.id)] == ["created", "corrected"]
    corrected = (await house.history(made.id))[-1]
    assert (corrected.before, corrected.after) == ("Lives in Berlin", "Lives in Munich")


async def test_older_messages_do_not_bring_back_what_was_corrected_and_newer_ones_go_on(house: House) -> None:
    await house.hear("I live in Berlin.")
    wrong = await house.find("Lives in Berlin")
    await house.owner.change(ALICE, wrong.id, FactChange(text="Lives in Munich"))
    await house.hear("I live in Berlin.", session="imported", at=NOON)
    assert "Lives in Munich" in await house.current()
    assert "Lives in Berlin" not in await house.current()
    await house.hear("I moved to Oslo.", session="s3")
    assert "Lives in Oslo" in await house.current()
    assert (await house.find("Lives in Munich")).state is FactState.SUPERSEDED


async def test_a_message_that_says_what_the_person_corrected_it_to_is_a_mention(house: House) -> None:
    await house.hear("I'm allergic to peanuts.")
    wrong = await house.find("Is allergic to peanuts")
    await house.owner.change(ALICE, wrong.id, FactChange(text="Is allergic to walnuts"))
    await house.hear("I'm allergic to walnuts.", session="s2")
    right = await house.find("Is allergic to walnuts")
    assert (right.id, right.mentions) == (wrong.id, 2)


async def test_words_that_the_rules_cannot_read_are_kept_as_the_person_wrote_them(house: House) -> None:
    await house.hear("I live in Berlin.")
    home = await house.find("Lives in Berlin")
    made = await house.owner.change(ALICE, home.id, FactChange(text="No fixed address, on the road"))
    assert (made.attribute, made.value) == ("home", "no fixed address, on the road")
    await house.hear("I live in Rome.", session="s2")
    assert (await house.find("No fixed address, on the road")).state is FactState.SUPERSEDED


async def test_a_corrected_piece_of_a_message_is_the_persons_knowledge_and_its_old_words_do_not_return(
    house: House,
) -> None:
    await house.hear(message("Your train leaves at nine.", role="assistant", id="a1", at=NOON))
    wrong = await house.find("Your train leaves at nine.")
    made = await house.owner.change(ALICE, wrong.id, FactChange(text="The train leaves at ten."))
    assert (made.kind, made.role, made.id) == ("knowledge", "user", wrong.id)
    again = message("Your train leaves at nine.", role="assistant", id="a2", key=key("2"), at=NOON)
    await house.hear(again, session="s2")
    assert await house.current() == ["The train leaves at ten."]


async def test_what_a_fact_said_before_may_be_corrected_too(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("one thing"))
    await house.owner.change(ALICE, made.id, FactChange(text="another thing"))
    before = await house.find("one thing")
    again = await house.owner.change(ALICE, before.id, FactChange(text="a third thing"))
    assert (again.state, again.attribute, again.value) == (FactState.CURRENT, None, None)
    assert await house.current() == ["a third thing", "another thing"]
    await house.owner.forget(ALICE, again.id)
    assert await house.current() == ["another thing"]
    assert "one thing" not in [one.text for one in await house.facts()]


async def test_correcting_what_is_past_makes_it_hold_now(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.hear("I moved to Oslo.", session="s2")
    past = await house.find("Lives in Berlin")
    made = await house.owner.change(ALICE, past.id, FactChange(text="Lives in Rome"))
    assert (made.state, made.superseded_by, made.valid_to) == (FactState.CURRENT, None, None)
    assert (await house.find("Lives in Oslo")).superseded_by == made.id


async def test_a_fact_corrected_twice_has_both_in_its_history(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("one thing"))
    for text in ("another thing", "a third thing"):
        house.now += timedelta(hours=1)
        await house.owner.change(ALICE, made.id, FactChange(text=text))
    said = [(one.before, one.after) for one in await house.history(made.id) if one.action == "corrected"]
    assert said == [("one thing", "another thing"), ("another thing", "a third thing")]
    assert await house.current() == ["a third thing"]


async def test_pins_kinds_expiry_and_metadata_change_without_touching_the_words(house: House) -> None:
    await house.hear("I live in Berlin.")
    home = await house.find("Lives in Berlin")
    later = house.now + timedelta(days=9)
    made = await house.owner.change(
        ALICE, home.id, FactChange(pinned=True, kind="knowledge", expires_at=later, metadata={"a": "b"})
    )
    assert (made.pinned, made.kind, made.expires_at, made.metadata) == (True, "knowledge", later, {"a": "b"})
    assert (made.text, made.authored, made.embedding, made.valid_from) == (
        home.text, False, home.embedding, home.valid_from,
    )  # fmt: skip
    assert [(one.action, one.reason) for one in await house.history(home.id)][1:] == [
        ("pinned", "the person asked"),
        ("corrected", "the person changed kind, expires_at, metadata"),
    ]
    freed = await house.owner.change(ALICE, home.id, FactChange(pinned=False, expires_at=None))
    assert (freed.pinned, freed.expires_at, freed.kind) == (False, None, "knowledge")


async def test_a_change_that_changes_nothing_writes_nothing(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("one thing"))
    assert await house.owner.change(ALICE, made.id, FactChange(text="one thing", pinned=False)) == made
    assert await house.owner.change(ALICE, made.id, FactChange()) == made
    assert len(await house.history(made.id)) == 1


async def test_confirming_a_fact_makes_it_the_persons_own_without_a_second_row(house: House) -> None:
    await house.hear("I like olives.")
    likes = await house.find("Likes olives")
    made = await house.owner.change(ALICE, likes.id, FactChange(text="Likes olives", pinned=True))
    assert (made.authored, made.pinned, made.value) == (True, True, "olives")
    assert await house.find("Likes olives") == made


async def test_the_cost_of_a_line_is_counted_anew_when_its_dates_change(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("one thing"))
    again = await house.owner.change(ALICE, made.id, FactChange(valid_from=NOON - timedelta(days=400)))
    assert again.tokens == Words().count(line(again))


# Forget


async def test_what_is_forgotten_is_gone_from_facts_history_and_triples(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.hear("I moved to Oslo.", session="s2")
    await house.owner.forget(ALICE, (await house.find("Lives in Oslo")).id)
    assert "oslo" not in await house.everything()
    assert "berlin" in await house.everything()
    gone = [one for one in await house.facts() if one.state is FactState.FORGOTTEN]
    assert {one.kind for one in gone} == {"profile", "episode"}
    assert [(one.action, one.before, one.after) for one in await house.history(gone[-1].id)][-1] == (
        "forgotten", None, None,
    )  # fmt: skip


async def test_what_is_forgotten_can_neither_be_read_nor_changed_nor_forgotten_again(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("a secret"))
    await house.owner.forget(ALICE, made.id)
    for call in (house.owner.forget(ALICE, made.id), house.owner.change(ALICE, made.id, FactChange(pinned=True))):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(NotFound):
        await house.owner.forget(ALICE, "no-such-fact")


@pytest.mark.parametrize("again", ["I live in Berlin.", "Right now I'm living in BERLIN", "我住在Berlin。"])
async def test_no_later_message_brings_it_back(house: House, again: str) -> None:
    await house.hear("I live in Berlin.")
    await house.owner.forget(ALICE, (await house.find("Lives in Berlin")).id)
    await house.hear(again, session="s2")
    await house.hear(message(again, id="old", key=key("old"), at=NOON), session="imported")
    assert await house.current() == []
    assert "berlin" not in await house.everything()


async def test_only_writing_it_themself_brings_it_back(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.owner.forget(ALICE, (await house.find("Lives in Berlin")).id)
    made = await house.owner.add(ALICE, NewFact("Lives in Berlin"))
    await house.hear("I live in Berlin, you know.", session="s2")
    assert (await house.find("Lives in Berlin")).mentions == made.mentions + 1
    await house.owner.forget(ALICE, made.id)
    await house.hear("I live in Berlin!", session="s3")
    assert await house.current() == []


async def test_all_times_that_it_held_are_forgotten_and_that_it_ended(house: House) -> None:
    for number, text in enumerate(("I live in Berlin.", "I moved to Oslo.", "I live in Berlin.", "I live in Rome.")):
        await house.hear(text, session=f"s{number}")
    await house.hear("I don't live in Berlin anymore.", session="s9")
    newest = [one for one in await house.facts() if one.text == "Lives in Berlin"][-1]
    await house.owner.forget(ALICE, newest.id)
    assert "berlin" not in await house.everything()
    assert "Lives in Rome" in await house.current()


async def test_what_it_said_before_it_was_corrected_is_forgotten_with_it(house: House) -> None:
    await house.hear("I live in Berlin.")
    home = await house.find("Lives in Berlin")
    await house.owner.change(ALICE, home.id, FactChange(text="Lives in Munich"))
    await house.owner.change(ALICE, home.id, FactChange(text="Lives in Bonn"))
    await house.owner.forget(ALICE, home.id)
    everything = await house.everything()
    assert not [city for city in ("berlin", "munich", "bonn") if city in everything]


async def test_of_a_long_message_only_the_piece_that_tells_it_goes(house: House) -> None:
    rain = "It rained all day and nothing much was going on. " * 40
    await house.hear(f"I live in Berlin. {rain}")
    pieces = len([one for one in await house.facts() if one.kind == "episode"])
    await house.owner.forget(ALICE, (await house.find("Lives in Berlin")).id)
    assert "berlin" not in await house.everything()
    assert len(await house.current()) == pieces - 1 > 1


async def test_a_forgotten_piece_goes_wherever_the_same_was_said_and_no_other_does(house: House) -> None:
    await house.hear("The code is 1234.", "the CODE is 1234.", "The code is 1234. Really.")
    [first, *_] = await house.facts()
    await house.owner.forget(ALICE, first.id)
    assert await house.current() == ["The code is 1234. Really."]
    await house.hear("THE CODE IS 1234.", session="s2")
    assert await house.current() == ["The code is 1234. Really."]


async def test_what_is_forgotten_goes_out_of_the_blocks_of_all_sessions(house: House) -> None:
    await house.hear("I live in Berlin.", "I like olives.")
    shown = [await house.find("Lives in Berlin"), await house.find("Likes olives")]
    entry = Injection(key("u"), block(shown), 20, tuple(one.id for one in shown), "r1", created_at=NOON)
    await house.store.commit([turn("hi", injection=entry, session="s5")])
    await house.owner.forget(ALICE, shown[0].id)
    [given] = (await house.store.look(ALICE, session="s5", keys=[], pairs=[])).injections
    assert given.block == block(shown[1:])


async def test_what_was_corrected_goes_out_of_the_blocks_so_that_the_right_words_can_be_given(house: House) -> None:
    await house.hear("I live in Berlin.")
    home = await house.find("Lives in Berlin")
    entry = Injection(key("u"), block([home]), 20, (home.id,), "r1", created_at=NOON)
    await house.store.commit([turn("hi", injection=entry, session="s5")])
    await house.owner.change(ALICE, home.id, FactChange(text="Lives in Munich"))
    [given] = (await house.store.look(ALICE, session="s5", keys=[], pairs=[])).injections
    assert given.block == ""


async def test_what_is_forgotten_is_recalled_no_more_and_not_kept_in_caches(house: House) -> None:
    await house.hear("I live in Berlin.")
    question = Query(ALICE, "Where do I live, Berlin?", floor=False, at=house.now)
    assert (await house.recall.recall(question)).block.hits
    assert cached.held()
    await house.owner.forget(ALICE, (await house.find("Lives in Berlin")).id)
    assert (cached.held(), house.embedder.asked) == (0, [])
    assert not (await house.recall.recall(question)).block.hits
    held = await house.recall.library.load(ALICE, None)
    assert "erlin" not in repr([one.text for one in held.facts])


async def test_the_message_itself_stays_in_its_session(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.owner.forget(ALICE, (await house.find("Lives in Berlin")).id)
    page = await house.store.messages(ALICE, "s1", cursor=None, limit=9)
    assert [one.text for one in page.items] == ["I live in Berlin."]


# Others at the same time, and a model that is away


class Meddling(MemoryStore):
    """Somebody else writes before each of the next `times` writes."""

    times = 0

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        if self.times > 0:
            self.times -= 1
            await super().write(scope, MemoryWrite(facts=(fact(self.times, text="somebody else's"),)))
        return await super().write(scope, change)


async def test_a_change_that_somebody_was_faster_than_is_made_again_on_what_there_is_then(house: House) -> None:
    house.store = store = Meddling()
    owner = house.curation()
    made = await owner.add(ALICE, NewFact("I live in Lisbon"))
    store.times = 2
    await owner.change(ALICE, made.id, FactChange(text="Lives in Porto"))
    assert len([one for one in await house.history(made.id) if one.action == "corrected"]) == 1
    store.times = 99
    with pytest.raises(Conflict):
        await owner.forget(ALICE, made.id)
    assert (await house.find("Lives in Porto")).state is FactState.CURRENT


async def test_two_who_correct_at_once_both_end_in_the_history(house: House) -> None:
    made = await house.owner.add(ALICE, NewFact("one thing"))
    changes = (house.owner.change(ALICE, made.id, FactChange(text=text)) for text in ("this", "that"))
    await asyncio.gather(*changes)
    said = [one.after for one in await house.history(made.id) if one.action == "corrected"]
    assert sorted(filter(None, said)) == ["that", "this"]
    assert len(await house.current()) == 1


async def test_while_the_model_is_away_facts_are_kept_and_get_their_vectors_later(house: House) -> None:
    house.embedder.error = ModelUnavailable("gone")
    made = await house.owner.add(ALICE, NewFact("The garage code is 4711"))
    changed = await house.owner.change(ALICE, made.id, FactChange(text="The garage code is 4712"))
    assert (made.embedding, changed.embedding, changed.model) == (None, None, None)
    jobs = (await house.store.jobs("acme", entity="alice", states=(), cursor=None, limit=9)).items
    assert {(job.kind, job.session) for job in jobs} == {("embed", None)}
    house.embedder.error = None
    await Embed(memory=house.store, embedder=house.embedder)(jobs[0], last_try=False)
    assert (await house.find("The garage code is 4712")).model == "hash"


async def test_without_any_model_no_vectors_are_waited_for(house: House) -> None:
    await house.curation(embedder=None).add(ALICE, NewFact("The garage code is 4711"))
    assert (await house.store.jobs("acme", entity=None, states=(), cursor=None, limit=9)).total == 0


# Erase


async def test_erasing_says_what_there_was_and_leaves_nothing(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.recall.recall(Query(ALICE, "Where do I live?", floor=False))
    erased = await house.owner.erase(ALICE)
    assert (erased.id, erased.messages, erased.facts) == ("alice", 1, {"episode": 1, "profile": 1})
    assert await house.store.entity(ALICE) is None
    assert house.recall.library.peek(ALICE) is None
    assert await house.index.version(ALICE) == 0
    assert (cached.held(), house.embedder.asked) == (0, [])
    with pytest.raises(NotFound):
        await house.owner.erase(ALICE)


async def test_what_the_process_holds_is_let_go_of_even_where_the_store_fails_half_way(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.recall.recall(Query(ALICE, "Where do I live?", floor=False))
    house.store.fault = StoreUnavailable("a trace is left")
    with pytest.raises(StoreUnavailable):
        await house.owner.erase(ALICE)
    assert house.recall.library.peek(ALICE) is None
    assert (cached.held(), house.embedder.asked) == (0, [])


async def test_what_waits_in_the_local_journal_is_erased_too_and_what_others_said_is_not(
    house: House, tmp_path: Path
) -> None:
    await house.hear("hello")
    async with Journal(folder=tmp_path, limit=1 << 20) as journal:
        for scope in (ALICE, BOB):
            await journal.keep(turn("I live in Berlin.", scope=scope))
        await house.curation(journal=journal).erase(ALICE)
        assert not _holding(tmp_path, b"alice")
        assert _holding(tmp_path, b"bob")

        async def store(turns: Sequence[Turn]) -> Outcome:
            await house.store.commit(turns)
            return Outcome()

        await journal.replay(store)
    assert await house.store.entity(ALICE) is None
    assert await house.store.entity(BOB) is not None


def _holding(folder: Path, word: bytes) -> list[Path]:
    return [path for path in folder.iterdir() if word in path.read_bytes()]


async def test_extraction_that_runs_while_its_entity_is_erased_brings_nothing_back(house: House) -> None:
    class Slow(LocalExtractor):
        async def extract(self, messages: Sequence[Message]) -> Any:
            claims = await super().extract(messages)
            await house.owner.erase(ALICE)
            return claims

    await house.store.commit([turn("I live in Berlin.")])
    extract = Extract(
        turns=house.store, memory=house.store, extractor=Slow(), embedder=house.embedder, tokenizer=Words(),
        clock=house.clock,
    )  # fmt: skip
    await extract(Job("j", "extract", ALICE, "s1", NOON, NOON), last_try=False)
    assert await house.store.entity(ALICE) is None


async def test_an_entity_that_comes_back_is_a_new_one(house: House) -> None:
    await house.hear("I live in Berlin.")
    await house.owner.forget(ALICE, (await house.find("Lives in Berlin")).id)
    await house.owner.erase(ALICE)
    await house.hear("I live in Berlin.")
    assert await house.current() == ["I live in Berlin.", "Lives in Berlin"]
    assert replace((await house.facts())[0], version=0, id="").number == 1
