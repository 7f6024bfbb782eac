"""Whatever a request holds, it arrives as it was, and memproxy never answers it with an error of its own."""

from __future__ import annotations

import itertools
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memproxy.testing.replies import chunked, whole
from memproxy.testing.scripts import always
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

PATHS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/responses/input_tokens",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:streamGenerateContent",
    "/v1beta/models/m:countTokens",
    "/v1/anything/else",
)
KEYS = st.sampled_from(
    [
        "messages",
        "input",
        "contents",
        "content",
        "parts",
        "text",
        "role",
        "user",
        "model",
        "assistant",
        "tool",
        "system",
        "instructions",
        "systemInstruction",
        "tool_calls",
        "function",
        "name",
        "type",
        "tool_result",
        "tool_use",
        "id",
        "metadata",
        "user_id",
        "previous_response_id",
        "conversation",
        "stream",
        "choices",
        "delta",
        "output",
        "candidates",
        "functionCall",
        "functionResponse",
        "call_id",
        "arguments",
        "inlineData",
        "source",
        "data",
        "n",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), KEYS, st.just("\ud83d"), st.just("\x00")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)
JSON = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"),
    st.dictionaries(KEYS, VALUES, max_size=6) | VALUES,
    st.booleans(),
)
BODIES = st.one_of(
    JSON,
    st.binary(max_size=200),
    st.builds(lambda body, at: body[:at], JSON, st.integers(0, 200)),  # broken off
    st.builds(lambda body, at, byte: body[:at] + byte + body[at:], JSON, st.integers(0, 200), st.binary(max_size=2)),
    st.builds(
        lambda depth, sign: sign * depth, st.sampled_from([10, 1000, 100_000]), st.sampled_from([b"[", b'{"a":'])
    ),
)
ENCODINGS = st.sampled_from(["", "", "", "gzip", "br", "zstd", "deflate", "gzip, br", "nonsense"])
people = itertools.count()


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=BODIES, encoding=ENCODINGS, reply=BODIES, stream=st.booleans(), status=st.sampled_from([200, 200, 400, 500])
)
async def test_any_body_arrives_as_it_was_and_so_does_any_reply(
    service: ServiceProcess,
    up: ScriptedUpstream,
    path: str,
    body: bytes,
    encoding: str,
    reply: bytes,
    stream: bool,
    status: int,
):
    halves = (reply[: len(reply) // 2], reply[len(reply) // 2 :])
    pieces = [piece for piece in halves if piece]  # an empty chunk would be the last
    up.script = always(chunked(pieces, status=status) if stream else whole(status, body=reply))
    headers = {"Content-Encoding": encoding} if encoding else {}
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=20) as http:
        got = await http.post(f"/e/fuzz-{next(people)}{path}", content=body, headers=headers)
    assert (up.last.body, up.last.target) == (body, path)
    assert (got.status_code, got.content) == (status, reply)
    assert "by a bug" not in service.log_tail(100_000)
    assert "reason=bug" not in service.log_tail(100_000)
