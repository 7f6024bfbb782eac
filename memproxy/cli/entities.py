"""`entities`: who is remembered, what was captured of them, and erasing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from memproxy.cli.lists import limit, show_lists
from memproxy.cli.screen import first, minute, say, show, show_fields, show_json, show_table
from memproxy.cli.service import as_json, on_service

if TYPE_CHECKING:
    from memproxy.api.memory.outputs import EntityOut, SessionOut
    from memproxy.client import MemproxyClient


@click.group()
def entities() -> None:
    """The people who are remembered.

    \b
    memproxy entities list
    """


@entities.command("list")
@limit
@as_json
@on_service
def list_entities(client: MemproxyClient, limit: int | None, as_json: bool) -> None:
    """Everybody who is remembered, newest first.

    \b
    memproxy entities list
    """
    columns = ("entity", "sessions", "messages", "facts", "last activity")
    show_lists([client.entities()], columns, _row, limit=limit, as_json=as_json, nothing="nobody is remembered yet")


@entities.command("show")
@click.argument("entity")
@as_json
@on_service
def show_entity(client: MemproxyClient, entity: str, as_json: bool) -> None:
    """How much is stored of somebody, and who they are.

    \b
    memproxy entities show alice
    """
    known = client.entity(entity)
    if as_json:
        show_json(known)
        return
    show_fields(
        (
            ("entity", known.id),
            ("known since", minute(known.created_at)),
            ("last activity", minute(known.last_at)),
            ("sessions", str(known.sessions)),
            ("messages", str(known.messages)),
            *((kind, str(count)) for kind, count in known.facts.items()),
        )
    )
    if known.profile:
        show("")
        show_table(("id", "profile"), [(fact.id, fact.text) for fact in known.profile])


@entities.command("sessions")
@click.argument("entity")
@click.argument("session", required=False)
@limit
@as_json
@on_service
def sessions(client: MemproxyClient, entity: str, session: str | None, limit: int | None, as_json: bool) -> None:
    """The conversations that were captured, newest first.

    With a session, what was said in it.

    \b
    memproxy entities sessions alice
    memproxy entities sessions alice chatgpt:65e7c000-1111-4222-8333-444455556666
    """
    if session is not None:
        _messages(client, entity, session, limit, as_json)
        return
    columns = ("session", "process", "messages", "last activity")
    show_lists(
        [client.sessions(entity)], columns, _session, limit=limit, as_json=as_json, nothing="nothing was captured"
    )


def _messages(client: MemproxyClient, entity: str, session: str, limit: int | None, as_json: bool) -> None:
    for message in first(client.messages(entity, session), limit):
        if as_json:
            show_json(message)
        else:
            broken = "" if message.complete else "  (broke off)"
            show(f"{minute(message.created_at)}  {message.name or message.role}{broken}\n{message.content}\n")


@entities.command("erase")
@click.argument("entity")
@click.option("--yes", is_flag=True, help="do not ask")
@as_json
@on_service
def erase(client: MemproxyClient, entity: str, yes: bool, as_json: bool) -> None:
    """Erase everything stored of somebody.

    Messages, facts, vectors, history, jobs and receipts go. There is no way back.

    \b
    memproxy entities erase alice
    memproxy export alice -o alice.ndjson && memproxy entities erase alice --yes
    """
    if not yes:
        known = client.entity(entity)
        click.confirm(f"Erase {entity} for good: {_amount(known)}?", abort=True, err=True)
    gone = client.erase(entity)
    if as_json:
        show_json(gone)
    else:
        say(f"erased {gone.id}: {_amount(gone)}")


def _row(entity: EntityOut) -> tuple[str, ...]:
    return entity.id, str(entity.sessions), str(entity.messages), _facts(entity), minute(entity.last_at)


def _session(session: SessionOut) -> tuple[str, ...]:
    return session.id, session.process or "", str(session.messages), minute(session.last_at)


def _amount(entity: EntityOut) -> str:
    return f"{entity.sessions} sessions, {entity.messages} messages, {_facts(entity)} facts"


def _facts(entity: EntityOut) -> str:
    return str(sum(entity.facts.values()))
