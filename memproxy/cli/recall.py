"""`recall`: what a chat would be given for a question, or was given by a request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from memproxy.cli.facts import KINDS
from memproxy.cli.screen import day, minute, say, show, show_fields, show_json, show_table
from memproxy.cli.service import as_json, on_service

if TYPE_CHECKING:
    from memproxy.client import MemproxyClient


@click.command()
@click.argument("entity", required=False)
@click.argument("query", required=False)
@click.option("--receipt", metavar="ID", help="instead: what was put into the request of this id, and what was not")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="at most so many facts [20]")
@click.option("--token-budget", type=click.IntRange(0), default=512, help="tokens the block may take [512]")
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="only this kind, relevant or not; may be repeated"
)
@click.option("--process", help="only what this process has learned")
@click.option("--at", type=click.DateTime(), help="as of this time (UTC)")
@click.option("--block", is_flag=True, help="the text as a chat gets it")
@click.option("--why", is_flag=True, help="what each signal gave a fact")
@as_json
@on_service
def recall(client: MemproxyClient, **given: Any) -> None:
    """Show what a chat would be given for a question.

    \b
    memproxy recall alice "Where do I live?"
    memproxy recall --receipt 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    """
    if given["receipt"] is not None:
        if given["entity"] is not None:
            raise click.UsageError("--receipt takes no entity and no query: the id says which request it is")
        _receipt(client, given["receipt"], as_json=given["as_json"])
    elif given["query"] is None:
        raise click.UsageError("name an entity and a query, or a request with --receipt ID")
    else:
        _recall(client, **given)


def _recall(client: MemproxyClient, *, entity: str, query: str, at: datetime | None, **given: Any) -> None:
    found = client.recall(
        entity,
        query,
        limit=given["limit"],
        token_budget=given["token_budget"],
        kinds=given["kinds"] or None,
        process=given["process"],
        at=at,
    )
    if given["as_json"]:
        show_json(found)
        return
    if given["block"]:
        show(found.block.rstrip("\n"))
    elif given["why"]:
        show_table(("score", "why", "text"), [(f"{hit.score:.3f}", _signals(hit.why), hit.text) for hit in found.hits])
    else:
        show_table(
            ("score", "kind", "since", "text"),
            [(f"{hit.score:.3f}", hit.kind, day(hit.created_at), hit.text) for hit in found.hits],
        )
    say(f"{found.tokens} tokens" if found.hits else "nothing that would help with this")


def _receipt(client: MemproxyClient, request_id: str, *, as_json: bool) -> None:
    receipt = client.receipt(request_id)
    if as_json:
        show_json(receipt)
        return
    show_fields(
        (
            ("request", receipt.request_id),
            ("entity", receipt.entity),
            ("session", receipt.session),
            ("time", minute(receipt.created_at)),
            ("tokens", str(receipt.tokens)),
            ("failed", receipt.degraded or ""),
            ("note", receipt.note or ""),
            ("given with", receipt.given_with or ""),
        )
    )
    given = [(f"{one.score:.3f}", one.kind or "forgotten", _signals(one.why), one.text or "") for one in receipt.facts]
    if given:
        show("\ngiven:")
        show_table(("score", "kind", "why", "text"), given)
    if receipt.left_out:
        show("\nleft out:")
        show_table(("reason", "text"), [(one.reason, one.text or one.fact_id) for one in receipt.left_out])


def _signals(why: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.2f}" for name, value in why.items())
