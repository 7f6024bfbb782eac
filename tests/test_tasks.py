"""Background tasks are held, awaited and noticed."""

import asyncio
import gc

import pytest

from memproxy.tasks import Tasks


async def fail() -> None:
    raise RuntimeError("on purpose")


async def test_a_vital_task_that_dies_is_told_and_another_is_not():
    deaths: list[str] = []
    tasks = Tasks(on_death=lambda name, error: deaths.append(f"{name}: {error}"))
    other = tasks.start("other", fail())
    tasks.start("writer", fail(), vital=True)
    with pytest.raises(RuntimeError):
        await other
    await asyncio.sleep(0)
    assert deaths == ["writer: on purpose"]


async def test_a_vital_task_that_is_cancelled_has_not_died():
    deaths: list[str] = []
    tasks = Tasks(on_death=lambda name, error: deaths.append(name))
    tasks.start("writer", asyncio.sleep(60), vital=True)
    await tasks.stop()
    assert deaths == []


async def test_a_task_that_nobody_holds_is_not_lost():
    tasks, done = Tasks(), asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    tasks.start("work", work())
    gc.collect()
    async with asyncio.timeout(5):
        await done.wait()


async def test_finish_waits_for_the_tasks_of_its_name_and_no_longer_than_told():
    tasks, ended = Tasks(), []

    async def work(seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(seconds)

    for seconds in (0.01, 60.0):
        tasks.start("named", work(seconds))
    tasks.start("other", work(50.0))
    await tasks.finish("named", 0.2)
    assert ended == [0.01]
    await tasks.stop()
