"""What the databases in this folder hold: every kind of row, in odd words.

They were filled by `fill` when their versions were the newest, so it must go on making the same: what a later version
holds beside is filled by a function of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from memproxy.domain import ApiKey, Fact, FactState, MemoryWrite, Scope, Source, Usage
from memproxy.ports import Store
from memproxy.testing.store_contract_restore import plain
from memproxy.testing.store_samples import (
    ALICE,
    STRANGER,
    after,
    claim,
    entry,
    event,
    fact,
    job,
    message,
    triple,
    turn,
)

ZOE = Scope("acme", "Zoë 👩", "app")
SILENT = Scope("globex", "silent")
"""Is known, and has nothing."""
SCOPES = (ALICE, ZOE, STRANGER, SILENT)

ODD = (
    "a'b\"c\\d\n\te\r\n;--",
    "👩‍👩‍👧‍👦 e\u0301 \u202eabc\u202c",
    "مرحبا 王小明住在上海",
    "",
    " ",
    "%s {} $1 :x \\N \\.",
    "ümlaute " * 600,
)
"""Words that a dump might quote wrongly, and long ones."""


async def fill(store: Store) -> None:
    for scope in (ALICE, ZOE, STRANGER):
        await _converse(store, scope)
    await _remember(store, ALICE)
    await store.write(ZOE, MemoryWrite((fact(1, text="I live in Zürich."),)))
    await store.write(SILENT, MemoryWrite())
    await _keys(store)
    await _jobs(store)


async def _converse(store: Store, scope: Scope) -> None:
    """Two sessions, named against the order of their times; the last message of one is not augmented."""
    odd = [message(text, name="Ål", at=after(n)) for n, text in enumerate(ODD)]
    answer = message("b", role="assistant", external_id="x-1", extra=b'{"tool_calls":[]}', complete=False, at=after(9))
    given = replace(entry("a", "Known:\n- I drink “tea”\n", tokens=7), receipt='{"why": "müde"}'.encode())
    usage = Usage("gpt", 12, 34)
    await store.commit([turn(*odd, answer, scope=scope, session="s2", injection=given, usage=usage)])
    later = entry("c", request=f"request-2 of {scope.entity}", at=after(70))
    await store.commit([turn("c", scope=replace(scope, process=None), session="s1", at=after(60), injection=later)])
    await store.commit([turn("d", scope=scope, session="s2", at=after(80))])
    await store.write(scope, MemoryWrite(augmented=tuple(one.id for one in (*odd, answer))))


def _full() -> Fact:
    return fact(
        1, kind="profile", text="Lives in Berlin 🐻", model="m",
        embedding=np.linspace(-1, 1, 8).astype("<f2").tobytes(),
        attribute="home", value="berlin", speaker="Ål", role="assistant", process="chat", mentions=3,
        valid_from=after(-1), valid_to=after(1), superseded_by="fact-2", state=FactState.SUPERSEDED, confidence=0.1,
        expires_at=after(99.000001), pinned=True, authored=True, metadata={"b": "ö", "a": "1"},
        sources=(Source(message("c").id, "s1", "x"), Source(message("d").id, "s2", "d")),
    )  # fmt: skip


async def _remember(store: Store, scope: Scope) -> None:
    """Facts whose numbers are not in the order of their ids, in every state."""
    vectors = np.eye(3, 8).astype("<f2")
    told = [fact(20 + n, text=f"I like {thing}.", embedding=vectors[n].tobytes(), model="m")
            for n, thing in enumerate(("jazz", "tea", "Miso, our kitten"))]  # fmt: skip
    gone = fact(3, state=FactState.FORGOTTEN, text="", attribute="likes", value="digest")
    triples = (triple(2, "fact-1"), triple(1, "fact-20"))
    events = (event(2, "fact-20", before="ä", after="ö"), event(1, at=after(9)), event(3, "fact-3", after=None))
    await store.write(scope, MemoryWrite((*told, _full()), triples, events))
    await store.write(scope, MemoryWrite((gone, fact(2, attribute="home", value="lisbon", text=ODD[0]))))


async def _keys(store: Store) -> None:
    digest = bytes(range(32))
    bound = {"entity": "alice", "process": "chat", "recall_scope": "process"}
    await store.create_key(ApiKey("k1", "acme", digest, created_at=after(1), **bound))
    await store.create_key(ApiKey("k2", "acme", digest[::-1], created_at=after(2)))
    await store.create_key(ApiKey("k3", "only keys", digest, created_at=after(3)))
    await store.revoke_key("k2", now=after(4))


async def _jobs(store: Store) -> None:
    """One in each state, and one that waits to be tried again."""
    people = [replace(ALICE, entity=name) for name in ("alice", "Zoë 👩", "carl", "dora", "eve")]
    await store.enqueue([job(n, scope=scope, at=after(n)) for n, scope in enumerate(people)])
    done, dead, tried, _ = await claim(store, at=after(5), limit=4)
    await store.settle(done, now=after(6))
    await store.settle(dead, now=after(6), error="no “model”")
    await store.settle(tried, now=after(6), error="away", retry_at=after(600))


async def contents(store: Store) -> dict[str, object]:
    """What a store tells of all this, but for what each store gives anew."""
    tenants = list(await store.tenants())
    told: dict[str, object] = {"tenants": tenants, "keys": list(await store.keys(None))}
    for tenant in tenants:
        listed = (await store.entities(tenant, cursor=None, limit=99)).items
        told[f"entities of {tenant}"] = {one.id: (one.sessions, one.messages, one.last_at, one.facts) for one in listed}
        jobs = await store.jobs(tenant, entity=None, states=(), cursor=None, limit=99)
        told[f"jobs of {tenant}"] = list(jobs.items)
    for scope in SCOPES:
        told[f"rows of {scope}"] = plain((await store.export(scope, cursor=None, limit=999)).items)
        told[f"waiting of {scope}"] = [await store.unaugmented(scope, name, limit=99) for name in ("s1", "s2")]
        numbers = [(one.number, one.id) for one in (await store.changes(scope, since=0)).facts]
        told[f"numbers of {scope}"] = numbers
        told[f"receipt of {scope}"] = await store.receipt(scope.tenant, f"request-2 of {scope.entity}")
    return told
