"""Instructor: structured output through a forced tool."""

import instructor
from openai import OpenAI
from pydantic import BaseModel

from cells import BASE, HEADERS, KEY, cell, run

client = instructor.from_openai(OpenAI(base_url=f"{BASE}/v1", api_key=KEY, default_headers=HEADERS))


class Place(BaseModel):
    city: str


@cell("tools")
def tools(question: str) -> str:
    place = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": question}], response_model=Place, max_retries=0
    )
    return f"city {place.city}"


@cell("stream")
def stream(question: str) -> str:
    partial = client.chat.completions.create_partial(
        model="m", messages=[{"role": "user", "content": question}], response_model=Place, max_retries=0
    )
    return f"city {list(partial)[-1].city}"


run()
