"""Settings: the only reader of the environment and the settings file. Flag > environment > file > default.

Each setting has three spellings, made from its one name: `--token-budget`, `MEMPROXY_TOKEN_BUDGET`,
`token_budget = 512`. Its help is the field's description; `docs/reference/settings.md` has a paragraph on each.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from memproxy.errors import ConfigError
from memproxy.ids import ID, ID_RULE

PREFIX = "MEMPROXY_"
MIB = 1024 * 1024


class Settings(BaseModel):
    """Everything that can be set. Frozen; secrets hide in its repr."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field("127.0.0.1:8700", description="host:port of the data plane and the memory API")
    admin_listen: str | None = Field(
        None, description="separate host:port for /admin and /metrics; unset: same listener"
    )
    workers: int = Field(1, gt=0, le=64, description="processes that serve, behind one port")
    upstream: str = Field("https://api.openai.com/v1", description="base URL that OpenAI-shaped traffic goes to")
    anthropic_upstream: str = Field(
        "https://api.anthropic.com", description="base URL that Anthropic-shaped traffic goes to"
    )
    gemini_upstream: str = Field(
        "https://generativelanguage.googleapis.com", description="base URL that Gemini-shaped traffic goes to"
    )
    upstream_key: SecretStr | None = Field(None, description="provider credential that replaces a memproxy key")
    anthropic_upstream_key: SecretStr | None = Field(None, description="the same, for Anthropic")
    gemini_upstream_key: SecretStr | None = Field(None, description="the same, for Gemini")
    auth: Literal["open", "keys"] | None = Field(None, description="open or keys; unset: open on loopback, else keys")
    account_endpoints: bool = Field(
        False, description="let tenants reach what governs the provider account (/v1/organization, /v1/projects)"
    )
    stored_objects: bool = Field(
        False, description="let tenants reach what the provider stores for the account (files, batches, responses …)"
    )
    admin_key: SecretStr | None = Field(None, description="credential for /admin; at least 32 characters")
    data_dir: Path = Field(
        Path(platformdirs.user_data_dir("memproxy")), description="embedded database, snapshots, local journal"
    )
    model_dir: Path = Field(
        Path(platformdirs.user_cache_dir("memproxy")),
        description="models and tokeniser files, shared by data directories",
    )
    store: str = Field("sqlite:///{data_dir}/memproxy.db", description="URL of the store")
    index: str = Field("hnsw", description="vector index, by entry point")
    embedder: str = Field("minilm", description="embedding model; none: lexical recall only")
    extractor: str = Field("local", description="local: rules, no model; none: keep episodes only")
    entity: str | None = Field(None, description="entity of requests that name none, in open mode: a laptop's owner")
    token_budget: int = Field(512, ge=0, description="tokens the memory block of one message may take")
    session_token_budget: int = Field(4096, ge=0, description="tokens all blocks of one session may add together")
    recall_scope: Literal["entity", "process"] = Field("entity", description="what recall may see of a person")
    recall_timeout: float = Field(0.15, gt=0, description="seconds; past it a request goes on without memory")
    placement: Literal["user", "system"] = Field("user", description="where the block goes")
    max_body: int = Field(100 * MIB, gt=0, description="bytes of a request that memory has to read whole; above: 413")
    upstream_connect_timeout: float = Field(10, gt=0, description="seconds to reach the upstream")
    upstream_timeout: float = Field(900, gt=0, description="seconds of silence the upstream is allowed")
    upstream_connections: int = Field(1000, gt=0, description="connections to the upstream at a time")
    capture_timeout: float = Field(5, gt=0, description="seconds the last byte of a reply waits for its commit")
    journal_limit: int = Field(
        256 * MIB, ge=0, description="bytes of turns that may wait on this machine's disk while the store is away"
    )
    capture_queue: int = Field(
        10_000, gt=0, description="turns that may wait for a commit; past it they are not remembered"
    )
    shutdown_timeout: float = Field(30, ge=0, description="seconds that running requests get to end after SIGTERM")
    key_cache: float = Field(10, ge=0, description="seconds a key is kept before it is looked up again")
    key_grace: float = Field(86400, ge=0, description="seconds a known key goes on working while the store is away")
    jobs_concurrency: int = Field(2, gt=0, le=64, description="background jobs that run at a time")
    jobs_attempts: int = Field(5, gt=0, description="tries before a background job is dead")
    jobs_lease: float = Field(15, gt=0, description="seconds a background job is held by a worker that died")
    recall_cache: int = Field(256 * MIB, gt=0, description="bytes of loaded entities that recall keeps in memory")
    index_cache: int = Field(512 * MIB, gt=0, description="bytes of vectors that the index keeps in memory")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="log lines for people or for machines")

    @field_validator("upstream", "anthropic_upstream", "gemini_upstream")
    @classmethod
    def _base_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http:// or https:// URL, such as https://api.openai.com/v1")
        return url.rstrip("/")

    @field_validator("listen", "admin_listen")
    @classmethod
    def _address(cls, address: str | None) -> str | None:
        if address is not None:
            host_port(address)
        return address

    @field_validator("entity")
    @classmethod
    def _entity(cls, entity: str | None) -> str | None:
        if entity is not None and not ID.fullmatch(entity):
            raise ValueError(f"must be {ID_RULE}")
        return entity

    @field_validator("admin_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters; make one with `openssl rand -hex 32`")
        return key

    @model_validator(mode="after")
    def _said_aloud(self) -> Settings:
        if self.entity is not None and self.auth_mode != "open":
            raise ValueError(
                "entity serves auth = open only; with keys, bind the entity to a key (`keys create --entity`)"
            )
        return self

    @property
    def auth_mode(self) -> str:
        return self.auth or ("open" if is_loopback(self.listen) else "keys")

    @property
    def store_url(self) -> str:
        return self.store.replace("{data_dir}", str(self.data_dir.absolute()))


def host_port(address: str) -> tuple[str, int]:
    """`127.0.0.1:8700`, `[::1]:8700`, `:8700` (all interfaces) as host and port; `ValueError` otherwise."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is not host:port, such as 127.0.0.1:8700")
    return host.strip("[]") or "0.0.0.0", int(port)


def is_loopback(address: str) -> bool:
    host, _ = host_port(address)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(
    *, flags: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None, file: Path | None = None
) -> tuple[Settings, list[str]]:
    """The settings, and warnings about environment variables that name no setting (container platforms set some with
    our prefix of their own accord, so they cannot be errors). Raises `ConfigError` naming setting and remedy."""
    env = os.environ if env is None else env
    file = file or (Path(env[PREFIX + "CONFIG"]) if env.get(PREFIX + "CONFIG") else None)
    from_file = _read_file(file) if file else {}
    from_env, warnings = _read_env(env)
    from_flags = {name: value for name, value in (flags or {}).items() if value is not None}
    given = {**from_file, **from_env, **from_flags}
    try:
        return Settings(**given), warnings
    except ValidationError as exc:
        raise ConfigError(_explain(exc, from_flags, from_env, file)) from exc


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except OSError as exc:
        raise ConfigError(f"the settings file {path} cannot be read: {exc.strerror}", param="config") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"the settings file {path} is not TOML: {exc}", param="config") from exc
    for name in values:
        if name not in Settings.model_fields:
            raise ConfigError(f"{path}: there is no setting {name!r}{_suggest(name)}", param=name)
    return values


def _read_env(env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    values, warnings = {}, []
    for variable, value in env.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in ("config", "shared", "url", "key", "to"):
            continue
        if name in Settings.model_fields:
            values[name] = value
        else:
            warnings.append(f"{variable} names no setting and is ignored{_suggest(name)}")
    return values, warnings


def _suggest(name: str) -> str:
    near = difflib.get_close_matches(name, Settings.model_fields, 1)
    return f"; did you mean {near[0]!r}?" if near else "; `memproxy serve --help` lists them"


def _explain(exc: ValidationError, flags: Mapping[str, Any], env: Mapping[str, str], file: Path | None) -> str:
    lines = []
    for error in exc.errors(include_url=False, include_input=False, include_context=False):
        name = str(error["loc"][0]) if error["loc"] else "settings"
        spelled = "--" + name.replace("_", "-") if name in flags else PREFIX + name.upper()
        place = spelled if name in flags or name in env else f"{name} in {file}" if file else name
        lines.append(f"{place}: {error['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)
