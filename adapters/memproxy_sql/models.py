"""The tables, as SQLModel classes: the one place that says what is stored.

tenant 1─n entity 1─n session 1─n message, injection; entity 1─n fact 1─n fact_mention, triple, event.

Rules: `tenant_id` leads every primary key and index, but for the two questions that are asked over all tenants: which
job is due, and whose key is this. Times are whole microseconds since 1970, UTC. Ids are text as they came. There are
no foreign keys: rows are written in one place and erased by tenant and entity, and every key checked is time taken
from a chat. `number`, `position` and `version` come from counters in the parent's row.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Index, MetaData, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from memproxy_sql.dialect import everywhere


class Stored(SQLModel):
    """Base of the tables; its metadata is apart from SQLModel's own, which belongs to the application."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def time(*, null: bool = False) -> int:
    """A column of microseconds."""
    field: int = Field(default=None if null else ..., sa_type=BigInteger, nullable=null)
    return field


class Tenant(Stored, table=True):
    __tablename__ = "tenant"
    id: str = Field(primary_key=True)
    created_at: int = time()
    earliest: int = time()
    """When its next entity may be born at the earliest: past every version that an erased one has had."""


class ApiKey(Stored, table=True):
    __tablename__ = "api_key"
    id: str = Field(primary_key=True)
    tenant_id: str = Field(index=True)
    digest: bytes
    created_at: int = time()
    entity_id: str | None
    process_id: str | None
    recall_scope: str | None
    revoked_at: int | None = time(null=True)


class ProviderKey(Stored, table=True):
    """A tenant's own credential at a provider, sealed; nothing writes it yet."""

    __tablename__ = "provider_key"
    tenant_id: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    sealed: bytes
    created_at: int = time()


class Entity(Stored, table=True):
    __tablename__ = "entity"
    __table_args__ = (Index(None, "tenant_id", "created_at", "id"),)
    tenant_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    created_at: int = time()
    version: int = Field(sa_type=BigInteger)
    """Counted up by each write to the memory; begins at the milliseconds since 1970."""
    numbers: int
    """The highest `fact.number` given."""


class Process(Stored, table=True):
    __tablename__ = "process"
    tenant_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    created_at: int = time()


class Session(Stored, table=True):
    __tablename__ = "session"
    __table_args__ = (Index(None, "tenant_id", "entity_id", "created_at", "id"),)
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    process_id: str | None
    created_at: int = time()
    last_at: int = time()
    messages: int
    injections: int


class Message(Stored, table=True):
    __tablename__ = "message"
    __table_args__ = (
        Index(None, "tenant_id", "entity_id", "session_id", "position", unique=True),
        # Led by the key, or the id: an index answers whether the entity holds a message at all, and in which sessions.
        Index(None, "tenant_id", "entity_id", "key", "session_id", unique=True),
        Index(
            None,
            "tenant_id",
            "entity_id",
            "external_id",
            "session_id",
            unique=True,
            sqlite_where=sql("external_id IS NOT NULL"),
            postgresql_where=sql("external_id IS NOT NULL"),
        ),
        Index(
            "ix_message_unaugmented",
            "tenant_id",
            "entity_id",
            "session_id",
            "position",
            sqlite_where=sql("augmented = 0"),
            postgresql_where=sql("augmented = false"),
        ),
    )
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    session_id: str = Field(primary_key=True)
    position: int
    key: bytes
    role: str
    name: str | None
    external_id: str | None
    complete: bool
    augmented: bool
    created_at: int = time()
    extra: bytes | None
    text: str = Field(sa_type=Text)


class Injection(Stored, table=True):
    __tablename__ = "injection"
    __table_args__ = (Index(None, "tenant_id", "request_id"),)
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    session_id: str = Field(primary_key=True)
    anchor: bytes = Field(primary_key=True)
    position: int
    tokens: int
    request_id: str
    created_at: int = time()
    facts: str = Field(sa_type=Text)
    """JSON list of fact ids."""
    block: str = Field(sa_type=Text)
    receipt: bytes
    """Last, so that reading the blocks does not read it."""


class Fact(Stored, table=True):
    __tablename__ = "fact"
    __table_args__ = (
        Index(None, "tenant_id", "entity_id", "version"),
        # All facts of an attribute, or of a statement.
        Index(
            None,
            "tenant_id",
            "entity_id",
            "attribute",
            "value_key",
            sqlite_where=sql("attribute IS NOT NULL"),
            postgresql_where=sql("attribute IS NOT NULL"),
        ),
        # Lists and counts facts by what is mostly asked for, without reading them.
        Index(None, "tenant_id", "entity_id", "number", "state", "kind"),
    )
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    number: int
    version: int = Field(sa_type=BigInteger)
    kind: str
    state: str
    text: str = Field(sa_type=Text)
    tokens: int
    first_seen: int = time()
    last_seen: int = time()
    embedding: bytes | None
    model: str | None
    attribute: str | None
    value: str | None = Field(sa_type=Text)
    value_key: bytes | None
    """16 bytes of the value, for the index: a value may be long."""
    speaker: str | None
    role: str
    process_id: str | None
    mentions: int
    valid_from: int | None = time(null=True)
    valid_to: int | None = time(null=True)
    superseded_by: str | None
    confidence: float
    expires_at: int | None = time(null=True)
    pinned: bool
    authored: bool
    meta: str | None = Field(sa_type=Text)
    """JSON object; null where empty. (`metadata` is a word of SQLAlchemy's own.)"""


class FactMention(Stored, table=True):
    __tablename__ = "fact_mention"
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    fact_id: str = Field(primary_key=True)
    message_id: str = Field(primary_key=True)
    session_id: str
    public_id: str


class Triple(Stored, table=True):
    __tablename__ = "triple"
    __table_args__ = (Index(None, "tenant_id", "entity_id", "fact_id"),)
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    fact_id: str
    subject: str
    predicate: str
    object: str


class Category(Stored, table=True):
    """A heading under which facts are grouped; nothing writes it yet."""

    __tablename__ = "category"
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    created_at: int = time()


class Summary(Stored, table=True):
    """What a session came to, up to a message; nothing writes it yet."""

    __tablename__ = "summary"
    __table_args__ = (Index(None, "tenant_id", "entity_id", "session_id"),)
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    session_id: str
    text: str = Field(sa_type=Text)
    position: int
    """Of the last message it covers."""
    created_at: int = time()


class Event(Stored, table=True):
    __tablename__ = "event"
    __table_args__ = (Index(None, "tenant_id", "entity_id", "fact_id"),)
    tenant_id: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    fact_id: str
    action: str
    reason: str = Field(sa_type=Text)
    before: str | None = Field(sa_type=Text)
    after: str | None = Field(sa_type=Text)
    created_at: int = time()


class Job(Stored, table=True):
    __tablename__ = "job"
    __table_args__ = (
        Index(None, "state", "created_at", "id"),
        # One running job per entity, even where two workers claim at once. (MySQL has no partial indexes;
        # `dialect.py` makes one of a generated column.)
        Index(
            "ix_job_running",
            "tenant_id",
            "entity_id",
            unique=True,
            sqlite_where=sql("state = 'running'"),
            postgresql_where=sql("state = 'running'"),
        ).ddl_if(dialect=("sqlite", "postgresql")),  # type: ignore[arg-type] # it takes a tuple
        Index(None, "tenant_id", "entity_id", "created_at", "id"),
    )
    tenant_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    kind: str
    entity_id: str
    process_id: str | None
    session_id: str | None
    created_at: int = time()
    run_at: int = time()
    state: str
    attempts: int
    lease_until: int | None = time(null=True)
    worker: str | None
    error: str | None = Field(sa_type=Text)
    finished_at: int | None = time(null=True)


class Usage(Stored, table=True):
    __tablename__ = "usage"
    __table_args__ = (Index(None, "tenant_id", "entity_id"),)
    tenant_id: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    entity_id: str
    session_id: str
    process_id: str | None
    model: str
    prompt_tokens: int = Field(sa_type=BigInteger)
    completion_tokens: int = Field(sa_type=BigInteger)
    created_at: int = time()


tables = Stored.metadata.tables

for _table in tables.values():
    _keyed = {column for index in _table.indexes for column in index.columns} | set(_table.primary_key)
    for _column in _table.columns:
        _column.type = everywhere(_column.type, keyed=_column in _keyed)
