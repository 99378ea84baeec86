"""What hangs on a person, source by source: rows that are read, compared with what is said now, added, taken away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from directory_service.registry.bulk import chunks, delete_rows, update_rows
from directory_service.registry.tables import activity, expertise, practitioner, qualification
from importers.store import Store

# Table ► the columns that tell a row from another.
HELD: dict[Table, tuple[str, ...]] = {
    activity: ("organization_id", "profession_code", "category_code", "mode_code", "sector_code", "section_code",
               "role_code", "kind_code", "authority"),
    expertise: ("profession_code", "type_code", "code"),
    qualification: ("diploma_type_code", "diploma_code", "authorization_type_code", "authorization_code"),
}  # fmt: skip


@dataclass(slots=True)
class Difference:
    """Between the rows stored and the rows said."""

    delete: list[int]
    removed: list[tuple[Any, ...]]
    added: list[tuple[Any, ...]]


def difference(stored: Sequence[tuple[int, tuple[Any, ...]]], said: Sequence[tuple[Any, ...]]) -> Difference:
    """Both are multisets; ``stored`` is (id, values)."""
    wanted = Counter(said)
    result = Difference([], [], [])
    for pk, values in stored:
        if wanted[values] > 0:
            wanted[values] -= 1
        else:
            result.delete.append(pk)
            result.removed.append(values)
    result.added = list(wanted.elements())
    return result


def stored_rows(
    store: Store, table: Table, source: str, pks: Sequence[int]
) -> dict[int, list[tuple[int, tuple[Any, ...]]]]:
    """(id, values) of the rows that a source holds of these people."""
    found: dict[int, list[tuple[int, tuple[Any, ...]]]] = defaultdict(list)
    columns = [table.c[name] for name in ("practitioner_id", "id", *HELD[table])]
    for ids in chunks(pks):
        query = select(*columns).where(table.c.practitioner_id.in_(ids), table.c.source == source).order_by(table.c.id)
        for pk, row_id, *values in store.connection.execute(query):
            found[pk].append((row_id, tuple(values)))
    return found


def drop_rows(store: Store, table: Table, source: str, pks: Sequence[int], *, count: bool = True) -> set[int]:
    """What a source said of people whom it no longer names and another still does.  Gives those of whom it had."""
    stored = stored_rows(store, table, source, pks)
    for pk, rows in stored.items():
        store.note("update", "practitioner", pk, {str(table.name): [values for _, values in rows]}, {}, count=count)
        delete_rows(store.connection, table, [row_id for row_id, _ in rows])
        touch(store, [pk])
    return set(stored)


def hang(store: Store, table: Table, pk: int, source: str, rows: Iterable[Sequence[Any]]) -> None:
    """These values of a table of ``HELD`` become this person's, as that source says."""
    for values in rows:
        own = (values[0], source, *values[1:]) if table is activity else (source, *values)
        store.pending[table].append((pk, *own))


def touch(store: Store, pks: Sequence[int]) -> None:
    """These people changed now; who was created in this run has said so from the start."""
    known = [pk for pk in pks if pk < store.first_new_practitioner]
    update_rows(store.connection, practitioner, ("changed_at",), [(store.as_of, pk) for pk in known])
