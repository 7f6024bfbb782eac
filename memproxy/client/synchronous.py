"""The client that waits: each method sends the call that its namesake in `calls.py` describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


class Listing(Generic[T]):
    """A list that comes in pages, which are asked for as they are needed."""

    def __init__(self, sender: Sender, call: Call[ListOut[T]]) -> None:
        self._sender = sender
        self._call = call

    def page(self, cursor: str | None = None) -> ListOut[T]:
        """The first page, or the one after `cursor`; its `total` counts the whole list."""
        return self._sender.send(self._call, cursor=cursor)

    def rest(self, page: ListOut[T]) -> Iterator[T]:
        """The items of a page, and of those after it."""
        yield from page.items
        while page.next_cursor is not None:
            page = self.page(page.next_cursor)
            yield from page.items

    def __iter__(self) -> Iterator[T]:
        return self.rest(self.page())


class Sender:
    """The connections to one service, with one credential."""

    def __init__(self, *, url: str = wire.DEFAULT_URL, key: str | None = None, timeout: float = wire.TIMEOUT) -> None:
        self._url = url
        self._timeout = timeout
        self._http = httpx.Client(**wire.options(url, key, timeout))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[R], *, cursor: str | None = None, body: Iterable[bytes] | None = None) -> R:
        with wire.reached(self._url):
            return wire.read(call, self._http.request(**wire.request(call, self._timeout, cursor, body)))

    def stream(self, call: Call[None]) -> Iterator[bytes]:
        with (
            wire.reached(self._url),
            self._http.stream(**wire.request(call, self._timeout)) as response,
        ):
            if not response.is_success:
                response.read()
                wire.refuse(response)
            yield from response.iter_bytes()


def _sent(describe: Callable[P, Call[R]]) -> Callable[Concatenate[Sender, P], R]:
    def method(sender: Sender, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return sender.send(describe(*args, **kwargs))

    calls.name(method, describe)
    return method


def _listed(describe: Callable[P, Call[ListOut[T]]]) -> Callable[Concatenate[Sender, P], Listing[T]]:
    def method(sender: Sender, /, *args: P.args, **kwargs: P.kwargs) -> Listing[T]:
        return Listing(sender, describe(*args, **kwargs))

    calls.name(method, describe)
    return method


class MemproxyClient(Sender):
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

    def export(self, entity: str) -> Iterator[bytes]:
        """Everything stored of somebody, as NDJSON in pieces of any size, which `import_` takes."""
        return self.stream(calls.export(entity))

    def import_(self, entity: str, pieces: Iterable[bytes]) -> ImportOut:
        """Take in what `export` gave; what is there already stays as it is."""
        return self.send(calls.import_(entity), body=pieces)
