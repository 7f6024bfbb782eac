"""Extraction without a model: rules find what people say about themselves in their own messages.

Only messages of role `user` are read: what an assistant, a tool or a document says is not the person's word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC

from memproxy.augment.reading import Statement, correct, read
from memproxy.augment.rules import Language, languages
from memproxy.augment.sentences import Sentence, sentences
from memproxy.domain import Claim, Message

SLICE = 1
"""Sentences read before the event loop gets its turn: half a millisecond, in a dense one more."""


class LocalExtractor:
    """An `Extractor` on the rules of all languages there are files for."""

    def __init__(self, *, languages: Sequence[Language] | None = None) -> None:
        self._languages = languages

    async def extract(self, messages: Sequence[Message]) -> Sequence[Claim]:
        """Claims in the order of the messages and of their sentences. Never raises, whatever the text."""
        if self._languages is None:
            self._languages = await asyncio.to_thread(languages)  # compiling takes a tenth of a second
        claims: list[Claim] = []
        before: Statement | None = None
        for message in messages:
            if message.role == "user":
                before = await self._read(message, before, claims)
                await asyncio.sleep(0)
        return list(dict.fromkeys(claims))

    async def _read(self, message: Message, before: Statement | None, claims: list[Claim]) -> Statement | None:
        """The last statement of the message; `before` is that of the message before it."""
        last: Statement | None = None
        for number, (language, sentence) in enumerate(self._sentences(message), 1):
            said = message.created_at.astimezone(UTC).date()
            found = list(read(sentence, language, said=said))
            if not found and (previous := last or before) and previous.language is language:
                corrected = correct(sentence, previous, said=said)
                found = [corrected] if corrected is not None else []
            claims.extend(statement.claim(message.id) for statement in found)
            last = found[-1] if found else last
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return last

    def _sentences(self, message: Message) -> Iterator[tuple[Language, Sentence]]:
        for language in self._languages or ():
            for sentence in sentences(message.text, language):
                yield language, sentence
