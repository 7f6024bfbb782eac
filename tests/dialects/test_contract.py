"""Every dialect that is registered keeps the contract."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from memproxy.dialects.anthropic_messages import AnthropicMessages
from memproxy.dialects.dialect import Prompt
from memproxy.dialects.gemini import Gemini
from memproxy.dialects.openai_chat import OpenAIChat
from memproxy.dialects.openai_responses import OpenAIResponses
from memproxy.dialects.routes import ROUTES
from memproxy.testing import anthropic, gemini, responses_events
from memproxy.testing.dialect_contract import DialectContract
from memproxy.testing.dialect_samples import TRICKY, Pair, Told, common
from memproxy.testing.replies import Answer, ToolCall, completion, events

CALLS = (ToolCall("call_1", "weather", '{"city":"Porto","days":[1,2]}'), ToolCall("call_2", "now", "{}"))
IDS = ("call_1", "call_2")


class TestOpenAIChat(DialectContract):
    dialect = OpenAIChat()

    def request(self, said: Sequence[Pair]) -> Any:
        return {"model": "m", "messages": [{"role": role, "content": text} for role, text in said]}

    def attached(self, data: str) -> Any:
        parts = [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
            {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
            {"type": "file", "file": {"filename": "cat.pdf", "file_data": f"data:application/pdf;base64,{data}"}},
        ]
        return {"messages": [{"role": "user", "content": parts}]}

    def replies(self) -> Sequence[Told]:
        told = []
        for said in (Answer(TRICKY), Answer(TRICKY, CALLS)):
            calls = tuple(call.id for call in said.tools)
            whole = b"".join(step for step in completion(said, "m").steps if isinstance(step, bytes))
            whole = whole.partition(b"\r\n\r\n")[2]
            message = {"role": "assistant", "content": TRICKY, "tool_calls": said.calls or None}
            resent = {"messages": [{"role": "user", "content": "hi"}, message]}
            told.append(Told(whole, TRICKY, calls, stream=False, resent=resent))
            streamed = b"".join(events(said, "m", usage=True))
            told.append(Told(streamed, TRICKY, calls, end=b"data: [DONE]", resent=resent))
        return told

    def refused(self, value: Any) -> str:
        return str(value["error"]["message"])


class TestAnthropicMessages(DialectContract):
    dialect = AnthropicMessages()

    def request(self, said: Sequence[Pair]) -> Any:
        system = [text for role, text in said if role == "system"]
        messages = [{"role": role, "content": text} for role, text in said if role != "system"]
        return {"model": "m", "max_tokens": 8, **({"system": system[0]} if system else {}), "messages": messages}

    def attached(self, data: str) -> Any:
        inline = {"type": "base64", "media_type": "image/png", "data": data}
        blocks = [
            {"type": "image", "source": inline},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}},
            {"type": "document", "source": inline | {"media_type": "application/pdf"}, "title": "cat.pdf"},
            {"type": "document", "source": {"data": data, "media_type": "text/plain", "type": "text"}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "image", "source": inline}]}},
            {"type": "image", "source": {"type": "file", "file_id": "file_cat"}},
            {"type": "text", "text": "look"},
        ]
        return {"messages": [{"role": "user", "content": blocks}]}

    def replies(self) -> Sequence[Told]:
        told = []
        for said in (Answer(TRICKY), Answer(TRICKY, CALLS)):
            calls = tuple(call.id for call in said.tools)
            message = anthropic.Message(said, thinking="Let me see \\ what } there is.")
            body = anthropic.body(message)
            history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": json.loads(body)["content"]}]
            resent = {"messages": history}
            told.append(Told(body, TRICKY, calls, stream=False, resent=resent))
            streamed = b"".join(anthropic.events(message))
            told.append(Told(streamed, TRICKY, calls, end=b"event: message_stop", resent=resent))
        return told

    def refused(self, value: Any) -> str:
        assert value["type"] == "error"
        return str(value["error"]["message"])


class TestAnthropicMessagesInBlocks(TestAnthropicMessages):
    """The same with every content as a list of blocks."""

    def request(self, said: Sequence[Pair]) -> Any:
        body = super().request(said)
        if "system" in body:
            body["system"] = [{"type": "text", "text": body["system"], "cache_control": {"type": "ephemeral"}}]
        for message in body["messages"]:
            message["content"] = [{"type": "text", "text": message["content"]}]
        return body


class TestGemini(DialectContract):
    dialect = Gemini()

    def request(self, said: Sequence[Pair]) -> Any:
        system = [{"parts": [{"text": text}]} for role, text in said if role == "system"]
        contents = [
            {"role": "model" if role == "assistant" else "user", "parts": [{"text": text}]}
            for role, text in said
            if role != "system"
        ]
        return {**({"systemInstruction": system[0]} if system else {}), "contents": contents}

    def attached(self, data: str) -> Any:
        uri = "https://generativelanguage.googleapis.com/v1beta/files/cat1"
        parts = [
            {"inlineData": {"mimeType": "image/png", "data": data}},
            {"inline_data": {"mime_type": "audio/wav", "data": data, "display_name": "cat.wav"}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": uri}},
            {"text": "look"},
        ]
        return {"contents": [{"role": "user", "parts": parts}]}

    def replies(self) -> Sequence[Told]:
        told = []
        for said in (Answer(TRICKY), Answer(TRICKY, CALLS)):
            calls = tuple(call.id for call in said.tools)
            content = gemini.Content(said, thought="Let me see \\ what } there is.")
            history = [{"role": "user", "parts": [{"text": "hi"}]}]
            history.append(json.loads(gemini.body(content))["candidates"][0]["content"])
            resent = {"contents": history}
            told.append(Told(gemini.body(content), TRICKY, calls, stream=False, resent=resent))
            told.append(Told(b"".join(gemini.events(content)), TRICKY, calls, resent=resent))
            told.append(Told(b"".join(gemini.array(content)), TRICKY, calls, end=b"]", resent=resent))
        return told

    def refused(self, value: Any) -> str:
        return str(value["error"]["message"])


class TestGeminiInSnakeCase(TestGemini):
    """The same with the names that the API takes as well, one part where a list is due, and the count's wrapping."""

    def request(self, said: Sequence[Pair]) -> Any:
        body = msgspec.json.encode(super().request(said)).replace(b"systemInstruction", b"system_instruction")
        changed = json.loads(body)
        for content in changed["contents"]:
            content["parts"] = content["parts"][0]
        return {"generate_content_request": {"model": "models/m", **changed}}


class TestOpenAIResponses(DialectContract):
    dialect = OpenAIResponses()

    def request(self, said: Sequence[Pair]) -> Any:
        return {"model": "m", "store": False, "input": [{"role": role, "content": text} for role, text in said]}

    def attached(self, data: str) -> Any:
        parts = [
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{data}", "detail": "auto"},
            {"type": "input_image", "image_url": "https://example.com/cat.png"},
            {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
            {"type": "input_file", "filename": "cat.pdf", "file_data": f"data:application/pdf;base64,{data}"},
        ]
        return {"input": [{"type": "message", "role": "user", "content": parts}]}

    def replies(self) -> Sequence[Told]:
        told = []
        for said in (Answer(TRICKY), Answer(TRICKY, CALLS)):
            calls = tuple(call.id for call in said.tools)
            items = [responses_events.reasoning(), *responses_events.output(said, 1)]
            begun = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
            made = begun | {"status": "completed", "output": items}
            resent = {"input": [{"role": "user", "content": "hi"}, *items]}
            told.append(Told(json.dumps(made).encode(), TRICKY, calls, stream=False, resent=resent))
            streamed = b"".join(responses_events.events(begun, made))
            told.append(Told(streamed, TRICKY, calls, end=b"event: response.completed", resent=resent))
        return told

    def refused(self, value: Any) -> str:
        return str(value["error"]["message"])


class TestOpenAIResponsesInParts(TestOpenAIResponses):
    """The same with every content as a list of parts, and instructions of the client's own."""

    def request(self, said: Sequence[Pair]) -> Any:
        kinds = {"assistant": "output_text"}
        items = [
            {"type": "message", "role": role, "content": [{"type": kinds.get(role, "input_text"), "text": text}]}
            for role, text in said
        ]
        return {"instructions": "Be kind.", "conversation": {"id": "conv_1"}, "input": items}

    def _holds(self, body: bytes, augmented: bytes, prompt: Prompt) -> None:
        start = common(augmented, body)
        if body[start : start + 4] == b"null":  # instructions that are null make room
            assert augmented.endswith(body[start + 4 :])
        else:
            super()._holds(body, augmented, prompt)


def test_every_registered_dialect_is_held_to_the_contract():
    held = {type(one.dialect) for one in (TestOpenAIChat, TestOpenAIResponses, TestAnthropicMessages, TestGemini)}
    assert {type(route.dialect) for route in ROUTES} <= held
