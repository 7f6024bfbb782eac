"""A disk that is full: the server's, under PostgreSQL (under MariaDB too with `FAULTS=all`; needs the right to mount),
and memproxy's own."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from tests.faults.places import MariaPlace, MongoPlace, Place, Unmounted, filled
from tests.faults.stage import START, Talk, metrics, ready, recovered, service


def long() -> str:
    """Something that no database can compress."""
    return os.urandom(200_000).hex()


async def test_a_server_whose_disk_is_full_gets_everything_when_there_is_room_again(
    place: Place, upstream_port: int, person: str, tmp_path: Path
) -> None:
    if isinstance(place, MongoPlace):
        pytest.skip("the stand-in for MongoDB keeps all databases in one file")
    if isinstance(place, MariaPlace) and os.environ.get("FAULTS") != "all":
        pytest.skip("FAULTS=all fills MariaDB's disk too")
    roomy = type(place)(place.server, place.link)  # a database of its own
    try:
        with roomy.small_disk() as disk:
            running = service(tmp_path, upstream_port, roomy.store)
            await running.start(deadline=START)
            try:
                talk = Talk(running, person)
                assert await talk.say("before") == "none"
                filler = await filled(disk)
                await talk.say(long())
                assert await talk.say("during") == "degraded"
                assert (await metrics(running))["memproxy_journal_waiting_turns"] >= 1
                assert await ready(running) == (200, (await ready(running))[1])
                filler.unlink()
                await recovered(running)
                await talk.is_whole()
            finally:
                await running.kill()
    except Unmounted as refused:
        pytest.skip(f"this machine mounts nothing for us: {refused}")


async def test_sqlite_on_a_full_disk_gets_everything_when_there_is_room_again(
    upstream_port: int, person: str, tmp_path: Path
) -> None:
    running = service(tmp_path, upstream_port, f"sqlite:///{tmp_path}/memproxy.db")
    await running.start(deadline=START)
    try:
        talk = Talk(running, person)
        assert await talk.say("before") == "none"
        log = tmp_path / "memproxy.db-wal"
        # No file of the process may grow any more; those of the journal are smaller.
        before = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))
        await talk.say("at once")
        for number in range(3):
            assert await talk.say(f"during {number}") == "degraded"
        assert (await metrics(running))["memproxy_journal_waiting_turns"] == 4
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, before)
        await recovered(running)
        await talk.is_whole()
    finally:
        await running.kill()
