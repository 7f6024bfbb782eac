"""A real server on loopback, started by the tests: its own folder, its own port, its own log."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from memproxy.testing.service import free_port

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "memproxy-test-servers"
"""What was downloaded or compiled once."""

UNPRIVILEGED = "nobody"
"""Servers that refuse to run as root run as this user then."""


def demoted() -> Mapping[str, object]:
    """Arguments for `subprocess` that give up root."""
    return {"user": UNPRIVILEGED, "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}


def own(folder: Path) -> None:
    """Give the folder to the user that the server runs as."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, UNPRIVILEGED, "nogroup")


class MissingServer(RuntimeError):
    """The server cannot be had on this machine; the message says what to install."""


class ServerProcess:
    """One process. `command` is built when it starts; `ready` says whether it answers."""

    polite = signal.SIGTERM
    """Ends it in good order."""

    def __init__(self, *, name: str, as_root: bool = True) -> None:
        self.name = name
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"memproxy-{name}-"))
        self.folder.chmod(0o755)
        self.log = self.folder / f"{name}.log"
        self._as_root = as_root
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Once, before the first start."""

    def ready(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        rights = {} if self._as_root else demoted()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder, **rights)  # type: ignore[call-overload]
        self._until(self.ready, 60)

    def stop(self) -> None:
        """As an operator would."""
        self._end(self.polite)

    def kill(self) -> None:
        """As a power cut would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It hangs: accepts, and answers nobody."""
        for process in self.processes():
            process.suspend()

    def resume(self) -> None:
        for process in self.processes():
            process.resume()

    def __enter__(self) -> Self:
        self.prepare()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """The server and the processes that it started."""
        if self._process is None or self._process.poll() is not None:
            return []
        first = psutil.Process(self._process.pid)
        return [first, *first.children(recursive=True)]

    def _end(self, number: signal.Signals) -> None:
        everyone = self.processes()
        for process in everyone if number is signal.SIGKILL else everyone[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
                process.send_signal(number)
        if self._process is not None:
            self._process.wait(60)
        psutil.wait_procs(everyone[1:], timeout=60)

    def _until(self, condition: Callable[[], bool], deadline: float) -> None:
        end = time.monotonic() + deadline
        while not condition():
            if (self._process is not None and self._process.poll() is not None) or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.05)
