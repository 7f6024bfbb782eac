"""The composition root: settings become opened adapters, a pipeline and a server; closed in reverse order.

parts (store, embedder, index) ─► recall, capture, worker ─► upstream ─► server
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from pydantic import SecretStr

from memproxy.api.data_plane import DataPlane
from memproxy.api.memory.edge import GOING_ON, MemoryApi
from memproxy.api.memory.means import Means
from memproxy.api.memory.underway import Underway
from memproxy.api.operations import Operations
from memproxy.api.relay import LEFT, Relay
from memproxy.augment.embed import embed_job
from memproxy.augment.worker import Worker
from memproxy.auth import Gate, KeyRing
from memproxy.capture import Capture
from memproxy.closed import Closed
from memproxy.config import Settings, is_loopback
from memproxy.curation import Curation
from memproxy.dialects.routes import Provider
from memproxy.domain import Scope
from memproxy.embedders import Absent
from memproxy.errors import ModelUnavailable
from memproxy.listening import Doors, bind
from memproxy.parts import Parts, make_extractor, open_parts
from memproxy.peers import Answer, Peers
from memproxy.pipeline import Limits, Pipeline
from memproxy.ports import Caching, Health
from memproxy.recall.engine import Recall
from memproxy.server import Server
from memproxy.tasks import Tasks
from memproxy.upstream import Upstream
from memproxy.watch import Watch

# What is waiting is committed in milliseconds; a store that needs longer than this at the end is gone.
LAST_COMMITS = 10.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Service:
    """Everything that runs, as opened by `service`."""

    def __init__(self, *, settings: Settings, parts: Parts, upstream: Upstream, peers: Peers | None = None) -> None:
        self._settings = settings
        self._parts = parts
        self._peers = peers or Peers()
        store, metrics, tasks = parts.store, parts.metrics, parts.tasks
        self._model = real = parts.embedder if not isinstance(parts.embedder, Absent) else None
        self.recall = Recall(
            memory=store,
            index=parts.index,
            embedder=parts.embedder,
            tasks=tasks,
            cache_bytes=settings.recall_cache,
            on_bare=self._embed if real else lambda scope: None,
            on_gone=lambda: self._curation.let_go(),
        )
        self.worker = Worker(
            jobs=store,
            turns=store,
            memory=store,
            extractor=make_extractor(settings),
            embedder=real,
            tokenizer=parts.tokenizer,
            clock=utc_now,
            # Containers of one image may share a host name, and all have the same process id.
            name=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            tasks=tasks,
            lease=settings.jobs_lease,
            concurrency=settings.jobs_concurrency,
            max_attempts=settings.jobs_attempts,
            observer=metrics,
            switch=self._peers,
        )
        self.watch = Watch(health=store, tasks=tasks, trouble=parts.trouble)
        metrics.store_up.set_function(lambda: self.watch.up)
        metrics.store_silence.set_function(lambda: self.watch.silence)
        self.capture = Capture(
            turns=store,
            health=store,
            tasks=tasks,
            queue=settings.capture_queue,
            journal=parts.journal,
            patience=settings.capture_timeout,
            on_jobs=self.worker.wake,
            on_commit=metrics.committed,
        )
        self._curation = self._curate()
        self._underway = Underway(others=partial(self._tell, "erasing"))
        self._operations = self._operate()
        self.server = self._server(upstream)

    def _server(self, upstream: Upstream) -> Server:
        settings, parts = self._settings, self._parts
        ring = KeyRing(
            keys=parts.store,
            tasks=parts.tasks,
            ttl=settings.key_cache,
            grace=settings.key_grace,
            patience=settings.recall_timeout,
        )
        gate = Gate(mode=settings.auth_mode, ring=ring)
        chat = Pipeline(
            turns=parts.store,
            recall=self.recall,
            capture=self.capture,
            metrics=parts.metrics,
            limits=_limits(settings),
            clock=utc_now,
        )
        plane = DataPlane(
            gate=gate,
            chat=chat,
            upstream=upstream,
            credentials=_credentials(settings),
            relay=Relay(chat=chat, tasks=parts.tasks),
            opened=frozenset(guard for guard in Closed if getattr(settings, guard)),
            max_body=settings.max_body,
        )
        api = MemoryApi(
            gate=gate,
            means=self._means(),
            tasks=parts.tasks,
            watch=self.watch,
            keys_only=settings.auth_mode == "keys",
            max_body=settings.max_body,
        )
        return Server(
            plane=plane,
            public=[*api.routes(), *self._operations.public_routes()],
            admin=self._operations.admin_routes(),
            metrics=parts.metrics,
            peers=self._peers,
            tasks=parts.tasks,
            local_only=settings.auth_mode == "open" and is_loopback(settings.listen),
        )

    def _operate(self) -> Operations:
        index = self._parts.index
        aside = {"index": index.check} if isinstance(index, Health) else {}
        return Operations(
            watch=self.watch,
            journal=self._parts.journal,
            optional={"model": self._check_model, **aside},
            keys_first=self._settings.auth_mode == "keys",
            worker=self.worker,
            jobs=self._parts.store,
            metrics=self._parts.metrics,
            peers=self._peers,
            admin_key=_revealed(self._settings.admin_key),
            clock=utc_now,
        )

    def _means(self) -> Means:
        store = self._parts.store
        return Means(
            turns=store,
            memory=store,
            archive=store,
            jobs=store,
            board=store,
            capture=self.capture,
            recall=self.recall,
            curation=self._curation,
            clock=utc_now,
            process_only=self._settings.recall_scope == "process",
            underway=self._underway,
        )

    def _curate(self) -> Curation:
        store, embedder = self._parts.store, self._parts.embedder
        return Curation(
            memory=store,
            archive=store,
            jobs=store,
            recall=self.recall,
            caches=[embedder] if isinstance(embedder, Caching) else [],
            embedder=self._model,
            tokenizer=self._parts.tokenizer,
            clock=utc_now,
            journal=self._parts.journal,
            others=partial(self._tell, "gone"),
        )

    async def _tell(self, what: str, scope: Scope) -> None:
        """Have the other workers do what `_answers` says."""
        await self._peers.tell(what, scope.tenant, scope.entity)

    def _answers(self) -> dict[str, Answer]:
        """What the other workers ask."""

        async def erasing(tenant: str, entity: str) -> bytes:
            await self._underway.stop(Scope(tenant, entity))
            await self._parts.journal.forget(Scope(tenant, entity))
            return b""

        async def gone(tenant: str, entity: str) -> bytes:
            await self._curation.hold_anew(Scope(tenant, entity))
            return b""

        return {"metrics": self._operations.counted, "erasing": erasing, "gone": gone}

    def _embed(self, scope: Scope) -> None:
        """Queue the embedding of an entity's facts: they were written without a model, or with another one."""
        job = embed_job(scope, utc_now())
        self._parts.tasks.start("embedding queued", self._parts.store.enqueue([job]))

    async def _check_model(self) -> None:
        embedder = self._parts.embedder
        if embedder is None:
            raise ModelUnavailable("embedder = none: recall goes by words alone")
        await embedder.embed(["ready?"], purpose="query")

    async def start(self, doors: Doors | None = None) -> None:
        """`doors` that are bound already, or the settings' own."""
        self.watch.start()
        self.capture.start()
        self.worker.start()
        self._peers.start(self._answers(), self._parts.tasks)
        self._parts.tasks.start("keeping up", self.recall.library.keep_up(), vital=True)
        await self.server.start(doors or bind(self._settings))

    async def stop(self, *, deadline: float, hurry: asyncio.Event) -> None:
        """Running requests first, then what they left to be stored, then background work."""
        await self.server.stop(deadline=deadline, hurry=hurry)
        await self._parts.tasks.finish(LEFT, LAST_COMMITS)
        await self._parts.tasks.finish(GOING_ON, LAST_COMMITS)
        await self.capture.drain(LAST_COMMITS)
        await self.worker.stop(1.0 if hurry.is_set() else 5.0)
        self._peers.stop()


def _limits(settings: Settings) -> Limits:
    return Limits(
        token_budget=settings.token_budget,
        session_token_budget=settings.session_token_budget,
        recall_timeout=settings.recall_timeout,
        process_only=settings.recall_scope == "process",
        placement=settings.placement,
        owner=settings.entity,
    )


def _credentials(settings: Settings) -> dict[Provider, str]:
    """The providers' credentials that replace a memproxy key."""
    given = {
        Provider.OPENAI: settings.upstream_key,
        Provider.ANTHROPIC: settings.anthropic_upstream_key,
        Provider.GEMINI: settings.gemini_upstream_key,
    }
    return {provider: key.get_secret_value() for provider, key in given.items() if key is not None}


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


@asynccontextmanager
async def service(settings: Settings, tasks: Tasks, peers: Peers | None = None) -> AsyncIterator[Service]:
    """An opened service, not yet listening."""
    async with AsyncExitStack() as stack:
        parts = await open_parts(settings, stack, tasks)
        stack.push_async_callback(tasks.stop)
        upstream = await stack.enter_async_context(
            Upstream(
                bases={
                    Provider.OPENAI: settings.upstream,
                    Provider.ANTHROPIC: settings.anthropic_upstream,
                    Provider.GEMINI: settings.gemini_upstream,
                },
                connect_timeout=settings.upstream_connect_timeout,
                read_timeout=settings.upstream_timeout,
                connections=settings.upstream_connections,
            )
        )
        yield Service(settings=settings, parts=parts, upstream=upstream, peers=peers)
