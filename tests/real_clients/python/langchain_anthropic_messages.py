"""LangChain, its Anthropic integration."""

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

from cells import BASE, HEADERS, KEY, cell, run

model = ChatAnthropic(model="m", base_url=BASE, api_key=KEY, default_headers=HEADERS, max_tokens=100)


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return "18 degrees"


@cell("plain")
def plain(question: str) -> str:
    return str(model.invoke(question).content)


@cell("stream")
def stream(question: str) -> str:
    return "".join(chunk.text for chunk in model.stream(question))


@cell("tools")
def tools(question: str) -> str:
    able, said = model.bind_tools([weather]), [HumanMessage(question)]
    call = able.invoke(said)
    results = [ToolMessage(weather.invoke(one["args"]), tool_call_id=one["id"]) for one in call.tool_calls]
    return str(able.invoke([*said, call, *results]).content)


run()
