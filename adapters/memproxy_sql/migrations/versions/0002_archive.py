"""What it takes to list, correct, carry away and erase a memory, and to find a statement among many.

The names of indexes say what they are for: a request's receipt, an entity's rows in tables that had them by other keys,
an id that recognises a session, a page of facts.
"""

from hashlib import blake2b

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BATCH = 1000


def upgrade() -> None:
    op.add_column("tenant", sa.Column("earliest", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("fact", sa.Column("authored", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("fact", sa.Column("value_key", sa.LargeBinary(), nullable=True))
    _fill_value_keys()
    op.drop_index("ix_fact_tenant_id_entity_id_attribute", "fact")
    op.create_index(
        op.f("ix_fact_tenant_id_entity_id_attribute_value_key"),
        "fact",
        ["tenant_id", "entity_id", "attribute", "value_key"],
        unique=False,
        sqlite_where=sa.text("attribute IS NOT NULL"),
    )
    op.drop_index("ix_message_tenant_id_entity_id_session_id_external_id", "message")
    op.create_index(
        op.f("ix_message_tenant_id_entity_id_external_id_session_id"),
        "message",
        ["tenant_id", "entity_id", "external_id", "session_id"],
        unique=True,
        sqlite_where=sa.text("external_id IS NOT NULL"),
    )
    for table, columns in (
        ("entity", ["tenant_id", "created_at", "id"]),
        ("fact", ["tenant_id", "entity_id", "number", "state", "kind"]),
        ("injection", ["tenant_id", "request_id"]),
        ("job", ["tenant_id", "entity_id", "created_at", "id"]),
        ("usage", ["tenant_id", "entity_id"]),
    ):
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, unique=False)


def _fill_value_keys() -> None:
    columns = [sa.Column(name, sa.String()) for name in ("tenant_id", "entity_id", "id", "value")]
    fact = sa.Table("fact", sa.MetaData(), *columns, sa.Column("value_key", sa.LargeBinary()))
    key = (fact.c.tenant_id, fact.c.entity_id, fact.c.id)
    fill = (
        sa.update(fact)
        .where(*(column == sa.bindparam(f"of_{column.name}") for column in key))
        .values(value_key=sa.bindparam("value_key"))
    )
    conn = op.get_bind()
    found = conn.execute(sa.select(*key, fact.c.value).where(fact.c.value.is_not(None))).partitions(_BATCH)
    for rows in found:
        conn.execute(fill, [_filled(*row) for row in rows])


def _filled(tenant: str, entity: str, fact: str, value: str) -> dict[str, object]:
    digest = blake2b(value.encode(), digest_size=16).digest()
    return {"of_tenant_id": tenant, "of_entity_id": entity, "of_id": fact, "value_key": digest}
