"""`jobs`: the background work that turns what was said into facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from memproxy.cli.lists import limit, show_lists
from memproxy.cli.screen import minute, say, show_json
from memproxy.cli.service import as_json, on_service

if TYPE_CHECKING:
    from memproxy.api.memory.outputs import JobOut
    from memproxy.client import MemproxyClient


@click.group()
def jobs() -> None:
    """Background work: what waits, what failed, trying again.

    \b
    memproxy jobs list --state dead
    """


@jobs.command("list")
@click.option("--entity", help="only what is done for this entity")
@click.option("--state", type=click.Choice(["pending", "running", "done", "dead"]), help="pending: all not ended yet")
@limit
@as_json
@on_service
def list_jobs(client: MemproxyClient, entity: str | None, state: Any, limit: int | None, as_json: bool) -> None:
    """Jobs, newest first.

    \b
    memproxy jobs list --entity alice --state pending
    """
    columns = ("id", "entity", "kind", "state", "tries", "queued", "error")
    show_lists(
        [client.jobs(entity=entity, state=state)], columns, _row, limit=limit, as_json=as_json, nothing="no jobs"
    )


@jobs.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@as_json
@on_service
def retry(client: MemproxyClient, ids: tuple[str, ...], as_json: bool) -> None:
    """Queue dead jobs again.

    \b
    memproxy jobs retry 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    memproxy jobs list --state dead --json | jq -r .id | xargs memproxy jobs retry
    """
    for id in ids:
        job = client.retry(id)
        if as_json:
            show_json(job)
        else:
            say(f"queued again: {job.id}")


def _row(job: JobOut) -> tuple[str, ...]:
    return job.id, job.entity, job.kind, job.state, str(job.attempts), minute(job.created_at), job.error or ""
