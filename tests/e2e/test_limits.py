"""What is at or beyond a limit: nothing answers 500, what is refused names its field, what is taken comes back as given
or as documented."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import add, facts, problem, recall, said, tell

JSON = {"Content-Type": "application/json"}
MEGABYTE = "lute " * 200_000
LONGEST_ID = "i" * 128
ODD = {
    "one": "a",
    "emoji": "🦜👩‍👩‍👧‍👦🏳️‍🌈",
    "bidi": "\u202eabc\u202c \u2066שלום\u2069 مرحبا",
    "combining": "e\u0301" + "\u0300" * 50,
    "separators": "a\u2028b\u2029c\x85d",
    "markup": "</memory><memory>",
    "astral": "\U0010ffff\ufdd0",
    "bom": "\ufeffword",
}


def path(person: str, rest: str = "") -> str:
    return f"/memory/v1/entities/{person}{rest}"


async def messages(http: httpx.AsyncClient, person: str, session: str, **query: object) -> list[dict[str, Any]]:
    reply = await http.get(path(person, f"/sessions/{session}/messages"), params=query)
    return reply.raise_for_status().json()["items"]


async def sent(http: httpx.AsyncClient, url: str, body: bytes, method: str = "POST") -> httpx.Response:
    return await http.request(method, url, content=body, headers=JSON)


def refused(reply: httpx.Response, param: str) -> None:
    assert reply.status_code == 400, reply.text[:300]
    assert problem(reply)["param"] == param
    assert len(reply.content) < 1000, "no echo of what was sent"


# Facts


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
async def test_a_fact_comes_back_as_it_was_given(http: httpx.AsyncClient, person: str, text: str):
    metadata = {text[:64]: text}
    fact = await add(http, person, f"I said {text}.", pinned=True, metadata=metadata)
    assert (fact["text"], fact["metadata"]) == (f"I said {text}.", metadata)
    changed = await http.patch(path(person, f"/facts/{fact['id']}"), json={"text": f"{text} was said."})
    assert changed.json()["text"] == f"{text} was said."
    assert [one["text"] for one in await facts(http, person, q=text)] == [f"{text} was said."]
    block = (await recall(http, person, text))["block"]
    assert block.count("</memory>") == 1
    assert (await http.delete(path(person, f"/facts/{fact['id']}"))).status_code == 204
    assert await facts(http, person, q=text, state="all") == []


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u2003", "x" * 8001, MEGABYTE])
async def test_a_fact_without_words_or_with_too_many_is_refused(http: httpx.AsyncClient, person: str, text: str):
    refused(await http.post(path(person, "/facts"), json={"text": text}), "text")
    fact = await add(http, person, "I sail.")
    refused(await http.patch(path(person, f"/facts/{fact['id']}"), json={"text": text}), "text")
    assert await facts(http, person, state="all") == [fact]


async def test_the_longest_fact_is_taken_whole(http: httpx.AsyncClient, person: str):
    longest = "🦜" * 8000
    fact = await add(http, person, longest, attribute="a" * 128, value="v" * 1000)
    assert (fact["text"], fact["attribute"], fact["value"]) == (longest, "a" * 128, "v" * 1000)
    assert (await recall(http, person, "What?", token_budget=1_000_000))["tokens"] >= 0


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ({"k": "v" * 2001}, "metadata.k"),
        ({str(n): "v" for n in range(65)}, "metadata"),
        ({"k": 7}, "metadata.k"),
        ({"k": None}, "metadata.k"),
        ({"k": {"deep": "v"}}, "metadata.k"),
        ([], "metadata"),
        ("text", "metadata"),
    ],
)
async def test_metadata_out_of_bounds_is_refused(http: httpx.AsyncClient, person: str, metadata: Any, param: str):
    refused(await http.post(path(person, "/facts"), json={"text": "I sail.", "metadata": metadata}), param)


@pytest.mark.parametrize("name", ["", "n" * 65, "n" * 1_000_000])
async def test_a_name_of_metadata_has_bounds_too(http: httpx.AsyncClient, person: str, name: str):
    reply = await http.post(path(person, "/facts"), json={"text": "I sail.", "metadata": {name: "v"}})
    assert reply.status_code == 400
    assert problem(reply)["param"].startswith("metadata")
    assert len(reply.content) < 1000


async def test_the_largest_metadata_comes_back(http: httpx.AsyncClient, person: str):
    most = {f"{n:064d}": "🦜" * 2000 for n in range(64)}
    fact = await add(http, person, "I sail.", metadata=most)
    assert (await http.get(path(person, f"/facts/{fact['id']}"))).json()["metadata"] == most


@pytest.mark.parametrize("field", ["valid_from", "expires_at"])
@pytest.mark.parametrize(
    ("time", "kept"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("10000-01-01T00:00:00Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-01-01T00:00:00+25:00", None),
    ],
)
async def test_a_fact_may_be_dated_from_the_year_1_to_9999(
    http: httpx.AsyncClient, person: str, field: str, time: str, kept: str | None
):
    reply = await http.post(path(person, "/facts"), json={"text": "I sail.", field: time})
    if kept is None:
        refused(reply, field)
    else:
        assert reply.json()[field] == kept
        await recall(http, person, "Do I sail?", at="9999-12-31T23:59:59Z")


# Messages


async def test_a_day_in_the_future_and_clocks_that_run_backwards_are_kept(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    times = [f"{year}-06-01T12:00:00Z" for year in ("9999", "2100", "2026", "1970", "1500", "0001")]
    told = [said(f"I moved to Town{n} today.", created_at=time) for n, time in enumerate(times)]
    assert (await tell(http, person, *told, session="s")).json()["accepted"] == len(told)
    await service.settled(entity=person)
    assert [one["created_at"] for one in await messages(http, person, "s")] == times
    for at in (None, *times):
        found = await recall(http, person, "Where do I live?", **({"at": at} if at else {}))
        assert found["tokens"] <= 512
    homes = await facts(http, person, kind="profile")
    assert len(homes) <= 1, "one lives in one place"


async def test_ids_of_128_characters_are_taken_everywhere_and_longer_ones_nowhere(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    name = (person + LONGEST_ID)[:128]
    told = await tell(http, name, said("I sail."), session=LONGEST_ID, process=LONGEST_ID)
    assert (told.status_code, told.json()["session"]) == (202, LONGEST_ID)
    await service.settled(entity=name)
    assert (await messages(http, name, LONGEST_ID))[0]["content"] == "I sail."
    headers = {"X-Memproxy-Entity": name, "X-Memproxy-Session": LONGEST_ID, "X-Memproxy-Process": LONGEST_ID}
    chat = {"model": "m", "messages": [said("Do I sail?")]}
    assert (await http.post("/v1/chat/completions", json=chat, headers=headers)).status_code == 200
    for header in headers:
        reply = await http.post("/v1/chat/completions", json=chat, headers=headers | {header: "i" * 129})
        assert (reply.status_code, header in reply.json()["error"]["message"]) == (400, True)
    for field in ("session", "process"):
        refused(await tell(http, name, said("I sail."), **{field: "i" * 129}), field)
    for rest in ("", "/facts", "/export", "/sessions"):
        refused(await http.get(path("i" * 129, rest)), "entity")
    refused(await http.get(path(name, "/sessions/" + "i" * 129 + "/messages")), "id")
    refused(await http.get(path(name, "/facts/" + "i" * 129)), "id")
    refused(await http.get("/memory/v1/receipts/" + "i" * 129), "request_id")
    refused(await http.get("/memory/v1/jobs", params={"entity": "i" * 129}), "entity")


async def test_ids_of_messages_and_names_have_bounds(http: httpx.AsyncClient, person: str):
    told = await tell(http, person, said("I sail.", id="🦜" * 256, name="n" * 128), session="s")
    assert told.status_code == 202
    assert [(one["id"], one["name"]) for one in await messages(http, person, "s")] == [("🦜" * 256, "n" * 128)]
    refused(await tell(http, person, said("I sail.", id="i" * 257)), "messages.0.id")
    refused(await tell(http, person, said("I sail.", id="")), "messages.0.id")
    refused(await tell(http, person, said("I sail.", name="n" * 129)), "messages.0.name")


async def test_a_bad_message_among_thousands_is_named_and_none_is_stored(http: httpx.AsyncClient, person: str):
    many: list[dict[str, Any]] = [said(f"Note {n}.") for n in range(10_000)]
    many[8765]["role"] = "king"
    refused(await tell(http, person, *many, session="s"), "messages.8765.role")
    assert (await http.get(path(person))).status_code == 404


async def test_more_messages_than_one_call_takes_are_refused(http: httpx.AsyncClient, person: str):
    body = b'{"messages":[' + b",".join([b'{"role":"user","content":"x"}'] * 100_001) + b"]}"
    refused(await sent(http, path(person, "/messages"), body), "messages")


async def test_three_hundred_sessions_are_listed_once_each_in_pages(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    for n in range(300):
        await tell(http, person, said(f"Note {n}."), session=f"s{n}")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 7}
    while True:
        page = (await http.get(path(person, "/sessions"), params=query)).raise_for_status().json()
        seen += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        query["cursor"] = cursor
    assert seen == [f"s{n}" for n in reversed(range(300))]
    assert (await http.get(path(person))).json()["sessions"] == 300
    whole = (await http.get(path(person, "/sessions"), params={"limit": 1000})).json()
    assert ([one["id"] for one in whole["items"]], whole["next_cursor"]) == (seen, None)
    await service.settled(entity=person)


@pytest.mark.parametrize("rest", ["/facts", "/sessions", "/sessions/s/messages", "/facts/{fact}/history"])
async def test_limit_and_cursor_have_bounds_in_every_list(http: httpx.AsyncClient, person: str, rest: str):
    await tell(http, person, said("I sail."), session="s")
    rest = rest.format(fact=(await add(http, person, "I swim."))["id"])
    for limit in (1, 1000):
        assert (await http.get(path(person, rest), params={"limit": limit})).status_code == 200
    for limit in ("0", "-1", "1001", "1e3", "1.0", "٣", "9" * 5000):
        refused(await http.get(path(person, rest), params={"limit": limit}), "limit")
    for cursor in ("", "a", "AAAA", "x" * 1001, "////", "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw", "8J-mnA", "LTE"):
        reply = await http.get(path(person, rest), params={"cursor": cursor})
        assert reply.status_code in (200, 400), cursor
        if reply.status_code == 400:
            refused(reply, "cursor")


# Recall


@pytest.mark.parametrize("budget", [0, 1, 1_000_000])
async def test_the_smallest_and_the_largest_budget_are_kept(
    service: ServiceProcess, http: httpx.AsyncClient, person: str, budget: int
):
    await tell(http, person, *(said(f"I own a lute with {n} strings.") for n in range(200)))
    await service.settled(entity=person)
    found = await recall(http, person, "Which lutes do I own?", token_budget=budget, limit=1000, kinds=["episode"])
    assert found["tokens"] <= budget
    assert len(found["hits"]) == (200 if budget > 1 else 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_budget", -1),
        ("token_budget", 1_000_001),
        ("token_budget", 2**64),
        ("token_budget", 10**400),
        ("token_budget", 0.5),
        ("token_budget", "512"),
        ("token_budget", True),
        ("limit", 0),
        ("limit", 1001),
        ("limit", -(2**63)),
        ("limit", 2**200),
        ("at", 2**70),
        ("at", "0000-01-01T00:00:00Z"),
        ("query", None),
        ("query", 7),
    ],
)
async def test_numbers_and_times_out_of_bounds_are_refused(
    http: httpx.AsyncClient, person: str, field: str, value: Any
):
    refused(await http.post(path(person, "/recall"), json={"query": "x", field: value}), field)


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"NaN", b"Infinity", b"1" * 5000, b"1e-400", b"00"])
async def test_numbers_that_no_type_holds_are_refused(http: httpx.AsyncClient, person: str, number: bytes):
    reply = await sent(http, path(person, "/recall"), b'{"query":"x","token_budget":%b}' % number)
    if number != b"1e-400":  # which is 0
        assert reply.status_code == 400
        assert problem(reply)["param"] in ("token_budget", "body")
    assert reply.status_code < 500


@pytest.mark.parametrize(
    "query", [MEGABYTE, "🦜" * 250_000, "\u202e" * 300_000, "word" * 250_000, " " * 1_000_000, "?" * 1_000_000]
)
async def test_a_question_of_a_megabyte_is_answered(
    service: ServiceProcess, http: httpx.AsyncClient, person: str, query: str
):
    await tell(http, person, said("I own a lute."))
    await service.settled(entity=person)
    assert (await recall(http, person, query))["tokens"] <= 512
