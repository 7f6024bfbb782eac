"""A lane batches what waits, keeps everyone's vectors apart, and drops those who gave up."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from memproxy.errors import ModelUnavailable
from memproxy.ports import Vector
from memproxy_minilm.lane import Lane, Waiting, pick


class GatedModel:
    """Encodes a text as its length once the gate is open, and keeps what it was given."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[list[str]] = []
        self.error: Exception | None = None

    def encode(self, texts: Sequence[str]) -> Vector:
        self.batches.append(list(texts))
        self.gate.wait(30)
        if self.error:
            raise self.error
        return np.array([[len(text)] for text in texts], np.float32)


@pytest.fixture
def model() -> GatedModel:
    return GatedModel()


@pytest.fixture
async def lane(model: GatedModel) -> AsyncIterator[Lane]:
    lane = Lane(model.encode, name="test-lane", most=4, budget=1000, niceness=1)
    yield lane
    model.gate.set()
    await lane.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test-lane")]


async def ask(lane: Lane, *texts: str) -> list[asyncio.Task[Vector]]:
    tasks = [asyncio.ensure_future(lane.embed([text])) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_while_a_batch_runs_goes_together(lane: Lane, model: GatedModel) -> None:
    tasks = await ask(lane, "a", "bb", "ccc", "dddd", "eeeee", "ffffff")
    model.gate.set()
    assert [float(row[0, 0]) for row in await asyncio.gather(*tasks)] == [1, 2, 3, 4, 5, 6]
    assert model.batches == [["a"], ["bb", "ccc", "dddd", "eeeee"], ["ffffff"]]


async def test_the_vectors_come_in_the_order_of_the_texts(lane: Lane, model: GatedModel) -> None:
    model.gate.set()
    rows = await lane.embed(["ccc", "a", "bb", "a"])
    assert rows[:, 0].tolist() == [3, 1, 2, 1]


async def test_a_caller_that_gave_up_costs_nothing(lane: Lane, model: GatedModel) -> None:
    _first, second, third = await ask(lane, "first", "second", "third")
    second.cancel()
    await asyncio.sleep(0)
    model.gate.set()
    await third
    assert model.batches == [["first"], ["third"]]


async def test_a_caller_that_gives_up_during_the_run_does_not_stop_the_lane(lane: Lane, model: GatedModel) -> None:
    first, second = await ask(lane, "first", "second")
    first.cancel()
    model.gate.set()
    assert (await second)[0, 0] == 6


async def test_a_failure_reaches_those_it_concerns_and_the_lane_goes_on(lane: Lane, model: GatedModel) -> None:
    model.error = RuntimeError("out of luck")
    model.gate.set()
    with pytest.raises(ModelUnavailable, match="RuntimeError"):
        await lane.embed(["a", "b"])
    model.error = None
    assert (await lane.embed(["abc"]))[0, 0] == 3


async def test_closing_answers_those_who_wait(lane: Lane, model: GatedModel) -> None:
    running, waiting = await ask(lane, "first", "second")
    closing = asyncio.ensure_future(lane.close())
    with pytest.raises(ModelUnavailable, match="closed"):
        await waiting
    model.gate.set()
    await closing
    assert (await running)[0, 0] == 5


async def waiting(*lengths: int) -> deque[Waiting]:
    loop = asyncio.get_running_loop()
    return deque(Waiting("x" * length, loop.create_future()) for length in lengths)


async def test_texts_of_unlike_length_do_not_share_a_batch() -> None:
    queue = await waiting(10, 500, 20, 400)
    assert [len(one.text) for one in pick(queue, most=8, budget=2000)] == [10, 20]
    assert [len(one.text) for one in pick(queue, most=8, budget=2000)] == [500, 400]


async def test_a_batch_stays_in_its_budget_but_is_never_empty() -> None:
    queue = await waiting(900, 900, 900, 5000)
    assert [len(pick(queue, most=8, budget=2000)) for _ in range(4)] == [2, 1, 1, 0]
