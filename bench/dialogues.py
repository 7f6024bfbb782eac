"""Dialogues with questions, told to memproxy's own extraction job in process; its writes and all vectors are cached.

    messages ─► extraction job ─► what it wrote, session by session ─► Replay: a `Memory` that grows as it did

What a job wrote is kept as long as the code of `memproxy/augment` and the data stay the same, vectors for good, so that
a variant of recall is measured in seconds. The data are not part of this repository: `EVALUATION_DATA` names their
folder (otherwise `../shared/eval`), `EVALUATION_CACHE` that of the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from memproxy.augment.extract import Extract
from memproxy.augment.local import LocalExtractor
from memproxy.config import Settings
from memproxy.domain import Changes, Fact, Job, Message, Scope, Turn
from memproxy.ports import Vector
from memproxy.testing.memory_store import MemoryStore
from memproxy.tokens import O200k
from memproxy_minilm.folder import folder_of
from memproxy_minilm.model import Model

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("EVALUATION_DATA", ROOT.parent / "shared" / "eval"))
CACHE = Path(os.environ.get("EVALUATION_CACHE", Path(tempfile.gettempdir()) / "memproxy-evaluation"))
SETS = ("locomo", "beam", "realmem")
BATCH_CHARACTERS = 4_000
"""Of one run of the model, padding included."""

Question = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One line of a data file."""

    id: str
    messages: Sequence[Mapping[str, Any]]
    questions: Sequence[Question]

    def sessions(self) -> Iterator[tuple[str, list[Mapping[str, Any]], list[Question]]]:
        """Each session with its messages and the questions to ask before it; last, those to ask when all is told."""
        told, asked = defaultdict(list), defaultdict(list)
        for message in self.messages:
            told[message["session"]].append(message)
        for question in self.questions:
            asked[question.get("ask_before")].append(question)
        for session, messages in told.items():
            yield session, messages, asked[session]
        yield "", [], asked[None]


def dialogues(name: str) -> Iterator[Dialogue]:
    """Those of one set; none, and a line that says so, where its file is not there."""
    path = DATA / f"{name}-dev.jsonl"
    if not path.exists():
        print(f"{name}: skipped, there is no {path.name} in the folder that EVALUATION_DATA names")
        return
    for line in path.read_text().splitlines():
        data = json.loads(line)
        yield Dialogue(data["dialogue"], data["messages"], data["questions"])


class Vectors:
    """An `Embedder` on the fast model that embeds each text once, ever."""

    def __init__(self) -> None:
        self._folder = folder_of(Settings().model_dir, None)
        self._model: Model | None = None
        self._path = CACHE / f"{self._folder.name}.pickle"
        self._known: dict[bytes, bytes] = pickle.loads(self._path.read_bytes()) if self._path.exists() else {}
        self._saved = len(self._known)

    @property
    def name(self) -> str:
        return self._folder.name

    @property
    def dimensions(self) -> int:
        return 384

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "passage"]) -> Vector:
        keys = [
            hashlib.blake2b(f"{purpose} {text}".encode("utf-8", "replace"), digest_size=16).digest() for text in texts
        ]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if missing:
            self._make(missing)
        rows = np.frombuffer(b"".join(self._known[key] for key in keys), np.float32)
        return rows.reshape(len(texts), self.dimensions).copy()

    def _make(self, missing: Mapping[bytes, str]) -> None:
        self._model = self._model or Model.load(self._folder)
        for batch in _batches(sorted(missing.items(), key=lambda item: len(item[1]))):
            vectors = self._model.encode([text for _, text in batch])
            self._known |= {key: row.tobytes() for (key, _), row in zip(batch, vectors, strict=True)}

    def save(self) -> None:
        if len(self._known) > self._saved:
            _store(self._path, self._known)
            self._saved = len(self._known)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _batches(items: Sequence[tuple[bytes, str]]) -> Iterator[list[tuple[bytes, str]]]:
    batch: list[tuple[bytes, str]] = []
    for item in items:
        if batch and len(item[1]) * (len(batch) + 1) > BATCH_CHARACTERS:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _store(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(pickle.dumps(value))
    draft.replace(path)


@dataclass(slots=True)
class Replay:
    """The reading half of `Memory` over what extraction wrote: grows session by session as `tell` is called."""

    steps: Mapping[str, Changes]
    scope: Scope
    _facts: dict[str, Fact] = field(default_factory=dict)
    _last: Changes = field(default_factory=lambda: Changes(0))

    @property
    def version(self) -> int:
        return self._last.version

    def tell(self, session: str) -> None:
        if session in self.steps:
            self._last = self.steps[session]
            self._facts |= {fact.id: fact for fact in self._last.facts}

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        facts = (fact for fact in self._facts.values() if fact.version > since)
        return replace(self._last, facts=tuple(sorted(facts, key=lambda fact: fact.number)))


async def told(dialogue: Dialogue, vectors: Vectors) -> Replay:
    """A memory of the dialogue to which nothing has been told yet."""
    path = CACHE / "told" / f"{dialogue.id}-{_mark(dialogue)}.pickle"
    scope = Scope("t", dialogue.id)
    if not path.exists():
        _store(path, await _extracted(dialogue, scope, vectors))
        vectors.save()
    steps: dict[str, Changes] = pickle.loads(path.read_bytes())
    return Replay(steps, scope)


def _mark(dialogue: Dialogue) -> str:
    """Changes with the data and with whatever decides what extraction writes."""
    code = sorted((ROOT / "memproxy" / "augment").rglob("*.*"))
    parts = [path.read_bytes() for path in code if path.suffix in (".py", ".toml")]
    said = json.dumps(list(dialogue.messages)).encode()
    return hashlib.blake2b(b"".join([*parts, said]), digest_size=8).hexdigest()


async def _extracted(dialogue: Dialogue, scope: Scope, vectors: Vectors) -> dict[str, Changes]:
    store = MemoryStore()
    tokenizer = O200k(cache_dir=Settings().model_dir / "tiktoken")
    extract = Extract(
        turns=store, memory=store, extractor=LocalExtractor(), embedder=vectors, tokenizer=tokenizer,
        clock=lambda: datetime.fromisoformat(dialogue.messages[-1]["created_at"]),
    )  # fmt: skip
    steps: dict[str, Changes] = {}
    version = 0
    for session, messages, _ in dialogue.sessions():
        if messages:
            await _tell(store, extract, scope, session, messages)
            steps[session] = await store.changes(scope, since=version)
            version = steps[session].version
    return steps


async def _tell(
    store: MemoryStore, extract: Extract, scope: Scope, session: str, messages: Sequence[Mapping[str, Any]]
) -> None:
    said = tuple(_message(session, message) for message in messages)
    at = said[-1].created_at
    await store.commit([Turn(scope, session, "import", at, messages=said)])
    await extract(Job("job", "extract", scope, session, at, at), last_try=True)


def _message(session: str, message: Mapping[str, Any]) -> Message:
    return Message(
        id=f"{session}/{message['id']}",
        role=message["role"],
        text=message["content"],
        key=hashlib.blake2b(message["id"].encode(), digest_size=16).digest(),
        created_at=datetime.fromisoformat(message["created_at"]),
        name=message.get("name"),
        external_id=message["id"],
    )
