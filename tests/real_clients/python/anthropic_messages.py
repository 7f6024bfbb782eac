"""anthropic (Python)."""

from anthropic import Anthropic

from cells import BASE, HEADERS, KEY, SCHEMA, cell, run

client = Anthropic(base_url=BASE, api_key=KEY, default_headers=HEADERS)
TOOL = {"name": "weather", "description": "The weather of a city", "input_schema": SCHEMA}


@cell("plain")
def plain(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    assert client.messages.count_tokens(model="m", messages=messages).input_tokens > 0
    return client.messages.create(model="m", max_tokens=100, messages=messages).content[0].text


@cell("stream")
def stream(question: str) -> str:
    with client.messages.stream(model="m", max_tokens=100, messages=[{"role": "user", "content": question}]) as events:
        return "".join(events.text_stream)


@cell("tools")
def tools(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    first = client.messages.create(model="m", max_tokens=100, messages=messages, tools=[TOOL])
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "18 degrees"}
        for block in first.content
        if block.type == "tool_use"
    ]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    return client.messages.create(model="m", max_tokens=100, messages=messages, tools=[TOOL]).content[0].text


run()
