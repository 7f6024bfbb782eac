"""The HTTP client: one pool, header hygiene, errors in our own words. Never follows, decodes or retries by itself.

aiohttp's client, because under concurrency httpx costs several times as much per request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from memproxy.dialects.routes import Provider
from memproxy.errors import UpstreamError, UpstreamTimeout

# `Expect` is settled with the client by the time its body is read; an upstream that ignores it would be waited for.
HOP_BY_HOP = frozenset(
    ("connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
     "trailer", "transfer-encoding", "upgrade")
)  # fmt: skip
# aiohttp would add these where the client sent none.
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# Below the idle time after which common servers and balancers close a connection, so that a request is not sent into
# one that is just being closed.
IDLE = 15.0
Body = bytes | AsyncIterator[bytes] | None


def end_to_end(headers: Iterable[tuple[str, str]], *, drop: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """The headers that are for the other end, in order, repeated ones too: without the hop-by-hop ones, those that
    `Connection` names, memproxy's own, and `drop` (lower case)."""
    pairs = [(name, value if value.isascii() else _writable(value), name.lower()) for name, value in headers]
    gone = HOP_BY_HOP | drop
    for _, value, lower in pairs:
        if lower == "connection":
            gone |= {token.strip().lower() for token in value.split(",")}
    return CIMultiDict(
        [(name, value) for name, value, lower in pairs if lower not in gone and not lower.startswith("x-memproxy-")]
    )


def _writable(value: str) -> str:
    """aiohttp reads headers as UTF-8, keeps stray bytes as surrogates, and would leave those out when it writes; such
    bytes are Latin-1, as HTTP once had it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _alike(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Repeated headers in one spelling: of those that differ in it, aiohttp would send the last alone."""
    spelling: dict[str, str] = {}
    return CIMultiDict([(spelling.setdefault(name.lower(), name), value) for name, value in headers.items()])


class _Connections(aiohttp.TCPConnector):
    """A pool that gives away no connection on which something arrived while nobody had asked: aiohttp would take that
    for the answer to the next request, whoever's that is."""

    async def _get(self, *args: Any) -> Any:
        while connection := await super()._get(*args):
            if connection.protocol is not None and not connection.protocol.should_close:
                break
            connection.close()
        return connection


class Upstream:
    """`bases` are base URLs as each provider's SDK would take them, from the settings only."""

    def __init__(
        self, *, bases: Mapping[Provider, str], connect_timeout: float, read_timeout: float, connections: int
    ) -> None:
        self._bases = bases
        self.connect_timeout = connect_timeout
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, sock_read=read_timeout)
        self._connections = connections

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=_Connections(limit=self._connections, keepalive_timeout=IDLE),
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_ADDED,
            # Header lines of providers are long at times; these are aiohttp's own limits, times eight.
            max_line_size=8 * 8190,
            max_field_size=8 * 8190,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def url(self, provider: Provider, path: str, query: str = "") -> URL:
        """Where a request goes; path (from its version on) and query as the client sent them. OpenAI's base URL ends in
        the version, the others' do not."""
        base = self._bases[provider]
        if provider is Provider.OPENAI or (base.endswith("/v1") and path.startswith("/v1/")):
            path = path.removeprefix("/v1")
        return URL(f"{base}{path}?{query}" if query else base + path, encoded=True)

    async def send(self, method: str, url: URL, headers: CIMultiDict[str], body: Body) -> aiohttp.ClientResponse:
        """The reply as soon as its headers are there. Raises `UpstreamTimeout` and `UpstreamError`."""
        host = f"{url.host}:{url.port}"  # of a URL that may hold credentials, no more goes into a message
        try:
            return await self._session.request(method, url, headers=_alike(headers), data=body, allow_redirects=False)
        except (aiohttp.ServerTimeoutError, TimeoutError) as exc:
            raise UpstreamTimeout(
                f"the upstream {host} did not answer in time; see upstream_connect_timeout and upstream_timeout"
            ) from exc
        except aiohttp.ClientConnectorError as exc:
            raise UpstreamError(
                f"the upstream {host} cannot be reached: {exc.strerror or 'connection failed'}; check the setting "
                "that names it",
                param="upstream",
            ) from exc
        except aiohttp.ClientResponseError as exc:
            raise UpstreamError(f"the upstream {host} did not answer in HTTP") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise UpstreamError(f"the upstream {host} broke the connection before it answered") from exc
