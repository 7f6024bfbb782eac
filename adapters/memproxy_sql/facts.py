"""Reading facts and their history: by what they state, by id, and as a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, true
from sqlalchemy import func as sql

from memproxy.domain import Event, Fact, FactState, Page, Scope, Source
from memproxy.storable import clean, digest
from memproxy_sql import cursors
from memproxy_sql.dialect import casefolds
from memproxy_sql.fact_rows import EVENT_COLUMNS, FACT_COLUMNS, read_event, read_fact
from memproxy_sql.models import tables
from memproxy_sql.prepared import Among, Prepared
from memproxy_sql.rows import Read, owner
from memproxy_sql.turns import of_entity

_fact, _mention, _event = tables["fact"], tables["fact_mention"], tables["event"]

_OWNER = ("tenant_id", "entity_id")
FACTS = select(*(_fact.c[name] for name in FACT_COLUMNS))

_by_id = Among(_fact, FACT_COLUMNS[0], also=FACT_COLUMNS[1:], within=_OWNER)
_by_attribute = Among(_fact, "attribute", also=FACT_COLUMNS, within=_OWNER)
_by_statement = Among(_fact, "attribute", "value_key", also=FACT_COLUMNS, within=_OWNER)
_sources = Among(_mention, "fact_id", also=["message_id", "session_id", "public_id"], within=_OWNER)
_history = Prepared(
    select(*(_event.c[name] for name in EVENT_COLUMNS))
    .where(of_entity(_event), _event.c.fact_id == bindparam("fact_id"))
    .order_by(_event.c.created_at, _event.c.id)
)


def about(
    conn: Connection, scope: Scope, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
) -> list[Fact]:
    within = (scope.tenant, scope.entity)
    all_of = {(clean(attribute),) for attribute in attributes}
    exactly = {(clean(attribute), clean(value)) for attribute, value in statements}
    keys = [(attribute, digest(value)) for attribute, value in exactly]
    rows = [row[1:] for row in _by_attribute.rows(conn, list(all_of), within)]
    rows += [row[2:] for row in _by_statement.rows(conn, keys, within)]
    return _by_number(with_sources(conn, scope, rows))


def fetch(conn: Connection, scope: Scope, ids: Sequence[str]) -> list[Fact]:
    rows = _by_id.rows(conn, [(one,) for one in ids], (scope.tenant, scope.entity))
    return _by_number(with_sources(conn, scope, rows))


def _by_number(facts: Iterable[Fact]) -> list[Fact]:
    """Each once."""
    return sorted({fact.number: fact for fact in facts}.values(), key=lambda fact: fact.number)


def with_sources(conn: Connection, scope: Scope, rows: Sequence[Read]) -> list[Fact]:
    sources: defaultdict[str, list[Source]] = defaultdict(list)
    ids = dict.fromkeys((row[0],) for row in rows)
    for fact_id, *source in _sources.rows(conn, list(ids), (scope.tenant, scope.entity)):
        sources[fact_id].append(Source(*source))
    return [read_fact(row, tuple(sorted(sources[row[0]], key=lambda s: s.message_id))) for row in rows]


def facts(
    conn: Connection,
    scope: Scope,
    states: Sequence[FactState],
    kinds: Sequence[str],
    text: str | None,
    cursor: str | None,
    limit: int,
) -> Page[Fact]:
    asked = and_(
        of_entity(_fact),
        _fact.c.state.in_([state.value for state in states]) if states else true(),
        _fact.c.kind.in_(kinds) if kinds else true(),
    )
    if text:
        asked = and_(asked, _contains(conn, scope, asked, clean(text)))
    newest_first = FACTS.where(asked, _fact.c.number < cursors.before(cursor)).order_by(_fact.c.number.desc())
    rows = conn.execute(newest_first.limit(limit + 1), owner(scope)).all()
    total = conn.execute(select(sql.count()).select_from(_fact).where(asked), owner(scope)).scalar_one()
    number = FACT_COLUMNS.index("number")
    page = cursors.page(rows, limit, total, read=tuple, cursor=lambda row: str(row[number]))
    return Page(tuple(with_sources(conn, scope, page.items)), page.next_cursor, page.total)


def _contains(conn: Connection, scope: Scope, asked: ColumnElement[bool], text: str) -> ColumnElement[bool]:
    """The facts that contain the text, whatever its case."""
    if casefolds(conn):
        return sql.instr(sql.casefolded(_fact.c.text), text.casefold()) > 0
    rows = conn.execute(select(_fact.c.number, _fact.c.text).where(asked), owner(scope))
    return _fact.c.number.in_([number for number, held in rows if text.casefold() in held.casefold()])


def history(conn: Connection, scope: Scope, fact_id: str) -> list[Event]:
    return list(map(read_event, _history.rows(conn, owner(scope) | {"fact_id": fact_id})))
