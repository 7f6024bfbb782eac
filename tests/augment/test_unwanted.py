"""What was forgotten stays forgotten: in messages told again, in other sessions, in other words, in long messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from memproxy.augment.statements import buried, words
from memproxy.augment.unwanted import telling
from memproxy.domain import Fact, FactState, MemoryWrite, Scope
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, NOON, fact, job, message, turn

from .stage import Stage

BERLIN = fact(1, kind="profile", attribute="home", value="berlin", text="Lives in Berlin")
LONG = "I live in Berlin. " + "It rained all day and nothing much was going on. " * 40


@pytest.fixture
async def stage() -> Stage:
    made = Stage()
    await made.store.write(ALICE, MemoryWrite((buried(BERLIN),)))
    return made


async def told(stage: Stage, *texts: str, session: str = "s1") -> list[str]:
    """What is remembered after these messages."""
    await stage.store.commit([turn(*texts, session=session)])
    await stage.extract()(replace(job(1), session=session), last_try=False)
    return await stage.current()


async def test_a_message_that_states_what_was_forgotten_is_kept_neither_as_a_fact_nor_as_an_episode(
    stage: Stage,
) -> None:
    assert await told(stage, "I live in Berlin.") == []


async def test_the_same_in_other_words_and_another_session_is_not_kept_either(stage: Stage) -> None:
    assert await told(stage, "Hi! I'm living in BERLIN now", session="s7") == []


async def test_what_else_a_message_states_is_learned(stage: Stage) -> None:
    assert await told(stage, "I live in Berlin. I'm allergic to peanuts.") == ["Is allergic to peanuts"]


async def test_other_messages_are_kept(stage: Stage) -> None:
    assert await told(stage, "I live in Oslo.", "Berlin is large.") == [
        "Berlin is large.",
        "I live in Oslo.",
        "Lives in Oslo",
    ]


async def test_of_a_long_message_only_the_piece_that_tells_it_is_left_out(stage: Stage) -> None:
    kept = await told(stage, LONG)
    assert kept
    assert not any("Berlin" in text for text in kept)
    places = [one.metadata["chunk"] for one in await stage.facts() if one.state is FactState.CURRENT]
    assert "1/" not in [place[:2] for place in places]


def test_where_no_piece_holds_the_value_the_whole_message_is_left_out() -> None:
    assert telling("3 may", ["My birthday is", "on the third of May"]) == {0, 1}
    assert telling("", ["I quit", "my job"]) == {0, 1}
    assert telling("anything", ["one piece"]) == {0}


async def test_words_that_were_forgotten_are_known_again_whatever_their_case_and_spacing(stage: Stage) -> None:
    gone = buried(fact(2, text="The code is  1234"))
    await stage.store.write(ALICE, MemoryWrite((gone,)))
    assert await told(stage, "the CODE is 1234", "the code is 12345") == ["the code is 12345"]


async def test_words_that_were_corrected_are_not_kept_again_from_older_messages_but_from_newer_ones(
    stage: Stage,
) -> None:
    attribute, digest = words("Ana is my boss.")
    corrected = NOON + timedelta(days=5)
    right = fact(7, kind="knowledge", text="Ana was my boss.", authored=True)
    wrong = fact(
        6, attribute=attribute, value=digest, text="Ana is my boss.", state=FactState.SUPERSEDED,
        superseded_by=right.id, valid_to=corrected,
    )  # fmt: skip
    await stage.store.write(ALICE, MemoryWrite((wrong, right)))
    assert await told(stage, "Ana is my boss.", session="s2") == ["Ana was my boss."]
    stage.clock.forward(days=9)
    newer = message("Ana is my boss.", at=NOON + timedelta(days=8), id="m9")
    await stage.store.commit([turn(newer, session="s3")])
    await stage.extract()(replace(job(2), session="s3"), last_try=False)
    assert await stage.current() == ["Ana is my boss.", "Ana was my boss."]


class Counting(MemoryStore):
    """Counts the facts that reconciling reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    async def about(
        self, scope: Scope, *, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
    ) -> Sequence[Fact]:
        found = await super().about(scope, attributes=attributes, statements=statements)
        self.read += len(found)
        return found


async def test_what_reconciling_reads_does_not_grow_with_what_is_known() -> None:
    stage = Stage()
    stage.store = counting = Counting()
    reads = []
    for part in range(6):
        counting.read = 0
        likes = [f"I like thing{part}x{n}. I live in Lisbon." for n in range(40)]
        await told(stage, *likes, session=f"s{part}")
        reads.append(counting.read)
    assert len([one for one in await stage.facts() if one.attribute == "likes"]) > 200
    assert max(reads[1:]) <= 4  # the one home, once per page
