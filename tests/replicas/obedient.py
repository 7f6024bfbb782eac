"""An extractor that a test tells, in the very message that it reads, to wait in the middle of a job or to fail.

hold FILE    writes its process id into FILE.held, and goes on when FILE is there
fail FILE    fails until FILE is there
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from memproxy.augment.local import LocalExtractor
from memproxy.domain import Claim, Message


class Obedient(LocalExtractor):
    async def extract(self, messages: Sequence[Message]) -> Sequence[Claim]:
        for word, file in (message.text.split() for message in messages if message.text.startswith(("hold ", "fail "))):
            if word == "fail" and not is_there(file):
                raise RuntimeError("as told")
            if word == "hold":
                say_held(file)
                while not is_there(file):  # noqa: ASYNC110 a test in another process decides
                    await asyncio.sleep(0.02)
        return await super().extract(messages)


def is_there(file: str) -> bool:
    return Path(file).exists()


def say_held(file: str) -> None:
    Path(f"{file}.held").write_text(str(os.getpid()))
