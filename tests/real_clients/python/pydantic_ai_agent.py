"""PydanticAI. It names the person by the path, as a client would that cannot send headers."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from cells import BASE, KEY, cell, run

model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=f"{BASE}/v1", api_key=KEY))


def weather(city: str) -> str:
    """The weather of a city."""
    return "18 degrees"


@cell("plain")
def plain(question: str) -> str:
    return Agent(model).run_sync(question).output


@cell("stream")
def stream(question: str) -> str:
    async def streamed() -> str:
        async with Agent(model).run_stream(question) as reply:
            return await reply.get_output()

    return asyncio.run(streamed())


@cell("tools")
def tools(question: str) -> str:
    return Agent(model, tools=[weather]).run_sync(question).output


run()
