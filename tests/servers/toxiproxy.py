"""Toxiproxy between memproxy and a server: cuts, delays and stalls connections on command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from memproxy.testing.service import free_port
from tests.servers.process import CACHE, MissingServer, ServerProcess

VERSION = "v2.12.0"


def binary() -> Path:
    """Compiled once."""
    target = CACHE / f"toxiproxy-{VERSION}"
    if not target.exists():
        if shutil.which("go") is None:
            raise MissingServer("toxiproxy is compiled with Go, and there is no go; see https://go.dev/doc/install")
        fresh = CACHE / "go-bin"
        fresh.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["go", "install", f"github.com/Shopify/toxiproxy/v2/cmd/server@{VERSION}"],
            check=True, capture_output=True, env={**os.environ, "GOBIN": str(fresh)},
        )  # fmt: skip
        (fresh / "server").replace(target)
    return target


class Toxiproxy(ServerProcess):
    def __init__(self) -> None:
        super().__init__(name="toxiproxy")
        self._binary = binary()

    def command(self) -> Sequence[str]:
        return [str(self._binary), "-host", "127.0.0.1", "-port", str(self.port)]

    def between(self, port: int) -> Link:
        """A new link to the server at `port`."""
        here = free_port()
        name = f"{here}-{port}"
        link = Link(self, name, here)
        self.call(
            "POST", "/proxies", {"name": name, "listen": f"127.0.0.1:{link.port}", "upstream": f"127.0.0.1:{port}"}
        )
        return link

    def call(self, method: str, path: str, body: object = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, data=data)
        urllib.request.urlopen(request, timeout=10).close()


class Link:
    """Connect to `port`; what goes wrong is up to the test."""

    def __init__(self, proxy: Toxiproxy, name: str, port: int) -> None:
        self._proxy, self._name, self.port = proxy, name, port

    def cut(self) -> None:
        """Connections are reset and refused."""
        self._proxy.call("POST", f"/proxies/{self._name}", {"enabled": False})

    def mend(self) -> None:
        """Everything is well again."""
        self._proxy.call("POST", "/reset")

    def delay(self, milliseconds: int, *, jitter: int = 0) -> None:
        self.poison("latency", latency=milliseconds, jitter=jitter)

    def stall(self) -> None:
        """Nothing comes through, and nobody is told."""
        self.poison("timeout", timeout=0)

    def poison(self, kind: str, *, stream: str = "downstream", **attributes: int) -> None:
        """One of toxiproxy's own: `reset_peer`, `limit_data`, `slicer`, `bandwidth` … `upstream` is to the server."""
        body = {"type": kind, "name": f"{kind}-{stream}", "stream": stream, "attributes": attributes}
        self._proxy.call("POST", f"/proxies/{self._name}/toxics", body)
