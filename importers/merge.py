"""One person, two records: numbers added to a record, records made one.  Each act is journalled with its reason.

Nothing is lost: the absorbed record stays, marked with the one that took its place, and its numbers answer there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, select, update

from directory_service.registry.tables import (
    activity,
    binding,
    expertise,
    identifier,
    practitioner,
    qualification,
    source_record,
)
from importers.known import People
from importers.store import Store

_HELD: tuple[Table, ...] = (activity, expertise, qualification, binding, identifier)
_PERSON_SOURCES = ("rpps.activity", "adeli.activity", "cat18.activity", "rpps.diploma", "rpps.expertise")


def add_former_adeli(store: Store, people: People, pk: int, adeli: str, how: str, *, note: bool = True) -> None:
    """An ADELI number of someone known by her RPPS number: it answers for her, for ever."""
    people.ids[("0" + adeli).encode()] = pk
    store.pending[identifier].append((pk, "0", adeli, False, store.as_of, store.as_of, how))
    if note:
        store.note("update", "practitioner", pk, {}, {"identifier": ["0" + adeli], "how": how})


def add_rpps(store: Store, people: People, pk: int, rpps: str, how: str) -> None:
    """An RPPS number for someone known by ADELI only: it takes precedence (RG_EXP_030)."""
    store.flush()
    old = store.connection.execute(select(practitioner.c.national_id).where(practitioner.c.id == pk)).scalar_one()
    people.ids[("8" + rpps).encode()] = pk
    store.pending[identifier].append((pk, "8", rpps, True, store.as_of, None, how))
    _retire_adelis(store, pk)
    change = {"national_id": "8" + rpps, "changed_at": store.as_of}
    store.connection.execute(update(practitioner).where(practitioner.c.id == pk).values(change))
    store.note("update", "practitioner", pk, {"national_id": old}, {"national_id": "8" + rpps, "how": how})


def _retire_adelis(store: Store, pk: int) -> None:
    held = identifier.c.practitioner_id == pk, identifier.c.scheme == "0", identifier.c.current
    store.connection.execute(update(identifier).where(*held).values(current=False, until=store.as_of))


def merge(store: Store, people: People, absorbed: int, survivor: int, how: str, reason: str = "") -> None:
    """The record ``absorbed`` (ADELI) becomes part of ``survivor`` (RPPS): activities, mailboxes, numbers."""
    store.flush()
    connection = store.connection
    before = _snapshot(store, absorbed)
    _retire_adelis(store, absorbed)
    mine = identifier.c.practitioner_id == absorbed
    connection.execute(update(identifier).where(mine).values(how=how))
    for table in _HELD:
        where = table.c.practitioner_id == absorbed
        connection.execute(update(table).where(where).values(practitioner_id=survivor))
    vouchers = source_record.c.subject_id == absorbed, source_record.c.source.in_(_PERSON_SOURCES)
    connection.execute(update(source_record).where(*vouchers).values(subject_id=survivor))
    older = practitioner.c.merged_into == absorbed
    connection.execute(update(practitioner).where(older).values(merged_into=survivor))
    gone = {"merged_into": survivor, "changed_at": store.as_of}
    connection.execute(update(practitioner).where(practitioner.c.id == absorbed).values(gone))
    _wake(store, people, absorbed, survivor)
    for number in before["identifier"]:
        people.ids[number.encode()] = survivor
    store.note("merge", "practitioner", absorbed, before, {"into": survivor, "how": how, "reason": reason})
    store.note("update", "practitioner", survivor, {}, {"merged": absorbed}, count=False)


def _wake(store: Store, people: People, absorbed: int, survivor: int) -> None:
    """The survivor is active if either record is vouched for."""
    bits = people.vouchers(absorbed) | people.vouchers(survivor)
    change: dict[str, Any] = {"changed_at": store.as_of}
    for bit in (1, 2, 4):
        if bits & bit:
            people.vouch(survivor, bit)
    own = practitioner.c.id == survivor
    status = store.connection.execute(select(practitioner.c.status).where(own)).scalar_one()
    if bits and status != "active":
        change |= {"status": "active", "status_since": store.as_of}
    store.connection.execute(update(practitioner).where(own).values(change))


def _snapshot(store: Store, pk: int) -> dict[str, Any]:
    """What a split would need: the record, its numbers, and the keys of the rows that move."""
    connection = store.connection
    row = connection.execute(select(practitioner).where(practitioner.c.id == pk)).mappings().one()
    numbers = select(identifier.c.scheme, identifier.c.value).where(identifier.c.practitioner_id == pk)
    moved = {
        str(table.name): list(connection.execute(select(table.c.id).where(table.c.practitioner_id == pk)).scalars())
        for table in _HELD
    }
    state = {**{str(name): value for name, value in row.items()}, **{name: ids for name, ids in moved.items() if ids}}
    return state | {"identifier": [scheme + value for scheme, value in connection.execute(numbers)]}
