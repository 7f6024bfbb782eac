"""Bodies that are odd as JSON, and texts that are odd as text: refused with the field named, or kept as documented."""

from __future__ import annotations

import httpx
import pytest

from memproxy.testing.scripts import answer, echo
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import problem, said
from .test_limits import MEGABYTE, ODD, messages, path, sent


@pytest.mark.parametrize("call", ["/messages", "/recall", "/facts"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1000 + b"]" * 1000,
        b'{"query":' * 1000 + b"1" + b"}" * 1000,
        b'{"text":"I sail.","metadata":' + b'{"a":' * 1000 + b'"b"' + b"}" * 1001,
        b'{"messages":[{"role":"user","content":[' + b'{"a":[' * 1000 + b"]}" * 1000 + b"]}]}",
        b'{"query":"\xff\xfe"}',
        b'{"text":"\xed\xa0\x80"}',
        b'{"messages":[{"role":"user","content":"\xc3"}]}',
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"null",
        b'"text"',
        b"{",
        b"{} {}",
        b"{'query': 'x'}",
        b'{"query":"x",}',
        b'{"q\\ud800":1}',
    ],
)
async def test_bodies_that_are_no_such_thing_are_refused(http: httpx.AsyncClient, person: str, call: str, body: bytes):
    reply = await sent(http, path(person, call), body)
    assert reply.status_code in (400, 202), reply.text[:300]
    if reply.status_code == 400:
        assert problem(reply)["param"]
        assert len(reply.content) < 1000
    assert (reply.status_code == 202) <= (call == "/messages" and b'"content":[' in body)


async def test_of_a_name_that_is_given_twice_one_value_counts(http: httpx.AsyncClient, person: str):
    reply = await sent(
        http, path(person, "/facts"), b'{"text":"I sail.","text":"I swim.","kind":"skill","kind":"skill"}'
    )
    assert (reply.status_code, reply.json()["text"]) == (201, "I swim.")


async def test_half_a_surrogate_and_nul_become_a_mark_wherever_text_goes(http: httpx.AsyncClient, person: str):
    odd, mark = rb"a\ud83eb\u0000c\udd9c", "a\ufffdb\ufffdc\ufffd"
    body = b'{"text":"%b","attribute":"%b","value":"%b","metadata":{"%b":"%b"}}' % ((odd,) * 5)
    fact = (await sent(http, path(person, "/facts"), body)).json()
    assert (fact["text"], fact["metadata"]) == (mark, {mark: mark})
    changed = await sent(http, path(person, f"/facts/{fact['id']}"), b'{"text":"not %b"}' % odd, "PATCH")
    assert changed.json()["text"] == f"not {mark}"
    told = b'{"session":"s","messages":[{"id":"%b","role":"user","name":"%b","content":"%b"}]}' % ((odd,) * 3)
    assert (await sent(http, path(person, "/messages"), told)).status_code == 202
    [message] = await messages(http, person, "s")
    assert (message["id"], message["name"], message["content"]) == (mark, mark, mark)
    assert (await sent(http, path(person, "/recall"), b'{"query":"%b"}' % odd)).status_code == 200
    assert (await http.get(path(person, "/export"))).status_code == 200


@pytest.mark.parametrize("text", [*ODD.values(), "", " ", MEGABYTE], ids=[*ODD, "empty", "space", "megabyte"])
async def test_a_chat_of_any_text_reaches_the_model_and_the_session(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str, text: str
):
    up.script = answer(text or "x")
    body = {"model": "m", "messages": [said(text)]}
    reply = await http.post(f"/e/{person}/v1/chat/completions", json=body)
    assert (reply.status_code, reply.json()["choices"][0]["message"]["content"]) == (200, text or "x")
    assert up.last.prompt.endswith(text)
    kept = await messages(http, person, reply.headers["x-memproxy-session"])
    assert [one["content"] for one in kept] == [text, text or "x"]
    await service.settled(entity=person)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
        rb'{"model":"m","messages":[{"role":"user","content":"\ud83e \u0000"}]}',
        b'{"model":"m","seed":99999999999999999999999999,"messages":[{"role":"user","content":"Hello!"}]}',
        b'{"model":"m","messages":[],"messages":[{"role":"user","content":"Hello!"}]}',
        b'{"model":"m","temperature":1e999,"messages":[{"role":"user","content":"Hello!"}]}',
    ],
)
async def test_an_odd_chat_is_left_to_the_provider_as_it_came(
    http: httpx.AsyncClient, up: ScriptedUpstream, person: str, body: bytes
):
    up.script = echo
    for path_ in ("/v1/chat/completions", "/v1/responses"):
        reply = await sent(http, f"/e/{person}{path_}", body)
        assert (reply.status_code, reply.content, up.last.body) == (200, body, body)
