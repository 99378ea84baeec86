"""Regions give each record of the registry once, as the readers do, whatever their size."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

import pytest
from registry_factories import LATER, add_box, add_person, add_place
from sqlalchemy import Connection, Engine, insert

from directory_service.registry import read
from directory_service.registry.batches import Book
from directory_service.registry.engine import writing
from directory_service.registry.regions import read_households, read_other_boxes, read_places, regions
from directory_service.registry.tables import activity, binding, practitioner

ZOE, PAUL, LOST = 1, 2, 3
CLINIC, OFFICE, UNNAMED = 1, 2, 3


@pytest.fixture
def world(registry: Engine) -> Iterator[Connection]:
    """Mailboxes of every sort of holder: one person (once, twice, formerly), two, an absorbed one, nobody, a place."""
    with writing(registry) as connection:
        for place in (CLINIC, OFFICE, UNNAMED):
            add_place(connection, place, name=f"STRUCTURE {place}")
        add_person(connection, ZOE, "10000000017", family_name="ZOE")
        add_person(connection, PAUL, "10000000025", family_name="PAUL")
        _add(connection, practitioner, id=LOST, national_id="0991084948", status="active", status_since=LATER,
             created_at=LATER, changed_at=LATER, merged_into=ZOE)  # fmt: skip
        for person, place in ((ZOE, CLINIC), (PAUL, CLINIC), (PAUL, OFFICE)):
            _add(connection, activity, practitioner_id=person, organization_id=place, source="rpps.activity")
        add_box(connection, 1, "zoe@a.mssante.fr", practitioner_id=ZOE, organization_id=OFFICE)
        _bind(connection, 1, ZOE, organization_id=CLINIC)
        _bind(connection, 1, ZOE, until=LATER)
        add_box(connection, 2, "both@a.mssante.fr", practitioner_id=ZOE)
        _bind(connection, 2, PAUL)
        add_box(connection, 3, "formerly@a.mssante.fr", practitioner_id=ZOE)
        _bind(connection, 3, PAUL, until=LATER)
        add_box(connection, 4, "closed@a.mssante.fr", practitioner_id=PAUL, until=LATER)
        add_box(connection, 5, "absorbed@a.mssante.fr", practitioner_id=LOST)
        add_box(connection, 6, "absorbing@a.mssante.fr", practitioner_id=ZOE)
        _bind(connection, 6, LOST, until=LATER)
        add_box(connection, 7, "nobody@a.mssante.fr", family_name="INCONNUE")
        add_box(connection, 8, "ward@a.mssante.fr", type="ORG", organization_id=CLINIC)
        _bind(connection, 8, PAUL)
        add_box(connection, 9, "place@a.mssante.fr", type="ORG", organization_id=UNNAMED)
        yield connection


def _add(connection: Connection, table: object, **values: object) -> None:
    connection.execute(insert(table).values(**values))  # type: ignore[call-overload]


def _bind(connection: Connection, box: int, person: int, **values: object) -> None:
    _add(connection, binding, mailbox_id=box, practitioner_id=person, source="x", since=LATER, **values)


@pytest.mark.parametrize("size", [1, 2, 40_000])
def test_regions_give_what_the_readers_give_and_once(world: Connection, size: int) -> None:
    people, places, boxes, held = [], [], [], {}
    for region in regions(world, size):
        book = Book(world)
        for household in read_households(book, region.people):
            people.append(household.person)
            boxes += household.boxes
            held[household.person.pk] = household.held
        places += read_places(book, region.places)
        boxes += read_other_boxes(book, region.boxes)
    assert people == list(read.read_practitioners(world))
    assert sorted((o for o, _ in places), key=attrgetter("pk")) == list(read.read_organizations(world))
    assert {o.pk: b for o, b in places if b} == dict(read.read_organization_bindings(world))
    assert sorted(boxes) == sorted(read.read_bindings(world))
    by_key = attrgetter("pk")
    ours = {pk: [b.pk for b in sorted(found, key=by_key)] for pk, found in held.items() if found}
    theirs = {pk: sorted(map(by_key, found)) for pk, found in read.read_holder_bindings(world)}
    assert ours == {pk: found for pk, found in theirs.items() if pk != LOST}  # whom no record of a person is joined to


def test_a_household_has_the_mailboxes_that_are_one_living_persons_alone(world: Connection) -> None:
    found = {h.person.pk: [address for address, _ in h.boxes] for h in read_households(Book(world), (0, 9))}
    assert found == {ZOE: ["zoe@a.mssante.fr"], PAUL: ["closed@a.mssante.fr"]}


def test_a_region_has_the_structures_that_its_people_name_first(world: Connection) -> None:
    first, second, *_ = (region.places for region in regions(world, 2))
    assert (CLINIC, CLINIC + 1) in first
    assert (OFFICE, OFFICE + 1) in second


def test_one_late_structure_does_not_bring_all_before_it_to_the_first_region(world: Connection) -> None:
    late = 9
    add_place(world, late, name="STRUCTURE D'UN AUTRE FICHIER")
    _add(world, activity, practitioner_id=ZOE, organization_id=late, source="adeli.activity")
    first, second, *_ = (region.places for region in regions(world, 2))
    assert (late, late + 1) in first
    assert (OFFICE, OFFICE + 1) in second
