"""A real memproxy process on loopback, for end-to-end tests and the demo: started, killed, started again.

service = ServiceProcess(folder=tmp, upstream=up.url)
await service.start()
await service.kill()       # SIGKILL, as a crash or a power cut would
await service.start()      # same address, same data
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from memproxy.errors import Unavailable

_ports = itertools.count(os.getpid() * 7919)
"""Each process begins elsewhere, so that tests that run side by side do not choose the same."""


def free_port() -> int:
    """A port of this machine that nobody listens on, and that is given to nobody else: not to this process again, and
    not by the system to a connection that needs any port, as those are above 32767."""
    while True:
        port = 10240 + next(_ports) % (32768 - 10240)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class ServiceProcess:
    """`memproxy serve` with a data directory and a log file in `folder`; `settings` are named as in the file."""

    def __init__(self, *, folder: Path, upstream: str, **settings: object) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "memproxy.log"
        self._settings = {"listen": f"127.0.0.1:{self.port}", "upstream": upstream, "data_dir": folder / "data"}
        self._settings |= settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def command(self) -> list[str]:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in self._settings.items()]
        return [sys.executable, "-m", "memproxy", "serve", *flags]

    async def start(self, *, deadline: float = 60.0) -> None:
        """Returns when the service answers `/readyz`; raises `Unavailable` with the end of its log otherwise."""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {name: value for name, value in os.environ.items() if not name.startswith("MEMPROXY_")}
        with self.log.open("ab") as log:
            # Spawning takes microseconds; asyncio's own subprocesses die with their loop, and this one must not.
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=env)  # noqa: ASYNC220
        until = time.monotonic() + deadline
        async with httpx.AsyncClient(trust_env=False) as client:
            while not await self._ready(client):
                if self._process.poll() is not None or time.monotonic() > until:
                    raise Unavailable(f"memproxy did not start:\n{self.log_tail()}")
                await asyncio.sleep(0.02)

    async def _ready(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def kill(self) -> None:
        """End it at once, without a farewell."""
        await self.end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it politely; returns the exit status."""
        return await self.end(signal.SIGTERM)

    async def end(self, number: signal.Signals, *, deadline: float = 60.0) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return await asyncio.to_thread(process.wait, deadline)

    def log_tail(self, size: int = 4000) -> str:
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""

    async def settled(self, *, entity: str | None = None, key: str = "", deadline: float = 60.0) -> None:
        """Wait until no background job is pending; `TimeoutError` after `deadline` seconds."""
        params = {"state": "pending", **({"entity": entity} if entity else {})}
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with asyncio.timeout(deadline), httpx.AsyncClient(trust_env=False, timeout=deadline) as client:
            while True:
                reply = await client.get(f"{self.url}/memory/v1/jobs", params=params, headers=headers)
                if reply.raise_for_status().json()["total"] == 0:
                    return
                await asyncio.sleep(0.02)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()
