"""Listening sockets: bound where the settings say, by whoever serves on them or hands them to those who do."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from memproxy.config import Settings, host_port
from memproxy.errors import ConfigError

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Door:
    """One address and the sockets that are bound to it: a name such as `localhost` may have several."""

    setting: str
    address: str
    sockets: tuple[socket.socket, ...]

    def close(self) -> None:
        for one in self.sockets:
            one.close()


@dataclass(frozen=True, slots=True)
class Doors:
    """Those of a service. Without one of its own, administration is at the public one."""

    public: Door
    admin: Door | None

    def close(self) -> None:
        for door in self:
            door.close()

    def __iter__(self) -> Iterator[Door]:
        return iter([self.public] if self.admin is None else [self.public, self.admin])


def bind(settings: Settings) -> Doors:
    """Bound, and not listening yet: until someone is there to answer, clients are refused. Raises `ConfigError`."""
    public = _bind("listen", settings.listen)
    if settings.admin_listen is None:
        return Doors(public, None)
    try:
        return Doors(public, _bind("admin_listen", settings.admin_listen))
    except ConfigError:
        public.close()
        raise


def unavailable(setting: str, address: str, error: OSError) -> ConfigError:
    taken = "is in use by another program" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
    return ConfigError(f"{setting}: {address} {taken}; choose another with `--{setting.replace('_', '-')}`")


def _bind(setting: str, address: str) -> Door:
    host, port = host_port(address)
    bound: list[socket.socket] = []
    try:
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            bound.append(one := socket.socket(family, kind, protocol))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(place)
    except OSError as exc:
        for one in bound:
            one.close()
        raise unavailable(setting, address, exc) from exc
    return Door(setting, address, tuple(bound))
