"""The scripted Responses API is what the provider's own SDK understands, and keeps what the provider keeps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from memproxy.testing.replies import Answer, Pace, ToolCall
from memproxy.testing.responses import Given, Responses
from memproxy.testing.responses_events import message, reasoning, refused, searched
from memproxy.testing.upstream import ScriptedUpstream

CALLS = Answer("Let me see.", (ToolCall("call_1", "weather", '{"city":"Porto"}'),))


@asynccontextmanager
async def speaking(script: Responses) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        ScriptedUpstream(script=script) as upstream,
        openai.AsyncOpenAI(base_url=upstream.url, api_key="any", max_retries=0) as client,
    ):
        yield client


def recount(given: Given) -> str:
    return f"{given.instructions}: {' | '.join(given.texts)}"


async def test_an_answer_comes_whole():
    async with speaking(Responses(lambda given: CALLS)) as client:
        response = await client.responses.create(model="m", input="hi", instructions="Be kind.")
    assert (response.status, response.output_text, response.instructions) == ("completed", "Let me see.", "Be kind.")
    assert [item.type for item in response.output] == ["message", "function_call"]


@pytest.mark.parametrize("chunks", [0, 2])
async def test_an_answer_is_streamed_event_by_event_numbered_in_order(chunks: int):
    said = [reasoning(), searched(), message("Hello over there"), refused("No.", 2)]
    script = Responses(lambda given: said, Pace(chunks=chunks))
    async with speaking(script) as client:
        events = [event async for event in await client.responses.create(model="m", input="hi", stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in (events[0], events[1], events[-1])] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "Hello over there"
    assert "".join(e.delta for e in events if e.type == "response.refusal.delta") == "No."
    assert events[-1].response.output_text == "Hello over there"


async def test_the_sdk_puts_a_stream_together():
    async with (
        speaking(Responses(lambda given: CALLS)) as client,
        client.responses.stream(model="m", input="hi") as stream,
    ):
        final = await stream.get_final_response()
    assert final.output_text == "Let me see."


async def test_what_is_stored_is_given_again_and_instructions_are_not():
    async with speaking(Responses(recount)) as client:
        first = await client.responses.create(model="m", input="one", instructions="A")
        second = await client.responses.create(model="m", input="two", previous_response_id=first.id)
    assert first.output_text == "A: one"
    assert second.output_text == "None: one | A: one | two"


async def test_a_conversation_is_given_again_and_instructions_are_not():
    async with speaking(Responses(recount)) as client:
        kept = await client.conversations.create()
        await client.responses.create(model="m", input="one", instructions="A", conversation=kept.id)
        second = await client.responses.create(model="m", input="two", instructions="B", conversation={"id": kept.id})
        items = await client.conversations.items.list(kept.id)
    assert second.output_text == "B: one | A: one | two"
    assert len(items.data) == 4


async def test_what_is_not_stored_is_not_known():
    async with speaking(Responses()) as client:
        response = await client.responses.create(model="m", input="hi", store=False)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(response.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.create(model="m", input="hi", previous_response_id=response.id)


async def test_an_answer_made_in_the_background_is_fetched_step_by_step():
    async with speaking(Responses(lambda given: "Done.")) as client:
        begun = await client.responses.create(model="m", input="hi", background=True, instructions="A")
        steps = [begun] + [await client.responses.retrieve(begun.id) for _ in range(3)]
    assert [step.status for step in steps] == ["queued", "in_progress", "completed", "completed"]
    assert [step.output_text for step in steps] == ["", "", "Done.", "Done."]
    assert {str(step.instructions) for step in steps} == {"A"}


async def test_an_answer_made_in_the_background_is_streamed_from_where_the_client_stopped():
    async with speaking(Responses(lambda given: "one two")) as client:
        begun = await client.responses.create(model="m", input="hi", background=True)
        all_events = [event async for event in await client.responses.retrieve(begun.id, stream=True)]
        rest = [event async for event in await client.responses.retrieve(begun.id, stream=True, starting_after=3)]
    assert [event.type for event in all_events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert [event.sequence_number for event in rest] == list(range(4, len(all_events)))


async def test_stored_responses_are_cancelled_listed_counted_and_deleted():
    async with speaking(Responses()) as client:
        begun = await client.responses.create(model="m", input="hi", background=True)
        assert (await client.responses.cancel(begun.id)).status == "cancelled"
        listed = await client.responses.input_items.list(begun.id)
        assert [item.model_dump()["content"][0]["text"] for item in listed.data] == ["hi"]
        assert (await client.responses.input_tokens.count(model="m", input="hi")).input_tokens > 0
        await client.responses.delete(begun.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(begun.id)


@pytest.mark.parametrize("status", ["incomplete", "failed"])
async def test_an_answer_ends_as_the_script_says(status: str):
    async with speaking(Responses(status=status)) as client:
        response = await client.responses.create(model="m", input="hi")
        events: list[Any] = [event async for event in await client.responses.create(model="m", input="hi", stream=True)]
    assert response.status == status
    assert events[-1].type == f"response.{status}"
