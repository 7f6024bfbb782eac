"""The verbs of `Memory`: facts, their versions and their history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, UpdateBase, bindparam, delete, insert, select, update

from memproxy.domain import Changes, Fact, FactState, MemoryWrite, Scope, Source
from memproxy.errors import Conflict
from memproxy_sql.columns import check_ids, clean
from memproxy_sql.dialect import chunks, insert_new
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.rows import FACT_COLUMNS, Row, event_row, fact_row, mention_rows, owner, read_fact, triple_row
from memproxy_sql.turns import of_entity

_entity, _fact, _mention = tables["entity"], tables["fact"], tables["fact_mention"]
_message, _triple, _event = tables["message"], tables["triple"], tables["event"]

_this_entity = (_entity.c.tenant_id == bindparam("tenant_id")) & (_entity.c.id == bindparam("entity_id"))
_counters = select(_entity.c.version, _entity.c.numbers).where(_this_entity)
_count = (
    update(_entity)
    .where((_entity.c.tenant_id == bindparam("of_tenant")) & (_entity.c.id == bindparam("of_entity")))
    .values(version=bindparam("version"), numbers=bindparam("numbers"))
)

_columns = [_fact.c[name] for name in FACT_COLUMNS]
_touched = of_entity(_fact) & (_fact.c.version > bindparam("since"))
_typed = of_entity(_fact) & _fact.c.attribute.in_(bindparam("attributes", expanding=True))
_changed_facts, _typed_facts = (select(*_columns).where(those).order_by(_fact.c.number) for those in (_touched, _typed))

_sources = select(_mention.c.fact_id, _mention.c.message_id, _mention.c.session_id, _mention.c.public_id)
_sources = _sources.where(of_entity(_mention)).order_by(_mention.c.fact_id, _mention.c.message_id)
_changed_sources, _typed_sources = (
    _sources.where(_mention.c.fact_id.in_(select(_fact.c.id).where(those))) for those in (_touched, _typed)
)

_numbers = select(_fact.c.id, _fact.c.number).where(of_entity(_fact), _fact.c.id.in_(bindparam("ids", expanding=True)))
_augmented = (
    update(_message)
    .where(
        _message.c.tenant_id == bindparam("of_tenant"),
        _message.c.entity_id == bindparam("of_entity"),
        _message.c.id == bindparam("of_id"),
    )
    .values(augmented=True)
)
_forget_triples = delete(_triple).where(of_entity(_triple), _triple.c.fact_id.in_(bindparam("ids", expanding=True)))
_drop = delete(_fact).where(of_entity(_fact), _fact.c.id.in_(bindparam("ids", expanding=True)))
_new_fact, _new_event, _new_triple = insert(_fact), insert_new(_event), insert_new(_triple)
_new_source = insert_new(_mention)


def changes(conn: Connection, scope: Scope, since: int) -> Changes:
    version, _ = _counted(conn, scope)
    asked = owner(scope) | {"since": since}
    return Changes(version, tuple(_read(conn, _changed_facts, _changed_sources, asked)))


def about(conn: Connection, scope: Scope, attributes: Sequence[str]) -> list[Fact]:
    asked = owner(scope) | {"attributes": [clean(attribute) for attribute in attributes]}
    return list(_read(conn, _typed_facts, _typed_sources, asked))


def _read(conn: Connection, facts: Select[Any], mentions: Select[Any], asked: Row) -> Iterator[Fact]:
    sources: defaultdict[str, tuple[Source, ...]] = defaultdict(tuple)
    for fact_id, *source in conn.execute(mentions, asked):
        sources[fact_id] += (Source(*source),)
    for row in conn.execute(facts, asked):
        yield read_fact(row, sources[row[0]])


def write(conn: Connection, scope: Scope, change: MemoryWrite) -> int:
    check_ids(scope.tenant, scope.entity, scope.process)
    version, numbers = _counted(conn, scope)
    if change.expected is not None and change.expected != version:
        raise Conflict(f"The memory is at version {version}, not {change.expected}: read it again.")
    if version == 0:
        name_scopes(conn, [scope])
        version, numbers = _counted(conn, scope)
    numbers = _put_facts(conn, scope, change.facts, version + 1, numbers)
    counters = {"version": version + 1, "numbers": numbers}
    conn.execute(_count, {"of_tenant": scope.tenant, "of_entity": scope.entity} | counters)
    _put_history(conn, scope, change)
    return version + 1


def _counted(conn: Connection, scope: Scope) -> tuple[int, int]:
    found = conn.execute(_counters, owner(scope)).one_or_none()
    return (0, 0) if found is None else (found.version, found.numbers)


def _put_facts(conn: Connection, scope: Scope, facts: Sequence[Fact], version: int, highest: int) -> int:
    """Insert or replace the facts; return the highest number given."""
    unique = {fact.id: fact for fact in facts}
    numbers = _numbered(conn, scope, list(unique))
    for some in chunks(list(numbers)):
        conn.execute(_drop, owner(scope) | {"ids": some})
    for fact_id in unique:
        if fact_id not in numbers:
            numbers[fact_id] = highest = highest + 1
    put = [fact_row(scope, fact, number=numbers[fact.id], version=version) for fact in unique.values()]
    _each(conn, _new_fact, put)
    _each(conn, _new_source, [row for fact in facts for row in mention_rows(scope, fact)])
    return highest


def _numbered(conn: Connection, scope: Scope, ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(ids):
        found.update((row.id, row.number) for row in conn.execute(_numbers, owner(scope) | {"ids": some}))
    return found


def _put_history(conn: Connection, scope: Scope, change: MemoryWrite) -> None:
    _each(conn, _new_triple, [triple_row(scope, triple) for triple in change.triples])
    _each(conn, _new_event, [event_row(scope, event) for event in change.events])
    of = {"of_tenant": scope.tenant, "of_entity": scope.entity}
    _each(conn, _augmented, [of | {"of_id": message_id} for message_id in change.augmented])
    forgotten = [fact.id for fact in change.facts if fact.state is FactState.FORGOTTEN]
    for some in chunks(forgotten):
        conn.execute(_forget_triples, owner(scope) | {"ids": some})


def _each(conn: Connection, statement: UpdateBase, rows: Sequence[Row]) -> None:
    if rows:
        conn.execute(statement, rows)
