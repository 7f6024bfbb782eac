"""openai (Python), chat completions."""

from openai import OpenAI

from cells import BASE, HEADERS, KEY, TOOL_CHAT, cell, run

client = OpenAI(base_url=f"{BASE}/v1", api_key=KEY, default_headers=HEADERS)


@cell("plain")
def plain(question: str) -> str:
    reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
    return reply.choices[0].message.content or ""


@cell("stream")
def stream(question: str) -> str:
    chunks = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": question}], stream=True, stream_options={"include_usage": True}
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@cell("tools")
def tools(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    call = client.chat.completions.create(model="m", messages=messages, tools=[TOOL_CHAT]).choices[0].message
    messages.append(call.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": one.id, "content": "18 degrees"} for one in call.tool_calls or []]
    return (
        client.chat.completions.create(model="m", messages=messages, tools=[TOOL_CHAT]).choices[0].message.content or ""
    )


run()
