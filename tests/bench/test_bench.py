"""The measuring tools work: references proxy, the load generator counts, verdicts say what they should."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from bench.hotpath import run_references
from bench.load import Run, play
from bench.process import CORES, PROXY_CORE
from bench.questions import questions, statements
from bench.references import BLOCK, with_block
from bench.report import Line, ratio, table
from bench.sampler import Samples
from bench.stage import Size
from memproxy.testing.exchange import End
from memproxy.testing.replies import raw
from memproxy.testing.scripts import always, answer
from memproxy.testing.upstream import ScriptedUpstream


def test_the_references_proxy_json_and_streams():
    lines = run_references(Size(smoke=True))
    assert [line.name for line in lines] == ["CPU copy json", "CPU insert json", "CPU copy sse", "CPU insert sse"]
    assert all(line.value >= 0 for line in lines)


def test_the_proxy_is_pinned_to_a_core_that_may_be_used():
    assert PROXY_CORE in CORES


@pytest.mark.parametrize("stream", [False, True])
async def test_the_load_asks_as_often_as_told_and_a_new_question_each_time(stream):
    async with ScriptedUpstream(script=answer("one two three")) as up:
        told = await play(Run(up.url, 12, stream=stream, headers=["X-Memproxy-Entity: ana"]), connections=3)
    asked = {request.prompt for request in up.requests}
    assert (told["requests"], told["broken"], told["statuses"]) == (12, 0, {"200": 12})
    assert len(asked) == 12
    assert {request.header("x-memproxy-entity") for request in up.requests} == {"ana"}
    assert told["first_ms"]["p50"] <= told["whole_ms"]["p50"]


async def test_the_load_reports_what_memory_did_and_which_connections_broke():
    head = b"HTTP/1.1 200 OK\r\nX-Memproxy-Memory: hit\r\nContent-Length: 9\r\n\r\n"
    async with ScriptedUpstream(script=always(raw(head + b"short", End.RESET))) as up:
        told = await asyncio.wait_for(play(Run(up.url, 2), connections=2), 5)
    assert (told["memory"], told["broken"], told["requests"]) == ({"hit": 2}, 2, 0)


def test_the_inserting_reference_puts_the_block_before_the_last_user_message():
    asked = {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "x": 1}
    assert json.loads(with_block(json.dumps(asked).encode())) == {
        "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": BLOCK + "b"}],
        "x": 1,
    }
    assert with_block(b"") == b""


def test_questions_are_the_same_for_the_same_seed_and_do_not_repeat():
    first = list(itertools.islice(questions(1), 1000))
    assert first == list(itertools.islice(questions(1), 1000))
    assert len(set(first)) == len(set(itertools.islice(statements(2), 1000))) == 1000


def test_a_miss_is_never_hidden():
    lines = [ratio("a / b", [3.0, 3.2], [1.0, 1.1], aim=1.5), Line("c", 1.0, "ms", 1.0), Line("d", 1.0, "ms")]
    lines += [Line("e", 0.6, "x", 0.7, least=True), Line("f", 0.8, "x", 0.7, least=True)]
    assert [("MISS" in row, " ok " in row + " ") for row in table(lines).splitlines()] == [
        (True, False),
        (False, True),
        (False, False),
        (True, False),
        (False, True),
    ]


def test_a_sample_counts_a_function_once_however_deep_it_recurs():
    samples = Samples()

    def deep(left: int) -> None:
        import sys

        deep(left - 1) if left else samples.take(0, sys._getframe())

    deep(3)
    (name,) = [name for name in samples.within if ".deep" in name]
    assert (samples.total, samples.own[name], samples.within[name]) == (1, 1, 1)
    assert "deep" in samples.show()
