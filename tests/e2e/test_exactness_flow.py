"""Whoever is slow is waited for: what passes through is never piled up in memory, in neither direction."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memproxy.testing.exchange import Reply, Step
from memproxy.testing.replies import LAST_CHUNK, SSE, head
from memproxy.testing.scripts import always
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .wire import ODD, plain

MIB = 1024 * 1024
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
# What is remembered of a reply (32 MiB), a few copies of it while it is understood, and what libraries buffer.
ALLOWED = 250 * MIB


class Long(tuple[Step, ...]):
    """The steps of a reply of a million chunks; counts what was sent."""

    sent = 0

    def __iter__(self) -> Iterator[Step]:
        chunk = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
        yield head(200, (*SSE, ("transfer-encoding", "chunked")))
        for _ in range(1000):
            self.sent += 1000 * len(chunk)
            yield chunk * 1000
        yield LAST_CHUNK


def resident(service: ServiceProcess) -> int:
    try:
        status = Path(f"/proc/{service.pid}/status").read_text()
    except FileNotFoundError:
        pytest.skip("this system does not say how much memory a process takes (/proc)")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


async def stalled(count: Callable[[], int]) -> int:
    """The count once it no longer grows."""
    last, same = -1, 0
    async with asyncio.timeout(30):
        while same < 10:
            await asyncio.sleep(0.05)
            same = same + 1 if count() == last else 0
            last = count()
    return last


@pytest.mark.parametrize("path", ["/v1/anything", "/v1/chat/completions"])
async def test_a_million_chunks_for_a_client_that_does_not_read_wait_at_the_upstream(
    service: ServiceProcess, up: ScriptedUpstream, person: str, path: str
):
    steps = Long()
    up.script = always(Reply(steps))
    before = resident(service)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1024)
    writer.write(plain("POST", path, ODD, b"X-Memproxy-Entity: " + person.encode()))
    await up.until(lambda: steps.sent)
    waiting = await stalled(lambda: steps.sent)
    assert waiting < 20 * MIB, "the upstream was made to wait"
    assert resident(service) - before < 50 * MIB
    await reader.readuntil(b"\r\n\r\n")
    digest, most = hashlib.blake2b(), 0
    async with asyncio.timeout(120):
        while (size := int(await reader.readline(), 16)) > 0:
            digest.update(await reader.readexactly(size))
            await reader.readexactly(2)
            most = max(most, resident(service))
    writer.close()
    expected = hashlib.blake2b()
    for _ in range(1000):
        expected.update(EVENT * 1000)
    assert digest.digest() == expected.digest()
    assert most - before < ALLOWED


async def test_an_upload_to_an_upstream_that_does_not_read_waits_at_the_client(
    service: ServiceProcess, upstream_port: int
):
    read_on, received = asyncio.Event(), 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reader.readuntil(b"\r\n\r\n")
        await read_on.wait()
        while received < 200 * MIB:
            received += len(await reader.read(MIB))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        writer.close()

    before, sent = resident(service), 0
    async with await asyncio.start_server(slow, "127.0.0.1", upstream_port, limit=MIB):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(plain("POST", "/v1/files", b"", b"Content-Length: %d" % (200 * MIB)))

        async def upload() -> None:
            nonlocal sent
            for _ in range(200):
                writer.write(b"x" * MIB)
                await writer.drain()
                sent += MIB

        uploading = asyncio.create_task(upload())
        assert await stalled(lambda: sent) < 50 * MIB, "the client was made to wait"
        assert resident(service) - before < 50 * MIB
        read_on.set()
        async with asyncio.timeout(60):
            await uploading
            assert (await reader.read()).endswith(b"\r\n\r\nhi")
        writer.close()
    assert received == 200 * MIB
