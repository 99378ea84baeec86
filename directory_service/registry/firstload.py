"""What guards and what finds rows, set aside while an empty registry is filled: indexes, and on PostgreSQL references.

All is back before the transaction ends, and checked then.  See docs/decisions/0006.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection, Index

from directory_service.registry.bulk import is_empty
from directory_service.registry.tables import binding, metadata, organization, practitioner

# PostgreSQL does not use an index, in the transaction that builds it, over rows that were updated in place before:
# each look-up would read a whole table of those that a first load may change.
_UPDATED = (practitioner, organization, binding)
_REFERENCES = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND confrelid IN ('practitioner'::regclass, 'organization'::regclass, 'mailbox'::regclass)
ORDER BY conrelid, conname
"""


@contextmanager
def fast_load(
    connection: Connection, during: Callable[[str], AbstractContextManager[object]] = nullcontext
) -> Iterator[bool]:
    """Around a first load into an empty registry: drops the indexes that guard nothing (not unique) and builds them
    at the end, in the same transaction; PostgreSQL's references, each of which costs a look-up a row, are dropped and
    checked all together then.  Yields whether it did; does nothing once the registry holds something.
    ``during`` measures the stage ``indexes``."""
    if not is_empty(connection):
        yield False
        return
    indexes, references = _indexes(connection), _references(connection)
    for table, name, _ in references:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for index in indexes:
        index.drop(connection)
    yield True
    # Not in a `finally`: after an error the caller rolls everything back, what was dropped included.
    with during("indexes"):
        for index in indexes:
            index.create(connection)
        for table, name, definition in references:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        connection.exec_driver_sql("ANALYZE")


def _indexes(connection: Connection) -> list[Index]:
    kept = _UPDATED if connection.dialect.name == "postgresql" else ()
    return [i for t in metadata.sorted_tables if t not in kept for i in t.indexes if not i.unique]


def _references(connection: Connection) -> list[tuple[str, str, str]]:
    """Table, name and definition of each."""
    if connection.dialect.name != "postgresql":
        return []
    return [(table, name, definition) for table, name, definition in connection.exec_driver_sql(_REFERENCES)]
