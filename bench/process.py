"""A process under measurement: pinned to a core, timed to readiness, its CPU seconds and memory read from outside.

The proxy under test has a core of its own; load generator and upstream share the other, so that they do not take the
time that is being measured. On a machine with one core everything shares it, and the figures say little.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

import psutil

CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE = CORES[0]
OTHER_CORE = CORES[-1]
ROOT = pathlib.Path(__file__).resolve().parent.parent


class Process:
    """A child that serves `url` once it is started; its output goes to `log`, shown if it dies early."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int,
        url: str,
        ready: str = "",
        env: Mapping[str, str] | None = None,
        samples: pathlib.Path | None = None,
    ) -> None:
        self.url = url
        self._samples = samples
        """Where `bench.sampler` leaves its findings, if it runs the process."""
        self._ready = ready
        self._command = list(command)
        self._core = core
        self._env = os.environ | dict(env or {})
        self._log: IO[bytes] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self.ready_after = 0.0
        """Seconds from exec until it answered."""

    def __enter__(self) -> Self:
        self._log = open(os.memfd_create("log"), "w+b")
        started = time.perf_counter()
        self._child = subprocess.Popen(self._command, cwd=ROOT, env=self._env, stdout=self._log, stderr=self._log)
        psutil.Process(self._child.pid).cpu_affinity([self._core])
        self._wait(started)
        self.ready_after = time.perf_counter() - started
        return self

    def _wait(self, started: float, deadline: float = 60.0) -> None:
        while not answers(self.url + self._ready):
            if self._running.poll() is not None or time.perf_counter() - started > deadline:
                text = self.output()
                self.__exit__(None, None, None)
                raise RuntimeError(f"{' '.join(self._command)} did not come up:\n{text}")
            time.sleep(0.01)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RuntimeError("not started")
        return self._child

    @property
    def _tree(self) -> list[psutil.Process]:
        parent = psutil.Process(self._running.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu(self) -> float:
        """User and system seconds of all threads of the process tree so far, ended threads included."""
        return sum(time.clock_gettime(_cpu_clock(process.pid)) for process in self._tree)

    def rss(self) -> float:
        """Resident megabytes (10^6 bytes)."""
        return float(sum(process.memory_info().rss for process in self._tree)) / 1e6

    @contextlib.contextmanager
    def sampling(self, title: str) -> Iterator[None]:
        """Print where the process spent its time in this block; does nothing for one that has no sampler in it."""
        if self._samples is None:
            yield
            return
        self._samples.unlink(missing_ok=True)
        self._running.send_signal(signal.SIGUSR1)
        yield
        self._running.send_signal(signal.SIGUSR2)
        while not self._samples.exists():
            time.sleep(0.01)
        print(f"\n--- {title}: {self._samples.read_text()}", file=sys.stderr)

    def output(self, size: int = 4000) -> str:
        """The last `size` characters it printed."""
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-size:]

    def stop(self) -> None:
        if self._child is None or self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(15)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._log is not None:
            self._log.close()


def _cpu_clock(pid: int) -> int:
    """Linux's clock of another process's CPU time, in nanoseconds where /proc counts in hundredths of a second; what
    clock_getcpuclockid(3) computes."""
    return (~pid << 3) | 2


def answers(url: str) -> bool:
    """Whether a GET is answered with anything below 500."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def output_of(command: Sequence[str], *, core: int, deadline: float = 600.0) -> Any:
    """Run a command that prints one JSON object on its last line."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        psutil.Process(child.pid).cpu_affinity([core])
        printed, _ = child.communicate(timeout=deadline)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {child.returncode}")
    return json.loads(printed.splitlines()[-1])
