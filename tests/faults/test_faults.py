"""Whatever the store does: chats are answered in time and say `degraded`, and each turn is in the store once, later.

Of these faults each server gets those that it takes its own way; `FAULTS=all` tries all of them on all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from memproxy.testing.service import ServiceProcess
from tests.faults.places import MongoPlace, Place
from tests.faults.stage import Talk, metrics, ready, recovered

Fault = Callable[[Place], AbstractAsyncContextManager[None]]


def linked(**toxics: dict[str, int]) -> Fault:
    """Something wrong with the network."""

    @asynccontextmanager
    async def fault(place: Place) -> AsyncIterator[None]:
        for kind, attributes in toxics.items():
            for stream in ("upstream", "downstream"):
                place.link.poison(kind, stream=stream, **attributes)
        try:
            yield
        finally:
            place.link.mend()

    return fault


@asynccontextmanager
async def cut(place: Place) -> AsyncIterator[None]:
    place.link.cut()
    try:
        yield
    finally:
        place.link.mend()


@asynccontextmanager
async def stopped(place: Place) -> AsyncIterator[None]:
    await asyncio.to_thread(place.server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(place.server.start)


@asynccontextmanager
async def killed(place: Place) -> AsyncIterator[None]:
    await asyncio.to_thread(place.server.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(place.server.start)


@asynccontextmanager
async def hanging(place: Place) -> AsyncIterator[None]:
    place.server.pause()
    try:
        yield
    finally:
        place.server.resume()


@asynccontextmanager
async def read_only(place: Place) -> AsyncIterator[None]:
    await asyncio.to_thread(place.read_only, True)
    try:
        yield
    finally:
        await asyncio.to_thread(place.read_only, False)


@asynccontextmanager
async def exhausted(place: Place) -> AsyncIterator[None]:
    async with place.exhausted():
        yield


OUTAGES = {
    "gone": cut,
    "stopped": stopped,
    "hanging": hanging,
    "silent": linked(timeout={"timeout": 0}),
    "slow": linked(latency={"latency": 900, "jitter": 300}),
    "read-only": read_only,
    "out of connections": exhausted,
    "resetting": linked(reset_peer={"timeout": 20}),
    "failing in the middle of a commit": linked(limit_data={"bytes": 700}),
}
USUAL = {
    "postgresql": {"hanging", "read-only", "out of connections", "failing in the middle of a commit"},
    "mariadb": {"stopped", "silent", "failing in the middle of a commit"},
    "mongodb": {"gone", "resetting"},
}


def chosen(place: Place, name: str) -> None:
    if name not in USUAL[place.kind] and os.environ.get("FAULTS") != "all":
        pytest.skip("FAULTS=all tries every fault on every server")


@pytest.mark.parametrize("name", OUTAGES)
async def test_chats_go_on_and_each_turn_is_stored_once(
    place: Place, chat: ServiceProcess, person: str, name: str
) -> None:
    chosen(place, name)
    if isinstance(place, MongoPlace) and name in ("read-only", "out of connections"):
        pytest.skip("the stand-in for MongoDB has no such state")
    talk = Talk(chat, person)
    assert await talk.say("before") == "none"
    async with OUTAGES[name](place):
        seen = [await talk.say(f"during {number}", stream=bool(number % 2)) for number in range(3)]
        assert "degraded" in seen
        assert seen[-1] == "degraded"
        waiting = (await metrics(chat))["memproxy_journal_waiting_turns"]
        status, told = await ready(chat)
        assert (status, told["status"]) == (200, "degraded") or not waiting, told
    await recovered(chat)
    assert await talk.say("afterwards") in ("none", "hit")
    await talk.is_whole()
    assert (await metrics(chat))["memproxy_journal_aside_bytes"] == 0
    assert (await ready(chat))[0] == 200


SLOWNESS = {
    "in slices": linked(slicer={"average_size": 20, "size_variation": 10, "delay": 100}),
    "narrow": linked(bandwidth={"rate": 50}),
}


@pytest.mark.parametrize("name", SLOWNESS)
async def test_a_network_that_is_merely_bad_costs_nothing(
    place: Place, chat: ServiceProcess, person: str, name: str
) -> None:
    chosen(place, name)
    talk = Talk(chat, person)
    async with SLOWNESS[name](place):
        for number in range(3):
            await talk.say(f"said {number}")
    await recovered(chat)
    await talk.is_whole()
