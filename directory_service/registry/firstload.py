"""What guards and what finds rows, set aside while an empty registry is filled: indexes, and on PostgreSQL references
and what is unique.

All is back before the transaction ends, and checked then.  See docs/decisions/0006.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection, Index

from directory_service.registry.bulk import is_empty
from directory_service.registry.tables import (
    activity,
    binding,
    expertise,
    identifier,
    journal,
    mailbox,
    metadata,
    organization,
    practitioner,
    qualification,
    source_record,
)

_KEPT = (binding,)  # the one table looked up otherwise than by key meanwhile: which holders a mailbox has
_CHANGED = (practitioner, organization, mailbox)  # looked up by key: what else is unique is checked at the end
_ADDED_TO = (activity, expertise, identifier, journal, qualification, source_record)  # not looked up at all
_CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND confrelid IN ('practitioner'::regclass, 'organization'::regclass, 'mailbox'::regclass)
OR contype = 'u' AND conrelid = ANY (%(changed)s::regclass[])
OR contype IN ('p', 'u') AND conrelid = ANY (%(added_to)s::regclass[])
ORDER BY contype = 'f', conrelid, conname
"""
_UNUSABLE = """
SELECT DISTINCT indrelid::regclass::text FROM pg_index WHERE indcheckxmin AND indrelid = ANY (%s::regclass[])
"""
_SORTING = "256MB"  # memory of one sort, where the server gives less


@contextmanager
def fast_load(
    connection: Connection, during: Callable[[str], AbstractContextManager[object]] = nullcontext
) -> Iterator[bool]:
    """Around a first load into an empty registry: drops the indexes that guard nothing (not unique) and builds them
    at the end, in the same transaction; so too PostgreSQL's references, each of which costs a look-up a row, and what
    is unique but the keys by which rows are changed: all is checked together then.  Yields whether it did; does nothing
    once the registry holds something.  ``during`` measures the stage ``indexes``."""
    if not is_empty(connection):
        yield False
        return
    indexes, constraints = _indexes(connection), _constraints(connection)
    for table, name, _ in constraints:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for index in indexes:
        index.drop(connection)
    yield True
    # Not in a `finally`: after an error the caller rolls everything back, what was dropped included.
    with during("indexes"):
        if constraints:
            _sort_in_memory(connection)
        for index in indexes:
            index.create(connection)
        for table, name, definition in constraints:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        if constraints:
            _make_usable(connection)
        connection.exec_driver_sql(f"ANALYZE {_ours(connection)}")


def _ours(connection: Connection) -> str:
    """PostgreSQL complains of each of its own tables that the role may not analyze."""
    return ", ".join(map(str, metadata.sorted_tables)) if connection.dialect.name == "postgresql" else ""


def _indexes(connection: Connection) -> list[Index]:
    kept = _KEPT if connection.dialect.name == "postgresql" else ()
    return [i for t in metadata.sorted_tables if t not in kept for i in t.indexes if not i.unique]


def _constraints(connection: Connection) -> list[tuple[str, str, str]]:
    """Table, name and definition of each, references last: they need keys."""
    if connection.dialect.name != "postgresql":
        return []
    named = {"changed": _CHANGED, "added_to": _ADDED_TO}
    tables = {name: [str(table.name) for table in some] for name, some in named.items()}
    return [tuple(row) for row in connection.exec_driver_sql(_CONSTRAINTS, tables)]


def _make_usable(connection: Connection) -> None:
    """PostgreSQL does not use an index, in the transaction that builds it, over rows that were updated in place before:
    each look-up of the reconciliation would read a whole table.  Such a table, of which there is seldom one, is written
    anew, and its rows are then in no chain of updates."""
    ours = [str(table.name) for table in metadata.sorted_tables]
    for table in connection.exec_driver_sql(_UNUSABLE, (ours,)).scalars().all():
        connection.exec_driver_sql(f"CLUSTER {table} USING pk_{table}")
        connection.exec_driver_sql(f"ALTER TABLE {table} SET WITHOUT CLUSTER")
        connection.exec_driver_sql(f"REINDEX TABLE {table}")  # CLUSTER believes that a unique index still is unusable


def _sort_in_memory(connection: Connection) -> None:
    """Until the end of the transaction."""
    connection.exec_driver_sql(
        "SELECT set_config('maintenance_work_mem', %s, true) "
        "WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes(%s)",
        (_SORTING, _SORTING),
    )
