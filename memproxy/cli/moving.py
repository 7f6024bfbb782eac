"""`import` and `export`: bringing a history in, and carrying a memory away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memproxy.cli.screen import say, show_fields, show_json
from memproxy.cli.service import as_json, on_service

if TYPE_CHECKING:
    from memproxy.cli.bring import Brought
    from memproxy.client import MemproxyClient


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--entity", required=True, help="whose memory it becomes")
@click.option(
    "--format",
    "format",
    type=click.Choice(["auto", "chatgpt", "claude", "jsonl", "memproxy"]),
    default="auto",
    help="what it is [auto: told by its content]",
)
@click.option("--process", help="the app or agent in which it was said")
@click.option("--dry-run", is_flag=True, help="read it, say what would be brought in, send nothing")
@click.option("--wait", is_flag=True, help="until all of it can be recalled")
@as_json
@on_service
def import_(client: MemproxyClient, file: Path, format: Any, wait: bool, as_json: bool, **given: Any) -> None:
    """Bring a history in.

    FILE is ChatGPT's or Claude's export as it was downloaded (zip), its folder or its conversations.json, OpenAI-style
    JSON Lines, or what `memproxy export` wrote; - is standard input. Each message keeps its own time, and doing it
    twice stores nothing twice. A conversation that cannot be read is named and the others are brought in; then the
    command ends with 1.

    \b
    memproxy import chatgpt-export.zip --entity alice
    memproxy import conversations.json --entity alice --dry-run
    """
    from memproxy.cli.bring import Import, settle

    run = Import(client, **given)
    try:
        run.run(file, None if format == "auto" else format)
        if wait and not given["dry_run"]:
            settle(client, given["entity"], run.brought)
    finally:
        # Of what broke off, it is said how far it came.
        if run.brought.count or run.brought.broken:
            _report(run.brought, as_json)
    sys.exit(1 if run.brought.failed else 0)


@click.command()
@click.argument("entity")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="a file [standard output]")
@click.option("--force", is_flag=True, help="put it in the place of a file that is there")
@on_service
def export(client: MemproxyClient, entity: str, output: Path | None, force: bool) -> None:
    """Carry a memory away.

    Everything stored of somebody, as NDJSON that `memproxy import` takes. The file appears when it is complete, and
    only its owner may read it.

    \b
    memproxy export alice -o alice.ndjson
    memproxy export alice | memproxy import - --entity alice --url https://elsewhere.example
    """
    from memproxy.cli.carry import carry, pour

    if output is not None:
        say(f"{carry(client, entity, output, force=force)} rows in {output}")
    elif sys.stdout.isatty():
        raise click.UsageError("this is data for programs: name a file with -o, or pipe it")
    else:
        pour(client, entity, sys.stdout.buffer)


def _report(brought: Brought, as_json: bool) -> None:
    if as_json:
        show_json(brought.as_dict())
        return
    show_fields(brought.lines())
    for broken in brought.broken:
        say(f"not read: {broken}")
