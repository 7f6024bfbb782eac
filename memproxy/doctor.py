"""Checks what a service needs before it is started, and says what to do about each problem. Changes nothing but what
opening the store changes (its schema is brought up to date)."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Literal

import httpx

from memproxy import plugins
from memproxy.config import Settings, host_port, is_loopback
from memproxy.errors import ConfigError, MemproxyError
from memproxy.parts import make_embedder, make_store
from memproxy.tokens import O200k

State = Literal["ok", "warn", "bad"]

# Seconds that another server gets to answer: a person is waiting for the report.
PATIENCE = 5.0
# Bytes free where the database grows. A million messages take about 2 GB, vectors included.
COMFORTABLE = 1_000_000_000
TIGHT = 100_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `bad`: the service will not start, or not do its work; `warn`: it will, with less
    than a person may expect. `remedy` is empty where there is nothing to do."""

    name: str
    state: State
    message: str
    remedy: str = ""

    def as_line(self) -> str:
        line = f"{self.state:<5} {self.name:<10} {self.message}"
        return f"{line}\n{'':<17}→ {self.remedy}" if self.remedy else line

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


async def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which a service needs the things."""
    checks: Sequence[Callable[[Settings], Awaitable[list[Finding]]]] = (
        _auth,
        _listen,
        _data_dir,
        _store,
        _model,
        _tokens,
        _plug_ins,
        _upstream,
    )
    return [finding for check in checks for finding in await check(settings)]


async def _auth(settings: Settings) -> list[Finding]:
    return [_open(settings) if settings.auth_mode == "open" else _keys(settings), *_admin(settings)]


def _open(settings: Settings) -> Finding:
    if not is_loopback(settings.listen):
        return Finding(
            "auth",
            "warn",
            f"open on {settings.listen}: whoever reaches it reads and writes every memory in it",
            "set auth = keys and make keys with `memproxy keys create --tenant NAME`, or listen on 127.0.0.1",
        )
    if settings.entity is None:
        return Finding(
            "auth",
            "warn",
            "open, and no entity is set: a request that names nobody gets no memory",
            "add `--entity me`, or let clients name the person (X-Memproxy-Entity, or `user` in the body)",
        )
    return Finding("auth", "ok", f"open, on this machine only; requests that name nobody are {settings.entity}'s")


def _keys(settings: Settings) -> Finding:
    if settings.upstream_key is None:
        return Finding(
            "auth",
            "warn",
            "keys, and no upstream_key: a client's memproxy key is taken out and nothing put in",
            "set MEMPROXY_UPSTREAM_KEY to the provider's key, or have clients send the provider's own key in "
            "Authorization and the memproxy key in X-Memproxy-Key",
        )
    return Finding("auth", "ok", "keys: every request needs a memproxy key; the provider's key is set")


def _admin(settings: Settings) -> list[Finding]:
    if settings.admin_key is None and settings.admin_listen and not is_loopback(settings.admin_listen):
        return [
            Finding(
                "admin",
                "warn",
                f"no admin_key: {settings.admin_listen} refuses everyone but this machine",
                "set MEMPROXY_ADMIN_KEY, made with `openssl rand -hex 32`",
            )
        ]
    return []


async def _listen(settings: Settings) -> list[Finding]:
    named = (("listen", settings.listen), ("admin_listen", settings.admin_listen))
    return [await _port(name, address) for name, address in named if address is not None]


async def _port(name: str, address: str) -> Finding:
    host, port = host_port(address)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as exc:
        if await _is_memproxy(host, port):
            return Finding(name, "ok", f"memproxy is running on {address}")
        return Finding(
            name,
            "bad",
            f"{address} cannot be had: {exc.strerror or exc}",
            f"stop the program that uses it, or choose another with `--{name.replace('_', '-')}`",
        )
    return Finding(name, "ok", f"{address} is free")


async def _is_memproxy(host: str, port: int) -> bool:
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    url = f"http://[{shown}]:{port}/readyz" if ":" in shown else f"http://{shown}:{port}/readyz"
    try:
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            return "parts" in (await client.get(url)).json()
    except (httpx.HTTPError, ValueError):
        return False


async def _data_dir(settings: Settings) -> list[Finding]:
    there = next((path for path in (settings.data_dir, *settings.data_dir.absolute().parents) if path.exists()), None)
    try:
        assert there is not None  # the root exists
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as exc:
        return [
            Finding(
                "data_dir",
                "bad",
                f"{settings.data_dir} cannot be written: {exc.strerror or exc}",
                "change its owner, or choose another with `--data-dir`",
            )
        ]
    when = "is writable" if there == settings.data_dir else "will be made at the first start"
    return [_space(f"{settings.data_dir} {when}", free)]


def _space(message: str, free: int) -> Finding:
    state: State = "ok" if free >= COMFORTABLE else "warn" if free >= TIGHT else "bad"
    remedy = "" if state == "ok" else "free some space, or choose another disk with `--data-dir`"
    return Finding("data_dir", state, f"{message}; {free / 1e9:.1f} GB free", remedy)


async def _store(settings: Settings) -> list[Finding]:
    file = _sqlite_file(settings)
    if file is not None and not file.exists():
        return [Finding("store", "ok", f"{file} will be made at the first start")]
    start = perf_counter()
    try:
        async with make_store(settings) as store:
            await store.check()
            lacks_key = settings.auth_mode == "keys" and not await store.keys(None)
            depth = await store.depth()
    except MemproxyError as exc:
        return [Finding("store", "bad", str(exc), "see `store` and `data_dir` in docs/reference/settings.md")]
    found = [Finding("store", "ok", f"opens and can be written, its schema up to date ({_ms(start)})")]
    if lacks_key:
        found.append(
            Finding(
                "keys",
                "warn",
                "there is no key yet: every request is refused",
                "make one with `memproxy keys create --tenant NAME`",
            )
        )
    if depth.dead:
        found.append(
            Finding(
                "jobs",
                "warn",
                f"{depth.dead} background jobs are dead",
                "see GET /memory/v1/jobs?state=dead, then POST /memory/v1/jobs/ID/retry",
            )
        )
    return found


def _sqlite_file(settings: Settings) -> Path | None:
    scheme, _, path = settings.store_url.partition(":///")
    return settings.data_dir / path if scheme == "sqlite" else None


async def _model(settings: Settings) -> list[Finding]:
    if settings.embedder == "none":
        return [Finding("model", "ok", "none, as set: recall goes by words alone")]
    try:
        embedder = make_embedder(settings)
        assert embedder is not None
        async with embedder:
            await embedder.embed(["the first call warms it up"], purpose="query")
            start = perf_counter()
            await embedder.embed(["What does it take to answer?"], purpose="query")
            took = _ms(start)
    except ConfigError as exc:
        return [Finding("model", "bad", str(exc), "see `embedder` in docs/reference/settings.md")]
    except MemproxyError as exc:
        return [Finding("model", "warn", str(exc), "until then recall goes by words alone")]
    return [Finding("model", "ok", f"{embedder.name} answers in {took}")]


async def _tokens(settings: Settings) -> list[Finding]:
    try:
        await asyncio.to_thread(O200k(cache_dir=settings.model_dir / "tiktoken").load)
    except MemproxyError as exc:
        return [Finding("tokens", "warn", str(exc), "until then tokens are estimated: blocks come out smaller")]
    return [Finding("tokens", "ok", f"the o200k ranks are in {settings.model_dir}")]


async def _plug_ins(settings: Settings) -> list[Finding]:
    wanted = [("index", "indexes", settings.index)]
    if settings.extractor not in ("local", "none"):
        wanted.append(("extractor", "extractors", settings.extractor))
    return [_plug_in(name, port, plug_in) for name, port, plug_in in wanted]


def _plug_in(name: str, port: str, plug_in: str) -> Finding:
    try:
        plugins.find(port, plug_in)
    except ConfigError as exc:
        return Finding(name, "bad", str(exc), f"install it, or set `{name}` to one that is there")
    return Finding(name, "ok", f"{plug_in} is installed")


async def _upstream(settings: Settings) -> list[Finding]:
    """Any HTTP status means that it is there: what it thinks of our question is for its own clients to hear."""
    key = settings.upstream_key.get_secret_value() if settings.upstream_key else None
    host = httpx.URL(settings.upstream).host
    start = perf_counter()
    try:
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            reply = await client.get(
                f"{settings.upstream}/models", headers={"Authorization": f"Bearer {key}"} if key else {}
            )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as exc:
        return [
            Finding(
                "upstream",
                "bad",
                f"{host} cannot be reached: {exc or type(exc).__name__}",
                "check `--upstream`: it is a base URL as an SDK takes it, such as http://127.0.0.1:11434/v1",
            )
        ]
    return [_answered(host, reply.status_code, bool(key), _ms(start))]


def _answered(host: str, status: int, with_key: bool, took: str) -> Finding:
    if status in (401, 403) and with_key:
        return Finding("upstream", "bad", f"{host} refuses the upstream_key ({status})", "set the provider's own key")
    if status in (401, 403):
        return Finding("upstream", "ok", f"{host} answers in {took}; it wants a key ({status}), which clients send")
    if status == 404:
        return Finding(
            "upstream",
            "warn",
            f"{host} answers, but has no /models below this base URL",
            "most servers do: check that `--upstream` ends as an SDK's base_url does, usually in /v1",
        )
    if status >= 500:
        return Finding(
            "upstream", "warn", f"{host} answers with {status}", "it is there, and not well: see its own logs"
        )
    return Finding("upstream", "ok", f"{host} answers in {took} ({status})")


def _ms(start: float) -> str:
    return f"{1000 * (perf_counter() - start):.1f} ms"
