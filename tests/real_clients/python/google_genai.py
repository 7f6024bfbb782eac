"""google-genai."""

from google import genai
from google.genai import types

from cells import BASE, HEADERS, KEY, cell, run

client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=BASE, headers=HEADERS))


def weather(city: str) -> str:
    """The weather of a city."""
    return "18 degrees"


@cell("plain")
def plain(question: str) -> str:
    return client.models.generate_content(model="m", contents=question).text or ""


@cell("stream")
def stream(question: str) -> str:
    return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(model="m", contents=question))


@cell("tools")
def tools(question: str) -> str:
    config = types.GenerateContentConfig(tools=[weather])
    return client.models.generate_content(model="m", contents=question, config=config).text or ""


run()
