"""An erasure ends the imports of its entity first, and keeps new ones out until it is done."""

from __future__ import annotations

import asyncio

import pytest

from memproxy.api.memory.underway import Underway
from memproxy.domain import Scope
from memproxy.errors import Conflict

ANN, BOB = Scope("acme", "ann"), Scope("acme", "bob")


async def soon() -> None:
    """Let everybody go as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_import_that_waits_for_its_caller_is_ended_at_once():
    underway = Underway()

    async def importing() -> None:
        async with underway.importing(ANN) as running:
            await running.wait(asyncio.Event().wait())

    task = asyncio.ensure_future(importing())
    await soon()
    async with underway.erasing(ANN):
        with pytest.raises(Conflict):
            await task


async def test_an_erasure_waits_for_the_step_that_is_being_stored():
    underway, stored = Underway(), asyncio.Event()
    done: list[str] = []

    async def importing() -> None:
        async with underway.importing(ANN) as running:
            await stored.wait()
            done.append("stored")
            running.check()

    async def erasing() -> None:
        async with underway.erasing(ANN):
            done.append("erased")

    tasks = [asyncio.ensure_future(importing()), asyncio.ensure_future(erasing())]
    await soon()
    assert done == []
    stored.set()
    outcome = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcome[0], Conflict)
    assert done == ["stored", "erased"]


async def test_new_imports_wait_until_the_erasure_is_done_and_then_go_on():
    underway, erased = Underway(), asyncio.Event()
    done: list[str] = []

    async def erasing() -> None:
        async with underway.erasing(ANN):
            await erased.wait()
            done.append("erased")

    async def importing() -> None:
        async with underway.importing(ANN) as running:
            running.check()
            done.append("imported")

    tasks = [asyncio.ensure_future(erasing())]
    await soon()
    tasks.append(asyncio.ensure_future(importing()))
    await soon()
    assert done == []
    erased.set()
    await asyncio.gather(*tasks)
    assert done == ["erased", "imported"]


async def test_other_entities_go_on():
    underway = Underway()
    async with underway.importing(BOB) as running, underway.erasing(ANN):
        running.check()
        assert await running.wait(asyncio.sleep(0, "more")) == "more"


async def test_two_erasures_come_one_after_the_other():
    underway = Underway()
    inside = 0

    async def erasing() -> None:
        nonlocal inside
        async with underway.erasing(ANN):
            inside += 1
            await soon()
            assert inside == 1
            inside -= 1

    await asyncio.gather(erasing(), erasing(), erasing())
