"""LlamaIndex, its OpenAI integration."""

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI

from cells import BASE, HEADERS, KEY, cell, run

model = OpenAI(model="gpt-4o-mini", api_base=f"{BASE}/v1", api_key=KEY, default_headers=HEADERS)


def weather(city: str) -> str:
    """The weather of a city."""
    return "18 degrees"


@cell("plain")
def plain(question: str) -> str:
    return model.chat([ChatMessage(role="user", content=question)]).message.content or ""


@cell("stream")
def stream(question: str) -> str:
    return "".join(chunk.delta or "" for chunk in model.stream_chat([ChatMessage(role="user", content=question)]))


@cell("tools")
def tools(question: str) -> str:
    tool = FunctionTool.from_defaults(fn=weather)
    said = [ChatMessage(role="user", content=question)]
    call = model.chat_with_tools([tool], chat_history=said)
    said.append(call.message)
    for one in model.get_tool_calls_from_response(call):
        said.append(ChatMessage(role="tool", content="18 degrees", additional_kwargs={"tool_call_id": one.tool_id}))
    return model.chat(said).message.content or ""


run()
