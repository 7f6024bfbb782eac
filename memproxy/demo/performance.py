"""Sets the stage for the story and clears it: the stand-in for the model, the real proxy before it, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from memproxy import plugins
from memproxy.config import Settings
from memproxy.demo.screen import Screen
from memproxy.demo.standin import recite
from memproxy.demo.story import ENTITY, Story
from memproxy.progress import Bars
from memproxy.testing.scripts import answer_by
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

# A job that the killed process had begun is taken over when its lease has passed; nobody wants to wait here.
LEASE = 2
# Seconds per word of a streamed answer, about the pace of a model.
PACE = 0.03


async def run(settings: Settings, *, keep: bool) -> int:
    await asyncio.to_thread(_pull_model, settings.model_dir)
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="memproxy-demo-") as folder, _ended_politely():
        async with ScriptedUpstream(script=answer_by(recite, delay=PACE)) as model:
            service = ServiceProcess(
                folder=Path(folder), upstream=model.url, entity=ENTITY, model_dir=settings.model_dir, jobs_lease=LEASE
            )
            try:
                holds = await _perform(screen, service, model)
                if keep:
                    await _keep(screen, service, model)
            finally:
                await service.stop()
    return 0 if holds else 1


async def _perform(screen: Screen, service: ServiceProcess, model: ScriptedUpstream) -> bool:
    start = perf_counter()
    await service.start()
    screen.opening(service.url, model.url, perf_counter() - start)
    async with Story(screen=screen, service=service, model=model) as story:
        await story.first_conversation()
        await story.crash()
        await story.second_conversation()
        await story.something_else()
        await story.cost()
        checks = await story.checks()
    screen.proof(checks)
    return all(check.holds for check in checks)


async def _keep(screen: Screen, service: ServiceProcess, model: ScriptedUpstream) -> None:
    """Until Ctrl-C or SIGTERM, which then are the right way to end it."""
    screen.kept(service.url, model.url, service.folder)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


@contextlib.contextmanager
def _ended_politely() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that the proxy it started does not outlive it."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _pull_model(model_dir: Path) -> None:
    if plugins.find("models", "check")(model_dir):
        with Bars() as bars:
            plugins.find("models", "pull")(model_dir, bars.advance)
