"""What every `Dialect` promises, as tests: subclass it, name the dialect and give samples in the shape of its API.

The samples are few; the suite writes them down in every odd way that JSON and event streams allow, and cuts them
anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memproxy.dialects.dialect import Answer, Dialect, Prompt, Unreadable
from memproxy.errors import BadRequest, MemproxyError, StoreUnavailable, UpstreamError
from memproxy.testing.dialect_samples import (
    BLOCK,
    Pair,
    Told,
    added,
    changed,
    common,
    conversations,
    cut,
    edits,
    json_values,
    narrow,
    said_texts,
    strings,
    written,
)

# The suite is meant to run in many classes, which Hypothesis takes for a mistake.
bounded = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)


class DialectContract:
    """Inherit, and override what raises `NotImplementedError`."""

    dialect: ClassVar[Dialect]

    def request(self, said: Sequence[Pair]) -> Any:
        """A conversation as a body, the messages last in it."""
        raise NotImplementedError("a subclass writes a request")

    def attached(self, data: str) -> Any:
        """A body whose last message holds the text `look` and, in every way the API has, an attachment: `data`, base64,
        and a name that contains `cat`."""
        raise NotImplementedError("a subclass attaches files")

    def replies(self) -> Sequence[Told]:
        """Whole and streamed, with and without calls, saying `TRICKY`."""
        raise NotImplementedError("a subclass tells replies")

    def refused(self, value: Any) -> str:
        """The message in a decoded error."""
        raise NotImplementedError("a subclass finds the message")

    # Requests

    @bounded
    @given(said=conversations, random=st.randoms())
    def test_a_conversation_is_read_however_it_is_written(self, said: list[Pair], random: Random) -> None:
        prompt = self.dialect.read(written(self.request(said), random))
        assert [(one.role, one.text) for one in prompt.messages] == said

    @bounded
    @given(said=conversations, random=st.randoms(), block=st.text(st.characters(codec="utf-8"), min_size=1))
    def test_a_block_stands_before_the_words_and_taken_out_again_leaves_the_original(
        self, said: list[Pair], random: Random, block: str
    ) -> None:
        body = written(self.request(said), random)
        prompt = self.dialect.read(body)
        places = [index for index, (role, _) in enumerate(said) if role == "user"]
        for index in places:
            augmented = self.dialect.insert(body, prompt, {index: block})
            assert added(augmented, body)
            texts = [one.text for one in self.dialect.read(augmented).messages]
            assert texts[index].startswith(block)
            assert texts[index].endswith(said[index][1])
            assert [*texts[:index], *texts[index + 1 :]] == [text for at, (_, text) in enumerate(said) if at != index]
        assert self.dialect.insert(body, prompt, {}) == body

    @bounded
    @given(said=conversations, random=st.randoms())
    def test_several_blocks_do_not_mind_each_other(self, said: list[Pair], random: Random) -> None:
        body = written(self.request(said), random)
        blocks = {index: f"{BLOCK}{index}" for index, (role, _) in enumerate(said) if role == "user"}
        augmented = body
        for index, block in blocks.items():
            augmented = self.dialect.insert(augmented, self.dialect.read(augmented), {index: block})
        assert self.dialect.insert(body, self.dialect.read(body), blocks) == augmented
        assert self.dialect.insert(body, self.dialect.read(body), dict(reversed(blocks.items()))) == augmented

    @bounded
    @given(said=conversations, random=st.randoms())
    def test_blocks_in_the_system_text_stand_at_its_end_and_leave_all_else(
        self, said: list[Pair], random: Random
    ) -> None:
        body = written(self.request(said), random)
        augmented = self.dialect.insert_system(body, self.dialect.read(body), (BLOCK, "second\n"))
        assert added(augmented, body)
        block = BLOCK.strip() + "\n\nsecond"
        holding = [text for text in strings(json.loads(augmented)) if text.endswith(block)]
        assert len(holding) == 1
        assert self.dialect.insert_system(body, self.dialect.read(body), ()) == body
        texts = [(one.role, one.text) for one in self.dialect.read(augmented).messages if one.role != "system"]
        assert texts == [pair for pair in said if pair[0] != "system"]

    @bounded
    @given(texts=st.lists(said_texts, min_size=3, max_size=9))
    def test_each_request_begins_with_all_of_the_one_before_it(self, texts: list[str]) -> None:
        said = [("system", "be kind"), *(("user" if at % 2 == 0 else "assistant", t) for at, t in enumerate(texts))]
        before: tuple[bytes, bytes] | None = None
        for size in range(2, len(said) + 1, 2):
            body = json.dumps(self.request(said[:size])).encode()
            blocks = {at: f"{BLOCK}{at}" for at in range(1, size, 2)}
            augmented = self.dialect.insert(body, self.dialect.read(body), blocks)
            if before is not None:
                changed = len(before[0]) - common(before[0], body)
                assert augmented.startswith(before[1][: len(before[1]) - changed])
            before = body, augmented

    def test_attachments_are_known_by_their_names_and_never_by_their_bytes(self) -> None:
        data = "iVBORw0KGgoAAAANSUhEUg" * 50_000
        text = self.dialect.read(json.dumps(self.attached(data)).encode()).messages[-1].text
        assert "look" in text
        assert "cat" in text
        assert data[:20] not in text

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000])
    def test_what_is_no_request_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            self.dialect.read(body)
        assert self.dialect.claim(body) is None

    def test_nesting_too_deep_to_follow_is_unreadable(self) -> None:
        deep = json.dumps(self.request([("user", "hi")])).encode().replace(b'"hi"', b"[" * 100_000 + b"]" * 100_000)
        with pytest.raises(Unreadable):
            self.dialect.read(deep)

    @bounded
    @given(body=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
    def test_no_bytes_make_it_fail_otherwise(self, body: bytes) -> None:
        self._survives(body)

    @settings(bounded, max_examples=120)
    @given(said=conversations, random=st.randoms(), edits=edits)
    def test_no_damage_to_a_request_makes_it_fail_otherwise(
        self, said: list[Pair], random: Random, edits: list[tuple[int, int, bytes]]
    ) -> None:
        body = written(self.request(said), random, plain=True)
        for place, size, piece in edits:
            at = place % (len(body) + 1)
            body = body[:at] + piece + body[at + size :]
        self._survives(body)

    @settings(bounded, max_examples=120)
    @given(said=conversations, random=st.randoms(), value=json_values)
    def test_no_value_in_the_wrong_place_makes_it_fail_otherwise(
        self, said: list[Pair], random: Random, value: object
    ) -> None:
        self._survives(written(changed(self.request(said), value, random), random))

    def _survives(self, body: bytes) -> None:
        self.dialect.claim(body)
        try:
            prompt = self.dialect.read(body)
        except Unreadable:
            return
        for index in range(len(prompt.messages)):
            self._holds(body, self.dialect.insert(body, prompt, {index: BLOCK}), prompt)
        self._holds(body, self.dialect.insert_system(body, prompt, (BLOCK,)), prompt)

    def _holds(self, body: bytes, augmented: bytes, prompt: Prompt) -> None:
        added(augmented, body)
        assert len(self.dialect.read(augmented).messages) in (len(prompt.messages), len(prompt.messages) + 1)

    # Replies

    def _expected(self, told: Told, answer: Answer | None) -> Answer:
        assert answer is not None
        assert (answer.text, answer.calls, answer.complete) == (told.text, told.calls, True)
        return answer

    def test_a_reply_is_read(self) -> None:
        for told in self.replies():
            self._expected(told, self.dialect.answer(told.body, stream=told.stream))

    def test_a_stream_is_read_however_its_lines_are_written(self) -> None:
        for told in self.replies():
            for body in told.streams():
                self._expected(told, self.dialect.answer(body, stream=True))

    def test_a_reply_that_broke_off_is_read_as_far_as_it_went(self) -> None:
        for told in self.replies():
            for size in range(0, len(told.body), 1 + len(told.body) // 300):
                answer = self.dialect.answer(told.body[:size], stream=told.stream)
                if answer is None:
                    continue
                assert told.text.startswith(answer.text)
                assert set(answer.calls) <= set(told.calls)
                if answer.complete:
                    self._expected(told, answer)

    @bounded
    @given(body=st.binary() | json_values.map(lambda value: json.dumps(value).encode()), edits=edits)
    def test_no_bytes_of_a_reply_make_it_fail(self, body: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        for stream in (False, True):
            self.dialect.answer(body, stream=stream)
            self.dialect.answer(b"data: " + body + b"\n\n", stream=stream)
        for told in self.replies():
            damaged = told.body
            for place, size, piece in edits:
                at = place % (len(damaged) + 1)
                damaged = damaged[:at] + piece + damaged[at + size :]
            self.dialect.answer(damaged, stream=told.stream)

    def test_a_reply_that_the_client_sends_back_is_known_again(self) -> None:
        for told in self.replies():
            answer = self._expected(told, self.dialect.answer(told.body, stream=told.stream))
            if told.resent is not None:
                back = self.dialect.read(json.dumps(told.resent).encode()).messages[-1]
                assert (back.role, back.text, back.calls) == ("assistant", answer.resent or answer.text, answer.calls)

    @bounded
    @given(places=st.lists(st.integers(0, 100_000), max_size=8), which=st.integers(0, 1000))
    def test_the_end_of_a_stream_is_seen_however_it_is_cut_and_never_too_early(
        self, places: list[int], which: int
    ) -> None:
        for told in self.replies():
            if told.stream:
                bodies = [told.body, *told.streams()]
                self._ends(body := bodies[which % len(bodies)], told.end, cut(body, places))

    def test_the_end_of_a_stream_is_seen_byte_by_byte(self) -> None:
        for told in self.replies():
            for body in (told.body, *told.streams()) if told.stream else ():
                self._ends(body, told.end, [bytes([byte]) for byte in body])

    def _ends(self, body: bytes, end: bytes | None, pieces: list[bytes]) -> None:
        ending, start = self.dialect.ending(), 0
        for piece in pieces:
            if (offset := ending.feed(piece)) is not None:
                assert end is not None
                begins = max(body.rfind(end), body.rfind(narrow(end)))
                assert not body[start + offset : begins].strip(), "the end is seen too early"
                assert start + offset <= begins + len(end), "the end is seen too late"
                return
            start += len(piece)
        assert end is None, "the end is never seen"

    # Errors

    @pytest.mark.parametrize(
        "error",
        [BadRequest("no such thing", param="X-Thing"), StoreUnavailable("the store is away"), UpstreamError("refused")],
        ids=lambda error: type(error).__name__,
    )
    def test_a_refusal_has_the_shape_of_the_api_and_says_what_is_wrong_once(self, error: MemproxyError) -> None:
        body = self.dialect.refusal(error, "req-1")
        assert self.refused(json.loads(body)) == str(error)
        assert body.count(str(error).encode()) == 1
        assert b"req-1" in body
