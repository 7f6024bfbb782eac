"""What goes wrong is a typed error that says what to do, and never holds the key."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from aiohttp import web

from memproxy.client import (
    ApiError,
    AsyncMemproxyClient,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    MemproxyClient,
    NotFoundError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
)
from memproxy.errors import ConfigError, MemproxyError
from memproxy.testing.service import free_port

from .conftest import Asked
from .replies import problem
from .scripted import Service

SECRET = "mp_id_secret"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, BadRequestError), (401, UnauthorizedError), (403, ForbiddenError), (404, NotFoundError),
        (405, ApiError), (409, ConflictError), (413, BadRequestError), (415, BadRequestError), (500, ServerError),
        (503, ServerError),
    ],
)  # fmt: skip
async def test_a_problem_becomes_the_error_of_its_status(
    ask: Asked, service: Service, status: int, expected: type[ApiError]
):
    body = problem(status, detail="not like this", code="the_code", param="text", request_id="r1")
    service.answers(body, status=status, type="application/problem+json")
    for method, args in (("fact", ("alice", "f1")), ("export", ("alice",)), ("facts", ("alice",))):
        with pytest.raises(expected) as raised:
            await ask.call(method, *args)
        error = raised.value
        assert type(error) is expected
        assert (str(error), error.status, error.code) == ("not like this", status, "the_code")
        assert (error.param, error.request_id) == ("text", "r1")


@pytest.mark.parametrize("status", [200, 302, 404, 502])
@pytest.mark.parametrize("body", [b"<html>not memproxy</html>", b"[]", b"", {"error": {"message": "no"}}])
async def test_what_is_not_the_memory_api_is_named_by_its_address(ask: Asked, service: Service, status: int, body: Any):
    service.answers(body, status=status)
    with pytest.raises(ServerError, match=re.escape(service.url)):
        await ask.call("entity", "alice")


async def test_a_redirect_does_not_take_the_key_elsewhere(ask: Asked, service: Service):
    service.answers(b"", status=307, Location=f"{service.url}/elsewhere")
    with pytest.raises(ServerError):
        await ask.call("entity", "alice")
    assert len(service.seen) == 1


async def test_a_service_that_is_not_there_is_named(kind: type[Any]):
    asked = Asked(kind(url=f"http://127.0.0.1:{free_port()}", key=SECRET))
    for method in ("entity", "export"):
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1.*memproxy serve"):
            await asked.call(method, "alice")
    await asked.close()


async def test_a_service_that_does_not_answer_is_given_up(kind: type[Any]):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = Asked(kind(url=f"http://127.0.0.1:{silent.getsockname()[1]}", key=SECRET, timeout=0.05))
        with pytest.raises(UnreachableError, match="in time"):
            await asked.call("entity", "alice")
        await asked.close()


async def test_an_export_that_breaks_off_is_no_export(ask: Asked, service: Service):
    def torn(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n")
        request.transport.close()
        return web.Response()

    service.replies = [torn]
    with pytest.raises(UnreachableError, match="broke off"):
        await ask.call("export", "alice")


@pytest.mark.parametrize("url", ["127.0.0.1:8700", "ftp://x", "http://", "http://host:port", "http://u:p@host", ""])
def test_an_address_that_cannot_be_one_is_refused(kind: type[Any], url: str):
    with pytest.raises(ConfigError, match="url"):
        kind(url=url)


@pytest.mark.parametrize("key", ["mp_a b", "mp_\nX-Evil: 1", "mp_é", "mp_\x00"])
def test_a_key_that_cannot_be_one_is_refused_and_not_repeated(kind: type[Any], key: str):
    with pytest.raises(ConfigError) as refused:
        kind(key=key)
    assert key not in str(refused.value)


async def test_a_key_from_a_file_may_end_in_a_newline_and_none_is_sent_where_none_is_given(
    service: Service, kind: type[Any]
):
    service.answers(b"", status=204)
    for key, sent in ((f"{SECRET}\n", f"Bearer {SECRET}"), (None, None), ("", None)):
        asked = Asked(kind(url=service.url, key=key))
        await asked.call("forget_fact", "alice", "f1")
        assert service.seen[-1].headers.get("Authorization") == sent
        await asked.close()


async def test_the_key_is_in_no_error_and_no_repr(ask: Asked, service: Service):
    service.answers(problem(500), status=500)
    with pytest.raises(MemproxyError) as raised:
        await ask.call("entity", "alice")
    chain: BaseException | None = raised.value
    while chain is not None:
        assert SECRET not in f"{chain!r} {chain} {vars(chain)}"
        chain = chain.__cause__ or chain.__context__
    assert SECRET not in repr(ask.client)
    assert service.url in repr(ask.client)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/memory/v1", ""])
async def test_the_address_of_the_data_plane_will_do(service: Service, kind: type[Any], path: str):
    service.answers(b"", status=204)
    asked = Asked(kind(url=service.url + path))
    await asked.call("forget_fact", "alice", "f1")
    assert service.seen[0].path == "/memory/v1/entities/alice/facts/f1"
    await asked.close()


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    service: Service, kind: type[Any], monkeypatch: pytest.MonkeyPatch
):
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    service.answers(b"", status=204)
    asked = Asked(kind(url=service.url))
    await asked.call("forget_fact", "alice", "f1")
    await asked.close()


def test_clients_are_closed_by_their_block():
    with MemproxyClient() as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.entity("alice")


async def test_async_clients_are_closed_by_their_block():
    async with AsyncMemproxyClient() as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await client.entity("alice")
