"""A memory carried away and taken in elsewhere is the same one; what is no archive is refused by line and field."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memproxy.archive import PAGE, Imported, lines, take_in
from memproxy.augment.extract import Extract
from memproxy.augment.local import LocalExtractor
from memproxy.augment.statements import buried
from memproxy.domain import Event, Fact, FactState, Job, Kept, MemoryWrite, Message, Scope, Source, Triple
from memproxy.errors import BadRequest, NotFound, StoreUnavailable
from memproxy.recall.engine import Query, Recall, Recalled
from memproxy.tasks import Tasks
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy.testing.memory_index import MemoryIndex
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, NOON, STRANGER, after, entry, fact, key, message, turn

ELSEWHERE = Scope("globex", "alice-again")
LATER = NOON + timedelta(days=30)


class Words:
    def count(self, text: str) -> int:
        return len(text.split())


async def carried(store: MemoryStore, scope: Scope = ALICE) -> bytes:
    return b"".join([line async for line in lines(store, scope)])


async def taken(store: MemoryStore, archive: bytes, scope: Scope = ELSEWHERE, *, piece: int = 1 << 20) -> Imported:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(archive), piece):
            yield archive[start : start + piece]

    return await take_in(store, store, store, scope, pieces(), lambda: LATER)


async def rows(store: MemoryStore, scope: Scope) -> list[Kept]:
    """What is kept, apart from what each store gives anew."""
    page = await store.export(scope, cursor=None, limit=100_000)
    return [
        replace(kept, row=replace(kept.row, version=0)) if isinstance(kept.row, Fact) else kept for kept in page.items
    ]


async def jobs(store: MemoryStore, scope: Scope = ELSEWHERE) -> Sequence[Job]:
    return (await store.jobs(scope.tenant, entity=scope.entity, states=(), cursor=None, limit=99)).items


def full() -> list[Fact]:
    """Facts in which every field is used."""
    vector = np.arange(16).astype("<f2").tobytes()
    return [
        fact(
            1, kind="profile", text="Lives in “Berlin”\n<b>", embedding=vector, model="m", attribute="home",
            value="berlin", speaker="Al", role="assistant", process="chat", mentions=3, valid_from=after(-1),
            valid_to=after(1.000001), superseded_by="fact-2", state=FactState.SUPERSEDED, confidence=0.25,
            expires_at=after(99), pinned=True, authored=True, metadata={"a": "1", "ü": ""},
            sources=(Source("m1", "s1", "x1"), Source("m2", "s2", "m2")),
        ),
        fact(2, text="住在里斯本 🌞"),
        buried(fact(3, attribute="likes", value="olives", text="Likes olives")),
    ]  # fmt: skip


async def lived() -> MemoryStore:
    """A store in which an entity has something of everything."""
    store = MemoryStore()
    said = [
        message("hello", at=after(0.000001), name="Al", external_id="x1"),
        message("", role="assistant", id="m-2", extra=b'{"tool_calls": []}', complete=False),
    ]
    await store.commit([turn(*said, injection=replace(entry("u", "<memory>\n…"), request_id="r1"))])
    again = replace(entry("u", ""), anchor=b"a longer id of its own", request_id="r2")
    await store.commit([turn(injection=again)])
    await store.commit([turn("another", session="s2", at=after(60), scope=replace(ALICE, process="other"))])
    change = MemoryWrite(
        facts=tuple(full()),
        triples=(Triple("t1", "user", "lives in", "Berlin", "fact-1"),),
        events=(Event("e1", "fact-1", "created", "said", None, "Lives in Berlin", after(0.5)),),
        augmented=("m-2",),
    )
    await store.write(ALICE, change)
    return store


# There and back


async def test_everything_comes_back_as_it_was() -> None:
    store, other = await lived(), MemoryStore()
    done = await taken(other, await carried(store))
    assert await rows(other, ELSEWHERE) == await rows(store, ALICE)
    assert done == Imported(rows=len(await rows(store, ALICE)), added=len(await rows(store, ALICE)))
    assert await carried(other, ELSEWHERE) == (await carried(store)).replace(b'"alice"', b'"alice-again"')


async def test_the_first_line_says_what_it_is_and_every_line_is_json() -> None:
    header, *rest = (await carried(await lived())).splitlines()
    assert json.loads(header) == {"format": "memproxy-archive", "version": 1, "entity": "alice"}
    assert {json.loads(line)["type"] for line in rest} == {
        "session", "message", "injection", "fact", "triple", "event",
    }  # fmt: skip


async def test_times_are_told_to_the_microsecond_and_bytes_as_base64() -> None:
    store = await lived()
    told = [json.loads(line) for line in (await carried(store)).splitlines()]
    [hello] = [row for row in told if row.get("text") == "hello"]
    assert hello["created_at"] == "2026-01-01T12:00:00.000001Z"
    assert hello["key"] == b64encode(key("hello")).decode()


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_it_may_come_in_pieces_of_any_size(size: int) -> None:
    archive = await carried(await lived())
    other = MemoryStore()
    await taken(other, archive.rstrip(b"\n"), piece=size)
    assert (await carried(other, ELSEWHERE)).splitlines()[1:] == archive.splitlines()[1:]


async def test_taken_in_twice_it_adds_nothing_the_second_time() -> None:
    other = MemoryStore()
    archive = await carried(await lived())
    first = await taken(other, archive)
    before = await rows(other, ELSEWHERE)
    assert await taken(other, archive) == Imported(rows=first.rows, added=0)
    assert await rows(other, ELSEWHERE) == before


async def test_it_is_read_and_stored_page_by_page() -> None:
    store, other = MemoryStore(), Paged()
    await store.write(ALICE, MemoryWrite(tuple(fact(n) for n in range(3 * PAGE + 5))))
    told: list[tuple[int, int]] = []
    async for _ in lines(store, ALICE, progress=lambda done, total: told.append((done, total))):
        pass
    total = 3 * PAGE + 5
    assert told == [(PAGE, total), (2 * PAGE, total), (3 * PAGE, total), (total, total)]
    await taken(other, await carried(store))
    assert other.sizes == [PAGE, PAGE, PAGE, 5]
    assert [one.number for one in (await other.changes(ELSEWHERE, since=0)).facts] == list(range(1, total + 1))


class Paged(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.fails_at = -1

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        if len(self.sizes) == self.fails_at:
            raise StoreUnavailable("gone")
        self.sizes.append(len(rows))
        return await super().restore(scope, rows)


async def test_large_rows_make_small_pages() -> None:
    store, other = MemoryStore(), Paged()
    await store.commit([turn(*(message(f"{n} " * 500_000) for n in range(12)))])
    await taken(other, await carried(store))
    assert max(other.sizes) <= 6


async def test_an_unknown_entity_has_no_archive() -> None:
    with pytest.raises(NotFound):
        await carried(MemoryStore())


async def test_of_another_entity_nothing_is_carried_away() -> None:
    store = await lived()
    await store.commit([turn("secret", scope=BOB), turn("secret", scope=STRANGER)])
    assert b"secret" not in await carried(store)


# What it does there


async def test_messages_that_were_not_worked_through_are_queued_once_per_session_for_the_app_they_came_from() -> None:
    other = MemoryStore()
    await taken(other, await carried(await lived()))
    assert {(job.kind, job.session, job.scope.process) for job in await jobs(other)} == {
        ("extract", "s1", "chat"),
        ("extract", "s2", "other"),
    }
    done = MemoryStore()
    await done.commit([turn("hello")])
    await done.write(ALICE, MemoryWrite(augmented=(message("hello").id,)))
    other = MemoryStore()
    await taken(other, await carried(done))
    assert list(await jobs(other)) == []


async def test_a_store_that_fails_half_way_leaves_what_it_took_and_the_next_try_adds_the_rest() -> None:
    store, other = MemoryStore(), Paged()
    await store.commit([turn(*(f"m{n}" for n in range(2 * PAGE)))])
    archive = await carried(store)
    other.fails_at = 1
    with pytest.raises(StoreUnavailable):
        await taken(other, archive)
    other.fails_at = -1
    assert [job.session for job in await jobs(other)] == ["s1"]
    await taken(other, archive)
    assert len(await rows(other, ELSEWHERE)) == 2 * PAGE + 1


async def extracted(store: MemoryStore, scope: Scope, session: str) -> list[str]:
    extract = Extract(
        turns=store, memory=store, extractor=LocalExtractor(), embedder=None, tokenizer=Words(), clock=lambda: LATER
    )
    await extract(Job("j", "extract", scope, session, LATER, LATER), last_try=False)
    return sorted(one.text for one in (await store.changes(scope, since=0)).facts if one.state is FactState.CURRENT)


async def test_what_was_forgotten_here_is_not_learned_there_either() -> None:
    store, other = MemoryStore(), MemoryStore()
    gone = buried(fact(1, attribute="home", value="berlin", text="Lives in Berlin"))
    await store.write(ALICE, MemoryWrite((gone, buried(fact(2, text="The code is 1234.")))))
    archive = await carried(store)
    assert b"erlin" not in archive
    await taken(other, archive)
    await other.commit([turn("I live in Berlin.", "The code is 1234.", "I live in Oslo.", scope=ELSEWHERE)])
    assert await extracted(other, ELSEWHERE, "s1") == ["I live in Oslo.", "Lives in Oslo"]


async def recalled(store: MemoryStore, scope: Scope, questions: Sequence[str]) -> list[Recalled]:
    tasks = Tasks()
    recall = Recall(memory=store, index=MemoryIndex(), embedder=HashEmbedder(dimensions=64), tasks=tasks)
    found = [
        await recall.recall(Query(scope, question, budget=4000, limit=50, floor=False, at=LATER))
        for question in questions
    ]
    await tasks.stop()
    return found


async def test_recall_there_is_the_same_to_the_digit() -> None:
    store, other = MemoryStore(), MemoryStore()
    people, things = ("Ana", "Ben", None), ("olives", "jazz", "Lisbon", "my old bike", "the garden in May")
    for day in range(12):
        said = [
            message(
                f"I like {things[(day + n) % 5]} more than {things[n % 5]} on day {day}.",
                name=people[n % 3],
                role=("user", "assistant")[n % 2],
                at=NOON + timedelta(days=day, minutes=n),
                id=f"m{day}-{n}",
                key=key(f"{day}-{n}"),
            )
            for n in range(9)
        ]
        await store.commit([turn(*said, session=f"s{day}")])
        extract = Extract(
            turns=store, memory=store, extractor=LocalExtractor(), embedder=HashEmbedder(dimensions=64),
            tokenizer=Words(), clock=lambda: LATER,
        )  # fmt: skip
        await extract(Job("j", "extract", ALICE, f"s{day}", NOON, NOON), last_try=False)
    await taken(other, await carried(store))
    questions = ["What music do I like?", "What does Ana like?", "the bike", "in January", "橄榄"]
    here, there = await recalled(store, ALICE, questions), await recalled(other, ELSEWHERE, questions)
    assert sum(len(one.block.hits) for one in here) > 30
    for one, two in zip(here, there, strict=True):
        assert one.block.text == two.block.text
        assert [(hit.fact.id, hit.score, hit.why) for hit in one.block.hits] == [
            (hit.fact.id, hit.score, hit.why) for hit in two.block.hits
        ]


# What is no archive


def line(**fields: Any) -> str:
    return json.dumps(fields)


HEAD = line(format="memproxy-archive", version=1, entity="alice")
SESSION = line(type="session", id="s1", created_at="2026-01-01T00:00:00Z", last_at="2026-01-01T00:00:00Z")
FACT: dict[str, Any] = {
    "type": "fact", "id": "f1", "kind": "knowledge", "text": "x", "tokens": 1,
    "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-01-01T00:00:00Z",
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "type": "message", "session": "s1", "id": "m1", "role": "user", "text": "x", "key": "A" * 22 + "==",
    "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("archive", "number", "field"),
    [
        ([""], 1, "line"),
        (["", ""], 1, "line"),
        (["hello"], 1, "format"),
        ([line(format="zip", version=1)], 1, "format"),
        ([line(format="memproxy-archive", version=2)], 1, "version"),
        ([SESSION], 1, "format"),
        ([HEAD, "{"], 2, "line"),
        ([HEAD, "[]"], 2, "line"),
        ([HEAD, "", "nonsense"], 3, "line"),
        ([HEAD, line(type="vector", id="v1")], 2, "type"),
        ([HEAD, line(id="v1")], 2, "type"),
        ([HEAD, line(**FACT | {"id": "no spaces"})], 2, "id"),
        ([HEAD, line(**FACT | {"id": ""})], 2, "id"),
        ([HEAD, line(**FACT | {"tokens": -1})], 2, "tokens"),
        ([HEAD, line(**FACT | {"tokens": 2**40})], 2, "tokens"),
        ([HEAD, line(**FACT | {"text": None})], 2, "text"),
        ([HEAD, line(**FACT | {"state": "asleep"})], 2, "state"),
        ([HEAD, line(**FACT | {"surprise": 1})], 2, "surprise"),
        ([HEAD, line(**FACT | {"first_seen": "2026-01-01T00:00:00"})], 2, "first_seen"),
        ([HEAD, line(**FACT | {"first_seen": "0001-01-01T00:00:00+14:00"})], 2, "line"),
        ([HEAD, line(**FACT | {"confidence": 7})], 2, "confidence"),
        ([HEAD, line(**FACT | {"embedding": "AAAA", "model": "m"})], 2, "embedding"),
        ([HEAD, line(**FACT | {"embedding": "AAA=", "model": None})], 2, "model"),
        ([HEAD, line(**FACT | {"embedding": "AHwAAA==", "model": "m"})], 2, "embedding"),
        ([HEAD, line(**FACT | {"embedding": "%", "model": "m"})], 2, "embedding"),
        ([HEAD, line(**FACT | {"state": "forgotten"})], 2, "text"),
        ([HEAD, line(**FACT | {"sources": [{"message_id": 1, "session_id": "s1"}]})], 2, "sources[0].message_id"),
        ([HEAD, line(**FACT), line(**MESSAGE)], 3, "session"),
        ([HEAD, SESSION, line(**MESSAGE | {"key": "AAAA"})], 3, "key"),
        ([HEAD, SESSION, line(**MESSAGE | {"role": "god"})], 3, "role"),
        ([HEAD, line(type="injection", session="s9", anchor="A" * 22 + "==", block="")], 2, "session"),
        ([HEAD, '{"type":"triple","id":"t","subject":"\\ud800","predicate":"","object":"","fact_id":"f"}'], 2, "line"),
    ],
)
async def test_what_cannot_be_understood_is_refused_by_line_and_field(
    archive: list[str], number: int, field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await taken(MemoryStore(), "\n".join(archive).encode())
    assert str(refused.value).startswith(f"line {number}:")
    assert refused.value.param == field


async def test_a_refusal_quotes_nobody() -> None:
    for field, value in (("state", "my secret"), ("type", "my secret"), ("text", {"my secret": 1})):
        told = FACT | {field: value}
        with pytest.raises(BadRequest) as refused:
            await taken(MemoryStore(), f"{HEAD}\n{line(**told)}".encode())
        assert "secret" not in str(refused.value)


async def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memproxy.archive.LONGEST_LINE", 1000)
    with pytest.raises(BadRequest, match="more than 1000 bytes"):
        await taken(MemoryStore(), HEAD.encode() + b"\n" + b"x" * 5000, piece=100)


async def test_times_of_any_zone_are_understood() -> None:
    other = MemoryStore()
    told = FACT | {"first_seen": "2026-01-01T02:00:00+02:00"}
    await taken(other, f"{HEAD}\n{line(**told)}".encode())
    [one] = (await other.changes(ELSEWHERE, since=0)).facts
    assert one.first_seen == datetime(2026, 1, 1, tzinfo=UTC)
    assert one.first_seen.utcoffset() == timedelta()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            Message, id=st.uuids().map(str), role=st.sampled_from(["user", "assistant", "tool"]), text=TEXT,
            key=st.binary(min_size=16, max_size=16), created_at=TIMES, name=st.none() | TEXT,
            extra=st.none() | st.binary(max_size=20), complete=st.booleans(),
        ),
        max_size=5,
    ),
    st.lists(
        st.builds(
            Fact, id=st.uuids().map(str), kind=st.just("knowledge"), text=TEXT, tokens=st.integers(0, 10**6),
            first_seen=TIMES, last_seen=TIMES, attribute=st.none() | TEXT, value=st.none() | TEXT,
            valid_from=st.none() | TIMES, confidence=st.floats(0, 1), pinned=st.booleans(), authored=st.booleans(),
            metadata=st.dictionaries(TEXT, TEXT, max_size=3),
        ),
        max_size=5,
    ),
)  # fmt: skip
async def test_whatever_was_stored_comes_back(said: list[Message], known: list[Fact]) -> None:
    store, other = MemoryStore(), MemoryStore()
    await store.commit([turn(*said)])
    await store.write(ALICE, MemoryWrite(tuple(known)))
    await taken(other, await carried(store), piece=100)
    assert await rows(other, ELSEWHERE) == await rows(store, ALICE)


async def test_a_message_whose_episodes_the_archive_holds_is_not_augmented_again():
    """Extraction may reach a message after its line was written and before those of the facts are."""
    store, late = MemoryStore(), MemoryStore()
    said, other = message("I live in Lisbon."), message("I paint.")
    await store.commit([turn(said, other, session="s")])
    episode = fact(1, text=said.text, sources=(Source(said.id, "s", said.id),))
    await store.write(ALICE, MemoryWrite(facts=(episode,)))
    await taken(late, await carried(store))
    assert [m.text for m in await late.unaugmented(ELSEWHERE, "s", limit=9)] == ["I paint."]
