"""One person, two records: numbers added to a record, records made one.  Each act is journalled with its reason.

Nothing is lost: the absorbed record stays, marked with the one that took its place, and its numbers answer there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, bindparam, select, update

from directory_service.registry.bulk import chunks, update_rows
from directory_service.registry.tables import (
    activity,
    binding,
    expertise,
    identifier,
    practitioner,
    qualification,
    source_record,
)
from importers.impact import counted
from importers.known import People
from importers.sources import person_sources
from importers.store import Store

_HELD: tuple[Table, ...] = (activity, expertise, qualification, binding, identifier)


@dataclass(frozen=True, slots=True)
class Merge:
    """``absorbed`` (ADELI) is the same person as ``survivor`` (RPPS); ``how``: link-table, rule:<name>, review."""

    absorbed: int
    survivor: int
    how: str
    reason: str = ""
    line: int | None = None  # of the file being read, if a row says so


def add_former_adeli(store: Store, people: People, pk: int, adeli: str, how: str, *, line: int | None = None) -> None:
    """An ADELI number of someone known by her RPPS number: it answers for her, for ever."""
    people.ids[("0" + adeli).encode()] = pk
    store.pending[identifier].append((pk, "0", adeli, False, store.as_of, store.as_of, how))
    store.note("update", "practitioner", pk, {}, {"identifier": ["0" + adeli], "how": how}, line=line)


def add_rpps(store: Store, people: People, pk: int, rpps: str, how: str, *, line: int | None = None) -> None:
    """An RPPS number for someone known by ADELI only: it takes precedence (RG_EXP_030)."""
    store.flush()
    old = store.connection.execute(select(practitioner.c.national_id).where(practitioner.c.id == pk)).scalar_one()
    people.ids[("8" + rpps).encode()] = pk
    store.pending[identifier].append((pk, "8", rpps, True, store.as_of, None, how))
    _retire_adelis(store, pk)
    change = {"national_id": "8" + rpps, "changed_at": store.as_of}
    store.connection.execute(update(practitioner).where(practitioner.c.id == pk).values(change))
    after = {"national_id": "8" + rpps, "how": how}
    store.note("update", "practitioner", pk, {"national_id": old}, after, line=line)
    store.impact.touch(pk)


def _retire_adelis(store: Store, pk: int) -> None:
    held = identifier.c.practitioner_id == pk, identifier.c.scheme == "0", identifier.c.current
    store.connection.execute(update(identifier).where(*held).values(current=False, until=store.as_of))


def merge(store: Store, people: People, merges: Iterable[Merge]) -> None:
    """Each record ``absorbed`` becomes part of its ``survivor``: activities, mailboxes, numbers."""
    store.flush()
    for some in chunks(merges):
        _merge(store, people, some)
    store.flush()


def _merge(store: Store, people: People, merges: Sequence[Merge]) -> None:
    into = {m.absorbed: m.survivor for m in merges}
    with counted(store, [*into, *into.values()], merged=into):
        _apply(store, people, merges, into)


def _apply(store: Store, people: People, merges: Sequence[Merge], into: dict[int, int]) -> None:
    connection, as_of = store.connection, store.as_of
    moved = {table: _held(store, table, list(into)) for table in _HELD}
    numbers = _numbers(store, list(into))
    _journal(store, merges, moved, numbers)
    for table, rows in moved.items():
        update_rows(
            connection, table, ("practitioner_id",), [(into[pk], row) for pk, ids in rows.items() for row in ids]
        )
    how = {m.absorbed: m.how for m in merges}
    retired = [(False, as_of, how[pk], row) for pk, found in numbers.items() for row, _ in found]
    update_rows(connection, identifier, ("current", "until", "how"), retired)
    _move_sources(store, into)
    update_rows(connection, practitioner, ("merged_into", "changed_at"), [(s, as_of, a) for a, s in into.items()])
    for pk, found in numbers.items():
        for _, number in found:
            people.ids[number.encode()] = into[pk]
    for absorbed, survivor in into.items():
        _take_place(store, people, absorbed, survivor)
    _wake(store, people, {m.survivor: m.line for m in merges})


def _held(store: Store, table: Table, pks: list[int]) -> dict[int, list[int]]:
    """Keys of the rows that hang on these people."""
    found: dict[int, list[int]] = defaultdict(list)
    query = select(table.c.practitioner_id, table.c.id).where(table.c.practitioner_id.in_(pks)).order_by(table.c.id)
    for pk, row in store.connection.execute(query):
        found[pk].append(row)
    return found


def _numbers(store: Store, pks: list[int]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    columns = identifier.c.practitioner_id, identifier.c.id, identifier.c.scheme, identifier.c.value
    for pk, row, scheme, value in store.connection.execute(select(*columns).where(columns[0].in_(pks))):
        found[pk].append((row, scheme + value))
    return found


def _journal(
    store: Store,
    merges: Sequence[Merge],
    moved: dict[Table, dict[int, list[int]]],
    numbers: dict[int, list[tuple[int, str]]],
) -> None:
    """What a split would need: the record absorbed, its numbers, and the keys of the rows that move."""
    query = select(practitioner).where(practitioner.c.id.in_([m.absorbed for m in merges]))
    records = {row["id"]: {str(k): v for k, v in row.items()} for row in store.connection.execute(query).mappings()}
    for m in merges:
        rows = {str(table.name): ids[m.absorbed] for table, ids in moved.items() if ids.get(m.absorbed)}
        before = {**records[m.absorbed], **rows, "numbers": [number for _, number in numbers.get(m.absorbed, ())]}
        after = {"into": m.survivor, "how": m.how, "reason": m.reason}
        store.note("merge", "practitioner", m.absorbed, before, after, line=m.line)
        store.note("update", "practitioner", m.survivor, {}, {"merged": m.absorbed}, line=m.line, count=False)


def _move_sources(store: Store, into: dict[int, int]) -> None:
    columns = source_record.c
    query = select(columns.source, columns.key, columns.subject_id)
    found = store.connection.execute(
        query.where(columns.subject_id.in_(into), columns.source.in_(person_sources()))
    ).all()
    if found:
        change = update(source_record).where(columns.source == bindparam("s"), columns.key == bindparam("k"))
        rows = [{"s": source, "k": key, "pk": into[pk]} for source, key, pk in found]
        store.connection.execute(change.values(subject_id=bindparam("pk")), rows)


def _take_place(store: Store, people: People, absorbed: int, survivor: int) -> None:
    if absorbed in store.absorbers:  # asked in memory: nobody else looks for this column, it has no index
        older = practitioner.c.merged_into == absorbed
        store.connection.execute(update(practitioner).where(older).values(merged_into=survivor))
    store.absorbers.add(survivor)
    people.vouch(survivor, people.vouchers(absorbed))


def _wake(store: Store, people: People, lines: Mapping[int, int | None]) -> None:
    """A survivor (and the line that says so) is active if any record that it took in is vouched for."""
    query = select(practitioner.c.id, practitioner.c.status, practitioner.c.status_since)
    rows = []
    for pk, status, since in store.connection.execute(query.where(practitioner.c.id.in_(sorted(lines)))).all():
        if status != "active" and people.vouchers(pk):
            before, after = ({"status": s, "status_since": d} for s, d in ((status, since), ("active", store.as_of)))
            store.note("reopen", "practitioner", pk, before, after, line=lines[pk])
            rows.append(("active", store.as_of, store.as_of, pk))
        else:
            rows.append((status, since, store.as_of, pk))
    update_rows(store.connection, practitioner, ("status", "status_since", "changed_at"), rows)
