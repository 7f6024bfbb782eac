"""Log lines: one event each, with the request's id, never with user content or secrets above DEBUG."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request_id", "taskName"}


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """What was passed in `extra`."""
    return {name: value for name, value in record.__dict__.items() if name not in _PLAIN}


class _Lines(logging.Formatter):
    """`always`: fields of every line."""

    def __init__(self, always: dict[str, object]) -> None:
        super().__init__()
        self._always = always


class JsonLines(_Lines):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **({"request_id": rid} if (rid := request_id.get()) else {}),
            **self._always,
            **_fields(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextLines(_Lines):
    """For people: time, level, message, then `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = {**self._always, **_fields(record)}
        if rid := request_id.get():
            fields["request_id"] = rid
        tail = " ".join(f"{name}={value}" for name, value in fields.items())
        error = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        return f"{time} {record.levelname:<7} {record.getMessage()} {tail}".rstrip() + error


def configure(*, level: str, style: str, worker: int | None = None) -> None:
    """Log to standard error. `style` is `text` or `json`; a `worker` puts its number into every line."""
    handler = logging.StreamHandler(sys.stderr)
    always: dict[str, object] = {} if worker is None else {"worker": worker}
    handler.setFormatter(JsonLines(always) if style == "json" else TextLines(always))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Libraries repeat what memproxy logs itself, with addresses and bodies at their finer levels.
    for noisy in ("aiohttp", "asyncio", "sqlalchemy", "alembic", "httpx", "httpcore", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
