"""One request as memory sees it: what its envelope says, and what becomes of it on its way."""

from __future__ import annotations

from dataclasses import dataclass

from memproxy.auth import Caller
from memproxy.dialects.routes import Route
from memproxy.domain import Injection, Known, Scope
from memproxy.identity import Keyed


@dataclass(frozen=True, slots=True)
class Mode:
    """`X-Memproxy-Memory`: what memory may do for a request."""

    reads: bool = True
    writes: bool = True


MODES = {"on": Mode(), "off": Mode(False, False), "recall": Mode(True, False), "capture": Mode(False, True)}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as its envelope describes it."""

    request_id: str
    caller: Caller
    mode: Mode = MODES["on"]
    entity: str | None = None
    process: str | None = None
    session: str | None = None
    fetched: str | None = None
    """Id of the stored answer that the request fetches."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request on its way through memory. `body` goes upstream: the client's own bytes where no block went in."""

    call: Call
    body: bytes
    outcome: str = "off"
    """`hit`, `none`, `off` or `degraded`: the response header."""
    route: Route | None = None
    scope: Scope | None = None
    """Whose memory the reply goes to; None where nothing is to be remembered."""
    session: str | None = None
    messages: tuple[Keyed, ...] = ()
    previous: str | None = None
    """Id of the stored answer that the messages go on from."""
    known: Known | None = None
    late: bool = False
    """Whether turns waited in the journal when `known` was read: what this one adds is decided when they are stored."""
    injection: Injection | None = None
    """The ledger entry of the newest user message, where this request makes one."""
    facts: int = 0
    """In the block that stands with the newest user message, be it new or put back."""
    tokens: int = 0
