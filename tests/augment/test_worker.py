"""What background work promises: nothing lost, nothing twice, one job's failure its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from memproxy.augment.extract import PAGE
from memproxy.augment.worker import DONE_KEPT, Worker
from memproxy.domain import Claim, FactState, Job, JobState, MemoryWrite, Message, Scope
from memproxy.errors import Conflict, ModelUnavailable, StoreUnavailable
from memproxy.recall.render import line
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, NOON, job, message, turn

from .stage import Stage, Words


class Scripted:
    """A handler that does as told, once per try."""

    def __init__(self, *steps: Callable[[], Any]) -> None:
        self.steps = list(steps)
        self.tries: list[tuple[str, bool]] = []
        self.begun = asyncio.Event()

    async def __call__(self, job: Job, *, last_try: bool) -> None:
        self.tries.append((job.id, last_try))
        self.begun.set()
        result = self.steps.pop(0)() if self.steps else None
        if isinstance(result, BaseException):
            raise result
        if result is not None:
            await result


@pytest.fixture
def stage() -> Stage:
    return Stage()


@asynccontextmanager
async def running(worker: Worker, deadline: float = 5) -> AsyncIterator[Worker]:
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop(deadline)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Look again and again; the worker's own doings are not to be heard of in any other way."""
    for _ in range(10_000):
        met = condition()
        if met if isinstance(met, bool) else await met:
            return
        await asyncio.sleep(0.001)
    pytest.fail("what was waited for did not happen")


# The whole way


async def test_a_committed_turn_becomes_episodes_and_facts_with_vectors_and_tokens(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon. I'm allergic to peanuts.", jobs=(job(1),))])
    async with running(stage.worker()) as worker:
        await until(lambda: worker.stats.done == 1)
    facts = {fact.text: fact for fact in await stage.facts()}
    assert set(facts) == {"I live in Lisbon. I'm allergic to peanuts.", "Lives in Lisbon", "Is allergic to peanuts"}
    for fact in facts.values():
        assert fact.model == "hash"
        assert fact.embedding is not None
        assert np.linalg.norm(np.frombuffer(fact.embedding, "<f2").astype(float)) == pytest.approx(1, abs=0.01)
        assert fact.tokens == Words().count(line(fact))
        assert fact.process == "chat"
    assert {t.predicate for t in stage.store.triples(ALICE)} == {"lives in", "is allergic to"}
    assert stage.seen.jobs == [("extract", "done")]
    assert stage.seen.facts == 3
    assert {purpose for purpose, _ in stage.embedder.asked} == {"passage"}


async def test_a_wake_begins_new_work_without_waiting_for_the_poll(stage: Stage) -> None:
    async with running(stage.worker(poll=3600)) as worker:
        await asyncio.sleep(0.01)
        await stage.store.commit([turn("hello", jobs=(job(1),))])
        worker.wake()
        await until(lambda: worker.stats.done == 1)


async def test_what_comes_up_while_all_hands_are_busy_is_begun_when_one_is_free(stage: Stage) -> None:
    await stage.store.enqueue([job(n, scope=replace(ALICE, entity=f"e{n}")) for n in range(5)])
    async with running(stage.worker(poll=3600, concurrency=1)) as worker:
        await until(lambda: worker.stats.done == 5)


async def test_no_more_jobs_run_at_once_than_allowed(stage: Stage) -> None:
    gate, high, now = asyncio.Event(), 0, 0

    class Counting:
        async def __call__(self, job: Job, *, last_try: bool) -> None:
            nonlocal high, now
            now += 1
            high = max(high, now)
            await gate.wait()
            now -= 1

    await stage.store.enqueue([job(n, scope=replace(ALICE, entity=f"e{n}")) for n in range(6)])
    async with running(stage.worker(handlers={"extract": Counting()}, concurrency=2)) as worker:
        await until(lambda: now == 2)
        await asyncio.sleep(0.03)
        gate.set()
        await until(lambda: worker.stats.done == 6)
    assert high == 2


async def test_pages_of_a_long_session_are_all_worked_through(stage: Stage) -> None:
    said = [f"message number {n}" for n in range(2 * PAGE + 5)]
    await stage.store.commit([turn(*said, jobs=(job(1),))])
    async with running(stage.worker()) as worker:
        await until(lambda: worker.stats.done == 1)
    assert sorted(await stage.texts()) == sorted(said)


async def test_messages_of_tools_make_no_facts_and_are_not_looked_at_again(stage: Stage) -> None:
    tool = message("I live in Rome.", role="tool")
    empty = message("", role="assistant", id="m-empty")
    await stage.store.commit([turn(tool, empty)])
    await stage.extract()(job(1), last_try=False)
    assert await stage.texts() == []
    assert await stage.store.unaugmented(ALICE, "s1", limit=10) == []


async def test_what_an_assistant_says_is_kept_but_states_nothing_about_the_person(stage: Stage) -> None:
    await stage.store.commit([turn(message("I live in Rome.", role="assistant"))])
    await stage.extract()(job(1), last_try=False)
    assert [(fact.kind, fact.role) for fact in await stage.facts()] == [("episode", "assistant")]


async def test_without_an_extractor_only_episodes_are_kept(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.")])
    await stage.extract(extractor=None)(job(1), last_try=False)
    assert [fact.kind for fact in await stage.facts()] == ["episode"]


async def test_facts_stay_with_the_entity_that_said_them(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.", jobs=(job(1),))])
    await stage.store.commit([turn("I live in Oslo.", scope=BOB, jobs=(job(2, scope=BOB),))])
    async with running(stage.worker()) as worker:
        await until(lambda: worker.stats.done == 2)
    assert await stage.texts(ALICE) == ["I live in Lisbon.", "Lives in Lisbon"]
    assert await stage.texts(BOB) == ["I live in Oslo.", "Lives in Oslo"]


async def test_a_move_in_a_later_session_supersedes_and_the_lines_cost_is_counted_anew(stage: Stage) -> None:
    later = NOON + timedelta(days=40)
    await stage.store.commit([turn("I live in Lisbon.")])
    await stage.extract()(job(1), last_try=False)
    stage.clock.forward(days=41)
    await stage.store.commit([turn("I moved to Porto.", session="s2", at=later)])
    await stage.extract()(replace(job(2), session="s2"), last_try=False)
    home = {fact.value: fact for fact in await stage.store.about(ALICE, attributes=["home"], statements=[])}
    old, new = home["lisbon"], home["porto"]
    assert (old.state, old.superseded_by, old.valid_to) == (FactState.SUPERSEDED, new.id, later)
    assert new.state is FactState.CURRENT
    assert old.tokens == Words().count(line(old))
    assert [source.session_id for source in new.sources] == ["s2"]


# No model


async def test_without_a_model_facts_are_kept_without_vectors(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.")])
    await stage.extract(embedder=None)(job(1), last_try=False)
    assert [(fact.embedding, fact.model) for fact in await stage.facts()] == [(None, None)] * 2


async def test_a_model_that_fails_for_a_while_delays_the_job_and_the_facts_get_their_vectors(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.", jobs=(job(1),))])
    stage.embedder.error = ModelUnavailable("gone")
    async with running(stage.worker()) as worker:
        await until(lambda: worker.stats.retried == 1)
        assert await stage.texts() == []
        stage.embedder.error = None
        stage.clock.forward(hours=1)
        await until(lambda: worker.stats.done == 1)
    assert all(fact.embedding for fact in await stage.facts())


async def test_a_model_that_fails_for_good_costs_the_vectors_and_not_the_facts(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.")])
    stage.embedder.error = ModelUnavailable("gone")
    await stage.extract()(job(1), last_try=True)
    assert [fact.embedding for fact in await stage.facts()] == [None, None]


# Failures


async def test_a_failed_job_is_tried_again_later(stage: Stage) -> None:
    handler = Scripted(lambda: RuntimeError("secret words"))
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": handler})) as worker:
        await until(lambda: worker.stats.retried == 1)
        (waiting,) = await stage.state()
        assert waiting.state is JobState.PENDING
        assert NOON <= waiting.run_at <= NOON + timedelta(seconds=2)
        assert waiting.error == "RuntimeError"
        stage.clock.forward(seconds=3)
        await until(lambda: worker.stats.done == 1)
    assert stage.seen.jobs == [("extract", "retried"), ("extract", "done")]


async def test_after_the_last_try_a_job_is_dead_and_says_why_without_quoting_anyone(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Scripted(*[lambda: ValueError("I live in Lisbon")] * 3)
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": handler}, max_attempts=3)) as worker:
        for tries in range(1, 4):
            await until(lambda tries=tries: len(handler.tries) == tries and not worker.stats.running)
            stage.clock.forward(hours=1)
    (dead,) = await stage.state()
    assert (dead.state, dead.error, dead.attempts) == (JobState.DEAD, "ValueError", 3)
    assert [last for _, last in handler.tries] == [False, False, True]
    assert "Lisbon" not in caplog.text
    assert caplog.text.count("a job failed") == 3


async def test_a_job_of_an_unknown_kind_fails_and_harms_no_other(stage: Stage) -> None:
    await stage.store.commit([turn("hello", scope=BOB, jobs=(job(2, scope=BOB),))])
    await stage.store.enqueue([replace(job(1), kind="paint")])
    async with running(stage.worker()) as worker:
        await until(lambda: worker.stats.retried == 1 and worker.stats.done == 1)


async def test_a_dead_job_that_is_driven_again_ends_well(stage: Stage) -> None:
    handler = Scripted(lambda: RuntimeError("boom"))
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": handler}, max_attempts=1)) as worker:
        await until(lambda: worker.stats.dead == 1)
        await stage.store.retry("acme", "job-1", now=stage.clock())
        await until(lambda: worker.stats.done == 1)


async def test_a_store_that_goes_away_stops_nothing_for_good(stage: Stage) -> None:
    await stage.store.commit([turn("hello", jobs=(job(1),))])
    stage.store.fault = StoreUnavailable("gone")
    async with running(stage.worker()) as worker:
        await asyncio.sleep(0.02)
        stage.store.fault = None
        await until(lambda: worker.stats.done == 1)


async def test_a_store_that_goes_away_during_a_job_leaves_it_to_its_lease(stage: Stage) -> None:
    async def cut() -> None:
        stage.store.fault = StoreUnavailable("gone")

    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": Scripted(cut)})) as worker:
        await until(lambda: worker.stats.lost == 1)
        stage.store.fault = None
        await asyncio.sleep(0.02)
        assert worker.stats.done == 0
        stage.clock.forward(minutes=2)
        await until(lambda: worker.stats.done == 1)


# Leases, crashes, conflicts


async def test_a_long_job_keeps_its_lease(stage: Stage) -> None:
    gate = asyncio.Event()
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": Scripted(gate.wait)}, lease=0.03)) as worker:
        await until(lambda: worker.stats.running == 1)
        before = (await stage.state())[0].lease_until
        stage.clock.forward(seconds=0.02)
        await until(lambda: stage.lease_moved(before))
        gate.set()
        await until(lambda: worker.stats.done == 1)


async def test_who_lost_the_lease_lets_go_and_leaves_the_job_alone(stage: Stage) -> None:
    never = asyncio.Event()
    handler = Scripted(never.wait)
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": handler}, lease=0.03)) as worker:
        await handler.begun.wait()
        worker.pause()
        stage.clock.forward(minutes=5)
        (other,) = await stage.store.claim(worker="w2", limit=1, lease=600, now=stage.clock())
        await until(lambda: worker.stats.lost == 1)
        (held,) = await stage.state()
        assert (held.worker, held.state, held.attempts) == ("w2", JobState.RUNNING, other.attempts)


class Crashing:
    """A memory that dies at the write after the first `writes`."""

    def __init__(self, store: MemoryStore, writes: int) -> None:
        self._store, self._left = store, writes
        self.changes, self.about = store.changes, store.about

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        self._left -= 1
        if self._left < 0:
            raise asyncio.CancelledError
        return await self._store.write(scope, change)


@pytest.mark.parametrize("writes", [0, 1, 2])
async def test_a_crash_between_pages_loses_nothing_and_doubles_nothing(stage: Stage, writes: int) -> None:
    said = [f"Note {n}: nothing." for n in range(2 * PAGE)] + ["I live in Lisbon."]
    await stage.store.commit([turn(*said)])
    with pytest.raises(asyncio.CancelledError):
        await stage.extract(memory=Crashing(stage.store, writes))(job(1), last_try=False)
    await stage.extract()(job(1), last_try=False)
    assert sorted(await stage.texts()) == sorted([*said, "Lives in Lisbon"])
    (home,) = await stage.store.about(ALICE, attributes=["home"], statements=[])
    assert home.mentions == 1


class Meddling:
    """A memory in which somebody else writes just before each of the first `times` writes."""

    def __init__(self, store: MemoryStore, times: int) -> None:
        self._store, self._times = store, times
        self.changes, self.about = store.changes, store.about
        self.tries = 0

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        self.tries += 1
        if self.tries <= self._times:
            await self._store.write(scope, MemoryWrite())
        return await self._store.write(scope, change)


async def test_a_page_whose_entity_changed_meanwhile_is_done_again(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.")])
    memory = Meddling(stage.store, times=2)
    await stage.extract(memory=memory)(job(1), last_try=False)
    assert memory.tries == 3
    assert await stage.texts() == ["I live in Lisbon.", "Lives in Lisbon"]


async def test_a_page_that_never_comes_to_rest_is_left_for_later(stage: Stage) -> None:
    await stage.store.commit([turn("I live in Lisbon.")])
    with pytest.raises(Conflict):
        await stage.extract(memory=Meddling(stage.store, times=99))(job(1), last_try=False)
    assert await stage.texts() == []


async def test_two_workers_at_one_session_write_each_message_once(stage: Stage) -> None:
    said = [f"Note {n}: nothing." for n in range(PAGE + 3)] + ["I live in Lisbon."]
    await stage.store.commit([turn(*said)])
    await asyncio.gather(*(stage.extract()(job(1), last_try=False) for _ in range(2)))
    assert sorted(await stage.texts()) == sorted([*said, "Lives in Lisbon"])


# Pause, stop, housekeeping


async def test_a_paused_worker_begins_nothing_until_it_is_resumed(stage: Stage) -> None:
    await stage.store.commit([turn("hello", jobs=(job(1),))])
    worker = stage.worker(poll=0.002)
    worker.pause()
    async with running(worker):
        await asyncio.sleep(0.03)
        assert (worker.paused, worker.stats.done, worker.stats.running) == (True, 0, 0)
        worker.resume()
        await until(lambda: worker.stats.done == 1)


async def test_stopping_waits_for_a_job_that_ends_in_time(stage: Stage) -> None:
    gate = asyncio.Event()
    handler = Scripted(gate.wait)
    await stage.store.enqueue([job(1)])
    worker = stage.worker(handlers={"extract": handler})
    async with running(worker):
        await handler.begun.wait()
        asyncio.get_running_loop().call_later(0.02, gate.set)
    assert worker.stats.done == 1
    assert (await stage.state())[0].state is JobState.DONE


async def test_stopping_hands_a_job_back_that_does_not_end_in_time(stage: Stage) -> None:
    never = asyncio.Event()
    handler = Scripted(never.wait)
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": handler}), deadline=0.01):
        await handler.begun.wait()
    (back,) = await stage.state()
    assert (back.state, back.run_at, back.worker) == (JobState.PENDING, stage.clock(), None)
    assert stage.seen.jobs == [("extract", "released")]


async def test_done_jobs_are_cleared_away_after_a_day(stage: Stage) -> None:
    await stage.store.enqueue([job(1)])
    async with running(stage.worker(handlers={"extract": Scripted()})) as worker:
        await until(lambda: worker.stats.done == 1)
        stage.clock.forward(seconds=DONE_KEPT.total_seconds() + 1)
        await until(stage.is_cleared)


# The event loop belongs to the chats


async def test_a_megabyte_of_text_leaves_the_loop_to_others_many_times(stage: Stage) -> None:
    await stage.store.commit([turn("I like tea and walks in the rain. " * 30_000)])
    turns_of_others = 0

    async def other() -> None:
        nonlocal turns_of_others
        while True:
            await asyncio.sleep(0)
            turns_of_others += 1

    task = stage.tasks.start("other", other())
    await stage.extract()(job(1), last_try=False)
    task.cancel()
    pieces = len(await stage.facts())
    assert pieces > 1000
    assert turns_of_others > pieces / 8


class Silent:
    """An extractor that claims the same of every message."""

    async def extract(self, messages: Sequence[Message]) -> Sequence[Claim]:
        return [Claim("profile", "home", "Oslo", "Lives in Oslo", m.id, single=True) for m in messages]


async def test_any_extractor_may_stand_behind_the_port(stage: Stage) -> None:
    await stage.store.commit([turn(message("a"), message("b", at=datetime(2026, 2, 1, tzinfo=UTC)))])
    await stage.extract(extractor=Silent())(job(1), last_try=False)
    (home,) = await stage.store.about(ALICE, attributes=["home"], statements=[])
    assert (home.mentions, len(home.sources)) == (2, 2)
