"""Databases as files, with all they hold: for each kind, how one is written and how it is made again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bson import json_util
from pymongo import MongoClient

from memproxy_mongo import schema as mongo_schema
from memproxy_sql import schema as sql_schema
from tests.servers.mariadb import MariaDB
from tests.servers.mongo_wire import MongoWire
from tests.servers.postgres import Postgres

DATA = Path(__file__).parent
NEWEST = {
    "sqlite": f"sqlite_{sql_schema.HEAD}.sql",
    "postgresql": f"postgresql_{sql_schema.HEAD}.sql",
    "mariadb": f"mariadb_{sql_schema.HEAD}.sql",
    "mongodb": f"mongodb_{mongo_schema.VERSION}.jsonl",
}
"""The dump of each kind that has the newest version."""


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def dump_sqlite(file: Path) -> str:
    conn = sqlite3.connect(file)
    script = "\n".join(conn.iterdump())
    conn.close()
    return script


def load_sqlite(script: str, file: Path) -> None:
    conn = sqlite3.connect(file)
    conn.executescript(script)
    conn.close()


def dump_sql(server: Postgres | MariaDB, url: str) -> str:
    return server.dump(name_of(url))


def load_sql(script: str, server: Postgres | MariaDB) -> str:
    """Gives the URL."""
    url = server.database()
    server.load(script, database=name_of(url))
    return url


def dump_mongo(url: str) -> str:
    """A line for each document, as extended JSON; indexes are made when a store opens."""
    with MongoClient(url) as client:
        db = client[name_of(url)]
        return "\n".join(
            json_util.dumps([name, found], json_options=json_util.CANONICAL_JSON_OPTIONS, ensure_ascii=False)
            for name in sorted(db.list_collection_names())
            for found in db[name].find(sort=[("_id", 1)])
        )


def load_mongo(lines: str, server: MongoWire) -> str:
    """Gives the URL."""
    url = server.database()
    with MongoClient(url) as client:
        for line in lines.removesuffix("\n").split("\n"):
            name, found = json_util.loads(line, json_options=json_util.CANONICAL_JSON_OPTIONS)
            client[name_of(url)][name].insert_one(found)
    return url
