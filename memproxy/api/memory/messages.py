"""Telling: messages that were said elsewhere, stored as they are told; and what was captured, session by session."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from memproxy.api.memory.calls import Asked
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.inputs import ListQuery, MessageIn, MessagesIn
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import MessageOut, MessagesOut, SessionMessagesOut, SessionOut, SessionsOut
from memproxy.domain import Job, Message, Scope, Turn
from memproxy.errors import NotFound
from memproxy.identity import SPEAKERS
from memproxy.ids import new_id

# One turn of an import; a larger one would keep the commits of running chats waiting.
IMPORT_TURN = 500


async def tell(means: Means, asked: Asked[Nothing, MessagesIn]) -> MessagesOut:
    """Store messages as they are told, in turns of bounded size, and queue their extraction."""
    body, scope = asked.body, asked.scope_of(asked.body.process)
    session, now = body.session or new_id(), means.clock()
    said = [message for message in body.messages if message.role in SPEAKERS]
    job = Job(new_id(), "extract", scope, session, now, now)
    accepted = 0
    async with means.underway.importing(scope) as running:
        for start in range(0, len(said), IMPORT_TURN):
            running.check()
            part = tuple(_message(message, now) for message in said[start : start + IMPORT_TURN])
            # The job comes with the first part: what a crash leaves behind is extracted all the same.
            turn = Turn(scope, session, new_id(), now, messages=part, jobs=(job,) if start == 0 else ())
            accepted += (await means.capture.submit(turn)).added
    return MessagesOut(session=session, accepted=accepted, job=job.id if said else None)


def _message(message: MessageIn, now: datetime) -> Message:
    # The API stores what it is told: two equal messages are two, unless their ids say otherwise.
    own = new_id()
    return Message(
        id=own,
        role=message.role,
        text=message.text,
        key=blake2b((message.id or own).encode(), digest_size=16, person=b"api-message").digest(),
        created_at=message.created_at or now,
        name=message.name,
        external_id=message.id,
    )


async def sessions(means: Means, asked: Asked[ListQuery, Nothing]) -> SessionsOut:
    page = await means.turns.sessions(asked.scope, cursor=asked.query.cursor, limit=asked.query.limit)
    return SessionsOut.page(page, SessionOut.of)


async def session_messages(means: Means, asked: Asked[ListQuery, Nothing]) -> SessionMessagesOut:
    session, query = asked.ids["id"], asked.query
    page = await means.turns.messages(asked.scope, session, cursor=query.cursor, limit=query.limit)
    if not page.total and not await _exists(means, asked.scope, session):
        raise NotFound("the entity has no session of this id", param="id")
    return SessionMessagesOut.page(page, MessageOut.of)


async def _exists(means: Means, scope: Scope, session: str) -> bool:
    """A session that holds no message is rare: one that was only ever read for."""
    cursor = None
    while True:
        page = await means.turns.sessions(scope, cursor=cursor, limit=1000)
        if any(one.id == session for one in page.items):
            return True
        if (cursor := page.next_cursor) is None:
            return False
