"""Facts as they change: the feed of changes, and the writing of one. Reading what was asked for is in `facts.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, insert, literal_column, select, update

from memproxy.domain import (
    Changes,
    Event,
    Fact,
    FactState,
    Injection,
    MemoryWrite,
    Scope,
    Source,
    Triple,
)
from memproxy.errors import Conflict
from memproxy.storable import check_ids, clean
from memproxy_sql.dialect import insert_new
from memproxy_sql.fact_rows import event_row, fact_row, mention_rows, read_fact, triple_row
from memproxy_sql.facts import FACTS
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.prepared import Among, Prepared
from memproxy_sql.rows import Row, ids_column, owner, read_ids
from memproxy_sql.turns import of_entity

_entity, _fact, _mention = tables["entity"], tables["fact"], tables["fact_mention"]
_message, _triple, _event, _injection = (tables[name] for name in ("message", "triple", "event", "injection"))

_this_entity = (_entity.c.tenant_id == bindparam("tenant_id")) & (_entity.c.id == bindparam("entity_id"))
_counters = select(_entity.c.version, _entity.c.numbers, _entity.c.created_at).where(_this_entity)
_read_counters, _held_counters = Prepared(_counters), Prepared(_counters.with_for_update())
_count = Prepared(
    update(_entity)
    .where((_entity.c.tenant_id == bindparam("of_tenant")) & (_entity.c.id == bindparam("of_entity")))
    .values(version=bindparam("version"), numbers=bindparam("numbers"))
)

_touched = of_entity(_fact) & (_fact.c.version > bindparam("since"))
_changed_facts = Prepared(FACTS.where(_touched).order_by(_fact.c.number))
_changed_sources = Prepared(
    select(_mention.c.fact_id, _mention.c.message_id, _mention.c.session_id, _mention.c.public_id)
    .where(of_entity(_mention), _mention.c.fact_id.in_(select(_fact.c.id).where(_touched)))
    .order_by(_mention.c.fact_id, _mention.c.message_id)
)

_stored = Among(_fact, "id", also=["number", "state"], within=["tenant_id", "entity_id"])


def _of(table: Table, column: str) -> ColumnElement[bool]:
    owned = (table.c.tenant_id == bindparam("of_tenant")) & (table.c.entity_id == bindparam("of_entity"))
    return owned & (table.c[column] == bindparam("of_id"))


_augmented = Prepared(update(_message).where(_of(_message, "id")).values(augmented=True))
_forget_triples = Prepared(delete(_triple).where(_of(_triple, "fact_id")))
_blank_events = Prepared(update(_event).where(_of(_event, "fact_id")).values(before=None, after=None))
_unsaid = [Prepared(update(_event).where(_of(_event, column)).values({column: None})) for column in ("before", "after")]
_blocks = Prepared(
    select(_injection.c.session_id, _injection.c.anchor, _injection.c.block, _injection.c.facts).where(
        of_entity(_injection), _injection.c.block != literal_column("''")
    )
)
_reblock = Prepared(
    update(_injection)
    .where(
        _injection.c.tenant_id == bindparam("of_tenant"),
        _injection.c.entity_id == bindparam("of_entity"),
        _injection.c.session_id == bindparam("of_session"),
        _injection.c.anchor == bindparam("of_anchor"),
    )
    .values(block=bindparam("block"), facts=bindparam("facts"))
)
_drop = Prepared(delete(_fact).where(of_entity(_fact), _fact.c.id == bindparam("id")))
_new_fact, _new_source = Prepared(insert(_fact)), Prepared(insert_new(_mention))
_new_event, _new_triple = Prepared(insert_new(_event)), Prepared(insert_new(_triple))


def changes(conn: Connection, scope: Scope, since: int) -> Changes:
    version, _, born = counted(conn, scope)
    asked = owner(scope) | {"since": since}
    sources: defaultdict[str, tuple[Source, ...]] = defaultdict(tuple)
    for fact_id, *source in _changed_sources.rows(conn, asked):
        sources[fact_id] += (Source(*source),)
    facts = (read_fact(row, sources[row[0]]) for row in _changed_facts.rows(conn, asked))
    return Changes(version, tuple(facts), born)


def write(conn: Connection, scope: Scope, change: MemoryWrite) -> tuple[int, bool]:
    """The new version, and whether words went that were stored."""
    check_ids(scope.tenant, scope.entity, scope.process)
    version, _, _ = held(conn, scope)
    if change.expected is not None and change.expected != version:
        raise Conflict(f"The memory is at version {version}, not {change.expected}: read it again.")
    if version == 0 and change.expected == 0:
        name_scopes(conn, [scope])
        version, numbers, _ = held(conn, scope)
        if numbers:
            raise Conflict(f"The memory is at version {version} by now, not 0: read it again.")
    version, stored = put_facts(conn, scope, change.facts)
    _untie(conn, scope, change.untied)
    put_history(conn, scope, change.triples, change.events)
    _augmented.each(conn, _each(scope, change.augmented))
    gone = [fact.id for fact in change.facts if fact.state is FactState.FORGOTTEN]
    _forget(conn, scope, gone)
    for silence in _unsaid:
        silence.each(conn, _each(scope, [clean(text) for text in change.unsaid]))
    struck = _strike(conn, scope, change) if change.struck else False
    return version, struck or any(stored.get(fact_id) not in (None, FactState.FORGOTTEN) for fact_id in gone)


def counted(conn: Connection, scope: Scope) -> tuple[int, int, int]:
    """Version, highest number and birth of the entity."""
    version, numbers, born = _read_counters.first(conn, owner(scope)) or (0, 0, 0)
    return version, numbers, born


def held(conn: Connection, scope: Scope) -> tuple[int, int, int]:
    """The same, and nobody else counts until the transaction ends."""
    version, numbers, born = _held_counters.first(conn, owner(scope)) or (0, 0, 0)
    return version, numbers, born


def put_facts(conn: Connection, scope: Scope, facts: Sequence[Fact]) -> tuple[int, dict[str, str]]:
    """Insert or replace the facts and count the version up; give it, with the states of those that were there."""
    version, highest, _ = held(conn, scope)
    if version == 0:
        name_scopes(conn, [scope])
        version, highest, _ = held(conn, scope)
    unique = {fact.id: fact for fact in facts}
    found = _stored.rows(conn, [(fact_id,) for fact_id in unique], [scope.tenant, scope.entity])
    numbers = {fact_id: number for fact_id, number, _ in found}
    _drop.each(conn, [owner(scope) | {"id": fact_id} for fact_id in numbers])
    for fact_id in unique:
        if fact_id not in numbers:
            numbers[fact_id] = highest = highest + 1
    put = [fact_row(scope, fact, number=numbers[fact.id], version=version + 1) for fact in unique.values()]
    _new_fact.each(conn, put)
    _new_source.each(conn, [row for fact in facts for row in mention_rows(scope, fact)])
    counters = {"version": version + 1, "numbers": highest}
    _count.apply(conn, {"of_tenant": scope.tenant, "of_entity": scope.entity} | counters)
    return version + 1, {fact_id: state for fact_id, _, state in found}


def put_history(conn: Connection, scope: Scope, triples: Sequence[Triple], events: Sequence[Event]) -> None:
    _new_triple.each(conn, [triple_row(scope, triple) for triple in triples])
    _new_event.each(conn, [event_row(scope, event) for event in events])


def _forget(conn: Connection, scope: Scope, ids: Sequence[str]) -> None:
    _untie(conn, scope, ids)
    _blank_events.each(conn, _each(scope, ids))


def _untie(conn: Connection, scope: Scope, ids: Sequence[str]) -> None:
    _forget_triples.each(conn, _each(scope, ids))


def _each(scope: Scope, ids: Sequence[str]) -> list[Row]:
    return [{"of_tenant": scope.tenant, "of_entity": scope.entity, "of_id": fact_id} for fact_id in ids]


def _strike(conn: Connection, scope: Scope, change: MemoryWrite) -> bool:
    """Whether any of the struck lines stood in a block of the ledger."""
    lines, ids = {clean(line) for line in change.struck}, {fact.id for fact in change.facts}
    changed: list[Row] = []
    for session, anchor, block, facts in _blocks.rows(conn, owner(scope)):
        left = Injection(anchor, block, facts=read_ids(facts)).without(lines, ids)
        if left.block != block:
            place = {"of_tenant": scope.tenant, "of_entity": scope.entity, "of_session": session}
            changed.append(place | {"of_anchor": anchor, "block": left.block, "facts": ids_column(left.facts)})
    _reblock.each(conn, changed)
    return bool(changed)
