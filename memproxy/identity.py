"""Who is speaking, and in which conversation: header ids, keys of messages, and what of a history is new.

A client resends its history with each request. To know a conversation again, each message gets a key: a hash of what
it says together with the exchange before it.

    user       H(previous user message, last assistant message, itself)   also the anchor of the block given with it
    assistant  H(previous user message, itself)                           the (user, assistant) pair
    tool       H(the call it answers, itself)

A key therefore survives a system prompt that changes each time and a history that is trimmed from the front, and tells
apart two conversations that began with the same words. System messages are the app's words, not the conversation's:
they have no key and are never captured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from memproxy.dialects.dialect import Said
from memproxy.errors import BadRequest
from memproxy.ids import ID, ID_RULE

SPEAKERS = ("user", "assistant", "tool", "function")


def valid_id(value: str, *, source: str) -> str:
    """The id as it came; `BadRequest` naming `source` where it breaks the rule."""
    if not ID.fullmatch(value):
        raise BadRequest(f"{source} must be {ID_RULE}", param=source)
    return value


def claimed_id(value: str | None) -> str | None:
    """An id that a body names. Bodies carry whatever the provider allows, so one that breaks the rule is replaced by
    a hash of it: the same person keeps the same memory, and nothing odd reaches a file name or a log."""
    if not value:
        return None
    return value if ID.fullmatch(value) else "sha-" + _hash(value.encode("utf-8", "replace")).hex()


@dataclass(frozen=True, slots=True)
class Keyed:
    """A message of a request with its key."""

    said: Said
    index: int
    """Its position in the request."""
    key: bytes
    follows: bool
    """Whether an exchange stands before it, so that its key tells conversations apart."""


def _hash(*parts: bytes) -> bytes:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def own_hash(role: str, text: str, name: str | None = None, calls: Iterable[str] = ()) -> bytes:
    """What a message says, apart from where it stands. Clients strip and re-wrap whitespace, so its ends do not count;
    an assistant's name is not returned by the API, so only a user's counts."""
    who = name or "" if role == "user" else ""
    return _hash(role.encode(), text.strip().encode("utf-8", "replace"), who.encode(), *(c.encode() for c in calls))


def keyed(messages: Sequence[Said], *, after: str = "") -> tuple[Keyed, ...]:
    """The messages of a conversation with their keys, in order; system and developer messages left out. `after` names
    what was said before them, where they do not hold it themselves."""
    person, assistant = after.encode(), b""
    out = []
    for index, said in enumerate(messages):
        if said.role not in SPEAKERS:
            continue
        own = own_hash(said.role, said.text, said.name, said.calls)
        if said.role == "user":
            out.append(Keyed(said, index, _hash(b"u", person, assistant, own), bool(assistant)))
            person, assistant = own, b""
        elif said.role == "assistant":
            out.append(Keyed(said, index, _hash(b"a", person, own), bool(person)))
            assistant = own
        else:
            out.append(Keyed(said, index, _hash(b"t", own), bool(said.calls)))
    return tuple(out)


def reply_key(history: Sequence[Said], reply: Said) -> bytes:
    """The key that the reply will have when the client resends it."""
    person = [said for said in history if said.role == "user"][-1:]
    return keyed([*person, reply])[-1].key


def answer_key(answer: str) -> bytes:
    """The key of an answer that was fetched by its id, apart from the question."""
    return _hash(b"f", answer.encode())


def unheld(messages: Sequence[Keyed], held: frozenset[bytes]) -> tuple[Keyed, ...]:
    """The messages of a request that its session may not hold yet."""
    fresh = unheld_places([message.said.role for message in messages], [message.key for message in messages], held)
    return tuple(messages[place] for place in fresh)


def unheld_places(roles: Sequence[str], keys: Sequence[bytes], held: frozenset[bytes]) -> list[int]:
    """The places of those messages.

    What stands after the last assistant message is being said now, and always counts, even if the same words were said
    before in another conversation. Of the history before it, what follows the newest message that the store holds:
    what stands before a held message was captured with it. An assistant message straight after a held one is the reply
    that was captured then, as the client edited it (reasoning stripped, say), and is not stored again."""
    now = max((place for place, role in enumerate(roles) if role == "assistant"), default=-1) + 1
    newest = max((place for place in range(now) if keys[place] in held), default=-1)
    start = newest + 1
    if newest >= 0 and roles[newest] != "assistant":
        while start < now and roles[start] == "assistant":
            start += 1
    return [*range(start, now), *range(now, len(roles))]


def newest_user(messages: Sequence[Keyed]) -> Keyed | None:
    """The user message that the request is about; None where the request holds none."""
    return next((message for message in reversed(messages) if message.said.role == "user"), None)
