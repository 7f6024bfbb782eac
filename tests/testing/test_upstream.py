"""The scripted upstream does what a test tells it to, seen by the real client and on the socket."""

import asyncio
import gzip
import math
import socket
import subprocess
import sys

import openai
import pytest

from memproxy.testing.exchange import HANG_UP, STALL, End, Request
from memproxy.testing.replies import Answer, ToolCall, chunked, error, raw, whole
from memproxy.testing.scripts import always, answer, answer_by, echo, in_turn, on, recite
from memproxy.testing.upstream import ScriptedUpstream

HELLO = [{"role": "user", "content": "Hello"}]


def client_of(up: ScriptedUpstream) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=up.url, api_key="sk-any", max_retries=0, timeout=5)


async def speak(up: ScriptedUpstream, request: bytes) -> bytes:
    """Send raw bytes and read until the upstream closes."""
    reader, writer = await asyncio.open_connection(up.host, up.port)
    writer.write(request)
    try:
        return await reader.read()
    finally:
        writer.close()


class TestAnswersTheRealClient:
    async def test_with_json(self):
        async with ScriptedUpstream(script=answer("Hi there")) as up, client_of(up) as client:
            reply = await client.chat.completions.create(model="m-1", messages=HELLO, n=2)
        assert [choice.message.content for choice in reply.choices] == ["Hi there", "Hi there"]
        assert (reply.model, reply.usage.completion_tokens) == ("m-1", 2)

    async def test_with_a_stream_in_as_many_chunks_as_asked(self):
        async with ScriptedUpstream(script=answer("one two three four five", chunks=3)) as up, client_of(up) as client:
            stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            chunks = [chunk async for chunk in stream]
        assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "one two ", "three four ", "five", None]
        assert chunks[-1].choices[0].finish_reason == "stop"

    async def test_with_usage_in_the_stream_only_when_asked(self):
        async with ScriptedUpstream(script=answer("a b")) as up, client_of(up) as client:
            asked = await client.chat.completions.create(
                model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
            with_usage = [chunk async for chunk in asked]
        assert (with_usage[-1].choices, with_usage[-1].usage.completion_tokens) == ([], 2)
        assert with_usage[0].usage is None

    async def test_with_tool_calls_streamed_and_not(self):
        said = Answer(tools=(ToolCall("call_1", "weather", '{"city":"Oslo"}'),))
        async with ScriptedUpstream(script=answer(said)) as up, client_of(up) as client:
            reply = await client.chat.completions.create(model="m", messages=HELLO)
            stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            chunks = [chunk async for chunk in stream]
        assert reply.choices[0].finish_reason == "tool_calls"
        assert reply.choices[0].message.tool_calls[0].function.arguments == '{"city":"Oslo"}'
        assert chunks[1].choices[0].delta.tool_calls[0].id == "call_1"

    async def test_with_models_and_embeddings(self):
        async with ScriptedUpstream() as up, client_of(up) as client:
            listed = [model.id async for model in client.models.list()]
            as_base64 = await client.embeddings.create(model="e", input=["tea", "tea", "milk"])
            as_floats = await client.embeddings.create(model="e", input="tea", encoding_format="float")
        assert listed == ["scripted"]
        first, second, third = (row.embedding for row in as_base64.data)
        assert first == second == pytest.approx(as_floats.data[0].embedding)
        assert first != third

    async def test_with_errors_of_any_status(self):
        slow_down = error(429, "slow down", code="rate_limit_exceeded", headers=[("retry-after", "7")])
        async with ScriptedUpstream(script=always(slow_down)) as up, client_of(up) as client:
            with pytest.raises(openai.RateLimitError, match="slow down") as caught:
                await client.chat.completions.create(model="m", messages=HELLO)
        assert (caught.value.code, caught.value.response.headers["retry-after"]) == ("rate_limit_exceeded", "7")

    async def test_synchronously_too(self):
        def ask(url: str) -> tuple[str | None, str]:
            with openai.OpenAI(base_url=url, api_key="sk-any") as client:
                reply = client.chat.completions.create(model="m", messages=HELLO)
                stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)
                pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
            return reply.choices[0].message.content, "".join(pieces)

        async with ScriptedUpstream(script=answer("same words")) as up:
            assert await asyncio.to_thread(ask, up.url) == ("same words", "same words")


class TestScripts:
    async def test_answer_by_rule_sees_the_prompt(self):
        prompt = "What is known:\n- Ana's cat is called Tinto\n- Ana likes tea\n\nWhat is my cat called?"
        async with ScriptedUpstream(script=answer_by(recite)) as up, client_of(up) as client:
            reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}])
            blank = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Who am I?"}])
        assert reply.choices[0].message.content == "From what I was given: Ana's cat is called Tinto; Ana likes tea"
        assert blank.choices[0].message.content == "Nothing in the prompt tells me about that."

    async def test_in_turn_gives_one_each_and_stays_with_the_last(self):
        async with ScriptedUpstream(script=in_turn(answer("one"), answer("two"))) as up, client_of(up) as client:
            said = [await client.chat.completions.create(model="m", messages=HELLO) for _ in range(3)]
        assert [reply.choices[0].message.content for reply in said] == ["one", "two", "two"]

    async def test_on_leaves_other_requests_to_the_next_script(self):
        async with ScriptedUpstream(script=on("POST", "/files", error(507, "full"))) as up:
            full = await speak(up, b"POST /v1/files HTTP/1.1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            other = await speak(up, b"POST /v1/other HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi")
        assert full.startswith(b"HTTP/1.1 507 ")
        assert other.startswith(b"HTTP/1.1 200 ")

    async def test_unknown_requests_are_echoed(self):
        async with ScriptedUpstream() as up:
            reply = await speak(
                up, b"PUT /v1/x?q=%20a HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n\r\n\x00\xff!"
            )
        assert b"x-echo-method: PUT\r\nx-echo-target: /v1/x?q=%20a\r\n" in reply
        assert reply.endswith(b"\r\n\r\n\x00\xff!")


class TestRecords:
    async def test_every_byte_of_a_request_in_its_order(self):
        async with ScriptedUpstream(script=echo) as up:
            await speak(
                up,
                b"POST /v1/y?a=1&b=%2f HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nx-a:2\r\nX-B: 3\r\nConnection: close\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
            )
        assert (up.last.method, up.last.target, up.last.body) == ("POST", "/v1/y?a=1&b=%2f", b"abcde")
        assert up.last.headers[1:4] == [("X-B", "1"), ("x-a", "2"), ("X-B", "3")]
        assert up.last.at <= up.last.complete_at <= up.last.ended_at
        assert up.last.cancelled_at is None

    async def test_a_body_while_it_arrives(self):
        async with ScriptedUpstream(script=echo) as up:
            _, writer = await asyncio.open_connection(up.host, up.port)
            writer.write(b"POST /v1/z HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf.")
            await up.until(lambda: up.requests and up.last.body == b"half.")
            assert up.last.complete_at is None
            writer.close()

    async def test_when_the_client_goes_away(self):
        async with ScriptedUpstream(script=always(STALL)) as up:
            _, writer = await asyncio.open_connection(up.host, up.port)
            writer.write(b"GET /v1/models HTTP/1.1\r\n\r\n")
            await up.until(lambda: up.requests and up.last.complete_at)
            writer.close()
            await up.until(lambda: up.last.cancelled_at)
            assert up.last.ended_at is None

    async def test_keep_alive_serves_many_requests_on_one_connection(self):
        ask = b"GET /v1/models HTTP/1.1\r\n\r\n"
        async with ScriptedUpstream() as up:
            reply = await speak(up, ask + ask + b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert (reply.count(b"HTTP/1.1 200 OK"), len(up.requests)) == (3, 3)

    @pytest.mark.parametrize(
        "fault",
        [
            b"GET /v1/models\r\n\r\n",
            b"GET / HTTP/1.1\r\nBad Header : x\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        ],
    )
    async def test_it_refuses_framing_that_a_proxy_must_never_send(self, fault):
        async with ScriptedUpstream() as up:
            assert (await speak(up, fault)).startswith(b"HTTP/1.1 400 ")


class TestGoesWrongAsTold:
    async def ask(self, script) -> bytes:
        async with ScriptedUpstream(script=script) as up:
            return await speak(
                up,
                b"POST /v1/chat/completions HTTP/1.1\r\nConnection: close\r\nContent-Length: 30\r\n\r\n"
                b'{"stream": true, "messages":[]',
            )

    async def test_raw_bytes_go_out_as_they_are(self):
        odd = b"HTTP/1.1 299 Odd\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 1\r\n\r\nx"
        assert await self.ask(always(raw(odd))) == odd

    async def test_chunk_boundaries_and_repeated_headers_are_as_given(self):
        reply = await self.ask(always(chunked([b"a", b"bc"], headers=[("X-A", "1"), ("X-A", "2")])))
        assert reply == (
            b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
        )

    async def test_gzip_stays_gzip(self):
        body = gzip.compress(b'{"ok": true}')
        reply = await self.ask(always(whole(headers=[("content-encoding", "gzip")], body=body)))
        assert reply.endswith(b"\r\n\r\n" + body)

    async def test_a_reply_can_stop_in_the_middle(self):
        full = whole(body=b"0123456789")
        assert await self.ask(always(full.cut(70, End.CLOSE))) == full.steps[0][:70]
        assert await self.ask(always(HANG_UP)) == b""

    async def test_a_stream_can_end_early_without_done(self):
        async with ScriptedUpstream(script=answer("one two three", upto=2)) as up, client_of(up) as client:
            stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            said = [chunk.choices[0].delta.content async for chunk in stream]
        assert said == ["", "one "]

    async def test_a_stream_can_be_reset(self):
        script = answer("one two three", upto=2, end=(0.05, End.RESET))
        async with ScriptedUpstream(script=script) as up:
            reader, writer = await asyncio.open_connection(up.host, up.port)
            body = b'{"stream":true,"messages":[]}'
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            assert b'"one "' in await reader.readuntil(b'"one "')
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
        assert up.last.cancelled_at is None

    async def test_a_stall_lasts_until_the_client_gives_up(self):
        script = answer("never", first=math.inf)
        async with ScriptedUpstream(script=script) as up, client_of(up) as client:
            with pytest.raises(openai.APITimeoutError):
                await client.with_options(timeout=0.05).chat.completions.create(model="m", messages=HELLO)
            await up.until(lambda: up.last.cancelled_at)

    async def test_it_can_refuse_connections_and_come_back(self):
        async with ScriptedUpstream() as up:
            await up.refuse()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(up.host, up.port)
            await up.listen()
            assert (await speak(up, b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n")).startswith(
                b"HTTP/1.1 200"
            )


def test_a_prompt_made_of_parts_is_joined():
    request = Request("POST", "/v1/chat/completions", [], 0.0)
    parts = b'[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]'
    request.buffer += b'{"messages":[{"role":"user","content":%b}]}' % parts
    assert request.prompt == "a\nb"


def test_it_runs_alone_and_prints_its_url():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "memproxy.testing.upstream", "--port", str(port), "--text", "alone"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            with openai.OpenAI(base_url=url, api_key="sk-any") as client:
                assert client.chat.completions.create(model="m", messages=HELLO).choices[0].message.content == "alone"
        finally:
            process.terminate()
