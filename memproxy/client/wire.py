"""What both clients share of HTTP: where the service is, what each request carries, how a reply is read."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from memproxy import __version__
from memproxy.client.calls import Call
from memproxy.client.errors import ServerError, UnreachableError, error_of
from memproxy.errors import ConfigError

R = TypeVar("R", bound=BaseModel | None)

DEFAULT_URL = "http://127.0.0.1:8700"
TIMEOUT = 30.0
# Erasing, exporting and importing take as long as there is much; past this, nothing moves any more.
SLOW = 900.0


def options(url: str, key: str | None, timeout: float) -> dict[str, Any]:
    """What httpx's clients are made with. Raises `ConfigError` for an address or a key that cannot be one."""
    base = _base(url)
    return {
        "base_url": f"{base}/memory/v1",
        "headers": {"User-Agent": f"memproxy/{__version__}", **_credential(key)},
        "timeout": timeout,
        # A proxy from the environment is for the world outside, and cannot reach this machine.
        "trust_env": not _is_local(base),
    }


def request(call: Call[Any], timeout: float, cursor: str | None = None, body: Any = None) -> dict[str, Any]:
    """The arguments of httpx's `request`; `body` is the one that streams, where the call has no other."""
    query = {**call.query, **({"cursor": cursor} if cursor is not None else {})}
    return {
        "method": call.method,
        "url": call.path,
        "params": query or None,
        "content": body if call.body is None else call.body,
        "headers": {"Content-Type": call.type},
        "timeout": httpx.Timeout(timeout, read=max(timeout, SLOW)) if call.slow else timeout,
    }


def read(call: Call[R], response: httpx.Response) -> R:
    """The reply. Raises `ApiError` where the service refused, or where this is not memproxy's API."""
    refuse(response)
    if not issubclass(call.reply, BaseModel):
        return cast(R, None)
    try:
        # The models are read off values of the domain by aliases, and off JSON by their names; what a newer service
        # says beyond them is passed over.
        found: R = call.reply.model_validate_json(response.content, by_alias=False, by_name=True, extra="ignore")
    except ValidationError as exc:
        raise _no_api(response) from exc
    return found


def refuse(response: httpx.Response) -> None:
    """Raises the problem that the response is, where it is one. The body must have been read."""
    if response.is_success:
        return
    problem = _json(response)
    if "code" not in problem or "detail" not in problem:
        raise _no_api(response)
    raise error_of(response.status_code)(
        str(problem["detail"]),
        status=response.status_code,
        code=str(problem["code"]),
        param=problem.get("param"),
        request_id=problem.get("request_id"),
    )


@contextmanager
def reached(url: str) -> Iterator[None]:
    """httpx's own errors as ours."""
    try:
        yield
    except httpx.ConnectError as exc:
        raise UnreachableError(f"{url} cannot be reached ({exc}); is `memproxy serve` running there?") from exc
    except httpx.TimeoutException as exc:
        raise UnreachableError(f"{url} did not answer in time") from exc
    except (httpx.TransportError, httpx.DecodingError) as exc:
        raise UnreachableError(f"{url} broke off the exchange: {exc or type(exc).__name__}") from exc


def _base(url: str) -> str:
    """The address without a path that clients of the data plane put behind it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(parts):
        raise ConfigError(f"url: must be an http:// or https:// URL, such as {DEFAULT_URL}", param="url")
    if parts.username or parts.password:
        raise ConfigError("url: must hold no credentials; the key is given apart", param="url")
    return url.rstrip("/").removesuffix("/v1").removesuffix("/memory")


def _has_port(parts: SplitResult) -> bool:
    """A good one, or none."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _credential(key: str | None) -> dict[str, str]:
    key = (key or "").strip()
    if not key:
        return {}
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("key: holds characters that no key has", param="key")
    return {"Authorization": f"Bearer {key}"}


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _no_api(response: httpx.Response) -> ServerError:
    where = f"{response.request.url.scheme}://{response.request.url.netloc.decode()}"
    return ServerError(
        f"{where} answered {response.status_code} in words that are not the memory API's; is it memproxy's address?",
        status=response.status_code,
        code="unexpected_reply",
        request_id=response.headers.get("X-Memproxy-Request-Id"),
    )
