"""Both clients against a real service: tell, learn, recall, correct, carry away, erase."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from memproxy.client import AsyncMemproxyClient, BadRequestError, MemproxyClient, NotFoundError
from memproxy.testing.service import ServiceProcess

SAID = {"id": "m1", "role": "user", "content": "I live in Porto.", "created_at": "2025-05-01T09:00:00Z"}


def test_a_memory_from_its_first_message_to_its_end(service: ServiceProcess, person: str):
    with MemproxyClient(url=service.url) as client:
        assert client.tell(person, [SAID], session="s1").accepted == 1
        assert client.tell(person, [SAID], session="s1").accepted == 0
        asyncio.run(service.settled(entity=person))
        assert client.jobs(entity=person, state="pending").page().total == 0
        (home,) = client.facts(person, kind="profile")
        assert home.sources[0].message_id == "m1"
        assert client.recall(person, "Where do I live?", kinds=["profile"]).hits[0].fact_id == home.id
        changed = client.change_fact(person, home.id, text="I live in Lisbon.", pinned=True)
        assert (changed.id, changed.authored, changed.pinned) == (home.id, True, True)
        assert {"corrected", "pinned"} <= {event.action for event in client.history(person, home.id)}
        assert client.entity(person).messages == 1
        assert [message.content for message in client.messages(person, "s1")] == ["I live in Porto."]
        taken = client.import_(f"{person}.copy", client.export(person))
        assert taken.rows == taken.added > 3
        client.forget_fact(person, home.id)
        assert client.erase(person).id == person
        assert person not in {entity.id for entity in client.entities()}
        assert client.fact(f"{person}.copy", home.id).text == "I live in Lisbon."


async def test_the_same_when_awaited(service: ServiceProcess, person: str):
    async with AsyncMemproxyClient(url=service.url) as client:
        told = await client.tell(person, [SAID])
        await service.settled(entity=person)
        assert [session.id async for session in client.sessions(person)] == [told.session]
        added = await client.add_fact(person, "I sail.", expires_at=datetime(2090, 1, 1, tzinfo=UTC))
        assert (await client.change_fact(person, added.id, expires_at=None)).expires_at is None
        archive = b"".join([piece async for piece in client.export(person)])
        taken = await client.import_(f"{person}.copy", [archive])
        assert taken.added == archive.count(b"\n") - 1
        assert (await client.erase(person)).messages == 1


async def test_lists_are_whole_over_many_pages(service: ServiceProcess, person: str):
    async with AsyncMemproxyClient(url=service.url) as client:
        for n in range(25):
            await client.add_fact(person, f"I own {n} lutes.")
        listing = client.facts(person, page_size=7)
        assert (await listing.page()).total == 25
        assert len({fact.text async for fact in listing}) == 25


def test_a_refusal_carries_its_problem(service: ServiceProcess, person: str):
    with MemproxyClient(url=service.url) as client:
        with pytest.raises(NotFoundError) as missing:
            client.receipt("nope")
        assert (missing.value.status, missing.value.code) == (404, "not_found")
        assert missing.value.request_id
        with pytest.raises(BadRequestError) as refused:
            client.recall("no spaces", "x")
        assert refused.value.param == "entity"
        with pytest.raises(BadRequestError, match="line 1"):
            client.import_(person, [b"{}\n"])
