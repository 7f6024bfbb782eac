"""When `wipe.py` runs, and what is said where it cannot."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from memproxy.errors import StoreUnavailable
from memproxy_sql.wipe import BUSY

_PROGRAM = Path(__file__).with_name("wipe.py")


class Wiper:
    """Wipes the files of one database. Who asks while it wipes shares the next run with all others that ask."""

    def __init__(self, *, file: Path, patience: float, courtesy: float = 1.0) -> None:
        """`patience`: seconds to wait for others that read or write, at each step; `courtesy`: seconds that a call
        waits for files to be wiped where it need not."""
        self._file, self._patience, self._courtesy = file, patience, courtesy
        self._asked = self._done = 0
        self._turn = asyncio.Lock()
        self._later: set[asyncio.Task[None]] = set()
        self._process: subprocess.Popen[bytes] | None = None

    async def wipe(self) -> None:
        """No trace is left of what was deleted before; raises `StoreUnavailable` where one may be."""
        self._asked += 1
        mine = self._asked
        async with self._turn:
            if self._done < mine:
                served = self._asked
                await asyncio.to_thread(self._run)
                self._done = served

    async def attempt(self) -> None:
        """Wipe, if that is possible. What takes long in a large database goes on by itself; where others prevent it, it
        is left for `catch_up`, or the next time."""
        task = asyncio.create_task(self._wipe_quietly())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        await asyncio.wait([task], timeout=self._courtesy)

    async def catch_up(self) -> None:
        """Attempt it again where it failed."""
        if self._done < self._asked and not self._turn.locked():
            await self.attempt()

    async def close(self) -> None:
        """End what goes on by itself; the files are whole at any moment."""
        while self._later:
            await asyncio.wait(self._later, timeout=self._courtesy)
            if self._process is not None:
                self._process.terminate()

    async def _wipe_quietly(self) -> None:
        with suppress(StoreUnavailable):
            await self.wipe()

    def _run(self) -> None:
        command = [sys.executable, "-I", str(_PROGRAM), str(self._file), str(self._patience)]
        nothing = subprocess.DEVNULL
        try:
            with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing) as self._process:
                status = self._process.wait()
        except OSError as error:
            raise StoreUnavailable(_told(self._file, "no process could be started for that")) from error
        finally:
            self._process = None
        if status != 0:
            why = "others are using it the whole time" if status == BUSY else "that failed"
            raise StoreUnavailable(_told(self._file, why))


def _told(file: Path, why: str) -> str:
    return (
        f"What was to be deleted is deleted, but the files of the database {file} could not be wiped of its traces: "
        f"{why}. The next erasure wipes them."
    )
