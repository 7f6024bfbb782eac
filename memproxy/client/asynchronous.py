"""The client to be awaited: each method sends the call that its namesake in `calls.py` describes."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Concatenate, Generic, ParamSpec, Self, TypeVar

import httpx
from pydantic import BaseModel

from memproxy.api.memory.fields import Shown
from memproxy.api.memory.outputs import ImportOut, ListOut
from memproxy.client import calls, wire
from memproxy.client.calls import Call

P = ParamSpec("P")
R = TypeVar("R", bound=BaseModel | None)
T = TypeVar("T", bound=Shown)


class AsyncListing(Generic[T]):
    """A list that comes in pages, which are asked for as they are needed."""

    def __init__(self, sender: AsyncSender, call: Call[ListOut[T]]) -> None:
        self._sender = sender
        self._call = call

    async def page(self, cursor: str | None = None) -> ListOut[T]:
        """The first page, or the one after `cursor`; its `total` counts the whole list."""
        return await self._sender.send(self._call, cursor=cursor)

    async def rest(self, page: ListOut[T]) -> AsyncIterator[T]:
        """The items of a page, and of those after it."""
        for item in page.items:
            yield item
        while page.next_cursor is not None:
            page = await self.page(page.next_cursor)
            for item in page.items:
                yield item

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in self.rest(await self.page()):
            yield item


class AsyncSender:
    """The connections to one service, with one credential."""

    def __init__(self, *, url: str = wire.DEFAULT_URL, key: str | None = None, timeout: float = wire.TIMEOUT) -> None:
        self._url = url
        self._timeout = timeout
        self._http = httpx.AsyncClient(**wire.options(url, key, timeout))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[R], *, cursor: str | None = None, body: AsyncIterable[bytes] | None = None) -> R:
        with wire.reached(self._url):
            return wire.read(call, await self._http.request(**wire.request(call, self._timeout, cursor, body)))

    async def stream(self, call: Call[None]) -> AsyncIterator[bytes]:
        with wire.reached(self._url):
            async with self._http.stream(**wire.request(call, self._timeout)) as response:
                if not response.is_success:
                    await response.aread()
                    wire.refuse(response)
                async for piece in response.aiter_bytes():
                    yield piece


def _sent(describe: Callable[P, Call[R]]) -> Callable[Concatenate[AsyncSender, P], Awaitable[R]]:
    def method(sender: AsyncSender, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        return sender.send(describe(*args, **kwargs))

    calls.name(method, describe)
    return method


def _listed(describe: Callable[P, Call[ListOut[T]]]) -> Callable[Concatenate[AsyncSender, P], AsyncListing[T]]:
    def method(sender: AsyncSender, /, *args: P.args, **kwargs: P.kwargs) -> AsyncListing[T]:
        return AsyncListing(sender, describe(*args, **kwargs))

    calls.name(method, describe)
    return method


class AsyncMemproxyClient(AsyncSender):
    """The memory API of one service. Give the memproxy key where it asks for one; `timeout` is in seconds."""

    tell = _sent(calls.tell)
    recall = _sent(calls.recall)
    receipt = _sent(calls.receipt)
    facts = _listed(calls.facts)
    add_fact = _sent(calls.add_fact)
    fact = _sent(calls.fact)
    change_fact = _sent(calls.change_fact)
    forget_fact = _sent(calls.forget_fact)
    history = _listed(calls.history)
    entities = _listed(calls.entities)
    entity = _sent(calls.entity)
    erase = _sent(calls.erase)
    sessions = _listed(calls.sessions)
    messages = _listed(calls.messages)
    jobs = _listed(calls.jobs)
    retry = _sent(calls.retry)

    def export(self, entity: str) -> AsyncIterator[bytes]:
        """Everything stored of somebody, as NDJSON in pieces of any size, which `import_` takes."""
        return self.stream(calls.export(entity))

    async def import_(self, entity: str, pieces: AsyncIterable[bytes] | Iterable[bytes]) -> ImportOut:
        """Take in what `export` gave; what is there already stays as it is."""
        return await self.send(calls.import_(entity), body=_awaited(pieces))


async def _awaited(pieces: AsyncIterable[bytes] | Iterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece
