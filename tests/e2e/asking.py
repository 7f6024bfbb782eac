"""What the tests of the memory API ask again and again."""

from __future__ import annotations

import httpx


def problem(reply: httpx.Response) -> dict:
    """The problem document of a refusal; whatever is not one fails."""
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == reply.status_code
    assert body["request_id"] == reply.headers["x-memproxy-request-id"]
    return body


def said(text: str, **fields: object) -> dict:
    return {"role": "user", "content": text, **fields}


async def tell(http: httpx.AsyncClient, person: str, *messages: dict, **fields: object) -> httpx.Response:
    return await http.post(f"/memory/v1/entities/{person}/messages", json={"messages": messages, **fields})


async def recall(http: httpx.AsyncClient, person: str, query: str, **fields: object) -> dict:
    reply = await http.post(f"/memory/v1/entities/{person}/recall", json={"query": query, **fields})
    return reply.raise_for_status().json()


async def add(http: httpx.AsyncClient, person: str, text: str, **fields: object) -> dict:
    reply = await http.post(f"/memory/v1/entities/{person}/facts", json={"text": text, **fields})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def facts(http: httpx.AsyncClient, person: str, **query: object) -> list[dict]:
    """All pages."""
    items: list[dict] = []
    cursor: dict = {}
    while True:
        reply = await http.get(f"/memory/v1/entities/{person}/facts", params=query | cursor)
        page = reply.raise_for_status().json()
        items += page["items"]
        if page["next_cursor"] is None:
            assert page["total"] == len(items)
            return items
        cursor = {"cursor": page["next_cursor"]}
