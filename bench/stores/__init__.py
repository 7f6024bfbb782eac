"""The stores, each on a server of its own: what a commit costs beside the bare driver, a load, and many entities."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bench.report import Line
from bench.stage import Size
from bench.stores import commits, loading, many
from bench.stores.subjects import Subject, subjects

PARTS = (commits.measure, loading.measure, many.measure)


def run(size: Size) -> list[Line]:
    with subjects() as each:
        return [line for subject in each for line in asyncio.run(_measured(subject, size))]


async def _measured(subject: Subject, size: Size) -> list[Line]:
    lines = [line for part in PARTS for line in await part(subject, size)]
    return [replace(line, name=f"{subject.name}: {line.name}") for line in lines]
