"""What every store promises of `Jobs` and `JobBoard`, as tests: leases, retries, dead letters and the lists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memproxy.domain import Job, JobState, Page, QueueDepth
from memproxy.errors import BadRequest, Conflict, NotFound
from memproxy.ports import Store
from memproxy.testing.store_samples import ALICE, BOB, NOON, STRANGER, after, claim, job, turn


async def listed(store: Store, *states: JobState, tenant: str = "acme", entity: str | None = None) -> list[Job]:
    return list((await store.jobs(tenant, entity=entity, states=states, cursor=None, limit=100)).items)


class JobsContract:
    async def test_an_empty_queue_gives_nothing(self, store: Store) -> None:
        await store.enqueue([])
        assert list(await claim(store)) == []
        assert await store.depth() == QueueDepth()
        assert await store.prune(before=after(999)) == 0

    async def test_a_claimed_job_is_running_for_its_worker(self, store: Store) -> None:
        await store.commit([turn("a", jobs=(job(1),))])
        running = replace(job(1), state=JobState.RUNNING, attempts=1, worker="w1", lease_until=after(60))
        assert list(await claim(store)) == [running]
        assert await listed(store) == [running]
        assert list(await claim(store, worker="w2")) == []

    async def test_a_job_enqueued_twice_is_one(self, store: Store) -> None:
        await store.enqueue([job(1), job(1)])
        (claimed,) = await claim(store)
        await store.settle(claimed, now=NOON)
        await store.enqueue([job(1)])
        assert [j.state for j in await listed(store)] == [JobState.DONE]

    async def test_the_oldest_are_taken_first(self, store: Store) -> None:
        people = [replace(ALICE, entity=f"e{n}") for n in range(4)]
        await store.enqueue([job(n, scope=people[n], at=after(-n)) for n in range(4)])
        assert [j.id for j in await claim(store, limit=3)] == ["job-3", "job-2", "job-1"]
        assert [j.id for j in await claim(store, limit=3)] == ["job-0"]

    async def test_a_job_is_not_due_before_its_time(self, store: Store) -> None:
        await store.enqueue([job(1, run_at=after(10))])
        assert list(await claim(store, at=after(9.999999))) == []
        assert len(await claim(store, at=after(10))) == 1

    async def test_one_job_per_entity_runs(self, store: Store) -> None:
        await store.enqueue([job(1), job(2, at=after(1)), job(3, scope=BOB, at=after(2))])
        await store.enqueue([job(1, scope=STRANGER, at=after(3))])
        first = await claim(store, at=after(5))
        owners = [("job-1", "acme", "alice"), ("job-3", "acme", "bob"), ("job-1", "globex", "alice")]
        assert [(j.id, j.scope.tenant, j.scope.entity) for j in first] == owners
        assert list(await claim(store, at=after(5))) == []
        await store.settle(first[0], now=after(6))
        assert [j.id for j in await claim(store, at=after(6))] == ["job-2"]

    async def test_many_jobs_of_one_entity_do_not_hide_the_others(self, store: Store) -> None:
        await store.enqueue([job(n, at=after(-n)) for n in range(300)])
        await store.enqueue([job(999, scope=BOB, at=after(1))])
        assert [j.id for j in await claim(store, at=after(1), limit=2)] == ["job-299", "job-999"]

    async def test_a_job_is_due_again_when_its_lease_has_passed(self, store: Store) -> None:
        await store.enqueue([job(1)])
        await claim(store)
        assert list(await claim(store, worker="w2", at=after(59))) == []
        (again,) = await claim(store, worker="w2", at=after(60.000001))
        assert (again.worker, again.attempts, again.lease_until) == ("w2", 2, after(120.000001))

    async def test_a_lease_can_be_prolonged(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (mine,) = await claim(store)
        assert await store.extend(mine, lease=60, now=after(50))
        assert list(await claim(store, worker="w2", at=after(100))) == []
        assert len(await claim(store, worker="w2", at=after(111))) == 1

    async def test_a_worker_that_lost_its_lease_can_neither_prolong_nor_settle(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (lost,) = await claim(store)
        (current,) = await claim(store, at=after(61))
        assert not await store.extend(lost, lease=60, now=after(62))
        await store.settle(lost, now=after(62))
        await store.settle(lost, now=after(62), error="late")
        assert await listed(store) == [current]
        assert await store.extend(current, lease=60, now=after(62))

    async def test_a_settled_job_is_no_longer_the_workers(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (mine,) = await claim(store)
        await store.settle(mine, now=after(1))
        assert not await store.extend(mine, lease=60, now=after(2))
        await store.settle(mine, now=after(2), error="late")
        assert [(j.state, j.error, j.finished_at) for j in await listed(store)] == [(JobState.DONE, None, after(1))]

    async def test_a_failed_try_waits_and_runs_again(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (mine,) = await claim(store)
        await store.settle(mine, now=after(1), error="timeout", retry_at=after(30))
        assert await listed(store) == [replace(job(1, run_at=after(30)), attempts=1, error="timeout")]
        assert list(await claim(store, at=after(29))) == []
        (again,) = await claim(store, at=after(30))
        assert again.attempts == 2
        await store.settle(again, now=after(31))
        assert [(j.state, j.error) for j in await listed(store)] == [(JobState.DONE, None)]

    async def test_a_job_without_another_try_is_dead(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (mine,) = await claim(store)
        await store.settle(mine, now=after(1), error="broken")
        (dead,) = await listed(store)
        assert (dead.state, dead.error, dead.finished_at, dead.worker) == (JobState.DEAD, "broken", after(1), None)
        assert list(await claim(store, at=after(9999))) == []

    async def test_the_depth_counts_all_tenants(self, store: Store) -> None:
        await store.enqueue([job(1), job(2, at=after(1)), job(3, scope=BOB), job(4, scope=STRANGER, at=after(2))])
        for mine in await claim(store, limit=2):
            if mine.scope == BOB:
                await store.settle(mine, now=NOON, error="broken")
        assert await store.depth() == QueueDepth(pending=2, running=1, dead=1, oldest=after(1))

    async def test_only_old_done_jobs_are_pruned(self, store: Store) -> None:
        await store.enqueue([job(n, scope=replace(ALICE, entity=f"e{n}")) for n in range(4)])
        old, new, dead, _ = await claim(store)
        await store.settle(old, now=after(1))
        await store.settle(new, now=after(3))
        await store.settle(dead, now=after(1), error="broken")
        assert await store.prune(before=after(3)) == 1
        assert {j.id for j in await listed(store)} == {new.id, dead.id, "job-3"}

    async def test_jobs_are_listed_newest_first_by_state_and_entity(self, store: Store) -> None:
        await store.enqueue([job(1), job(2, at=after(1)), job(3, scope=BOB, at=after(2)), job(4, scope=STRANGER)])
        await claim(store, limit=1)
        assert [j.id for j in await listed(store)] == ["job-3", "job-2", "job-1"]
        assert [j.id for j in await listed(store, JobState.RUNNING)] == ["job-1"]
        assert [j.id for j in await listed(store, JobState.RUNNING, JobState.PENDING, entity="alice")] == [
            "job-2",
            "job-1",
        ]
        assert await listed(store, JobState.DEAD) == []
        assert [j.scope for j in await listed(store, tenant="globex", entity="alice")] == [STRANGER]
        assert await listed(store, tenant="nobody") == []

    async def test_jobs_page_right_while_more_arrive(self, store: Store) -> None:
        await store.enqueue([job(n, at=after(n // 2)) for n in range(5)])
        page = await store.jobs("acme", entity=None, states=[], cursor=None, limit=2)
        await store.enqueue([job(9, at=after(9))])
        rest = await store.jobs("acme", entity=None, states=[], cursor=page.next_cursor, limit=9)
        assert [j.id for j in (*page.items, *rest.items)] == ["job-4", "job-3", "job-2", "job-1", "job-0"]
        assert (page.total, rest.total, rest.next_cursor) == (5, 6, None)

    async def test_an_empty_list_and_a_cursor_of_nobody(self, store: Store) -> None:
        assert await store.jobs("acme", entity=None, states=[], cursor=None, limit=2) == Page((), None, 0)
        with pytest.raises(BadRequest):
            await store.jobs("acme", entity=None, states=[], cursor="x", limit=2)

    async def test_a_dead_job_is_queued_again_with_fresh_tries(self, store: Store) -> None:
        await store.enqueue([job(1)])
        (mine,) = await claim(store)
        await store.settle(mine, now=after(1), error="broken")
        queued = await store.retry("acme", "job-1", now=after(5))
        assert (queued.state, queued.attempts, queued.run_at, queued.finished_at) == (
            JobState.PENDING,
            0,
            after(5),
            None,
        )
        assert await listed(store) == [queued]
        assert [j.attempts for j in await claim(store, at=after(5))] == [1]

    async def test_only_a_dead_job_of_the_tenant_is_retried(self, store: Store) -> None:
        await store.enqueue([job(1), job(2, scope=BOB)])
        with pytest.raises(Conflict):
            await store.retry("acme", "job-1", now=NOON)
        await claim(store, limit=1)
        with pytest.raises(Conflict):
            await store.retry("acme", "job-1", now=NOON)
        for tenant, name in (("acme", "job-9"), ("globex", "job-1")):
            with pytest.raises(NotFound):
                await store.retry(tenant, name, now=NOON)
        for entity in ("bob", "nobody"):
            with pytest.raises(NotFound):
                await store.retry("acme", "job-1", now=NOON, entity=entity)
