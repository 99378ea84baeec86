"""Many rows at once, past SQLAlchemy's per-row work: the driver's executemany on SQLite, COPY on PostgreSQL.

Everything happens inside the caller's transaction.  Values are what the column stores: text, int, bool, bytes, None.
Measured: see docs/reference/performance.md (import).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    func,
    insert,
    literal,
    select,
)

from directory_service.registry.tables import mailbox, organization, practitioner, undo_range

_TOGETHER = 20  # rows of one INSERT on SQLite: a fifth less time than one by one; more gains nothing
CHUNK = 500  # ids in one IN (…): well under SQLite's 999 of old and PostgreSQL's 65,535


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Inserts ``rows``, whose values stand in the order of ``columns``.  Keys may be given or left to the database:
    where they are given, PostgreSQL's sequence is moved past them."""
    _begin(connection)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
        _move_sequence(connection, table, columns)
        return
    held, marks = list(rows), f"({', '.join('?' * len(columns))})"
    whole = len(held) - len(held) % _TOGETHER
    joined = (tuple(chain.from_iterable(held[i : i + _TOGETHER])) for i in range(0, whole, _TOGETHER))
    head = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608 - our own tables
    _executemany(connection, head + ", ".join([marks] * _TOGETHER), joined)
    _executemany(connection, head + marks, held[whole:])


def plain_rows(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query as the driver gives them: half of what SQLAlchemy's rows cost.  Values are as above.
    PostgreSQL's are all held by libpq meanwhile."""
    cursor: Any = connection.execute(query).cursor
    return iter(cursor)


def among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column has one of these values, however many they are."""
    if connection.dialect.name == "postgresql":
        return column == func.any(literal(list(values), ARRAY(column.type)))
    return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))


def insert_numbered(
    connection: Connection,
    table: Table,
    shared: Mapping[str, Any],
    counted: tuple[str, int],
    given: tuple[str, list[int]],
) -> None:
    """Inserts a row for each value of ``given`` (column, values): ``counted`` (column, first) goes up by one each time,
    ``shared`` is the same in all.  One statement, whose rows the database makes."""
    (number, first), (name, values) = counted, given
    if connection.dialect.name == "postgresql":
        listed = func.unnest(literal(values, ARRAY(BigInteger)))
        made = listed.table_valued("value", with_ordinality="place", name="given").render_derived()
        place = made.c.place - 1
    else:
        made = func.json_each(json.dumps(values)).table_valued("key", "value", name="given")
        place = made.c.key
    columns = [literal(v, table.c[column].type) for column, v in shared.items()]
    rows = select(*columns, place + first, made.c.value).order_by(place)
    connection.execute(insert(table).from_select([*shared, number, name], rows))


def update_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Sets ``columns`` of the rows whose ``id`` is the last value of each tuple."""
    mark = _mark(connection)
    pairs = ", ".join(f"{column} = {mark}" for column in columns)
    _executemany(connection, f"UPDATE {table.name} SET {pairs} WHERE id = {mark}", rows)  # noqa: S608 - our own tables


def delete_rows(connection: Connection, table: Table, ids: Iterable[int]) -> None:
    sql = f"DELETE FROM {table.name} WHERE id = {_mark(connection)}"  # noqa: S608 - our own tables
    _executemany(connection, sql, ((pk,) for pk in ids))


def next_id(connection: Connection, table: Table) -> int:
    """The first key never given in this table; yours to count from until the end of a ``writing`` transaction.  Keys
    of records that a rollback took out were given: the journal speaks of them."""
    given = select(func.coalesce(func.max(undo_range.c.after), 0)).where(undo_range.c.table_name == table.name)
    return max(top_key(connection, table) + 1, int(connection.execute(given).scalar_one()))


def top_key(connection: Connection, table: Table) -> int:
    """The largest key of the rows that are there; 0 for an empty table."""
    return int(connection.execute(_top_of(table)).scalar_one())


@cache
def _top_of(table: Table) -> Select[tuple[Any]]:
    """Made once: each run asks it of every table, twice, and making it takes longer than the answer."""
    (key,) = table.primary_key.columns
    return select(func.coalesce(func.max(key), 0))


def chunks(values: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """``values`` in lists of at most ``size``, in order."""
    held: list[Any] = []
    for value in values:
        held.append(value)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


def is_empty(connection: Connection) -> bool:
    """Whether the registry holds no record yet."""
    tables = (practitioner, organization, mailbox)
    return all(connection.execute(select(t.c.id).limit(1)).first() is None for t in tables)


def _begin(connection: Connection) -> None:
    """What goes straight to the driver does not make SQLAlchemy begin: without this, SQLite would autocommit."""
    if not connection.in_transaction():
        connection.begin()


def _mark(connection: Connection) -> str:
    return "%s" if connection.dialect.name == "postgresql" else "?"


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _executemany(connection: Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    _begin(connection)
    cursor = _cursor(connection)
    try:
        cursor.executemany(sql, rows)
    finally:
        cursor.close()


def _copy(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with _cursor(connection) as cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _move_sequence(connection: Connection, table: Table, columns: Sequence[str]) -> None:
    key: Column[Any] | None = table.autoincrement_column
    if key is None or key.name not in columns:
        return
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    connection.execute(select(func.setval(sequence, func.max(key))).having(func.max(key).is_not(None)))
