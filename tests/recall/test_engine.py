"""A question in, a block out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from memproxy.domain import Fact, FactState, MemoryWrite, Scope, Source
from memproxy.errors import ModelUnavailable, StoreUnavailable
from memproxy.recall import receipt
from memproxy.recall.engine import Query, Recall, Recalled
from memproxy.tasks import Tasks
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy.testing.memory_index import MemoryIndex
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, after, fact

LISBON = "I live in Lisbon with my dog Rex."
HIKING = "On weekends we go hiking in the hills."
DOCTOR = "My sister Anna is a doctor."
FAR_FUTURE = after(10**9)


class World:
    def __init__(self, *, embedder: HashEmbedder | None) -> None:
        self.store, self.index, self.embedder, self.tasks = MemoryStore(), MemoryIndex(), embedder, Tasks()
        self.recall = Recall(memory=self.store, index=self.index, embedder=embedder, tasks=self.tasks)
        self.version = 0

    async def remember(self, *facts: Fact | str, scope: Scope = ALICE) -> None:
        made = [self._fact(n, one) if isinstance(one, str) else one for n, one in enumerate(facts, 1)]
        model = HashEmbedder()
        vectors = await model.embed([one.text for one in made], purpose="passage")
        whole = [
            replace(one, tokens=one.tokens or 12, embedding=vector.astype("<f2").tobytes(), model=model.name)
            for one, vector in zip(made, vectors, strict=True)
        ]
        self.version = await self.store.write(scope, MemoryWrite(facts=tuple(whole)))

    def _fact(self, number: int, text: str) -> Fact:
        return fact(number, text=text, sources=(Source(f"m{number}", f"s{number}"),))

    async def ask(self, text: str, **fields) -> Recalled:
        given = {"scope": ALICE, "version": self.version, "at": FAR_FUTURE} | fields
        return await self.recall.recall(Query(text=text, **given))

    async def texts(self, text: str, **fields) -> list[str]:
        return [hit.fact.text for hit in (await self.ask(text, **fields)).block.hits]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(embedder=HashEmbedder())
    yield made
    await made.tasks.stop()


async def test_the_fact_that_answers_comes_first(world):
    await world.remember(HIKING, DOCTOR, LISBON)
    assert (await world.texts("Where do I live with my dog?"))[0] == LISBON


async def test_the_block_shows_its_hits_and_what_they_cost(world):
    await world.remember(LISBON)
    block = (await world.ask("Where do I live with my dog Rex?")).block
    assert LISBON in block.text
    assert block.tokens > block.hits[0].fact.tokens
    assert block.hits[0].score == pytest.approx(sum(block.hits[0].why.values()), abs=0.01)


async def test_another_topic_brings_nothing(world):
    await world.remember(LISBON, HIKING, DOCTOR)
    recalled = await world.ask("Write quicksort in C++.")
    assert recalled.block.text == ""
    assert recalled.block.tokens == 0
    assert {reason for _, reason in recalled.left_out} <= {"floor"}


@pytest.mark.parametrize("text", ["hi", "thanks!", "", "   ", "👍"])
async def test_small_talk_brings_nothing(world, text):
    await world.remember("hi", "thanks!", LISBON)
    assert await world.texts(text) == []


async def test_without_the_floor_the_ranking_is_complete(world):
    await world.remember(LISBON, HIKING, DOCTOR)
    assert len(await world.texts("Write quicksort in C++ for a doctor", floor=False)) == 3


async def test_the_block_keeps_to_its_budget(world):
    await world.remember(*(f"I live in Lisbon, flat {n}" for n in range(40)))
    recalled = await world.ask("Where in Lisbon do I live?", budget=50, limit=50)
    assert 0 < recalled.block.tokens <= 50
    assert "budget" in dict(recalled.left_out).values()


async def test_what_is_visible_or_was_given_is_left_out(world):
    await world.remember(LISBON, HIKING, DOCTOR)
    seen = {"visible": (f"Well. {LISBON}",), "given": frozenset({"fact-2"})}
    recalled = await world.ask("my dog, hiking on weekends, my sister Anna", floor=False, **seen)
    assert [hit.fact.text for hit in recalled.block.hits] == [DOCTOR]
    assert dict(recalled.left_out) == {"fact-1": "visible", "fact-2": "given"}


@pytest.mark.parametrize(
    "gone",
    [
        {"state": FactState.SUPERSEDED},
        {"state": FactState.FORGOTTEN},
        {"expires_at": after(1)},
        {"valid_to": after(1)},
        {"first_seen": after(10**9 + 1)},
    ],
    ids=lambda gone: next(iter(gone)),
)
async def test_what_does_not_hold_now_is_left_out(world, gone):
    await world.remember(replace(fact(1, text=LISBON), **gone), fact(2, text=DOCTOR))
    assert LISBON not in await world.texts("Where do I live with my dog Rex?", floor=False)


HOME = {"kind": "profile", "attribute": "home", "speaker": None}
BERLIN = fact(1, text="Lives in Berlin.", tokens=12, sources=(Source("m3", "s1"),), **HOME)
PORTO = fact(2, text="Lives in Porto.", tokens=12, at=after(99), sources=(Source("m4", "s1"),), **HOME)
MOVED = replace(BERLIN, state=FactState.SUPERSEDED, superseded_by=PORTO.id, valid_to=after(99))
THEN = fact(3, text="I live in Berlin, near the river.", tokens=20, sources=(Source("m3", "s1"),))
NOW = fact(
    4, text="I live in Porto these days, work brought me.", tokens=20, at=after(99), sources=(Source("m4", "s1"),)
)


async def test_what_holds_now_comes_before_what_it_replaced(world):
    await world.remember(MOVED, PORTO, THEN, NOW)
    recalled = await world.ask("Where do I live, near the river?", floor=False)
    texts = [hit.fact.text for hit in recalled.block.hits]
    assert texts.index(NOW.text) < texts.index(THEN.text)
    assert BERLIN.text not in texts
    assert "Lives in Porto." in recalled.block.text or dict(recalled.left_out)[PORTO.id] == "duplicate"


async def test_what_was_replaced_is_named_in_the_receipt(world):
    await world.remember(MOVED, PORTO)
    assert dict((await world.ask("Where do I live?")).left_out)[BERLIN.id] == "superseded"


@pytest.mark.parametrize("question", ["Where did I live before?", "我以前 live 在哪里？"])
async def test_what_was_so_once_is_shown_where_the_past_is_asked_for(world, question):
    await world.remember(MOVED, PORTO)
    recalled = await world.ask(question)
    assert recalled.block.hits[0].fact.id == BERLIN.id
    assert f"({BERLIN.first_seen:%Y-%m-%d} to {after(99):%Y-%m-%d}) Lives in Berlin." in recalled.block.text
    assert f"(since {PORTO.first_seen:%Y-%m-%d}) Lives in Porto." in recalled.block.text


async def test_recall_as_of_a_time_shows_what_held_then(world):
    await world.remember(MOVED, PORTO)
    assert await world.texts("Where do I live?", at=after(50)) == [BERLIN.text]
    assert await world.texts("Where do I live?", at=after(100)) == [PORTO.text]


PINNED = fact(9, text="Answer briefly.", tokens=15, kind="preference", pinned=True)


@pytest.mark.parametrize("question", ["Write quicksort in C++.", "thanks!", "Where do I live?"])
async def test_what_is_pinned_is_shown_whatever_is_asked(world, question):
    await world.remember(LISBON, PINNED)
    assert PINNED.text in await world.texts(question)


async def test_what_is_pinned_is_given_once_and_within_the_budget(world):
    await world.remember(LISBON, PINNED)
    assert await world.texts("thanks!", given=frozenset({PINNED.id})) == []
    assert await world.texts("thanks!", budget=30) == []


async def test_what_was_unpinned_forgotten_or_is_not_yet_said_is_not_forced_in(world):
    await world.remember(LISBON, PINNED)
    await world.remember(replace(PINNED, pinned=False))
    assert await world.texts("thanks!") == []
    await world.remember(replace(PINNED, state=FactState.FORGOTTEN))
    assert await world.texts("thanks!") == []


async def test_the_question_itself_is_not_recalled(world):
    await world.remember("What is my dog called?", "My dog is called Rex.")
    assert await world.texts("What is my dog called?") == ["My dog is called Rex."]


async def test_kinds_and_process_narrow_what_is_recalled(world):
    await world.remember(fact(1, text=LISBON, process="chat"), fact(2, text=HIKING, kind="profile", process="agent"))
    assert await world.texts("Lisbon hiking", floor=False, kinds=frozenset({"profile"})) == [HIKING]
    assert await world.texts("Lisbon hiking", floor=False, kinds=frozenset({"unheard of"})) == []
    assert await world.texts("Lisbon hiking", floor=False, process_only=True) == [LISBON]


async def test_nobody_recalls_anothers_memory(world):
    await world.remember(fact(1, text=DOCTOR), scope=BOB)
    await world.remember(LISBON)
    assert DOCTOR not in await world.texts("Who is a doctor, Anna?", floor=False, version=None)


async def test_names_of_speakers_are_taken_out_before_embedding(world):
    await world.remember(fact(1, text="I paint.", speaker="Caroline"), fact(2, text="I paint too.", speaker="Melanie"))
    await world.ask("What does Caroline paint?")
    assert world.embedder.asked[-1] == ("query", ("What does paint?",))
    assert (await world.texts("What does Caroline paint?"))[0] == "I paint."


async def test_a_model_that_fails_leaves_the_words(world):
    await world.remember(LISBON)
    world.embedder.error = ModelUnavailable("no model")
    recalled = await world.ask("Where do I live with my dog Rex, in Lisbon?")
    assert recalled.degraded == "embedder"
    assert LISBON in recalled.block.text


async def test_an_index_that_fails_leaves_the_words(world):
    await world.remember(LISBON)
    world.index.error = StoreUnavailable("broken")
    recalled = await world.ask("Where do I live with my dog Rex, in Lisbon?")
    assert recalled.degraded == "index"
    assert LISBON in recalled.block.text


async def test_no_model_at_all_is_no_trouble():
    world = World(embedder=None)
    await world.remember(LISBON)
    recalled = await world.ask("Where do I live with my dog Rex, in Lisbon?")
    assert recalled.degraded is None
    assert LISBON in recalled.block.text


async def test_a_store_that_fails_is_the_callers_to_handle(world):
    world.store.fault = StoreUnavailable("gone")
    with pytest.raises(StoreUnavailable):
        await world.ask("Where do I live?", version=None)


async def test_an_unknown_person_costs_neither_store_nor_model(world):
    world.store.fault = StoreUnavailable("gone")
    assert (await world.ask("Where do I live?", version=0)).block.hits == ()
    assert world.embedder.asked == []


async def test_every_step_is_timed(world):
    await world.remember(LISBON)
    assert set((await world.ask("Lisbon?")).steps) == {"load", "embed", "dense", "lexical", "rank", "pack"}


async def test_the_receipt_says_what_was_given_and_what_was_not(world):
    await world.remember(LISBON, DOCTOR)
    recalled = await world.ask("Where do I live with my dog Rex?", visible=(DOCTOR,), floor=False)
    written = receipt.read(receipt.entry(b"anchor", "request-1", recalled, FAR_FUTURE))
    assert [one.id for one in written.facts] == ["fact-1"]
    assert written.facts[0].why["meaning"] > 0
    assert [(one.id, one.reason) for one in written.left_out] == [("fact-2", "visible")]


async def test_the_same_question_gives_the_same_bytes(world):
    await world.remember(LISBON, HIKING, DOCTOR)
    first = await world.ask("my dog, hiking and Anna", floor=False)
    fresh = Recall(memory=world.store, index=MemoryIndex(), embedder=world.embedder, tasks=world.tasks)
    again = await fresh.recall(Query(ALICE, "my dog, hiking and Anna", at=FAR_FUTURE, floor=False))
    assert first.block.text == again.block.text


async def test_a_dropped_entity_is_loaded_again(world):
    await world.remember(LISBON)
    await world.ask("Lisbon?")
    await world.recall.drop(ALICE)
    assert await world.texts("Where do I live with my dog Rex?") == [LISBON]


async def test_what_another_replica_erased_is_let_go_by_the_next_question(world):
    await world.remember(LISBON)
    await world.ask("Where do I live?")
    await world.store.erase(ALICE)
    assert not (await world.ask("Where do I live?", version=0)).block.hits
    assert world.recall.library.peek(ALICE) is None
    assert await world.index.version(ALICE) == 0
