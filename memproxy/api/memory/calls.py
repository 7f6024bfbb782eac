"""What a call of the memory API is: one row of the table, and one request of it, understood."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from memproxy.api.memory.means import Means
from memproxy.auth import Caller
from memproxy.domain import Scope
from memproxy.errors import Forbidden, MemproxyError

JSON = "application/json"
NDJSON = "application/x-ndjson"

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B")
R = TypeVar("R")


class Lines:
    """NDJSON that streams, as a body or as a reply, in pieces of any size."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


def permitted(caller: Caller, entity: str | None) -> str | None:
    """The entity that the key is bound to, else the one named."""
    try:
        return caller.entity(entity)
    except Forbidden as error:
        raise Forbidden(str(error), param="entity") from error


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """A request whose caller is known and whose parts are valid."""

    caller: Caller
    ids: Mapping[str, str]
    """What the path names."""
    query: Q
    body: B

    @property
    def scope(self) -> Scope:
        return Scope(self.caller.tenant, self.ids["entity"], self.caller.process(None))

    def scope_of(self, process: str | None) -> Scope:
        """With the process that the body names. Raises `Forbidden` where the key is bound to another."""
        try:
            return Scope(self.caller.tenant, self.ids["entity"], self.caller.process(process))
        except Forbidden as error:
            raise Forbidden(str(error), param="process") from error

    def entity_of(self, named: str | None) -> str | None:
        """Whom a call over all entities is about: the one named, or the only one that the key may see. Raises
        `Forbidden` where these differ."""
        return permitted(self.caller, named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B, R]):
    """A row of the table: how it is asked, what runs, what comes back."""

    method: str
    path: str
    """Below `/memory/v1`."""
    run: Callable[[Means, Asked[Q, B]], Coroutine[Any, Any, R]]
    summary: str
    query: type[Q]
    body: type[B]
    """`Nothing` for none, `Lines` for NDJSON, else the model of a JSON body."""
    reply: type[R]
    tag: str
    """The group that it stands in."""
    status: int = 200
    errors: tuple[type[MemproxyError], ...] = ()
    """Beside those that every call may answer."""
    narrow: bool = False
    """Open to keys that are confined to what one process has learned."""
