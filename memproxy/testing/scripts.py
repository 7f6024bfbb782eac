"""Scripts for the scripted upstream: who gets which reply.

A script is an async callable that answers a request or returns None; `first` tries several in order.

    ScriptedUpstream(script=in_turn(error(429, "slow down"), answer("Hello", chunks=3, delay=0.01)))
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import msgspec
import numpy as np

from memproxy.testing.exchange import Reply, Request, Script, Step
from memproxy.testing.replies import CREATED, LAST_CHUNK, Answer, Pace, chat, whole


def answer(
    said: str | Answer = "Understood.",
    *,
    chunks: int = 0,
    delay: float = 0.0,
    first: float = 0.0,
    upto: int | None = None,
    end: tuple[Step, ...] = (LAST_CHUNK,),
) -> Script:
    """The same answer to every chat completion; see `Pace` for the rest."""
    fixed = Answer(said) if isinstance(said, str) else said
    return answer_by(lambda request: fixed, chunks=chunks, delay=delay, first=first, upto=upto, end=end)


def answer_by(
    rule: Callable[[Request], str | Answer],
    *,
    chunks: int = 0,
    delay: float = 0.0,
    first: float = 0.0,
    upto: int | None = None,
    end: tuple[Step, ...] = (LAST_CHUNK,),
) -> Script:
    """An answer that depends on the request: `rule` sees it whole and returns what to say."""
    pace = Pace(chunks, delay, first, upto, end)

    async def script(request: Request) -> Reply | None:
        if request.method != "POST" or not request.path.endswith("/chat/completions"):
            return None
        said = rule(request)
        return chat(request, Answer(said) if isinstance(said, str) else said, pace)

    return script


def recite(request: Request) -> str:
    """Says what the prompt was given to know: the `- ` lines that stand before its last line, and nothing else.

    So a demo without a model shows whether memory reached the prompt; no intelligence is pretended."""
    *before, question = [line.strip() for line in request.prompt.splitlines() if line.strip()] or [""]
    if known := [line[2:] for line in before if line.startswith("- ")]:
        return "From what I was given: " + "; ".join(known)
    return "Nothing in the prompt tells me about that." if question.endswith("?") else "Noted."


def always(reply: Reply) -> Script:
    async def script(request: Request) -> Reply | None:
        return reply

    return script


def first(*scripts: Script) -> Script:
    """The first script that answers."""

    async def script(request: Request) -> Reply | None:
        for one in scripts:
            if (reply := await one(request)) is not None:
                return reply
        return None

    return script


def in_turn(*scripts: Script | Reply) -> Script:
    """One script or reply per request, in order; the last one stays."""
    waiting = iter(scripts[:-1])

    async def script(request: Request) -> Reply | None:
        now = next(waiting, scripts[-1])
        return now if isinstance(now, Reply) else await now(request)

    return script


def on(method: str, path: str, script: Script | Reply) -> Script:
    """Only for requests of this method whose path ends so."""
    chosen = always(script) if isinstance(script, Reply) else script

    async def narrowed(request: Request) -> Reply | None:
        return await chosen(request) if request.method == method and request.path.endswith(path) else None

    return narrowed


async def models(request: Request) -> Reply | None:
    if request.method != "GET" or not request.path.endswith("/models"):
        return None
    listed = [{"id": "scripted", "object": "model", "created": CREATED, "owned_by": "memproxy"}]
    return whole(body=msgspec.json.encode({"object": "list", "data": listed}))


async def embeddings(request: Request) -> Reply | None:
    """Unit vectors of 32 numbers made from the text's hash: equal texts, and only they, are close."""
    if request.method != "POST" or not request.path.endswith("/embeddings"):
        return None
    asked = request.json
    texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
    as_text = asked.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "index": index, "embedding": _vector(str(text), as_text)}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    body = {"object": "list", "data": rows, "model": asked.get("model"), "usage": usage}
    return whole(body=msgspec.json.encode(body))


def _vector(text: str, as_text: bool) -> str | list[float]:
    numbers = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint8).astype(np.float32) - 127.5
    unit = (numbers / np.linalg.norm(numbers)).astype(np.float32)
    return base64.b64encode(unit.tobytes()).decode() if as_text else [float(number) for number in unit]


async def echo(request: Request) -> Reply | None:
    """The request's own body and type come back, with method and target in headers."""
    kind = request.header("content-type") or "application/octet-stream"
    said = (("content-type", kind), ("x-echo-method", request.method), ("x-echo-target", request.target))
    return whole(headers=said, body=request.body)
