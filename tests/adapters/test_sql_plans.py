"""Statements cost what they find: each uses an index, and none reads a whole table."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from memproxy.domain import FactState
from memproxy.testing.store_samples import ALICE
from memproxy_sql import SqlStore, archive, erase, export, facts, jobs, memory, open_store, turns
from memproxy_sql.dialect import ASKING
from memproxy_sql.prepared import Among, Prepared


def sqlite(folder: Path) -> SqlStore:
    return open_store(url="sqlite:///{data_dir}/memproxy.db", data_dir=folder)


@pytest.mark.parametrize(
    ("statement", "given", "index"),
    [
        (turns._unaugmented, {"tenant_id", "entity_id", "session_id", "limit"}, "ix_message_unaugmented"),
        (turns._messages, {"tenant_id", "entity_id", "session_id", "limit", "position"}, "_position"),
        (turns._recognised, {"tenant_id", "entity_id", "pair"}, "_key_session_id"),
        (turns._external, {"tenant_id", "entity_id", "external_id"}, "_external_id_session_id"),
        (memory._changed_facts, {"tenant_id", "entity_id", "since"}, "_version"),
        (facts._history, {"tenant_id", "entity_id", "fact_id"}, "ix_event_tenant_id_entity_id_fact_id"),
        (archive._newest_first, {"tenant_id", "time", "last_id", "limit"}, "ix_entity_tenant_id_created_at_id"),
        (archive._count, {"tenant_id"}, "COVERING INDEX"),
        (archive._current, {"tenant_id", "entity_id", "state_1"}, "COVERING INDEX ix_fact_tenant_id_entity_id_number"),
        (archive._spoken, {"tenant_id", "entity_id"}, "entity_id=?"),
        (archive._receipt, {"tenant_id", "request_id"}, "ix_injection_tenant_id_request_id"),
        *((part.after, {"tenant_id", "entity_id", "name", "number", "limit"}, "entity_id=?") for part in export._PARTS),
        *((deletion, {"tenant_id", "entity_id"}, "=?") for deletion in erase._deletions),
        (jobs._due(2), {"now"}, "ix_job_running"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_statements_use_their_index(tmp_path: Path, statement: Prepared, given: set[str], index: str) -> None:
    def plan(conn: Connection) -> str:
        compiled = statement._for(conn)
        values = compiled.positional({**dict.fromkeys(given, 0), **compiled.constants})
        steps = conn.exec_driver_sql("EXPLAIN QUERY PLAN " + compiled.sql, tuple(values))
        return "\n".join(str(step[3]) for step in steps)

    async with sqlite(tmp_path) as store:
        steps = await store._writer.run(plan)
    assert index in steps
    assert "SCAN" not in steps.replace("SCAN CONSTANT", "")


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (facts._by_id, "sqlite_autoindex_fact"),
        (facts._by_attribute, "(tenant_id=? AND entity_id=? AND attribute=?)"),
        (facts._by_statement, "(tenant_id=? AND entity_id=? AND attribute=? AND value_key=?)"),
        (facts._sources, "sqlite_autoindex_fact_mention"),
        (turns._ledger, "sqlite_autoindex_injection"),
    ],
    ids=["id", "attribute", "statement", "sources", "ledger"],
)
async def test_what_is_asked_for_many_at_once_is_sought_one_by_one(tmp_path: Path, asked: Among, index: str) -> None:
    def plan(conn: Connection) -> str:
        sql = asked._for(ASKING["sqlite"], 4)
        steps = conn.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, (None,) * sql.count("?"))
        return "\n".join(str(step[3]) for step in steps)

    async with sqlite(tmp_path) as store:
        steps = await store._writer.run(plan)
    assert index in steps
    assert "SCAN fact" not in steps


async def test_a_page_of_facts_and_their_number_are_read_from_the_index(tmp_path: Path) -> None:
    """What is filtered out costs an entry of the index, not the fact with its text and vector."""
    seen: list[str] = []

    def look(conn: Connection) -> None:
        raw = conn.connection.driver_connection
        assert raw is not None
        raw.set_trace_callback(seen.append)
        facts.facts(conn, ALICE, [FactState.CURRENT], ["profile"], None, None, 50)
        raw.set_trace_callback(None)
        page, count = (sql for sql in seen if "FROM fact" in sql)
        plans = [[row[3] for row in conn.exec_driver_sql("EXPLAIN QUERY PLAN " + sql)] for sql in (page, count)]
        assert plans == [
            ["SEARCH fact USING INDEX ix_fact_tenant_id_entity_id_number_state_kind (tenant_id=? AND entity_id=? AND "
             "number<?)"],
            ["SEARCH fact USING COVERING INDEX ix_fact_tenant_id_entity_id_number_state_kind (tenant_id=? AND "
             "entity_id=?)"],
        ]  # fmt: skip

    async with sqlite(tmp_path) as store:
        await store._writer.run(look)
