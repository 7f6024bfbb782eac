"""LangChain, its OpenAI integration."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from cells import BASE, HEADERS, KEY, cell, run

model = ChatOpenAI(model="m", base_url=f"{BASE}/v1", api_key=KEY, default_headers=HEADERS)


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return "18 degrees"


@cell("plain")
def plain(question: str) -> str:
    return str(model.invoke(question).content)


@cell("stream")
def stream(question: str) -> str:
    return "".join(str(chunk.content) for chunk in model.stream(question))


@cell("tools")
def tools(question: str) -> str:
    able, said = model.bind_tools([weather]), [HumanMessage(question)]
    call = able.invoke(said)
    results = [ToolMessage(weather.invoke(one["args"]), tool_call_id=one["id"]) for one in call.tool_calls]
    return str(able.invoke([*said, call, *results]).content)


run()
