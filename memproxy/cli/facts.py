"""`facts`: what is remembered of somebody, in their hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from memproxy.cli.lists import limit, show_lists
from memproxy.cli.screen import day, minute, say, show_fields, show_json, show_table
from memproxy.cli.service import as_json, on_service

if TYPE_CHECKING:
    from memproxy.api.memory.outputs import FactOut
    from memproxy.client import Listing, MemproxyClient

STATED = ("profile", "preference", "relationship", "event", "knowledge", "behavior", "skill", "tool")
"""Kinds of statements, in the order in which they are listed; an `episode` is a piece of a message."""
KINDS = (*STATED, "episode")
STATES = ("current", "superseded", "all")

kind = click.option("--kind", type=click.Choice(KINDS), help="only this kind")
state = click.option("--state", type=click.Choice(STATES), default="current", help="also what no longer holds")


@click.group()
def facts() -> None:
    """See what is remembered, correct it, pin it, forget it.

    \b
    memproxy facts list alice
    """


@facts.command("list")
@click.argument("entity")
@kind
@state
@limit
@as_json
@on_service
def list_facts(client: MemproxyClient, entity: str, kind: Any, state: Any, limit: int | None, as_json: bool) -> None:
    """What is known of somebody, by kind, newest first.

    What was said word for word is listed by `--kind episode`.

    \b
    memproxy facts list alice
    memproxy facts list alice --state all --json
    """
    kinds: Sequence[Any] = (kind,) if kind else STATED
    _show([client.facts(entity, kind=one, state=state) for one in kinds], limit, as_json)


@facts.command("search")
@click.argument("entity")
@click.argument("words")
@kind
@state
@limit
@as_json
@on_service
def search_facts(
    client: MemproxyClient, entity: str, words: str, kind: Any, state: Any, limit: int | None, as_json: bool
) -> None:
    """All that contains these words, newest first.

    Upper and lower case are alike. `memproxy recall` searches by meaning.

    \b
    memproxy facts search alice porto
    """
    _show([client.facts(entity, q=words, kind=kind, state=state)], limit, as_json)


@facts.command("add")
@click.argument("entity")
@click.argument("text")
@click.option("--kind", type=click.Choice(STATED), default="knowledge", help="[knowledge]")
@click.option("--attribute", help="what it is about (home, name, likes), with --value")
@click.option("--value", help="the attribute's value")
@click.option("--pin", is_flag=True, help="always in the block, whatever is asked")
@click.option("--valid-from", type=click.DateTime(), help="since when it holds (UTC)")
@click.option("--expires-at", type=click.DateTime(), help="until when it is remembered (UTC)")
@click.option("--process", help="the app or agent that it belongs to")
@click.option("--metadata", "metadata", multiple=True, metavar="NAME=VALUE", help="may be repeated")
@as_json
@on_service
def add_fact(
    client: MemproxyClient, entity: str, text: str, pin: bool, metadata: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Tell something about somebody, in their words.

    \b
    memproxy facts add alice "I am allergic to peanuts." --kind profile --pin
    """
    named = dict(_pair(one) for one in metadata)
    _done("added", client.add_fact(entity, text, pinned=pin, metadata=named, **given), as_json)


@facts.command("show")
@click.argument("entity")
@click.argument("id")
@as_json
@on_service
def show_fact(client: MemproxyClient, entity: str, id: str, as_json: bool) -> None:
    """One fact, and where it was said.

    \b
    memproxy facts show alice 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    """
    fact = client.fact(entity, id)
    if as_json:
        show_json(fact)
        return
    show_fields(_fields(fact))


@facts.command("correct")
@click.argument("entity")
@click.argument("id")
@click.argument("text")
@as_json
@on_service
def correct_fact(client: MemproxyClient, entity: str, id: str, text: str, as_json: bool) -> None:
    """Put it into the person's own words.

    These outrank all that was said before. The old words stay in the history.

    \b
    memproxy facts correct alice 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a "I live in Lisbon."
    """
    _done("corrected", client.change_fact(entity, id, text=text), as_json)


@facts.command("pin")
@click.argument("entity")
@click.argument("id")
@as_json
@on_service
def pin_fact(client: MemproxyClient, entity: str, id: str, as_json: bool) -> None:
    """Put it into every conversation, whatever is asked.

    \b
    memproxy facts pin alice 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    """
    _done("pinned", client.change_fact(entity, id, pinned=True), as_json)


@facts.command("unpin")
@click.argument("entity")
@click.argument("id")
@as_json
@on_service
def unpin_fact(client: MemproxyClient, entity: str, id: str, as_json: bool) -> None:
    """Let it be recalled where it helps, like any other.

    \b
    memproxy facts unpin alice 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    """
    _done("unpinned", client.change_fact(entity, id, pinned=False), as_json)


@facts.command("forget")
@click.argument("entity")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@on_service
def forget_fact(client: MemproxyClient, entity: str, ids: tuple[str, ...]) -> None:
    """Forget facts for good.

    Their words go, and messages that say the same do not bring them back. The messages themselves stay in their
    sessions; `memproxy entities erase` removes those too.

    \b
    memproxy facts forget alice 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    """
    for id in ids:
        client.forget_fact(entity, id)
        say(f"forgotten: {id}")


@facts.command("history")
@click.argument("entity")
@click.argument("id")
@as_json
@on_service
def fact_history(client: MemproxyClient, entity: str, id: str, as_json: bool) -> None:
    """Every change of a fact, oldest first, with its reason.

    \b
    memproxy facts history alice 0197c2a8-5f0e-7c3a-9d55-0d8e2c1f4b6a
    """
    events = client.history(entity, id)
    if as_json:
        show_json(*events)
        return
    rows = ((minute(event.at), event.action, event.reason, _change(event.before, event.after)) for event in events)
    show_table(("time", "change", "reason", "text"), rows)


def _show(listings: Sequence[Listing[FactOut]], limit: int | None, as_json: bool) -> None:
    columns = ("id", "kind", "since", "note", "text")
    show_lists(listings, columns, _row, limit=limit, as_json=as_json, nothing="nothing of the kind is remembered")


def _row(fact: FactOut) -> tuple[str, ...]:
    return fact.id, fact.kind, day(fact.valid_from or fact.first_seen), _note(fact), fact.text


def _done(what: str, fact: FactOut, as_json: bool) -> None:
    if as_json:
        show_json(fact)
    else:
        show_table(("id", "text"), [(fact.id, fact.text)])
        say(what)


def _note(fact: FactOut) -> str:
    ended = f"until {day(fact.valid_to)}" if fact.valid_to else "no longer" if fact.state != "current" else ""
    return ", ".join(filter(None, ("pinned" if fact.pinned else "", ended)))


def _fields(fact: FactOut) -> Iterator[tuple[str, str]]:
    yield from (
        ("id", fact.id),
        ("text", fact.text),
        ("kind", fact.kind),
        ("state", fact.state),
        ("about", f"{fact.attribute} = {fact.value}" if fact.attribute else ""),
        ("since", minute(fact.valid_from or fact.first_seen)),
        ("until", minute(fact.valid_to)),
        ("replaced by", fact.superseded_by or ""),
        ("said", f"{fact.mentions} times, last {minute(fact.last_seen)}" if fact.mentions > 1 else ""),
        ("by", fact.speaker or fact.role),
        ("process", fact.process or ""),
        ("own words", "yes" if fact.authored else ""),
        ("pinned", "yes" if fact.pinned else ""),
        ("expires", minute(fact.expires_at)),
    )
    yield from ((f"metadata {name}", value) for name, value in fact.metadata.items())
    yield from (("source", f"message {one.message_id} of session {one.session_id}") for one in fact.sources)


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals:
        raise click.BadParameter(f"{given!r} is not NAME=VALUE", param_hint="--metadata")
    return name, value


def _change(before: str | None, after: str | None) -> str:
    return f"{before} -> {after}" if before and after and before != after else after or before or ""
