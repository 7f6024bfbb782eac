"""Each method of the clients is one call of the memory API, sent as documented and read as its models say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from memproxy.api.memory.table import CALLS
from memproxy.client import AsyncMemproxyClient, BadRequestError, MemproxyClient
from memproxy.client.calls import KEPT

from .conftest import Asked
from .replies import ENTITY, EVENT, FACT, JOB, MESSAGE, RECALL, RECEIPT, SESSION, TAKEN, TOLD, listed
from .scripted import Service

METHODS: list[tuple[str, tuple[Any, ...], str, str, Any]] = [
    ("tell", ("alice", [{"role": "user", "content": "hi"}]), "POST", "/entities/alice/messages", TOLD),
    ("recall", ("alice", "home?"), "POST", "/entities/alice/recall", RECALL),
    ("receipt", ("r1",), "GET", "/receipts/r1", RECEIPT),
    ("facts", ("alice",), "GET", "/entities/alice/facts", listed(FACT)),
    ("add_fact", ("alice", "sails"), "POST", "/entities/alice/facts", FACT),
    ("fact", ("alice", "f1"), "GET", "/entities/alice/facts/f1", FACT),
    ("change_fact", ("alice", "f1"), "PATCH", "/entities/alice/facts/f1", FACT),
    ("forget_fact", ("alice", "f1"), "DELETE", "/entities/alice/facts/f1", b""),
    ("history", ("alice", "f1"), "GET", "/entities/alice/facts/f1/history", listed(EVENT)),
    ("entities", (), "GET", "/entities", listed(ENTITY)),
    ("entity", ("alice",), "GET", "/entities/alice", {**ENTITY, "profile": [FACT]}),
    ("erase", ("alice",), "DELETE", "/entities/alice", ENTITY),
    ("sessions", ("alice",), "GET", "/entities/alice/sessions", listed(SESSION)),
    ("messages", ("alice", "s1"), "GET", "/entities/alice/sessions/s1/messages", listed(MESSAGE)),
    ("jobs", (), "GET", "/jobs", listed(JOB)),
    ("retry", ("j1",), "POST", "/jobs/j1/retry", JOB),
    ("export", ("alice",), "GET", "/entities/alice/export", b"{}\n"),
    ("import_", ("alice", [b"{}\n"]), "POST", "/entities/alice/import", TAKEN),
]
MORE: dict[str, dict[str, Any]] = {"change_fact": {"text": "sails"}}


@pytest.mark.parametrize(("method", "args", "verb", "path", "reply"), METHODS, ids=lambda value: str(value)[:20])
async def test_a_method_sends_its_call_and_reads_the_reply(
    ask: Asked, service: Service, method: str, args: Any, verb: str, path: str, reply: Any
):
    service.answers(reply)
    found = await ask.call(method, *args, **MORE.get(method, {}))
    (seen,) = service.seen
    assert (seen.method, seen.path) == (verb, f"/memory/v1{path}")
    assert seen.headers["Authorization"] == "Bearer mp_id_secret"
    assert (found is None) is (method == "forget_fact")


def test_there_is_a_method_for_every_call_of_the_api_and_no_other():
    shapes = {(verb, re.sub("alice|f1|s1|j1|r1", "{}", path)) for _, _, verb, path, _ in METHODS}
    assert shapes == {(call.method, re.sub(r"\{\w+\}", "{}", call.path)) for call in CALLS}
    for client in (MemproxyClient, AsyncMemproxyClient):
        public = {name for name in vars(client) if not name.startswith("_")}
        assert public == {method for method, *_ in METHODS}


async def test_replies_are_read_into_the_models_of_the_service(ask: Asked, service: Service):
    service.answers(RECALL)
    assert (await ask.call("recall", "alice", "home?")).hits[0].created_at == datetime(2026, 5, 1, 9, tzinfo=UTC)
    service.answers(listed(MESSAGE))
    (message,) = await ask.call("messages", "alice", "s1")
    assert (message.id, message.content, message.extra) == ("m1", "hi", {"tool_calls": []})
    service.answers(listed(JOB))
    assert (await ask.call("jobs"))[0].entity == "alice"


async def test_what_a_newer_service_says_beyond_the_models_is_passed_over(ask: Asked, service: Service):
    service.answers({**FACT, "mood": "sunny", "sources": [{**FACT["sources"][0], "line": 7}]})
    assert (await ask.call("fact", "alice", "f1")).text == "lives in Porto"


async def test_ids_are_sent_as_one_part_of_the_path(ask: Asked, service: Service):
    service.answers(FACT)
    await ask.call("fact", "a/b?c#d", "f 1")
    assert service.seen[0].path == "/memory/v1/entities/a%2Fb%3Fc%23d/facts/f%201"


async def test_filters_are_sent_where_they_are_given(ask: Asked, service: Service):
    service.answers(listed(FACT))
    await ask.call("facts", "alice", kind="profile", q="porto & co", state="all", page_size=7)
    assert service.seen[0].query == {"limit": "7", "kind": "profile", "q": "porto & co", "state": "all"}
    service.answers(listed(JOB))
    await ask.call("jobs")
    assert service.seen[1].query == {"limit": "100"}


async def test_messages_are_sent_with_their_times_in_whatever_form_they_came(ask: Asked, service: Service):
    service.answers(TOLD)
    at = datetime(2026, 5, 1, 9, tzinfo=UTC)
    said = [{"role": "user", "content": "é 🦜", "created_at": time} for time in (at, "2026-05-01T11:00:00+02:00")]
    await ask.call("tell", "alice", said, session="s1")
    assert service.seen[0].json == {
        "session": "s1",
        "messages": [{"role": "user", "content": "é 🦜", "created_at": "2026-05-01T09:00:00Z"}] * 2,
    }


async def test_a_change_says_what_was_given_and_none_takes_a_time_away(ask: Asked, service: Service):
    service.answers(FACT)
    await ask.call("change_fact", "alice", "f1", pinned=False, expires_at=None, valid_from=KEPT)
    assert service.seen[0].json == {"pinned": False, "expires_at": None}


@pytest.mark.parametrize(
    ("method", "args", "param"),
    [
        ("tell", ("alice", [{"role": "king", "content": "x"}]), "role"),
        ("tell", ("alice", []), "messages"),
        ("add_fact", ("alice", " "), "text"),
        ("change_fact", ("alice", "f1"), "body"),
    ],
)
async def test_a_mistake_is_found_before_it_is_sent(ask: Asked, service: Service, method: str, args: Any, param: str):
    with pytest.raises(BadRequestError) as refused:
        await ask.call(method, *args)
    assert (refused.value.status, refused.value.param) == (400, param)
    assert service.seen == []


async def test_half_an_emoji_can_be_sent(ask: Asked, service: Service):
    service.answers(RECALL)
    await ask.call("recall", "alice", "half \ud83d")
    assert service.seen[0].json["query"] == "half \ud83d"


async def test_an_archive_is_streamed_in_and_out(ask: Asked, service: Service):
    archive = b'{"format": 1}\n' + b'{"row": "\xc3\xa9"}\n' * 50_000
    service.answers(archive)
    assert b"".join(await ask.call("export", "alice")) == archive
    service.answers(TAKEN)
    pieces = (archive[start : start + 1000] for start in range(0, len(archive), 1000))
    assert (await ask.call("import_", "alice", pieces)).added == 2
    assert service.seen[1].body == archive
    assert service.seen[1].headers["Content-Type"] == "application/x-ndjson"
    assert "Content-Length" not in service.seen[1].headers


def test_methods_explain_themselves():
    assert MemproxyClient.recall.__doc__ == "What a chat would get for this question, and why."
    undocumented = [name for name, *_ in METHODS if not getattr(AsyncMemproxyClient, name).__doc__]
    assert undocumented == []
