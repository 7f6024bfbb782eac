"""`memproxy demo`: a short story that shows memory at work, with the real proxy, the official `openai` client, and a
scripted stand-in for the model. Everything shown was read from the two ends of the wire, and what is claimed at the
end is checked: where it does not hold, the demo fails."""

from __future__ import annotations

import asyncio

from memproxy.config import Settings
from memproxy.errors import Unavailable

INTERRUPTED = 130


async def play(settings: Settings, *, keep: bool) -> int:
    """Run the story; returns the exit status: 1 where the model did not receive what it should have."""
    try:
        from memproxy.demo import performance
    except ModuleNotFoundError as exc:
        if exc.name != "openai":
            raise
        raise Unavailable(
            "the demo's apps use the official openai client; add it with: pip install 'memproxy-gateway[demo]'"
        ) from exc
    try:
        return await performance.run(settings, keep=keep)
    except asyncio.CancelledError:
        return INTERRUPTED  # by Ctrl-C or SIGTERM; all that was started has been ended on the way here
