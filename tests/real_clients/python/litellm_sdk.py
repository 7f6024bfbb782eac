"""LiteLLM's SDK."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches a list of prices from the network

import litellm

from cells import BASE, HEADERS, KEY, TOOL_CHAT, cell, run

COMMON = {"model": "openai/m", "api_base": f"{BASE}/v1", "api_key": KEY, "extra_headers": HEADERS}


@cell("plain")
def plain(question: str) -> str:
    return litellm.completion(messages=[{"role": "user", "content": question}], **COMMON).choices[0].message.content


@cell("stream")
def stream(question: str) -> str:
    chunks = litellm.completion(messages=[{"role": "user", "content": question}], stream=True, **COMMON)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@cell("tools")
def tools(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    call = litellm.completion(messages=messages, tools=[TOOL_CHAT], **COMMON).choices[0].message
    messages.append(call.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": one.id, "content": "18 degrees"} for one in call.tool_calls]
    return litellm.completion(messages=messages, tools=[TOOL_CHAT], **COMMON).choices[0].message.content


run()
