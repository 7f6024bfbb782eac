"""A typed client of the memory API, over the models that the service itself answers with.

    with MemproxyClient(url="http://127.0.0.1:8700", key="mp_...") as client:
        client.tell("alice", [{"role": "user", "content": "I live in Porto."}])
        print(client.recall("alice", "Where do I live?").block)
        for fact in client.facts("alice", kind="profile"):
            print(fact.text)

`AsyncMemproxyClient` has the same methods to be awaited; lists are gone through with `async for`. `calls.py` describes
each call once, for both. Whatever goes wrong is a `ClientError`.
"""

from memproxy.client.asynchronous import AsyncListing, AsyncMemproxyClient
from memproxy.client.errors import (
    ApiError,
    BadRequestError,
    ClientError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
)
from memproxy.client.synchronous import Listing, MemproxyClient

__all__ = [
    "ApiError",
    "AsyncListing",
    "AsyncMemproxyClient",
    "BadRequestError",
    "ClientError",
    "ConflictError",
    "ForbiddenError",
    "Listing",
    "MemproxyClient",
    "NotFoundError",
    "ServerError",
    "UnauthorizedError",
    "UnreachableError",
]
