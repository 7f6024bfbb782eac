"""The processes of one service share a switch and ask one another; here they are objects of one process."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator

import pytest

from memproxy.errors import StoreUnavailable
from memproxy.peers import Peers
from memproxy.tasks import Tasks

Three = tuple[Peers, Peers, Peers]
SOON = 0.2


@pytest.fixture
async def three() -> AsyncIterator[Three]:
    first = Peers(3)
    all_three = first, copy.copy(first), copy.copy(first)
    for index, one in enumerate(all_three):
        one.join(index)
    tasks = Tasks()
    yield start(all_three[0], tasks, "a"), start(all_three[1], tasks, "b"), start(all_three[2], tasks, "c")
    for one in all_three:
        one.stop()
    await tasks.stop()
    first.close()


def start(one: Peers, tasks: Tasks, name: str) -> Peers:
    async def greet(*words: str) -> bytes:
        return " ".join([name, *words]).encode()

    async def nothing() -> bytes:
        return b""

    async def much() -> bytes:
        return name.encode() * 3_000_000

    async def fail() -> bytes:
        raise StoreUnavailable("it is away")

    one.start({"greet": greet, "nothing": nothing, "much": much, "fail": fail}, tasks)
    return one


async def test_every_other_answers_and_none_asks_itself(three: Three):
    assert sorted(await three[0].ask("greet", "and", "more", deadline=5)) == [b"b and more", b"c and more"]
    assert sorted(await three[2].ask("greet", deadline=5)) == [b"a", b"b"]


async def test_an_answer_may_be_empty_and_may_be_long(three: Three):
    assert await three[0].ask("nothing", deadline=5) == [b"", b""]
    assert sorted(map(len, await three[1].ask("much", deadline=20))) == [3_000_000] * 2


async def test_questions_do_not_get_each_others_answers(three: Three):
    asked = [three[number % 3].ask("greet", str(number), deadline=20) for number in range(9)]
    for number, answers in enumerate(await asyncio.gather(*asked)):
        assert [answer.split()[1] for answer in answers] == [str(number).encode()] * 2


async def test_one_that_is_silent_is_left_out_and_what_must_be_done_everywhere_fails(
    three: Three, monkeypatch: pytest.MonkeyPatch
):
    three[1].stop()
    three[1].up(1, True)  # as one whose loop is stuck: it is up, and does not answer
    assert await three[0].ask("greet", deadline=SOON) == [b"c"]
    monkeypatch.setattr("memproxy.peers._PATIENCE", SOON)
    with pytest.raises(StoreUnavailable):
        await three[0].tell("nothing")


async def test_one_that_fails_has_not_done_it(three: Three):
    with pytest.raises(StoreUnavailable):
        await three[0].tell("fail")
    await three[0].tell("nothing")


async def test_one_that_is_not_up_is_not_asked(three: Three):
    three[0].up(1, False)
    assert await three[0].ask("greet", deadline=5) == [b"c"]
    await three[0].tell("nothing")


async def test_a_pause_is_everybodys(three: Three):
    three[1].paused = True
    assert [one.paused for one in three] == [True] * 3
    three[2].paused = False
    assert [one.paused for one in three] == [False] * 3


async def test_one_knows_whether_it_has_more_connections_than_another(three: Three):
    assert not three[0].ahead(0)
    assert three[0].ahead(1)
    assert not three[1].ahead(0)
    assert not three[2].ahead(0)
    three[0].up(1, False)
    assert three[2].ahead(2)
    assert three[0].ahead(3)
    assert not three[0].ahead(2)


async def test_a_service_of_one_process_asks_nobody():
    alone, tasks = Peers(), Tasks()
    alone.start({}, tasks)
    assert await alone.ask("greet", deadline=5) == []
    await alone.tell("greet")
    assert not alone.ahead(7)
    alone.stop()
    alone.close()
