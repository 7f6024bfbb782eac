"""What may stay in the ledger of a session: a request takes its time, and its memory may be another by then.

A block is looked at before it is stored. What is forgotten between the look and the storing is found afterwards: the
turn bears the version it was looked at (`at`), the entity the last one that forgot something (`told`).
"""

from __future__ import annotations

from collections.abc import Sequence

from memproxy.domain import FactState, Injection
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.fact_documents import in_life
from memproxy_mongo.lives import Life

EMPTY = {"entry.block": "", "entry.facts": [], "entry.receipt": b"{}"}


async def holds(db: Database, life: Life, given: Injection, seen: int) -> bool:
    """Whether a block that was recalled at the version `seen` may still be told."""
    if not given.facts or seen == 0 or max(life.told, life.born // 1000) <= seen:
        return True
    asked = {in_life(life.mark, fact_id) for fact_id in given.facts}
    found = await db.some("fact", {"_id": {"$in": list(asked)}}, fields=["state", "authored", "v", "text"])
    return len(found) == len(asked) and not any(
        fact["state"] == FactState.FORGOTTEN
        or (fact["authored"] and fact["v"] > seen and not given.tells(fact["text"]))
        for fact in found
    )


async def settle(db: Database, life: Life, turns: Sequence[Document]) -> None:
    """Look again at those turns whose block came while something was forgotten; they are changed as they are here."""
    for turn in turns:
        if not turn.get("shown") or turn["at"] >= life.told:
            continue
        kept = {"at": life.version}
        given = Injection(b"", turn["entry"]["block"], facts=tuple(turn["entry"]["facts"]))
        if await holds(db, life, given, turn["seen"]):
            await db.change("turn", {"_id": turn["_id"]}, {"$max": kept})
        else:
            await db.change("turn", {"_id": turn["_id"]}, {"$set": EMPTY, "$max": kept})
            turn["entry"] |= {"block": "", "facts": [], "receipt": b"{}"}
