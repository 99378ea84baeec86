"""Rows of a registry, with as little said as a test needs; everything else has a dull default.  All people made up."""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import Connection, update

from directory_service.model.clients import PREFIX
from directory_service.registry import tables
from directory_service.registry.bulk import insert_rows

START = "2026-01-01T00:00:00Z"
LATER = "2026-06-01T00:00:00Z"

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # half a second less for each of two secrets

_DULL: dict[str, dict[str, Any]] = {
    "run": {
        "started_at": START,
        "finished_at": START,
        "actor": "test",
        "kind": "import",
        "status": "done",
        "as_of": START,
    },
    "practitioner": {"status": "active", "status_since": START, "created_at": START, "changed_at": START},
    "identifier": {"scheme": "8", "current": True, "since": START, "how": "extract"},
    "organization": {"source": "rpps.activity", "digest": 1, "created_at": START, "changed_at": START},
    "activity": {"source": "rpps.activity"},
    "expertise": {"source": "rpps.activity"},
    "source_record": {"source": "rpps.activity", "digest": 1, "run_id": 1},
    "mailbox": {"type": "PER", "source": "mssante.mailboxes", "since": START, "unlisted": False, "changed_at": START},
    "binding": {"source": "mssante.mailboxes", "since": START, "preferred": False},
    "operator": {"status": "active", "status_since": START},
    "domain": {"since": START},
}


def add(connection: Connection, table: str, **columns: Any) -> None:
    """Inserts one row."""
    row = _DULL.get(table, {}) | columns
    insert_rows(connection, tables.metadata.tables[table], tuple(row), [tuple(row.values())])


def add_person(connection: Connection, key: int, number: str, **columns: Any) -> None:
    """A practitioner and her RPPS number."""
    add(connection, "practitioner", id=key, national_id="8" + number, **columns)
    add(connection, "identifier", practitioner_id=key, value=number)


def add_place(connection: Connection, key: int, **columns: Any) -> None:
    add(connection, "organization", id=key, **{"technical_id": f"R{key:014}", "national_id": f"R{key:014}"} | columns)


def add_box(connection: Connection, key: int, address: str, **columns: Any) -> None:
    """A mailbox and its first binding, whose columns are given with it."""
    own = {c: columns.pop(c) for c in ("type", "unlisted") if c in columns}
    add(connection, "mailbox", id=key, address=address, until=columns.get("until"), **own)
    add(connection, "binding", mailbox_id=key, **columns)


def secret_of(connection: Connection, name: str) -> str:
    """A secret of the operator that is quick to make and to verify."""
    secret = f"{name}.essai"
    where = tables.operator.c.name == name
    connection.execute(update(tables.operator).where(where).values(secret_hash=CHEAP.hash(secret)))
    return secret


def key_of(connection: Connection, name: str) -> str:
    """The same of a program; it is not that of an operator of its name."""
    key = f"{PREFIX}{name}.logiciel"
    where = tables.client.c.name == name
    connection.execute(update(tables.client).where(where).values(secret_hash=CHEAP.hash(key)))
    return key
