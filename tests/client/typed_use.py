"""How a user's typed program uses the clients; `test_types.py` lets mypy read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from memproxy.api.memory.outputs import (
    EntityOut,
    FactOut,
    ImportOut,
    JobOut,
    ListOut,
    MessagesOut,
    RecallOut,
)
from memproxy.client import AsyncListing, AsyncMemproxyClient, Listing, MemproxyClient


def waiting(client: MemproxyClient) -> None:
    assert_type(client.tell("alice", [{"role": "user", "content": "hi"}]), MessagesOut)
    assert_type(client.recall("alice", "where?", kinds=["profile"]), RecallOut)
    assert_type(client.facts("alice", kind="profile"), Listing[FactOut])
    assert_type([fact for fact in client.facts("alice")], list[FactOut])
    assert_type(client.facts("alice").page(), ListOut[FactOut])
    assert_type(client.forget_fact("alice", "f1"), None)
    assert_type(client.erase("alice"), EntityOut)
    assert_type(client.export("alice"), Iterator[bytes])
    assert_type(client.import_("alice", [b""]), ImportOut)
    client.recall("alice")  # type: ignore[call-arg]
    client.recall("alice", "where?", 20)  # type: ignore[call-arg]
    client.facts("alice", kind="profil")  # type: ignore[arg-type]
    MemproxyClient("http://127.0.0.1:8700")  # type: ignore[call-arg]


async def awaiting(client: AsyncMemproxyClient) -> None:
    assert_type(await client.recall("alice", "where?"), RecallOut)
    assert_type(client.jobs(state="dead"), AsyncListing[JobOut])
    assert_type([fact async for fact in client.facts("alice")], list[FactOut])
    assert_type(await client.forget_fact("alice", "f1"), None)
    assert_type(client.export("alice"), AsyncIterator[bytes])
