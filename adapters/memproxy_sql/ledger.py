"""What may still go into the ledger of a session: a request takes its time, and its memory may be another by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from memproxy.domain import FactState, Turn
from memproxy_sql.models import tables
from memproxy_sql.prepared import Among

_facts = Among(tables["fact"], "id", also=["state", "authored", "version", "text"], within=["tenant_id", "entity_id"])


def told(conn: Connection, turns: Sequence[Turn], versions: Mapping[tuple[str, str], int]) -> list[Turn]:
    """The turns, without the blocks that tell of what was forgotten, corrected or erased since they were recalled.
    `versions` are those of the entities by now."""
    return [
        turn
        if versions.get((turn.scope.tenant, turn.scope.entity)) == turn.seen or _holds(conn, turn)
        else _emptied(turn)
        for turn in turns
    ]


def _holds(conn: Connection, turn: Turn) -> bool:
    given = turn.injection
    if given is None or not given.facts or turn.seen == 0:
        return True
    asked = [(fact_id,) for fact_id in dict.fromkeys(given.facts)]
    found = _facts.rows(conn, asked, [turn.scope.tenant, turn.scope.entity])
    return len(found) == len(asked) and not any(
        state == FactState.FORGOTTEN or (authored and touched > turn.seen and not given.tells(text))
        for _, state, authored, touched, text in found
    )


def _emptied(turn: Turn) -> Turn:
    assert turn.injection is not None
    return replace(turn, injection=turn.injection.emptied())
