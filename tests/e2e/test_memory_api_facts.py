"""Facts in the hands of whoever they are about: looked through, added, corrected, pinned, forgotten."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import httpx
import pytest

from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import add, facts, problem, recall, said, tell


async def learned(service: ServiceProcess, http: httpx.AsyncClient, person: str, text: str, kind: str) -> dict:
    """The one fact of that kind that is read in a message."""
    await tell(http, person, said(text))
    await service.settled(entity=person)
    [fact] = await facts(http, person, kind=kind)
    return fact


def path(person: str, fact: dict) -> str:
    return f"/memory/v1/entities/{person}/facts/{fact['id']}"


async def patch(http: httpx.AsyncClient, person: str, fact: dict, **change: object) -> dict:
    reply = await http.patch(path(person, fact), json=change)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def history(http: httpx.AsyncClient, person: str, fact: dict) -> list[dict]:
    return (await http.get(path(person, fact) + "/history")).raise_for_status().json()["items"]


async def test_a_fact_shows_what_it_says_and_where_it_was_said(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    await tell(
        http, person, said("I live in Porto.", id="m1", created_at="2024-02-03T10:00:00Z"), session="s", process="app"
    )
    await service.settled(entity=person)
    [fact] = await facts(http, person, kind="profile")
    assert (fact["attribute"], fact["state"], fact["process"], fact["authored"]) == ("home", "current", "app", False)
    assert fact["sources"] == [{"message_id": "m1", "session_id": "s"}]
    assert fact["first_seen"] == fact["created_at"] == "2024-02-03T10:00:00Z"
    assert (await http.get(path(person, fact))).json() == fact
    [created] = await history(http, person, fact)
    assert (created["action"], created["after"]) == ("created", fact["text"])


async def test_the_list_is_narrowed_by_kind_text_and_state(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    await tell(http, person, said("I live in Porto.", created_at="2024-01-01T00:00:00Z"))
    await tell(http, person, said("I live in Lisbon.", created_at="2024-02-01T00:00:00Z"))
    await service.settled(entity=person)
    assert {fact["kind"] for fact in await facts(http, person)} == {"episode", "profile"}
    assert [fact["value"] for fact in await facts(http, person, kind="profile")] == ["lisbon"]
    [old] = await facts(http, person, kind="profile", state="superseded")
    assert (old["value"], old["state"]) == ("porto", "superseded")
    assert len(await facts(http, person, kind="profile", state="all")) == 2
    assert {fact["kind"] for fact in await facts(http, person, q="LISBON")} == {"episode", "profile"}
    assert await facts(http, person, q="lisb%n") == [], "no wildcards"
    assert await facts(http, person, q="\0") == []


async def test_pages_stay_right_while_facts_are_added(http: httpx.AsyncClient, person: str):
    made = [(await add(http, person, f"Fact number {n}."))["id"] for n in range(5)]
    url = f"/memory/v1/entities/{person}/facts"
    first = (await http.get(url, params={"limit": 2})).json()
    await add(http, person, "A newer one.")
    second = (await http.get(url, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    third = (await http.get(url, params={"limit": 2, "cursor": second["next_cursor"]})).json()
    shown = [fact["id"] for page in (first, second, third) for fact in page["items"]]
    assert shown == made[::-1]
    assert (first["total"], third["total"], third["next_cursor"]) == (5, 6, None)


async def test_what_a_person_adds_is_theirs_and_is_recalled(http: httpx.AsyncClient, person: str):
    fact = await add(
        http,
        person,
        "I am allergic to peanuts.",
        kind="profile",
        attribute="allergy",
        value="peanuts",
        pinned=True,
        valid_from="2020-01-01T00:00:00+01:00",
        process="app",
        metadata={"from": "settings page"},
    )
    assert (fact["authored"], fact["pinned"], fact["attribute"], fact["value"]) == (True, True, "allergy", "peanuts")
    assert (fact["valid_from"], fact["process"]) == ("2019-12-31T23:00:00Z", "app")
    assert fact["metadata"] == {"from": "settings page"}
    assert (await http.get(path(person, fact))).json() == fact
    assert "peanuts" in (await recall(http, person, "Write quicksort in C++."))["block"], "pinned"


async def test_a_new_fact_is_found_at_its_location(http: httpx.AsyncClient, person: str):
    reply = await http.post(f"/memory/v1/entities/{person}/facts", json={"text": "I sail."})
    assert reply.headers["location"] == path(person, reply.json())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 8001}, "text"),
        ({"text": "I sail.", "kind": "episode"}, "kind"),
        ({"text": "I sail.", "value": "sailing"}, "body"),
        ({"text": "I sail.", "attribute": "~home", "value": "x"}, "attribute"),
        ({"text": "I sail.", "pinned": "yes"}, "pinned"),
        ({"text": "I sail.", "metadata": {"a": 1}}, "metadata.a"),
        ({"text": "I sail.", "metadata": {str(n): "" for n in range(65)}}, "metadata"),
        ({"text": "I sail.", "expires_at": "tomorrow"}, "expires_at"),
    ],
)
async def test_a_fact_that_cannot_be_is_refused_by_its_field(
    http: httpx.AsyncClient, person: str, body: dict, param: str
):
    reply = await http.post(f"/memory/v1/entities/{person}/facts", json=body)
    assert (reply.status_code, problem(reply)["param"]) == (400, param)


async def test_a_correction_stands_and_keeps_what_was_said_before(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    fact = await learned(service, http, person, "I live in Porto.", "profile")
    corrected = await patch(http, person, fact, text="I live in Braga.")
    assert (corrected["id"], corrected["text"], corrected["authored"]) == (fact["id"], "I live in Braga.", True)
    [old] = await facts(http, person, kind="profile", state="superseded")
    assert (old["text"], old["superseded_by"]) == (fact["text"], fact["id"])
    correction = (await history(http, person, fact))[-1]
    assert (correction["action"], correction["before"], correction["after"]) == (
        "corrected",
        fact["text"],
        "I live in Braga.",
    )
    await tell(http, person, said("I live in Porto.", created_at="2020-01-01T00:00:00Z"))
    await service.settled(entity=person)
    assert [one["text"] for one in await facts(http, person, kind="profile")] == ["I live in Braga."]
    assert "Braga" in (await recall(http, person, "Where do I live?"))["block"]


async def test_what_is_left_out_of_a_change_stays_and_null_takes_a_time_away(http: httpx.AsyncClient, person: str):
    fact = await add(http, person, "I have a bike.", expires_at="2999-01-01T00:00:00Z", metadata={"a": "b"})
    pinned = await patch(http, person, fact, pinned=True)
    assert pinned == fact | {"pinned": True}
    free = await patch(http, person, fact, expires_at=None, metadata={}, kind="event")
    assert free == pinned | {"expires_at": None, "metadata": {}, "kind": "event"}
    assert [event["action"] for event in await history(http, person, fact)][:2] == ["created", "pinned"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "body"),
        ({"text": None}, "text"),
        ({"pinned": None}, "pinned"),
        ({"kind": "episode"}, "kind"),
        ({"id": "x"}, "id"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_by_its_field(
    http: httpx.AsyncClient, person: str, body: dict, param: str
):
    fact = await add(http, person, "I sail.")
    reply = await http.patch(path(person, fact), json=body)
    assert (reply.status_code, problem(reply)["param"]) == (400, param)


async def test_two_corrections_at_once_are_both_in_the_history(http: httpx.AsyncClient, person: str):
    fact = await add(http, person, "I live in Porto.")
    await asyncio.gather(*(patch(http, person, fact, text=f"I live in {city}.") for city in ("Braga", "Faro", "Beja")))
    last = (await http.get(path(person, fact))).json()
    corrections = [event for event in await history(http, person, fact) if event["action"] == "corrected"]
    assert len(corrections) == 3
    assert corrections[-1]["after"] == last["text"]
    for before, after in pairwise(corrections):
        assert before["after"] == after["before"], "one after the other"


async def test_what_is_forgotten_is_not_there_and_does_not_come_back(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    fact = await learned(service, http, person, "I live in Porto.", "profile")
    assert (await http.delete(path(person, fact))).status_code == 204
    assert (await http.delete(path(person, fact))).status_code == 404
    for reply in (
        await http.get(path(person, fact)),
        await http.get(path(person, fact) + "/history"),
        await http.patch(path(person, fact), json={"pinned": True}),
    ):
        assert reply.status_code == 404
    assert await facts(http, person, state="all") == []
    await tell(http, person, said("I live in Porto."))
    await service.settled(entity=person)
    assert await facts(http, person, state="all") == []
    assert "Porto" not in (await recall(http, person, "Where do I live?"))["block"]
    await add(http, person, "I live in Porto.", kind="profile")
    assert "Porto" in (await recall(http, person, "Where do I live?"))["block"], "said again on purpose"


async def test_a_history_comes_in_pages(http: httpx.AsyncClient, person: str):
    fact = await add(http, person, "Number 0.")
    for n in range(1, 4):
        await patch(http, person, fact, text=f"Number {n}.")
    url = path(person, fact) + "/history"
    first = (await http.get(url, params={"limit": 3})).json()
    rest = (await http.get(url, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [event["after"] for event in first["items"] + rest["items"]] == [f"Number {n}." for n in range(4)]
    assert (first["total"], rest["next_cursor"]) == (4, None)


async def test_another_s_fact_is_not_found(http: httpx.AsyncClient, person: str):
    fact = await add(http, person, "I sail.")
    for reply in (
        await http.get(path("somebody", fact)),
        await http.patch(path("somebody", fact), json={"pinned": True}),
        await http.delete(path("somebody", fact)),
    ):
        assert reply.status_code == 404
    assert (await http.get(path(person, fact))).json() == fact


async def test_a_correction_is_what_the_next_chat_gets(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    fact = await learned(service, http, person, "I live in Porto.", "profile")
    await patch(http, person, fact, text="I live in Braga.")
    await http.post(f"/e/{person}/v1/chat/completions", json={"model": "m", "messages": [said("Where do I live?")]})
    assert b"Braga" in up.requests[-1].body
