"""Facts that were stored without a vector get one later, and those of another model a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from memproxy.augment.embed import PAGE, Embed, embed_job
from memproxy.domain import Fact, FactState, JobState, MemoryWrite, Scope
from memproxy.errors import ModelUnavailable
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, NOON, fact, job, turn

from .stage import Stage
from .test_worker import running, until

JOB = embed_job(ALICE, NOON)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def embed(stage: Stage, **options: object) -> Embed:
    return Embed(**({"memory": stage.store, "embedder": stage.embedder} | options))  # type: ignore[arg-type]


async def models(stage: Stage) -> list[str | None]:
    return [one.model for one in await stage.facts()]


async def test_what_lacks_a_vector_gets_one_and_what_has_one_keeps_it(stage: Stage) -> None:
    own = np.eye(1, 16, dtype="<f2").tobytes()
    await stage.store.write(ALICE, MemoryWrite((fact(1), fact(2, embedding=own, model="hash"), fact(3))))
    await embed(stage)(JOB, last_try=False)
    assert stage.embedder.asked == [("passage", ("fact 3", "fact 1"))]
    first, second, third = await stage.facts()
    assert (first.model, second.model, third.model) == ("hash", "hash", "hash")
    assert (second.embedding, len(first.embedding or b"")) == (own, 32)


async def test_vectors_of_another_model_are_made_anew(stage: Stage) -> None:
    await stage.store.write(ALICE, MemoryWrite((fact(1, embedding=b"12", model="other"),)))
    await embed(stage)(JOB, last_try=False)
    assert await models(stage) == ["hash"]


async def test_what_is_superseded_or_forgotten_is_left_alone(stage: Stage) -> None:
    gone = (fact(1, state=FactState.SUPERSEDED), fact(2, state=FactState.FORGOTTEN, text=""))
    await stage.store.write(ALICE, MemoryWrite(gone))
    await embed(stage)(JOB, last_try=False)
    assert (await models(stage), stage.embedder.asked) == ([None, None], [])


async def test_many_facts_are_done_page_by_page_and_a_second_run_finds_nothing_to_do(stage: Stage) -> None:
    await stage.store.write(ALICE, MemoryWrite(tuple(fact(n) for n in range(2 * PAGE + 3))))
    await embed(stage)(JOB, last_try=False)
    assert set(await models(stage)) == {"hash"}
    version = (await stage.store.changes(ALICE, since=0)).version
    await embed(stage)(JOB, last_try=False)
    assert (await stage.store.changes(ALICE, since=0)).version == version


async def test_a_model_that_is_away_leaves_the_job_to_be_tried_again(stage: Stage) -> None:
    await stage.store.write(ALICE, MemoryWrite((fact(1),)))
    for embedder in (None, Failing()):
        with pytest.raises(ModelUnavailable):
            await embed(stage, embedder=embedder)(JOB, last_try=True)


class Failing(HashEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.error = ModelUnavailable("gone")


class Rewriting(MemoryStore):
    """Puts other words into a fact while vectors are made of those it had."""

    def __init__(self) -> None:
        super().__init__()
        self.rewritten = False

    async def fetch(self, scope: Scope, ids: Sequence[str]) -> Sequence[Fact]:
        if not self.rewritten:
            self.rewritten = True
            await self.write(scope, MemoryWrite((replace(fact(1), text="other words"),)))
        return await super().fetch(scope, ids)


async def test_no_fact_gets_the_vector_of_words_that_it_had_before(stage: Stage) -> None:
    stage.store = Rewriting()
    await stage.store.write(ALICE, MemoryWrite((fact(1), fact(2))))
    await embed(stage)(JOB, last_try=False)
    assert await models(stage) == [None, "hash"]


async def test_facts_that_extraction_stored_without_vectors_get_them_when_the_model_is_back(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.", jobs=(replace(job(1), attempts=4),))])
    stage.embedder.error = ModelUnavailable("gone")
    async with running(stage.worker()) as worker:
        await until(lambda: worker.stats.retried == 1)
        assert await models(stage) == [None, None]
        stage.embedder.error = None
        stage.clock.forward(hours=1)
        await until(lambda: worker.stats.done == 2)
    assert await models(stage) == ["hash", "hash"]
    assert {(one.kind, one.state) for one in await stage.state()} == {
        ("extract", JobState.DONE),
        ("embed", JobState.DONE),
    }
