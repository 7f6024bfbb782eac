"""Request bodies that have to be understood, read whole and no further than allowed."""

from __future__ import annotations

from aiohttp import web

from memproxy.errors import BodyTooLarge


async def read_body(request: web.BaseRequest, *, limit: int, remedy: str) -> bytes:
    """The body as it came. Raises `BodyTooLarge` with the remedy, at once where the body announces its length."""
    announced = request.content_length
    if announced is not None and announced <= limit:
        return await request.content.read()
    pieces, size = [], announced or 0
    while size <= limit and (piece := await request.content.readany()):
        size += len(piece)
        pieces.append(piece)
    if size > limit:
        raise BodyTooLarge(f"the body is larger than {limit} bytes; {remedy}", param="max_body")
    return b"".join(pieces)
