"""What a run changes, kept so that ``registry.rollback`` can take it back.

The database keeps it by itself while ``recording`` is open: triggers put each row into ``undo_row`` as it was before
the run first touched it, whoever writes.  Rows that the run created are told by their keys, or by the run that they
name, and cost nothing: a first load writes no row here.  See docs/decisions/0017.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, Table, insert, text

from directory_service.registry.bulk import top_key
from directory_service.registry.tables import (
    activity,
    client,
    journal,
    log_head,
    log_leaf,
    log_node,
    log_place,
    mail_certificate,
    metadata,
    operator_certificate,
    replay,
    run,
    run_file,
    suspension,
    undo_range,
    undo_row,
)

# The record of what happened, which stays, and what no import touches: certificates, what operators
# did by hand, their requests.
_LOG = {log_leaf, log_node, log_head, log_place}
_APART = {run, journal, undo_row, operator_certificate, suspension, mail_certificate, replay, client, *_LOG}
_TOLD_OF = {run, run_file}  # what hangs on these is of that record: files, rejections, findings


def _is_apart(table: Table) -> bool:
    return table in _APART or any(fk.column.table in _TOLD_OF for fk in table.foreign_keys)


UNDOABLE: tuple[Table, ...] = tuple(t for t in metadata.sorted_tables if not _is_apart(t))


def is_numbered(table: Table) -> bool:
    """Whether its rows are told by one number; then the largest are the newest."""
    columns = table.primary_key.columns
    return len(columns) == 1 and isinstance(columns[0].type, Integer)


def names_its_run(table: Table) -> bool:
    """Whether each row, not told by a number, says the run that wrote it last."""
    return not is_numbered(table) and "run_id" in table.c


def key_of(table: Table, written: str) -> tuple[Any, ...]:
    """The values of a key as ``undo_row`` writes it, in the order of the table's."""
    if is_numbered(table):
        return (int(written),)
    return (written,) if len(table.primary_key.columns) == 1 else tuple(json.loads(written))


@contextmanager
def recording(connection: Connection, run_id: int) -> Iterator[None]:
    """Around all that one run writes, in its transaction."""
    numbered = [t for t in (*UNDOABLE, journal) if is_numbered(t)]
    firsts = {t.name: top_key(connection, t) + 1 for t in numbered}
    start, stop = _ON[connection.dialect.name]
    start(connection, run_id, firsts)
    yield
    stop(connection)
    rows = [
        {"run_id": run_id, "table_name": t.name, "first": firsts[t.name], "after": top_key(connection, t) + 1}
        for t in numbered
    ]
    connection.execute(insert(undo_range), rows)


# --- SQLite: triggers of this connection alone -----------------------------------------------------------------------


def _start_sqlite(connection: Connection, run_id: int, firsts: dict[str, int]) -> None:
    for table in UNDOABLE:
        if is_numbered(table):
            when = f"WHEN OLD.id < {firsts[table.name]}"
        else:
            when = f"WHEN OLD.run_id <> {run_id}" if names_its_run(table) else ""
        for event in ("UPDATE", "DELETE"):
            _sqlite_trigger(connection, table, event, when, f"{run_id}, '{table.name}', {sqlite_row('OLD', table)}")
        created = f"{run_id}, '{table.name}', {_sqlite_key('NEW', table)}, NULL"
        if not is_numbered(table) and not names_its_run(table):
            _sqlite_trigger(connection, table, "INSERT", "", created)
        elif is_numbered(table) and firsts[table.name] > 1:
            # SQLite counts from the largest key that is left, so that a run that deletes the last rows may give one
            # that was free below them.
            _sqlite_trigger(connection, table, "INSERT", f"WHEN NEW.id < {firsts[table.name]}", created)


def _sqlite_trigger(connection: Connection, table: Table, event: str, when: str, kept: str) -> None:
    connection.exec_driver_sql(  # our own tables and numbers
        f"CREATE TEMP TRIGGER undo_{table.name}_{event} AFTER {event} ON main.{table.name} {when} "  # noqa: S608
        f"BEGIN INSERT OR IGNORE INTO undo_row (run_id, table_name, key, before) VALUES ({kept}); END"
    )


def _stop_sqlite(connection: Connection) -> None:
    names = connection.exec_driver_sql("SELECT name FROM sqlite_temp_master WHERE name LIKE 'undo_%'").scalars()
    for name in list(names):
        connection.exec_driver_sql(f"DROP TRIGGER temp.{name}")


def sqlite_row(row: str, table: Table) -> str:
    """SQL: the key, then the whole row as JSON."""
    pairs = ", ".join(f"'{c.name}', {_sqlite_value(row, c)}" for c in table.columns)
    return f"{_sqlite_key(row, table)}, json_object({pairs})"


def _sqlite_value(row: str, column: Column[Any]) -> str:
    """JSON functions write 15 digits of a number; 17 give it back exactly (but near the largest)."""
    value = f"{row}.{column.name}"
    exact = f"CASE WHEN {value} IS NOT NULL THEN json(printf('%!.17g', {value})) END"
    return exact if isinstance(column.type, Float) else value


def _sqlite_key(row: str, table: Table) -> str:
    names = [f"{row}.{c.name}" for c in table.primary_key.columns]
    return f"CAST({names[0]} AS TEXT)" if len(names) == 1 else f"json_array({', '.join(names)})"


# --- PostgreSQL: triggers of the tables, asleep outside of a transaction that says its run ---------------------------

_FUNCTION = """
CREATE OR REPLACE FUNCTION annuaire_keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held jsonb := CASE WHEN TG_OP = 'INSERT' THEN to_jsonb(NEW) ELSE to_jsonb(OLD) END;
    name text := held ->> TG_ARGV[0];
BEGIN
    IF TG_NARGS > 1 THEN
        SELECT jsonb_agg(held -> c ORDER BY n)::text INTO name FROM unnest(TG_ARGV) WITH ORDINALITY AS t(c, n);
    END IF;
    INSERT INTO undo_row (run_id, table_name, key, before) VALUES (current_setting('annuaire.run')::bigint,
        TG_TABLE_NAME, name, CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE held::text END) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""


def _start_postgresql(connection: Connection, run_id: int, firsts: dict[str, int]) -> None:
    _install(connection)
    _say(connection, {"run": str(run_id), **{f"first_{name}": str(first) for name, first in firsts.items()}})


def _stop_postgresql(connection: Connection) -> None:
    _say(connection, {"run": "", **{f"first_{t.name}": "" for t in UNDOABLE if is_numbered(t)}})


def _say(connection: Connection, said: dict[str, str]) -> None:
    for name, value in said.items():
        connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": f"annuaire.{name}", "value": value})


def _install(connection: Connection) -> None:
    """Creates the triggers that are missing; readers are not in the way, nor they in that of readers."""
    query = (
        "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname = 'undo_changed' AND pg_table_is_visible(c.oid)"
    )
    missing = {t.name: t for t in UNDOABLE}
    for name in connection.exec_driver_sql(query).scalars():
        missing.pop(name, None)
    if missing:
        connection.exec_driver_sql(_FUNCTION)
    for table in missing.values():
        run_said = "nullif(current_setting('annuaire.run', true), '')::bigint"
        new = f"{run_said} IS NOT NULL"
        if is_numbered(table):
            changed = f"OLD.id < nullif(current_setting('annuaire.first_{table.name}', true), '')::bigint"
        else:
            changed = f"OLD.run_id <> {run_said}" if names_its_run(table) else new
        _postgresql_trigger(connection, table, "undo_changed", "UPDATE OR DELETE", changed)
        if changed == new:
            _postgresql_trigger(connection, table, "undo_created", "INSERT", new)


def _postgresql_trigger(connection: Connection, table: Table, name: str, events: str, when: str) -> None:
    arguments = ", ".join(f"'{c.name}'" for c in table.primary_key.columns)
    connection.exec_driver_sql(
        f"CREATE TRIGGER {name} AFTER {events} ON {table.name} FOR EACH ROW WHEN ({when}) "
        f"EXECUTE FUNCTION annuaire_keep_row({arguments})"
    )


def postgresql_row(row: str, table: Table) -> str:
    """SQL: the key, then the whole row as JSON."""
    names = [f"{row}.{c.name}" for c in table.primary_key.columns]
    key = f"{names[0]}::text" if len(names) == 1 else f"jsonb_build_array({', '.join(names)})::text"
    return f"{key}, to_jsonb({row})::text"


_ON = {"sqlite": (_start_sqlite, _stop_sqlite), "postgresql": (_start_postgresql, _stop_postgresql)}


def kept_row(connection: Connection, table: Table) -> str:
    """SQL: key and JSON of a row of ``table``, in the form of ``undo_row``."""
    return {"sqlite": sqlite_row, "postgresql": postgresql_row}[connection.dialect.name](str(table.name), table)


def references(table: Table) -> dict[Column[Any], str]:
    """Columns that name a record that shows the row, the one that it is part of first."""
    found = {c: _REFERS[c.name] for c in table.columns if c.name in _REFERS and c is not activity.c.organization_id}
    return {table.c.id: table.name, **found} if table.name in _REFERS.values() else found


_REFERS = {  # in the journal's words; a structure does not show who works there
    "mailbox_id": "mailbox",
    "practitioner_id": "practitioner",
    "organization_id": "organization",
    "operator_id": "operator",
    "merged_into": "practitioner",
}
