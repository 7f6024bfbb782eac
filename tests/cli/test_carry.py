"""Exporting into a file: it is there when it is complete, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from memproxy.cli.carry import carry
from memproxy.client import MemproxyClient, NotFoundError, UnreachableError
from memproxy.errors import ConfigError
from tests.client.replies import problem
from tests.client.scripted import Service

ARCHIVE = b'{"format": "memproxy-archive"}\n' + b'{"type": "fact"}\n' * 9


async def take(service: Service, path: Path, *, force: bool = False) -> int:
    with MemproxyClient(url=service.url) as client:
        return await asyncio.to_thread(carry, client, "alice", path, force=force)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def torn(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n")
    request.transport.close()
    return web.Response()


async def test_a_file_holds_the_whole_and_only_its_owner_may_read_it(service: Service, tmp_path: Path):
    service.answers(ARCHIVE)
    assert await take(service, tmp_path / "a.ndjson") == 10
    assert (tmp_path / "a.ndjson").read_bytes() == ARCHIVE
    assert (tmp_path / "a.ndjson").stat().st_mode & 0o777 == 0o600
    assert list(files(tmp_path)) == ["a.ndjson"]


async def test_a_file_that_is_there_is_replaced_only_by_force(service: Service, tmp_path: Path):
    path = tmp_path / "a.ndjson"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        await take(service, path)
    assert (path.read_text(), service.seen) == ("mine", [])
    service.answers(ARCHIVE)
    await take(service, path, force=True)
    assert path.read_bytes() == ARCHIVE


async def test_an_export_that_breaks_off_leaves_what_was_there(service: Service, tmp_path: Path):
    path = tmp_path / "a.ndjson"
    path.write_text("mine")
    service.replies = [torn]
    with pytest.raises(UnreachableError):
        await take(service, path, force=True)
    service.answers(problem(404), status=404)
    with pytest.raises(NotFoundError):
        await take(service, tmp_path / "b.ndjson")
    assert files(tmp_path) == {"a.ndjson": "mine"}


async def test_a_folder_that_is_not_there_is_named(service: Service, tmp_path: Path):
    with pytest.raises(ConfigError, match="nowhere"):
        await take(service, tmp_path / "nowhere/a.ndjson")
    assert service.seen == []
