"""Replies of the memory API, as they stand in its documentation."""

from __future__ import annotations

from typing import Any

NOW = "2026-05-01T09:00:00Z"

FACT: dict[str, Any] = {
    "id": "f1", "kind": "profile", "text": "lives in Porto", "state": "current", "attribute": "home", "value": "porto",
    "speaker": None, "role": "user", "process": None, "mentions": 1, "first_seen": NOW, "last_seen": NOW,
    "valid_from": None, "valid_to": None, "superseded_by": None, "confidence": 1.0, "expires_at": None,
    "pinned": False, "authored": False, "sources": [{"message_id": "m1", "session_id": "s1"}], "metadata": {},
    "created_at": NOW,
}  # fmt: skip
ENTITY = {"id": "alice", "created_at": NOW, "last_at": NOW, "sessions": 1, "messages": 2, "facts": {"profile": 1}}
MESSAGE = {
    "id": "m1", "role": "assistant", "name": None, "content": "hi", "created_at": NOW, "complete": True,
    "extra": {"tool_calls": []},
}  # fmt: skip
JOB = {
    "id": "j1", "kind": "extract", "entity": "alice", "session": "s1", "state": "dead", "attempts": 5,
    "error": "Timeout", "created_at": NOW, "run_at": NOW, "finished_at": NOW,
}  # fmt: skip
RECALL = {
    "hits": [
        {
            "fact_id": "f1", "kind": "profile", "text": "lives in Porto", "score": 0.5, "why": {"dense": 0.5},
            "created_at": NOW, "sources": [],
        }
    ],
    "block": "<memory>",
    "tokens": 12,
}  # fmt: skip
RECEIPT = {
    "request_id": "r1", "entity": "alice", "session": "s1", "created_at": NOW, "block": "<memory>", "tokens": 12,
    "facts": [
        {
            "fact_id": "f1", "kind": None, "text": None, "state": None, "score": 0.5, "why": {}, "sources": [],
        }
    ],
    "left_out": [{"fact_id": "f2", "text": "sails", "reason": "budget"}],
    "degraded": None, "note": None, "given_with": None,
}  # fmt: skip
EVENT = {"action": "created", "reason": "said", "before": None, "after": "lives in Porto", "at": NOW}
SESSION = {"id": "s1", "process": None, "messages": 2, "created_at": NOW, "last_at": NOW}
TOLD = {"session": "s1", "accepted": 1, "job": "j1"}
TAKEN = {"rows": 3, "added": 2}


def listed(*items: Any, next_cursor: str | None = None, total: int | None = None) -> dict[str, Any]:
    return {"items": items, "next_cursor": next_cursor, "total": len(items) if total is None else total}


def problem(status: int, **fields: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": "x", "status": status, "detail": "no", "code": "c", **fields}
