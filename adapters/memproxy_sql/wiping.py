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

    def __init__(self, *, file: Path, patience: float) -> None:
        """`patience`: seconds to wait for others that read or write, at each step."""
        self._file, self._patience = file, patience
        self._asked = self._done = 0
        self._turn = asyncio.Lock()

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
        """Wipe if that is possible now; otherwise it is left for the next time."""
        with suppress(StoreUnavailable):
            await self.wipe()

    async def catch_up(self) -> None:
        """Wipe if an attempt has failed."""
        if self._done < self._asked:
            await self.attempt()

    def _run(self) -> None:
        command = [sys.executable, "-I", str(_PROGRAM), str(self._file), str(self._patience)]
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
        except OSError as error:
            raise StoreUnavailable(_told(self._file, "no process could be started for that")) from error
        if status != 0:
            why = "others are using it the whole time" if status == BUSY else "that failed"
            raise StoreUnavailable(_told(self._file, why))


def _told(file: Path, why: str) -> str:
    return (
        f"What was to be deleted is deleted, but the files of the database {file} could not be wiped of its traces: "
        f"{why}. The next erasure wipes them."
    )
