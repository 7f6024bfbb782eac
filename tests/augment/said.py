"""What the rules read in a sentence, for the tests of each language."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from memproxy.augment.local import LocalExtractor
from memproxy.domain import Claim, Message

WEDNESDAY = datetime(2026, 4, 29, 12, tzinfo=UTC)

_EXTRACTOR = LocalExtractor()


def said(*texts: str, role: str = "user", at: datetime = WEDNESDAY) -> Sequence[Claim]:
    messages = [Message(f"m{n}", role, text, b"", at) for n, text in enumerate(texts)]
    return asyncio.run(_EXTRACTOR.extract(messages))


def brief(claim: Claim) -> tuple[str, str]:
    """Attribute and text; an end is marked, a date put behind."""
    day = f" @{claim.valid_from.date().isoformat()}" if claim.valid_from else ""
    return ("~" * claim.ended + claim.attribute, claim.text + day)
