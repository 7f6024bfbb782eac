"""Importing: what is told to the service, and the account of it where the file or the service is at fault."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from memproxy.cli.bring import BATCH_MESSAGES, Brought, Import, settle
from memproxy.client import BadRequestError, ForbiddenError, MemproxyClient, UnreachableError
from memproxy.errors import BadRequest
from memproxy.testing.service import free_port
from tests.client.replies import JOB, TAKEN, listed, problem
from tests.client.scripted import Service

from .running import memproxy

DATA = Path(__file__).parents[1] / "importers/data"


def told(request: web.Request) -> web.Response:
    return web.json_response({"session": "s", "accepted": 1, "job": f"j{id(request)}"}, status=202)


def refused(status: int, **fields: Any) -> Any:
    return lambda _: web.json_response(problem(status, **fields), status=status)


def conversations(path: Path, *sizes: int, text: str = "hello") -> Path:
    """A file of conversations with so many messages each."""
    lines = [{"messages": [{"role": "user", "content": text}] * size, "id": n} for n, size in enumerate(sizes)]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


async def bring(service: Service, path: Path, **options: Any) -> Brought:
    """Raises what the import raises."""
    with MemproxyClient(url=service.url) as client:
        run = Import(client, entity="alice", pauses=(0, 0, 0), **options)
        await asyncio.to_thread(run.run, path, None)
        return run.brought


async def test_messages_are_told_with_their_sessions_ids_and_times(service: Service):
    service.replies = [told]
    brought = await bring(service, DATA / "chatgpt/conversations.json", process="phone")
    first = service.seen[0].json
    assert service.seen[0].path == "/memory/v1/entities/alice/messages"
    assert (first["session"], first["process"]) == ("chatgpt:65e7c000-1111-4222-8333-444455556666", "phone")
    assert first["messages"][0] == {
        "id": "aaa1e2c0-0000-4000-8000-000000000003",
        "role": "user",
        "content": "I move to Lisbon next month. Which quarter is quiet?",
        "created_at": "2024-03-05T16:01:40.250000Z",
    }
    assert (len(brought.sessions), brought.messages, brought.skipped["branch"]) == (3, 8, 3)
    assert brought.broken == ["conversation 3: Expected `object`, got `null` - at `$.mapping`"]
    assert brought.failed


async def test_a_long_conversation_goes_in_parts_and_none_is_empty(service: Service, tmp_path: Path):
    service.replies = [told]
    await bring(service, conversations(tmp_path / "f", BATCH_MESSAGES, 2 * BATCH_MESSAGES + 1, 1))
    assert [len(seen.json["messages"]) for seen in service.seen] == [500, 500, 500, 1, 1]
    assert len({seen.json["session"] for seen in service.seen[1:4]}) == 1


async def test_long_messages_make_small_parts(service: Service, tmp_path: Path):
    service.replies = [told]
    await bring(service, conversations(tmp_path / "f", 5, text="x" * 1_500_000))
    assert [len(seen.json["messages"]) for seen in service.seen] == [2, 2, 1]


async def test_a_conversation_that_the_service_refuses_is_named_and_the_others_are_told(
    service: Service, tmp_path: Path
):
    too_large = refused(413, detail="the body is too large", param="max_body")
    service.replies = [told, too_large, told]
    brought = await bring(service, conversations(tmp_path / "f", 1, 2 * BATCH_MESSAGES, 1))
    assert brought.broken == ["jsonl:1: the body is too large"]
    assert (brought.messages, len(service.seen)) == (2, 3)


@pytest.mark.parametrize(
    ("reply", "error"),
    [(refused(403), ForbiddenError), (refused(400, param="entity"), BadRequestError)],
)
async def test_what_would_be_refused_again_and_again_ends_the_import(
    service: Service, tmp_path: Path, reply: Any, error: type[Exception]
):
    service.replies = [reply]
    with pytest.raises(error):
        await bring(service, conversations(tmp_path / "f", 1, 1))
    assert len(service.seen) == 1


async def test_a_service_that_restarts_is_waited_for(service: Service, tmp_path: Path):
    def gone(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    service.replies = [told, refused(503), gone, lambda _: web.Response(status=502, text="<html>"), told]
    brought = await bring(service, conversations(tmp_path / "f", 1, 1))
    assert (brought.messages, brought.broken, len(service.seen)) == (2, [], 5)


async def test_a_service_that_is_not_there_is_said_at_once(tmp_path: Path):
    path = conversations(tmp_path / "f", 1)
    with MemproxyClient(url=f"http://127.0.0.1:{free_port()}") as client, pytest.raises(UnreachableError):
        Import(client, entity="alice", pauses=(60,)).run(path, None)


async def test_a_dry_run_counts_and_sends_nothing(service: Service, tmp_path: Path):
    brought = await bring(service, DATA / "log.jsonl", dry_run=True)
    assert (len(brought.sessions), brought.messages, brought.untimed) == (2, 6, 1)
    archive = tmp_path / "a.ndjson"
    archive.write_bytes(b'{"format": "memproxy-archive", "version": 1}\n{}\n{}\n')
    assert (await bring(service, archive, dry_run=True)).rows == 2
    assert service.seen == []


def test_standard_input_is_a_file_like_others():
    said = (DATA / "log.jsonl").read_text()
    done = memproxy("import", "-", "--entity", "alice", "--dry-run", "--json", given=said)
    assert json.loads(done.stdout)["messages"] == 6
    assert done.stderr.startswith("standard input ...")


async def test_memproxys_own_format_goes_as_it_is(service: Service, tmp_path: Path):
    archive = b'{"format": "memproxy-archive", "version": 1}\n' + b'{"type": "message"}\n' * 50_000
    path = tmp_path / "a.ndjson"
    path.write_bytes(archive)
    service.answers(TAKEN)
    brought = await bring(service, path)
    assert service.seen[0].path == "/memory/v1/entities/alice/import"
    assert service.seen[0].body == archive
    assert (brought.rows, brought.stored, brought.format) == (3, 2, "memproxy")


@pytest.mark.parametrize("content", [b"", b"[]", b"hello", b'{"a": 1}', b"[{]", b'[{"mapping": '])
async def test_a_file_that_is_no_export_is_refused(service: Service, tmp_path: Path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadRequest):
        await bring(service, path)


async def test_waiting_ends_when_nothing_is_pending_and_says_what_was_not_learned(service: Service):
    brought = Brought(dry_run=False, jobs={"j1"})
    service.answers(listed(total=2), listed(total=1), listed(total=0), listed(JOB, {**JOB, "id": "another's"}))
    with MemproxyClient(url=service.url) as client:
        await asyncio.to_thread(settle, client, "alice", brought)
    assert [seen.query["state"] for seen in service.seen] == ["pending"] * 3 + ["dead"]
    assert (brought.dead, brought.failed) == (1, True)
