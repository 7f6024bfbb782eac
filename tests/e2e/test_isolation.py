"""Nobody reads another's memory, whatever is called in whatever order: two tenants with people of the same names, every
call, every API, and secrets that only one person told.

A model knows which secrets a person told (they stand in messages and exports), which of them are remembered (facts,
blocks, receipts), and which were forgotten or erased. Every reply and every prompt is held against it as it comes; an
audit compares all that is stored with it. ISOLATION_EXAMPLES and ISOLATION_SEED make it longer, and another one.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from .tenancy import APIS, PEOPLE, Person, World, lines, nothing_but, secrets_in, world
from .tenants import BASE, EVERYBODY, Archive, Known, Talking, bound, people, pick, templates

EXAMPLES = int(os.environ.get("ISOLATION_EXAMPLES", "16"))
SEED = int(os.environ.get("ISOLATION_SEED", "20261121"))


class Tenancy(Talking):
    def __init__(self, running: World, count: Counter[str]) -> None:
        super().__init__(running, count)
        note(f"ISOLATION_SEED={SEED}")

    @rule(who=people, narrow=bound)
    def list_people(self, who: Person, narrow: bool) -> None:
        reply = self.call(who, "GET", "//entities", set(), narrow=narrow).json()
        allowed = {who.name} if narrow else set(PEOPLE)
        assert {one["id"] for one in reply["items"]} <= allowed
        assert reply["total"] == len(reply["items"])

    @rule(who=people, narrow=bound, state=st.sampled_from(("pending", "running", "done", "dead")))
    def list_jobs(self, who: Person, narrow: bool, state: str) -> None:
        query = {"state": state, "limit": 1000}
        jobs = self.call(who, "GET", "//jobs", set(), narrow=narrow, params=query).raise_for_status().json()
        assert {job["entity"] for job in jobs["items"]} <= ({who.name} if narrow else set(PEOPLE))
        assert state != "dead" or jobs["items"] == []
        if jobs["items"] and state == "done":
            again = self.call(who, "POST", f"//jobs/{jobs['items'][0]['id']}/retry", narrow=narrow)
            assert again.status_code == 409

    @rule(at=pick, reader=people, narrow=bound)
    @precondition(lambda self: self.requests)
    def read_a_receipt(self, at: int, reader: Person, narrow: bool) -> None:
        who, request = self.requests[at % len(self.requests)]
        if request in self.brought:
            return
        reply = self.call(reader, "GET", f"//receipts/{request}", self.known[who].may, narrow=narrow)
        mine = reader == who or (reader.tenant == who.tenant and not narrow)
        assert reply.status_code == (200 if mine else 404)

    # Curating

    @rule(who=people, template=templates, pinned=bound, narrow=bound, name=st.sampled_from((None, "home", "code")))
    def add(self, who: Person, template: str, pinned: bool, narrow: bool, name: str | None) -> None:
        one, known = self.new(template), self.known[who]
        known.remembered.add(one.word)
        body = {"text": one.text, "pinned": pinned, "metadata": {"of": one.word}}
        body |= {"attribute": name, "value": one.word} if name else {}
        assert self.call(who, "POST", "/facts", narrow=narrow, json=body).status_code == 201

    @rule(who=people, at=pick, template=templates)
    def correct(self, who: Person, at: int, template: str) -> None:
        found = self.fact(who, at)
        if found is None:
            return
        one, known = self.new(template), self.known[who]
        known.remembered.add(one.word)
        reply = self.call(who, "PATCH", f"/facts/{found['id']}", json={"text": one.text})
        assert (reply.status_code, reply.json()["text"]) == (200, one.text)

    @rule(who=people, at=pick, pinned=bound)
    def pin(self, who: Person, at: int, pinned: bool) -> None:
        if found := self.fact(who, at):
            reply = self.call(who, "PATCH", f"/facts/{found['id']}", json={"pinned": pinned})
            assert reply.json()["pinned"] is pinned

    @rule(who=people, at=pick, narrow=bound)
    def forget(self, who: Person, at: int, narrow: bool) -> None:
        """All that is remembered of a secret. What is still to be read of it must not come back either."""
        known = self.known[who]
        if not known.remembered:
            return
        self.world.settled(who.tenant)
        word = sorted(known.remembered)[at % len(known.remembered)]
        gone = self.listed(who, "/facts", q=word, state="all")
        for fact in gone:
            assert self.call(who, "DELETE", f"/facts/{fact['id']}", narrow=narrow).status_code in (204, 404)
        known.remembered.discard(word)
        known.forgotten.add(word)
        if any(fact["state"] == "superseded" for fact in gone):
            known.outgrown.add(word)
        for fact in gone:
            assert self.call(who, "GET", f"/facts/{fact['id']}").status_code == 404
        assert self.listed(who, "/facts", q=word, state="all") == []
        self.count["forgotten"] += 1

    @rule(who=people, at=pick)
    def say_again_on_purpose(self, who: Person, at: int) -> None:
        known = self.known[who]
        if known.forgotten:
            word = sorted(known.forgotten)[at % len(known.forgotten)]
            text = next(one.text for one in self.secrets if one.word == word)
            known.forgotten.discard(word)
            known.remembered.add(word)
            assert self.call(who, "POST", "/facts", json={"text": text}).status_code == 201

    # Carrying away, taking in, erasing

    @rule(who=people, narrow=bound)
    def export(self, who: Person, narrow: bool) -> None:
        known = self.known[who]
        reply = self.call(who, "GET", "/export", known.all, narrow=narrow)
        if reply.status_code == 200:
            held = secrets_in(reply.content)
            self.archives.append(Archive(reply.content, {one.word: one for one in self.secrets if one.word in held}))

    @rule(who=people, at=pick, narrow=bound)
    @precondition(lambda self: self.archives)
    def bring_in(self, who: Person, at: int, narrow: bool) -> None:
        """An archive of anybody's: whoever holds the file may make it a person's memory."""
        archive, known = self.archives[at % len(self.archives)], self.known[who]
        rows = lines(archive.data)
        told = secrets_in(*(row["text"] for row in rows if row.get("type") == "message"))
        kept = secrets_in(*(row["text"] for row in rows if row.get("type") == "fact"))
        known.outgrown |= archive.told.keys() - told - kept
        known.told |= {word: archive.told[word] for word in told}
        known.remembered |= kept - known.forgotten
        self.brought |= {row["request_id"] for row in rows if row.get("type") == "injection"}
        known.ids |= {(row["session"], row["external_id"]) for row in rows if row.get("external_id")}
        kind = {"Content-Type": "application/x-ndjson"}
        reply = self.call(who, "POST", "/import", narrow=narrow, content=archive.data, headers=kind)
        assert reply.status_code == 200, reply.text
        assert reply.json()["rows"] == len(rows) - 1
        self.count["imported"] += 1

    @rule(who=people, narrow=bound, really=st.integers(0, 2))
    def erase(self, who: Person, narrow: bool, really: int) -> None:
        if really == 0:
            self._erase(who, narrow)

    def _erase(self, who: Person, narrow: bool = False) -> None:
        known = self.known[who]
        reply = self.call(who, "DELETE", "", set(), narrow=narrow)
        assert reply.status_code in (200, 404)
        assert reply.status_code == 200 or not known.told
        self.known[who] = Known()
        self.requests = [(other, request) for other, request in self.requests if other != who]
        assert self.call(who, "GET", "").status_code == 404
        self.count["erased"] += 1

    # Others

    @rule(who=people, other=people, at=pick)
    def an_id_of_another_is_no_id_at_all(self, who: Person, other: Person, at: int) -> None:
        if who == other or (theirs := self.fact(other, at)) is None:
            return
        for method, path, more in (
            ("GET", "/facts/{id}", {}),
            ("PATCH", "/facts/{id}", {"json": {"text": "Mine."}}),
            ("PATCH", "/facts/{id}", {"json": {"pinned": True}}),
            ("DELETE", "/facts/{id}", {}),
            ("GET", "/facts/{id}/history", {}),
            ("GET", "/sessions/{id}/messages", {}),
        ):
            self.same(who, method, path, theirs["id"], **more)
        assert self.call(other, "GET", f"/facts/{theirs['id']}").json() == theirs
        for session in self.listed(other, "/sessions", set()):
            if session["id"] not in ("s1", "s2", "s3", *(one["id"] for one in self.listed(who, "/sessions", set()))):
                self.same(who, "GET", "/sessions/{id}/messages", session["id"])

    @rule(who=people, other=people, at=pick)
    def a_job_or_receipt_of_another_is_none_at_all(self, who: Person, other: Person, at: int) -> None:
        if who == other:
            return
        jobs = self.call(other, "GET", "//jobs", set(), params={"entity": other.name}).json()["items"]
        for job in jobs[:1]:
            self.same(who, "POST", "//jobs/{id}/retry", job["id"], narrow=True)
        for owner, request in self.requests:
            if owner == other and request not in self.brought:
                self.same(who, "GET", "//receipts/{id}", request, narrow=True)
                break

    def same(self, who: Person, method: str, path: str, theirs: str, **more: Any) -> None:
        """Another's id is answered like one that nobody has."""
        nobodys = str(uuid4())
        shapes = []
        for one in (theirs, nobodys):
            reply = self.call(who, method, path.replace("{id}", one), **more)
            said = reply.json() | {"request_id": ""}
            names = sorted(name.lower() for name in reply.headers)
            shapes.append((reply.status_code, repr(said).replace(one, "ID"), names))
        assert shapes[0] == shapes[1], f"{method} {path} tells what is another's from what is nobody's"
        assert shapes[0][0] == 404

    @rule(who=people, path=st.sampled_from(("", "/facts", "/sessions", "/export", "/facts/x", "/sessions/s1/messages")))
    def a_bound_key_cannot_tell_whether_others_exist(self, who: Person, path: str) -> None:
        client = self.world.client(who, bound=True)
        shapes = []
        for name in (*PEOPLE, "nobody"):
            if name != who.name:
                reply = client.get(f"{BASE}/entities/{name}{path}")
                nothing_but(reply, set())
                shapes.append((reply.status_code, repr(reply.json() | {"request_id": ""}).replace(name, "NAME")))
                chat = client.post(f"/e/{name}/v1/chat/completions", json={"model": "m", "messages": []})
                assert chat.status_code == 403
        assert shapes[0] == shapes[1]
        assert shapes[0][0] == 403

    # Everything

    @rule(who=people)
    def audit(self, who: Person) -> None:
        """What is stored is what the model says, no more and no less."""
        self.world.settled(who.tenant)
        known = self.known[who]
        told = set(known.told)
        seen: set[str] = set()
        count = 0
        for session in self.listed(who, "/sessions", set()):
            messages = self.listed(who, f"/sessions/{session['id']}/messages", told, limit=100)
            assert len(messages) == session["messages"]
            seen |= secrets_in(*(message["content"] for message in messages))
            count += len(messages)
        assert seen == told
        stored = self.listed(who, "/facts", state="all", limit=100)
        assert secrets_in(*(fact["text"] for fact in stored)) == known.remembered
        for fact in stored[:5]:
            self.listed(who, f"/facts/{fact['id']}/history", known.past)
        self.totals(who, count, stored)
        self.count["audited"] += 1

    def totals(self, who: Person, messages: int, stored: list[dict[str, Any]]) -> None:
        reply = self.call(who, "GET", "")
        if reply.status_code == 404:
            assert (messages, stored) == (0, [])
            return
        shown = reply.json()
        current = Counter(fact["kind"] for fact in stored if fact["state"] == "current")
        assert (shown["messages"], shown["facts"]) == (messages, dict(current))
        archive = lines(self.call(who, "GET", "/export", self.known[who].all).content)
        assert sum(row.get("type") == "message" for row in archive) == messages
        ids = {row["id"] for row in archive if row.get("type") == "fact" and row["state"] != "forgotten"}
        assert ids == {fact["id"] for fact in stored}

    def teardown(self) -> None:
        """Whoever comes next in this service finds nothing of these."""
        try:
            for who in EVERYBODY:
                self.audit(who)
        finally:
            for who in EVERYBODY:
                self._erase(who)
            self.world.upstream.requests.clear()


def wander(running: World, examples: int) -> Counter[str]:
    """What happened on so many random walks."""
    count: Counter[str] = Counter()
    machine = seed(SEED)(partial(Tenancy, running, count))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(dict(count))
    return count


def test_nobody_ever_sees_what_another_told(tmp_path: Path) -> None:
    with world(tmp_path, embedder="minilm") as running:
        count = wander(running, EXAMPLES)
    if "ISOLATION_SEED" in os.environ:
        return  # only of its own seed is it known that everything happens
    for what in ("recalled", "forgotten", "imported", "audited", *(f"{api.name} hit" for api in APIS)):
        assert count[what] > 0, f"{what}: never happened, so nothing was shown"


def test_what_was_corrected_away_and_then_forgotten_is_not_in_the_history(tmp_path: Path) -> None:
    who = Person("acme", "ann")
    base = f"{BASE}/entities/{who.name}/facts"
    with world(tmp_path, embedder="minilm") as running:
        http = running.client(who, bound=True)
        fact = http.post(base, json={"text": "I like Zqone."}).json()
        http.patch(f"{base}/{fact['id']}", json={"text": "I like Zqtwo."}).raise_for_status()
        [old] = http.get(base, params={"state": "superseded"}).json()["items"]
        assert http.delete(f"{base}/{old['id']}").status_code == 204
        assert "Zqone" not in http.get(f"{base}/{fact['id']}/history").text
