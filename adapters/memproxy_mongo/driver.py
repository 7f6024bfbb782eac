"""Every call of the driver: the only module that knows motor. PyMongo's own asynchronous client has the same names for
the same calls, but for `AsyncMongoClient`, `await client.close()` and `await collection.aggregate(…)`.

Writes are acknowledged when they are in the journal of a majority, unless the URL says otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import bson
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.uri_parser import parse_uri

from memproxy.errors import ConfigError, StoreUnavailable
from memproxy_mongo import faults

T = TypeVar("T")

Document = dict[str, Any]
Query = Mapping[str, Any]
Order = Sequence[tuple[str, int]]

_DATABASE = "memproxy"
"""Where the URL names none."""

_OPTIONS: Document = {
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    # Longer than any statement takes; a server that hangs must not hold a request for ever.
    "socketTimeoutMS": 20_000,
    "waitQueueTimeoutMS": 5_000,
    "maxPoolSize": 50,
    "w": "majority",
    "journal": True,
    "appName": "memproxy",
}


class Database:
    """One database of a server. Every call raises memproxy's own errors."""

    def __init__(self, *, url: str) -> None:
        """Raises `ConfigError`; no message of it quotes the URL, which may hold a password."""
        try:
            parsed = parse_uri(url, validate=True, warn=False) if url.startswith("mongodb://") else None
        except (PyMongoError, ValueError) as error:
            raise _not_a_url() from error
        self._url = url
        self._name = (parsed and parsed["database"]) or None
        given = {name.lower() for name in parsed["options"]} if parsed else set()
        self._options = {name: value for name, value in _OPTIONS.items() if name.lower() not in given}
        self._client: AsyncIOMotorClient[Document] | None = None
        self._database: AsyncIOMotorDatabase[Document] | None = None
        self.place = self._name or _DATABASE

    def open(self) -> None:
        try:
            # Options in the URL win over these for `mongodb+srv` too, but for those that DNS gives.
            self._client = AsyncIOMotorClient(self._url, **self._options)
        except PyMongoError as error:
            raise _not_a_url() from error
        self._database = self._client.get_default_database(_DATABASE, read_preference=ReadPreference.PRIMARY)
        self.place = self._database.name

    def close(self) -> None:
        client, self._client, self._database = self._client, None, None
        if client is not None:
            client.close()

    def _of(self, collection: str) -> AsyncIOMotorCollection[Document]:
        if self._database is None:
            raise StoreUnavailable("The store is not open.")
        return self._database[collection]

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except faults.DRIVER as error:
            raise faults.translated(error, self.place) from error

    def encoded(self, document: Query) -> bytes:
        """As it is sent and stored."""
        with self._translating():
            return bson.encode(document)

    def decoded(self, stored: bytes) -> Document:
        with self._translating():
            return bson.decode(stored)

    async def _run(self, call: Awaitable[T]) -> T:
        with self._translating():
            return await call

    async def one(self, collection: str, query: Query, *, order: Order | None = None) -> Document | None:
        found: Document | None = await self._run(self._of(collection).find_one(query, sort=order))
        return found

    async def some(
        self,
        collection: str,
        query: Query,
        *,
        fields: Sequence[str] | None = None,
        order: Order | None = None,
        limit: int = 0,
    ) -> list[Document]:
        asked = self._of(collection).find(query, list(fields) if fields else None)
        if order is not None:
            asked = asked.sort(list(order))
        found: list[Document] = await self._run(asked.limit(limit).to_list(None))
        return found

    async def count(self, collection: str, query: Query) -> int:
        number: int = await self._run(self._of(collection).count_documents(query))
        return number

    async def grouped(self, collection: str, *stages: Query) -> list[Document]:
        found: list[Document] = await self._run(self._of(collection).aggregate(list(stages)).to_list(None))
        return found

    async def add(self, collection: str, documents: Sequence[Document]) -> set[int]:
        """Add those that are not there; give the places of those that were."""
        if not documents:
            return set()
        with self._translating():
            try:
                await self._of(collection).insert_many(documents, ordered=False)
            except BulkWriteError as error:
                there = faults.taken(error)
                if there is None:
                    raise
                return set(there)
        return set()

    async def put(self, collection: str, documents: Sequence[Document], *, mark: str) -> None:
        """Add or replace, but for those that are there with a `mark` as high or higher."""
        if not documents:
            return
        newer = [ReplaceOne({"_id": d["_id"], mark: {"$lt": d[mark]}}, d, upsert=True) for d in documents]
        with self._translating():
            try:
                await self._of(collection).bulk_write(newer, ordered=False)
            except BulkWriteError as error:
                if faults.taken(error) is None:
                    raise

    async def raise_to(self, collection: str, documents: Sequence[Document], *, fields: Sequence[str]) -> None:
        """Add those that are not there, and raise these fields of the others where they are lower."""
        waiting = [
            UpdateOne(
                {"_id": one["_id"]},
                {
                    "$max": {name: one[name] for name in fields},
                    "$setOnInsert": {name: value for name, value in one.items() if name not in fields},
                },
                upsert=True,
            )
            for one in documents
        ]
        while waiting:
            with self._translating():
                try:
                    await self._of(collection).bulk_write(waiting, ordered=False)
                except BulkWriteError as error:
                    # Somebody else added one in the same moment; it is there now.
                    there = faults.taken(error)
                    if there is None:
                        raise
                    waiting = [waiting[place] for place in there]
                else:
                    return

    async def change(self, collection: str, query: Query, update: Query, *, new: bool = False) -> bool:
        """Change one; whether there was one. `new`: it comes into being otherwise."""
        done = await self._run(self._of(collection).update_one(query, update, upsert=new))
        return bool(done.matched_count)

    async def change_all(self, collection: str, query: Query, update: Query) -> None:
        await self._run(self._of(collection).update_many(query, update))

    async def take(
        self, collection: str, query: Query, update: Query, *, order: Order | None = None
    ) -> Document | None:
        """Change one and give it as it is then. Raises `Conflict` where a unique index forbids it."""
        call = self._of(collection).find_one_and_update(query, update, sort=order, return_document=ReturnDocument.AFTER)
        found: Document | None = await self._run(call)
        return found

    async def pull_out(self, collection: str, query: Query) -> Document | None:
        """Remove one and give it as it was."""
        found: Document | None = await self._run(self._of(collection).find_one_and_delete(query))
        return found

    async def remove(self, collection: str, query: Query) -> int:
        done = await self._run(self._of(collection).delete_many(query))
        return int(done.deleted_count)

    async def collections(self) -> list[str]:
        if self._database is None:
            raise StoreUnavailable("The store is not open.")
        names: list[str] = await self._run(self._database.list_collection_names())
        return names

    async def index(self, collection: str, fields: Order, **options: Any) -> None:
        await self._run(self._of(collection).create_index(list(fields), **options))


def _not_a_url() -> ConfigError:
    return ConfigError("The setting `store` is not a URL such as mongodb://host:27017/memproxy.", param="store")
