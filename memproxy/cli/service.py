"""What the commands that act on a running service have in common: where it is, who asks, what comes back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

Command = Callable[..., Any]

as_json = click.option("--json", "as_json", is_flag=True, help="for scripts")


def on_service(command: Command) -> Command:
    """`--url` and `--key`; the command gets a `client`, which is closed behind it."""

    @click.option(
        "--url",
        envvar="MEMPROXY_URL",
        default="http://127.0.0.1:8700",
        help="where the service is [http://127.0.0.1:8700]; also MEMPROXY_URL",
    )
    @click.option("--key", envvar="MEMPROXY_KEY", help="the memproxy key, where it asks for one; also MEMPROXY_KEY")
    @wraps(command)
    def run(*args: Any, url: str, key: str | None, **kwargs: Any) -> Any:
        from memproxy.client import MemproxyClient

        with MemproxyClient(url=url, key=key) as client:
            return command(*args, client=client, **kwargs)

    return run
