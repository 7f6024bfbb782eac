"""The vector index in the PostgreSQL that is the store: pgvector, for entities too large to hold in memory.

It stands on `memproxy_sql`: the same URL means the same server with the same time-outs and the same words for what went
wrong, and its rows hang on the store's row of the entity, so that they go in the transaction that erases it.
"""

from memproxy_pgvector.index import PgvectorIndex, open_index

__all__ = ["PgvectorIndex", "open_index"]
