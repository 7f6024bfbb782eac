"""Lists are gone through page by page, and no further than asked."""

from __future__ import annotations

from memproxy.client import AsyncMemproxyClient, MemproxyClient

from .conftest import Asked
from .replies import FACT, listed
from .scripted import Service


def page(*ids: str, next_cursor: str | None = None) -> dict[str, object]:
    return listed(*({**FACT, "id": id} for id in ids), next_cursor=next_cursor, total=5)


async def test_all_pages_are_asked_for_with_the_cursor_of_the_one_before(ask: Asked, service: Service):
    service.answers(page("a", "b", next_cursor="c/1="), page("c", next_cursor="c2"), page("d", "e"))
    assert [fact.id for fact in await ask.call("facts", "alice", page_size=2)] == ["a", "b", "c", "d", "e"]
    assert [seen.query.get("cursor") for seen in service.seen] == [None, "c/1=", "c2"]
    assert {seen.query["limit"] for seen in service.seen} == {"2"}


async def test_an_empty_list_is_empty(ask: Asked, service: Service):
    service.answers(listed())
    assert await ask.call("facts", "alice") == []


async def test_a_page_by_itself_says_how_long_the_list_is(service: Service):
    service.answers(page("a", next_cursor="c1"), page("b"))
    async with AsyncMemproxyClient(url=service.url) as client:
        listing = client.facts("alice")
        first = await listing.page()
        assert (first.total, first.next_cursor) == (5, "c1")
        assert [fact.id async for fact in listing.rest(first)] == ["a", "b"]


async def test_pages_that_nobody_needs_are_not_asked_for(service: Service):
    service.answers(page("a", "b", next_cursor="c1"))
    async with AsyncMemproxyClient(url=service.url) as client:
        async for _ in client.facts("alice"):
            break
    assert len(service.seen) == 1


def test_making_a_list_sends_nothing():
    with MemproxyClient(url="http://127.0.0.1:9") as client:
        client.facts("alice")
