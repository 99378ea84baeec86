"""What the registry holds, to compare before and after: as it stands, and as it reads without the keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from directory_service.registry.engine import reading
from directory_service.registry.tables import domain, operator, operator_certificate
from directory_service.registry.tally import count, read_tally
from directory_service.registry.undo import UNDOABLE

Rows = dict[str, list[Any]]
_NAMES = {"practitioner": "national_id", "organization": "technical_id", "mailbox": "address", "operator": "name"}
_OF = {
    "practitioner_id": "practitioner",
    "merged_into": "practitioner",
    "organization_id": "organization",
    "mailbox_id": "mailbox",
    "operator_id": "operator",
}


def contents(engine: Engine) -> Rows:
    """Every row of every table but those that tell of the runs themselves, with its keys."""
    with reading(engine) as connection:
        return {
            str(table.name): sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in (*UNDOABLE, operator, operator_certificate, domain)
        }


def meaning(engine: Engine) -> Rows:
    """The same, records told by their names: keys and numbers of runs are given anew by each import."""
    with reading(engine) as connection:
        held = {str(t.name): [dict(row) for row in connection.execute(select(t)).mappings()] for t in UNDOABLE}
    names = {table: {row["id"]: row[name] for row in held[table]} for table, name in _NAMES.items()}
    return {table: sorted((_named(row, names) for row in rows), key=repr) for table, rows in held.items()}


def assert_tally_is_the_count(engine: Engine) -> None:
    """What is kept of how much there is, is how much there is."""
    with reading(engine) as connection:
        kept, counted = read_tally(connection), count(connection)
    assert {d: {k: n for k, n in by_key.items() if n} for d, by_key in kept.items() if by_key} == {
        d: dict(by_key) for d, by_key in counted.items()
    }


def _named(row: dict[str, Any], names: dict[str, dict[int, str]]) -> list[tuple[str, Any]]:
    found = []
    for column, value in row.items():
        if column in ("id", "run_id", "at", "opened_run", "closed_run"):
            continue
        if column in _OF:
            value = names[_OF[column]].get(value)
        elif column == "subject_id":
            value = names["mailbox" if "@" in row["key"] else "practitioner"][value]
        found.append((column, value))
    return found
