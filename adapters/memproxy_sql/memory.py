"""The verbs of `Memory`: facts, their versions and their history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from memproxy.domain import Changes, Fact, FactState, MemoryWrite, Scope, Source
from memproxy.errors import Conflict
from memproxy_sql.columns import check_ids, clean
from memproxy_sql.dialect import insert_new
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.prepared import Among, Prepared
from memproxy_sql.rows import FACT_COLUMNS, Read, event_row, fact_row, mention_rows, owner, read_fact, triple_row
from memproxy_sql.turns import of_entity

_entity, _fact, _mention = tables["entity"], tables["fact"], tables["fact_mention"]
_message, _triple, _event = tables["message"], tables["triple"], tables["event"]

_this_entity = (_entity.c.tenant_id == bindparam("tenant_id")) & (_entity.c.id == bindparam("entity_id"))
_counters = Prepared(select(_entity.c.version, _entity.c.numbers).where(_this_entity))
_count = Prepared(
    update(_entity)
    .where((_entity.c.tenant_id == bindparam("of_tenant")) & (_entity.c.id == bindparam("of_entity")))
    .values(version=bindparam("version"), numbers=bindparam("numbers"))
)

_columns = [_fact.c[name] for name in FACT_COLUMNS]
_touched = of_entity(_fact) & (_fact.c.version > bindparam("since"))
_typed = of_entity(_fact) & _fact.c.attribute.in_(bindparam("attributes", expanding=True))
_facts = select(*_columns).order_by(_fact.c.number)
_changed_facts, _typed_facts = Prepared(_facts.where(_touched)), _facts.where(_typed)

_sources = (
    select(_mention.c.fact_id, _mention.c.message_id, _mention.c.session_id, _mention.c.public_id)
    .where(of_entity(_mention))
    .order_by(_mention.c.fact_id, _mention.c.message_id)
)
_changed_sources = Prepared(_sources.where(_mention.c.fact_id.in_(select(_fact.c.id).where(_touched))))
_typed_sources = _sources.where(_mention.c.fact_id.in_(select(_fact.c.id).where(_typed)))

_numbers = Among(_fact, "id", also=["number"], within=["tenant_id", "entity_id"])
_augmented = Prepared(
    update(_message)
    .where(
        _message.c.tenant_id == bindparam("of_tenant"),
        _message.c.entity_id == bindparam("of_entity"),
        _message.c.id == bindparam("of_id"),
    )
    .values(augmented=True)
)
_forget_triples = Prepared(delete(_triple).where(of_entity(_triple), _triple.c.fact_id == bindparam("id")))
_drop = Prepared(delete(_fact).where(of_entity(_fact), _fact.c.id == bindparam("id")))
_new_fact, _new_source = Prepared(insert(_fact)), Prepared(insert_new(_mention))
_new_event, _new_triple = Prepared(insert_new(_event)), Prepared(insert_new(_triple))


def changes(conn: Connection, scope: Scope, since: int) -> Changes:
    version, _ = _counted(conn, scope)
    asked = owner(scope) | {"since": since}
    return Changes(version, tuple(_read(_changed_facts.rows(conn, asked), _changed_sources.rows(conn, asked))))


def about(conn: Connection, scope: Scope, attributes: Sequence[str]) -> list[Fact]:
    asked = owner(scope) | {"attributes": [clean(attribute) for attribute in attributes]}
    return list(_read(conn.execute(_typed_facts, asked), conn.execute(_typed_sources, asked)))


def _read(facts: Iterable[Read], mentions: Iterable[Read]) -> Iterator[Fact]:
    sources: defaultdict[str, tuple[Source, ...]] = defaultdict(tuple)
    for fact_id, *source in mentions:
        sources[fact_id] += (Source(*source),)
    for row in facts:
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
    _count.apply(conn, {"of_tenant": scope.tenant, "of_entity": scope.entity} | counters)
    _put_history(conn, scope, change)
    return version + 1


def _counted(conn: Connection, scope: Scope) -> tuple[int, int]:
    version, numbers = _counters.first(conn, owner(scope)) or (0, 0)
    return version, numbers


def _put_facts(conn: Connection, scope: Scope, facts: Sequence[Fact], version: int, highest: int) -> int:
    """Insert or replace the facts; return the highest number given."""
    unique = {fact.id: fact for fact in facts}
    numbers = _numbered(conn, scope, list(unique))
    _drop.each(conn, [owner(scope) | {"id": fact_id} for fact_id in numbers])
    for fact_id in unique:
        if fact_id not in numbers:
            numbers[fact_id] = highest = highest + 1
    put = [fact_row(scope, fact, number=numbers[fact.id], version=version) for fact in unique.values()]
    _new_fact.each(conn, put)
    _new_source.each(conn, [row for fact in facts for row in mention_rows(scope, fact)])
    return highest


def _numbered(conn: Connection, scope: Scope, ids: Sequence[str]) -> dict[str, int]:
    return dict(_numbers.rows(conn, [(fact_id,) for fact_id in ids], [scope.tenant, scope.entity]))


def _put_history(conn: Connection, scope: Scope, change: MemoryWrite) -> None:
    _new_triple.each(conn, [triple_row(scope, triple) for triple in change.triples])
    _new_event.each(conn, [event_row(scope, event) for event in change.events])
    of = {"of_tenant": scope.tenant, "of_entity": scope.entity}
    _augmented.each(conn, [of | {"of_id": message_id} for message_id in change.augmented])
    forgotten = [fact.id for fact in change.facts if fact.state is FactState.FORGOTTEN]
    _forget_triples.each(conn, [owner(scope) | {"id": fact_id} for fact_id in forgotten])
