"""Moving everything that one store holds into another, and proving that it is the same there.

    recognise   the target holds nothing that the source does not: it is empty, or has the first part of this same move
    copy        keys, then the entities of every tenant, oldest first, then the jobs that are not done
    compare     both are read from beginning to end: every row is counted, and goes into a digest

The source is only read, and must not be written to meanwhile; whether it was is looked at in the end. What was copied
may be copied again, so a move that broke off is simply begun again. No more than two pages of an entity are held in
memory, but for the digests of one that is in the target already.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn, Protocol

from memproxy.domain import Job, JobState, MemoryWrite, Scope
from memproxy.errors import BadRequest, ConfigError
from memproxy.ports import Store
from memproxy.tally import KINDS, PAGE, digest, digests, everything, tally

WHAT = ("tenants", "keys", "entities", *KINDS.values(), "jobs")
"""What is counted."""
_NOT_DONE = (JobState.PENDING, JobState.RUNNING, JobState.DEAD)


class Progress(Protocol):
    def __call__(self, step: str, done: int, total: int, *, count: int) -> None:
        """How much of a step is done, of how much, and how many rows that was."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Of an entity, as its store lists it: it changes with every write."""

    version: int
    sessions: int
    messages: int

    @property
    def weight(self) -> int:
        """How long it takes: what is said is mostly remembered word for word too."""
        return 1 + self.sessions + 2 * self.messages


@dataclass(slots=True)
class Moved:
    """What came of it."""

    here: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    difference: str | None = None
    """The first one found, in words."""

    def differs(self, difference: str) -> None:
        self.difference = self.difference or difference

    def compare(self, what: str, here: Mapping[str, int], there: Mapping[str, int]) -> None:
        """All of one kind: their names, and digests of what they are."""
        self.here[what] += len(here)
        self.there[what] += len(there)
        for name in here.keys() - there.keys():
            self.differs(f"{what}: {name} is not in the target")
        for name in there.keys() - here.keys():
            self.differs(f"{what}: {name} is in the target alone")
        for name in here.keys() & there.keys():
            if here[name] != there[name]:
                self.differs(f"{what}: {name} is another one in the target")


class Move:
    """One move."""

    def __init__(self, *, source: Store, target: Store, progress: Progress) -> None:
        self._source, self._target, self._progress = source, target, progress

    async def run(self) -> Moved:
        """Raises `ConfigError` where the target holds something else, and `BadRequest` naming the entity where the
        target cannot hold what it has."""
        owned = await _entities(self._source)
        whole = await self._recognise(owned)
        await self._copy_keys()
        course = _Course("copying", owned, self._progress)
        for scope in owned:
            if scope not in whole:
                await self._copy(scope, course)
            course.end(scope)
        await self._copy_jobs()
        return await self._compare(owned)

    # Recognise

    async def _recognise(self, owned: Mapping[Scope, Extent]) -> Collection[Scope]:
        """The entities that are whole in the target already."""
        await self._recognise_tenants()
        there = await _entities(self._target)
        course = _Course("looking at the target", there, self._progress)
        whole = set()
        for scope in there:
            if scope not in owned:
                _refuse(_named(scope))
            if await self._is_whole(scope):
                whole.add(scope)
            course.end(scope)
        return whole

    async def _recognise_tenants(self) -> None:
        """And their keys and jobs."""
        known = set(await self._source.tenants())
        for tenant in await self._target.tenants():
            if tenant not in known:
                _refuse(f"the tenant {tenant}")
        for tenant in known:
            jobs = {job.id async for job in _waiting(self._source, tenant)}
            async for job in _waiting(self._target, tenant):
                if job.id not in jobs:
                    _refuse(f"the job {job.id} of tenant {tenant}")
        for key in await self._target.keys(None):
            ours = await self._source.find_key(key.id)
            if ours is None or replace(ours, revoked_at=key.revoked_at) != key:
                _refuse(f"the key {key.id}")

    async def _is_whole(self, scope: Scope) -> bool:
        there = {one async for _, one in digests(self._target, scope)}
        rows = len(there)
        async for _, one in digests(self._source, scope):
            rows -= 1
            there.discard(one)
        if there:
            _refuse(f"something of {_named(scope)}")
        return rows == 0

    # Copy

    async def _copy_keys(self) -> None:
        for key in await self._source.keys(None):
            there = await self._target.find_key(key.id)
            if there is None:
                await self._target.create_key(key)
            elif key.revoked_at is not None and there.revoked_at is None:
                await self._target.revoke_key(key.id, now=key.revoked_at)

    async def _copy(self, scope: Scope, course: _Course) -> None:
        page = await self._source.export(scope, cursor=None, limit=PAGE)
        try:
            if not page.items and await self._target.entity(scope) is None:
                await self._target.write(scope, MemoryWrite())  # known, and nothing more
            while page.next_cursor is not None:
                following = self._source.export(scope, cursor=page.next_cursor, limit=PAGE)
                _, after = await asyncio.gather(self._target.restore(scope, page.items), following)
                course.count(scope, len(page.items))
                page = after
            if page.items:
                await self._target.restore(scope, page.items)
                course.count(scope, len(page.items))
        except BadRequest as exc:
            raise BadRequest(f"{_named(scope)} cannot be moved: {exc}") from exc

    async def _copy_jobs(self) -> None:
        for tenant in await self._source.tenants():
            jobs = [job async for job in _waiting(self._source, tenant)]
            for start in range(0, len(jobs), PAGE):
                await self._target.enqueue(jobs[start : start + PAGE])

    # Compare

    async def _compare(self, owned: Mapping[Scope, Extent]) -> Moved:
        moved = Moved()
        here, there = self._source, self._target
        tenants = [await store.tenants() for store in (here, there)]
        moved.compare("tenants", *[dict.fromkeys(found, 0) for found in tenants])
        moved.compare("keys", *[{key.id: digest(key) for key in await store.keys(None)} for store in (here, there)])
        arrived = await _entities(there)
        moved.compare("entities", *[{_named(scope): 0 for scope in found} for found in (owned, arrived)])
        course = _Course("comparing", owned, self._progress)
        for scope in owned:
            await self._compare_entity(moved, scope, course)
        for tenant in tenants[0]:
            jobs = [{job.id: digest(job) async for job in _waiting(store, tenant)} for store in (here, there)]
            moved.compare("jobs", *jobs)
        if await _entities(here) != owned:
            moved.differs("the source was written to meanwhile: stop what writes to it, and run this again")
        return moved

    async def _compare_entity(self, moved: Moved, scope: Scope, course: _Course) -> None:
        here, there = await asyncio.gather(
            tally(self._source, scope, progress=partial(course.count, scope)), tally(self._target, scope)
        )
        course.end(scope)
        moved.here += here.counts
        moved.there += there.counts
        if difference := here.differs(there):
            moved.differs(f"{_named(scope)}: {difference}")


class _Course:
    """How far a step over all entities has come."""

    def __init__(self, step: str, owned: Mapping[Scope, Extent], tell: Progress) -> None:
        self._step, self._owned, self._tell = step, owned, tell
        self._total = sum(extent.weight for extent in owned.values())
        self._done = self._rows = self._begun = 0

    def count(self, scope: Scope, rows: int) -> None:
        """So many more of the entity at hand; how many it has in all is not known before."""
        self._begun = min(self._begun + rows, self._owned[scope].weight - 1)
        self._rows += rows
        self._say(self._done + self._begun)

    def end(self, scope: Scope) -> None:
        self._done += self._owned[scope].weight
        self._begun = 0
        self._say(self._done)

    def _say(self, done: int) -> None:
        self._tell(self._step, done, self._total, count=self._rows)


async def _entities(store: Store) -> dict[Scope, Extent]:
    """Of every tenant, oldest first, so that they come into being in this order again."""
    found: dict[Scope, Extent] = {}
    for tenant in await store.tenants():
        listed = [
            (Scope(tenant, one.id), Extent(one.version, one.sessions, one.messages))
            async for one in everything(partial(store.entities, tenant, limit=PAGE))
        ]
        found |= reversed(listed)
    return found


async def _waiting(store: Store, tenant: str) -> AsyncIterator[Job]:
    """The jobs that are not done; one that runs is due again, for its worker is none of the target's."""
    async for job in everything(partial(store.jobs, tenant, entity=None, states=_NOT_DONE, limit=PAGE)):
        if job.state is JobState.RUNNING:
            job = replace(job, state=JobState.PENDING, worker=None, lease_until=None)
        yield job


def _named(scope: Scope) -> str:
    return f"the memory of {scope.entity} (tenant {scope.tenant})"


def _refuse(what: str) -> NoReturn:
    raise ConfigError(
        f"The target holds {what}, which is not in the source. Name an empty one; a move that broke off goes on in the "
        "one where it began.",
        param="to",
    )
