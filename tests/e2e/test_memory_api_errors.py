"""Whatever the memory API refuses, it says what is wrong and what to do, in a problem document that names the field."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from memproxy.testing.service import ServiceProcess

from .asking import problem, said, tell

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"messages":[{"role":"user","content":"\xff"}]}', "body"),
        (b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "body"),
        (b"{}", "messages"),
        (b'{"messages":[]}', "messages"),
        (b'{"messages":[{"role":"king","content":"x"}]}', "messages.0.role"),
        (b'{"messages":[{"role":"user","content":7}]}', "messages.0.content"),
        (b'{"messages":[{"role":"user","content":"x","created_at":"soon"}]}', "messages.0.created_at"),
        (b'{"messages":[{"role":"user","content":"x","created_at":1700000000}]}', "messages.0.created_at"),
        (
            b'{"messages":[{"role":"user","content":"x","created_at":"0001-01-01T00:00:00+01:00"}]}',
            "messages.0.created",
        ),
        (b'{"messages":[{"role":"user","content":"x"}],"sesion":"s"}', "sesion"),
        (b'{"messages":[{"role":"user","content":"x"}],"session":"not valid"}', "session"),
    ],
)
async def test_a_bad_body_is_a_problem_that_names_its_field(
    http: httpx.AsyncClient, person: str, body: bytes, param: str
):
    reply = await http.post(f"/memory/v1/entities/{person}/messages", content=body, headers=JSON)
    assert reply.status_code == 400
    assert problem(reply)["param"].startswith(param)
    assert "x" * 50 not in reply.text, "no echo of what was sent"


async def test_an_unknown_field_is_answered_with_those_there_are(http: httpx.AsyncClient, person: str):
    reply = await http.post(f"/memory/v1/entities/{person}/recall", json={"question": "Where?", "query": "x"})
    assert problem(reply)["detail"].startswith("question: there is no such field here; there are query, limit,")
    name = "q" * 100_000
    assert len((await http.post(f"/memory/v1/entities/{person}/recall", json={name: 1})).content) < 1000


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=1_0", "limit"),
        ("limit=", "limit"),
        ("limit=5&limit=6", "limit"),
        ("cursor=!", "cursor"),
        ("cursor=bm90aGluZw", "cursor"),
        ("state=odd", "state"),
        ("kind=mood", "kind"),
        ("page=2", "page"),
        ("q=x&Q=x", "Q"),
    ],
)
async def test_a_bad_query_is_a_problem_that_names_its_parameter(
    http: httpx.AsyncClient, person: str, query: str, param: str
):
    reply = await http.get(f"/memory/v1/entities/{person}/facts?{query}")
    assert reply.status_code == 400
    assert problem(reply)["param"] == param


async def test_calls_that_take_no_query_refuse_one(http: httpx.AsyncClient, person: str):
    reply = await http.post(f"/memory/v1/entities/{person}/recall?limit=3", json={"query": "x"})
    assert (reply.status_code, problem(reply)["detail"]) == (400, "limit: this call takes none")


@pytest.mark.parametrize(
    "path",
    [
        "/entities/no%20spaces/facts",
        "/entities/a%2Fb/facts",
        "/entities/" + "e" * 129,
        "/entities/%F0%9F%A6%9C/sessions",
        "/entities/%00",
        "/entities/e%0A",
    ],
)
async def test_an_id_in_the_path_keeps_to_the_rule(http: httpx.AsyncClient, path: str):
    reply = await http.get("/memory/v1" + path)
    assert (reply.status_code, problem(reply)["param"]) == (400, "entity")


@pytest.mark.parametrize(
    "path", ["/entities/nobody/facts/none", "/entities/nobody/facts/none/history", "/entities/nobody", "/receipts/none"]
)
async def test_what_is_not_there_is_a_404(http: httpx.AsyncClient, path: str):
    reply = await http.get("/memory/v1" + path)
    assert (reply.status_code, problem(reply)["code"]) == (404, "not_found")


async def test_lists_of_somebody_unknown_are_empty(http: httpx.AsyncClient):
    for name in ("facts", "sessions"):
        reply = await http.get(f"/memory/v1/entities/nobody/{name}")
        assert reply.json() == {"items": [], "next_cursor": None, "total": 0}
    assert (await http.get("/memory/v1/entities/nobody/sessions/s/messages")).status_code == 404
    assert (await http.get("/memory/v1/entities/nobody/export")).status_code == 404
    assert (await http.delete("/memory/v1/entities/nobody")).status_code == 404


@pytest.mark.parametrize("path", ["/memory/v1", "/memory/v1/", "/memory/v1/nothing", "/memory/v1/entities/x/facts/"])
async def test_unknown_paths_say_where_to_look(http: httpx.AsyncClient, path: str):
    reply = await http.get(path)
    assert reply.status_code == 404
    assert "/memory/v1/openapi.json" in problem(reply)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/entities/x/facts", "GET, POST"),
        ("POST", "/entities/x/facts/f", "GET, PATCH, DELETE"),
        ("GET", "/entities/x/recall", "POST"),
        ("TRACE", "/jobs", "GET"),
        ("DELETE", "/openapi.json", "GET"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(
    http: httpx.AsyncClient, method: str, path: str, allow: str
):
    reply = await http.request(method, "/memory/v1" + path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allow)
    assert problem(reply)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_a_body_of_another_type_is_a_415_with_the_remedy(
    http: httpx.AsyncClient, person: str, headers: dict[str, str]
):
    body = json.dumps({"messages": [said("x")]}).encode()
    reply = await http.post(f"/memory/v1/entities/{person}/messages", content=body, headers=headers)
    assert reply.status_code == 415
    assert problem(reply)["param"] in ("Content-Type", "Content-Encoding")
    assert (await http.get(f"/memory/v1/entities/{person}")).status_code == 404, "and nothing was stored"


async def test_a_body_past_the_limit_is_a_413(folder, upstream_port: int, person: str):
    small = ServiceProcess(folder=folder, upstream=f"http://127.0.0.1:{upstream_port}/v1", max_body=1000)
    async with small, httpx.AsyncClient(base_url=small.url, trust_env=False) as http:
        assert (await tell(http, person, said("x" * 500))).status_code == 202
        reply = await tell(http, person, said("x" * 1000))
        assert (reply.status_code, problem(reply)["code"]) == (413, "body_too_large")


async def test_odd_bytes_in_the_request_line_break_nothing(service: ServiceProcess):
    """No client library sends these."""
    for target in (b"/facts?q=\xff\xfe", b"/facts?q=%FF%ED%A0%80", b"/facts?q=%00", b"/facts?q=%", b"/facts?q=[{\\"):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as line:
            line.sendall(
                b"GET /memory/v1/entities/e" + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            status = int(line.makefile("rb").readline().split()[1])
            assert status in (200, 400), target
