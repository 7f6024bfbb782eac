"""What stands around a measurement: the scripted upstream, the reference proxies, and memproxy itself with its API."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Self

from bench.process import OTHER_CORE, PROXY_CORE, Process, free_port, output_of, python
from bench.questions import statements

ANSWER = " ".join(["word"] * 48)
"""48 words, which with the role and the finish make a stream of 50 chunks."""
SETTLE = 0.3
"""Seconds of quiet before a measurement, so that nothing of the one before is counted."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run does: enough to trust the figures, or just enough to see that everything works."""

    smoke: bool = False
    full: bool = False
    profile: bool = False

    def of(self, real: int, smoke: int) -> int:
        return smoke if self.smoke else real


def upstream(*, delay: float = 0.0) -> Process:
    """The stand-in for the model, streaming 50 chunks `delay` seconds apart."""
    port = free_port()
    options = ("--port", str(port), "--text", ANSWER, "--chunks", "48", "--delay", str(delay))
    command = python("-m", "memproxy.testing.upstream", *options)
    return Process(command, core=OTHER_CORE, url=f"http://127.0.0.1:{port}/v1", ready="/models")


def reference(kind: str, upstream_url: str) -> Process:
    port = free_port()
    command = python("-m", "bench.references", kind, "--port", str(port), "--upstream", upstream_url)
    return Process(command, core=PROXY_CORE, url=f"http://127.0.0.1:{port}/v1", ready="/models")


def load(url: str, *, requests: int, seed: int, **options: Any) -> dict[str, Any]:
    """One run of the load generator; options are its flags."""
    command = python("-m", "bench.load", url, "--requests", str(requests), "--seed", str(seed))
    for name, value in options.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            command += [] if one is False else [f"--{name}"] if one is True else [f"--{name}", str(one)]
    told: dict[str, Any] = output_of(command, core=OTHER_CORE)
    wrong = {status: count for status, count in told["statuses"].items() if status != "200"}
    if wrong or told["broken"]:
        raise RuntimeError(f"the load was not answered: {wrong} statuses, {told['broken']} broken connections at {url}")
    return told


def embedding_ms(count: int, seed: int) -> float:
    """CPU milliseconds of one embedding, in a process of its own on the proxy's core."""
    command = python("-m", "bench.references", "embed", "--count", str(count), "--seed", str(seed))
    return float(output_of(command, core=PROXY_CORE)["cpu_ms"])


class Service:
    """A memproxy process on a fresh data directory, and what the measurements ask of its API."""

    def __init__(self, upstream_url: str, *, settings: Mapping[str, str] | None = None, profile: bool = False) -> None:
        self._stack = ExitStack()
        self._upstream = upstream_url
        self._settings = dict(settings or {})
        self._profile = profile
        self.data_dir = pathlib.Path()
        self.process: Process

    def __enter__(self) -> Self:
        if not self.data_dir.name:
            self.data_dir = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        try:
            self.process = self._stack.enter_context(self._start())
            self._insist_on_the_model()
        except RuntimeError:
            self._stack.close()
            raise
        return self

    def _insist_on_the_model(self) -> None:
        """A service without its model is up, and flatteringly fast."""
        state = self.call("GET", "/readyz")
        if state["status"] != "ready":
            raise RuntimeError(f"memproxy is up, but not ready to be measured: {state}")

    def _start(self) -> Process:
        listen = f"127.0.0.1:{free_port()}"
        told = {"LISTEN": listen, "UPSTREAM": self._upstream, "DATA_DIR": str(self.data_dir), "RECALL_TIMEOUT": "30"}
        env = {f"MEMPROXY_{name}": value for name, value in (told | self._settings).items()}
        command = [str(pathlib.Path(sys.executable).parent / "memproxy"), "serve"]
        samples = self.data_dir / "samples.txt" if self._profile else None
        if samples:
            command = python("-m", "bench.sampler", "serve")
            env["BENCH_SAMPLES"] = str(samples)
        return Process(command, core=PROXY_CORE, url=f"http://{listen}", ready="/readyz", env=env, samples=samples)

    @property
    def url(self) -> str:
        return self.process.url + "/v1"

    def restart(self) -> Process:
        """Stop it and start it again on the same data."""
        self.process.stop()
        self.process = self._stack.enter_context(self._start())
        return self.process

    def call(self, method: str, path: str, body: object = None) -> Any:
        """A JSON call to memproxy's own API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.process.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=120) as reply:
            said = reply.read()
        return json.loads(said) if said else None

    def tell(self, entity: str, count: int, *, seed: int, batch: int = 1000) -> None:
        """Import that many messages, in sessions of one batch each."""
        said = statements(seed)
        for start in range(0, count, batch):
            texts = islice(said, min(batch, count - start))
            messages = [{"role": "user", "content": text} for text in texts]
            body = {"session": f"{entity}-{start}", "messages": messages}
            self.call("POST", f"/memory/v1/entities/{entity}/messages", body)

    def pending(self, entity: str | None = None) -> int:
        only = f"&entity={entity}" if entity else ""
        return int(self.call("GET", f"/memory/v1/jobs?state=pending&limit=1{only}")["total"])

    def drain(self, deadline: float = 1800.0) -> float:
        """Wait until nothing is queued; returns the seconds it took."""
        started = time.perf_counter()
        while self.pending():
            if time.perf_counter() - started > deadline:
                raise RuntimeError(f"{self.pending()} jobs are still pending after {deadline:.0f} s")
            time.sleep(0.05)
        return time.perf_counter() - started

    def pause_jobs(self) -> None:
        self.call("POST", "/admin/v1/jobs/pause")

    def resume_jobs(self) -> None:
        self.call("POST", "/admin/v1/jobs/resume")

    def seeded(self, entity: str, count: int, *, seed: int) -> str:
        """An entity that remembers `count` messages, indexed; returns the header that names it."""
        self.tell(entity, count, seed=seed)
        self.drain()
        return f"X-Memproxy-Entity: {entity}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def settle() -> None:
    time.sleep(SETTLE)


def rounds(size: Size, real: int = 3) -> Sequence[int]:
    return range(1 if size.smoke else int(os.environ.get("BENCH_ROUNDS", real)))
