"""Whose identifiers are these?  Many at once, by the numbers ever issued to people and the names of structures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, select

from directory_service.model.identifiers import PersonId, parse_person_id, structure_keys
from directory_service.registry.bulk import chunks
from directory_service.registry.tables import identifier, organization, practitioner


class Person(NamedTuple):
    pk: int
    national: str  # idNat_PS in force


class Place(NamedTuple):
    pk: int
    national: str  # idNat_Struct
    technical: str


def find_people(connection: Connection, written: Iterable[str]) -> dict[str, Person]:
    """Who these identifiers, as people type them, mean: the record that absorbed hers if one did.  Those that nobody
    bears are not there."""
    asked = {text: parsed for text in set(written) if (parsed := parse_person_id(text))}
    held = _bearers(connection, set(asked.values()))
    alive = _survivors(connection, set(held.values()))
    return {text: alive[held[parsed]] for text, parsed in asked.items() if held.get(parsed) in alive}


def _bearers(connection: Connection, numbers: set[PersonId]) -> dict[PersonId, int]:
    by_scheme: defaultdict[str, list[str]] = defaultdict(list)
    for number in numbers:
        by_scheme[number.scheme].append(number.value)
    found: dict[PersonId, int] = {}
    columns = identifier.c.value, identifier.c.practitioner_id
    for scheme, values in by_scheme.items():
        for some in chunks(values):
            query = select(*columns).where(identifier.c.scheme == scheme, identifier.c.value.in_(some))
            found |= {PersonId(scheme, value): pk for value, pk in connection.execute(query)}
    return found


def _survivors(connection: Connection, pks: set[int]) -> dict[int, Person]:
    """Each of these, or the record that absorbed it."""
    columns = practitioner.c.id, practitioner.c.national_id, practitioner.c.merged_into
    found: dict[int, Any] = {}
    wanted = pks
    while wanted:
        for some in chunks(sorted(wanted)):
            found |= {r.id: r for r in connection.execute(select(*columns).where(practitioner.c.id.in_(some)))}
        wanted = {r.merged_into for r in found.values() if r.merged_into is not None} - found.keys()
    return {pk: _survivor(found, pk) for pk in pks if pk in found}


def _survivor(found: dict[int, Any], pk: int) -> Person:
    while found[pk].merged_into is not None:
        pk = found[pk].merged_into
    return Person(pk, found[pk].national_id)


def find_places(connection: Connection, written: Iterable[str]) -> dict[str, list[Place]]:
    """Which structures these identifiers mean; several where a number is shared (one SIRET, two sites) and no name of
    one of them says which."""
    asked = {text: [key[1:] for key in structure_keys(text)] for text in set(written)}
    wanted = sorted({name for names in asked.values() for name in names})
    named = [_named(connection, column, digit, wanted) for column, digit in _NAMES]
    found = {text: _meant(names, named) for text, names in asked.items()}
    return {text: places for text, places in found.items() if places}


# Where a name may stand, and the type digit that goes before what stands there; the technical id is unique.
_NAMES: tuple[tuple[Column[str], str], ...] = (
    (organization.c.technical_id, ""),
    (organization.c.national_id, ""),
    (organization.c.finess, "1"),
    (organization.c.siret, "3"),
)


def _named(connection: Connection, column: Column[str], digit: str, names: Sequence[str]) -> dict[str, list[Place]]:
    found: defaultdict[str, list[Place]] = defaultdict(list)
    columns = organization.c.id, organization.c.national_id, organization.c.technical_id
    for some in chunks(name.removeprefix(digit) for name in names if name.startswith(digit)):
        for name, *place in connection.execute(select(column, *columns).where(column.in_(some)).order_by(columns[0])):
            found[digit + name].append(Place(*place))
    return found


def _meant(names: list[str], named: list[dict[str, list[Place]]]) -> list[Place]:
    for known in named:
        for name in names:
            if name in known:
                return known[name]
    return []
