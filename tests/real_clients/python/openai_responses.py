"""openai (Python), Responses."""

from openai import OpenAI

from cells import BASE, HEADERS, KEY, SCHEMA, cell, run

client = OpenAI(base_url=f"{BASE}/v1", api_key=KEY, default_headers=HEADERS)
TOOL = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}


@cell("plain")
def plain(question: str) -> str:
    reply = client.responses.create(model="m", input=question)
    assert reply.instructions is None, "the echo shows a block"
    return reply.output_text


@cell("stream")
def stream(question: str) -> str:
    text = ""
    for event in client.responses.create(model="m", input=question, instructions="Be brief.", stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            assert event.response.instructions == "Be brief.", "the echo shows a block"
    return text


@cell("tools")
def tools(question: str) -> str:
    first = client.responses.create(model="m", input=question, tools=[TOOL])
    results = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "18 degrees"}
        for item in first.output
        if item.type == "function_call"
    ]
    return client.responses.create(model="m", previous_response_id=first.id, input=results, tools=[TOOL]).output_text


run()
