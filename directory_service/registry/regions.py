"""Reading the whole registry once: people with their mailboxes, and the structures that are first met with them.

A full build renders every record; ``read``'s readers would give a mailbox its holder, and a person her structures, read
again.  A ``Region`` is a range of people, the range of structures that the activities of these people name first (keys
are given in the order of the activity file), and a range of mailboxes, of which only those are read that are not one
living person's alone: hers come with her.  Regions together give each record exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from directory_service.model.mailboxes import Binding
from directory_service.model.people import Organization, Practitioner
from directory_service.registry.batches import Batch, Book, batches, quiet, rows
from directory_service.registry.overview import bounds
from directory_service.registry.read import people_of, read_bindings, read_organization_bindings, whole_bindings
from directory_service.registry.tables import mailbox, organization, practitioner

Span = tuple[int, int]  # low <= key < high


class Region(NamedTuple):
    people: Span
    places: Span
    boxes: Span


class Household(NamedTuple):
    """``held`` are her open bindings in open mailboxes, ``boxes`` the addresses that are hers alone, with all their
    bindings, closed ones too."""

    person: Practitioner
    held: list[Binding]
    boxes: list[tuple[str, list[Binding]]]


def regions(connection: Connection, size: int) -> list[Region]:
    """The whole registry, in regions of so many keys of people; none is empty but for gaps."""
    last = bounds(connection)
    number = 1 + max(last.practitioner // size, last.mailbox // size)
    first_met = _last_places(connection, size)
    cuts, seen = [0], 0
    for region in range(number - 1):
        seen = max(seen, first_met.get(region, 0))
        cuts.append(seen + 1 if seen else 0)
    cuts.append(last.organization + 1)
    step = last.mailbox // number + 1
    return [
        Region((n * size, (n + 1) * size), (cuts[n], cuts[n + 1]), (n * step, (n + 1) * step)) for n in range(number)
    ]


def _last_places(connection: Connection, size: int) -> dict[int, int]:
    """The last structure that the people of each range name."""
    sql = f"SELECT practitioner_id / {int(size)}, max(organization_id) FROM activity GROUP BY 1"  # noqa: S608
    return {number: last for number, last in rows(connection, sql) if last is not None}


def read_households(book: Book, people: Span) -> Iterator[Household]:
    """Everyone of the range, in the order of the keys."""
    for batch in batches(book.connection, practitioner, None, *people):
        with quiet():
            found = _households(book, batch)
        yield from found


def _households(book: Book, batch: Batch) -> list[Household]:
    people = {p.pk: p for p in people_of(book, batch)}
    others = _addresses_of_others(book, batch)
    held: dict[int, list[Binding]] = {}
    boxes: dict[int, dict[str, list[Binding]]] = {}
    for pk, in_open_box, binding in whole_bindings(book, batch, people):
        if in_open_box and binding.until is None:
            held.setdefault(pk, []).append(binding)
        if binding.address not in others:
            boxes.setdefault(pk, {}).setdefault(binding.address, []).append(binding)
    return [Household(p, held.get(pk, []), [*boxes.get(pk, {}).items()]) for pk, p in people.items()]


def _addresses_of_others(book: Book, batch: Batch) -> set[str]:
    """Addresses bound to somebody of the batch and, ever, to somebody or something else."""
    sql = (
        "SELECT DISTINCT m.address FROM binding b JOIN binding x ON x.mailbox_id = b.mailbox_id "  # noqa: S608
        f"JOIN mailbox m ON m.id = b.mailbox_id WHERE {batch('b.practitioner_id')} "
        "AND (x.practitioner_id IS NULL OR x.practitioner_id <> b.practitioner_id)"
    )
    return {address for (address,) in book.rows(sql)}


def read_places(book: Book, places: Span) -> Iterator[tuple[Organization, list[Binding]]]:
    """Every structure of the range with the open bindings that it holds itself; those that were met with people are
    the same values."""
    held = dict(read_organization_bindings(book.connection, low=places[0], high=places[1]))
    for batch in batches(book.connection, organization, None, *places):
        found = [pk for (pk,) in book.rows(f"SELECT id FROM organization WHERE {batch('id')} ORDER BY id")]  # noqa: S608
        with quiet():
            known = book.organizations(set(found))
        yield from ((known[pk], held.get(pk, [])) for pk in found)


def read_other_boxes(book: Book, boxes: Span) -> Iterator[tuple[str, list[Binding]]]:
    """As ``read.read_bindings``, the mailboxes of the range that no household has: those of structures, of people whom
    no registry knows or whose record was absorbed, and of several holders, present or past."""
    for batch in batches(book.connection, mailbox, None, *boxes):
        sql = (
            "SELECT b.mailbox_id FROM binding b "  # noqa: S608
            "LEFT JOIN practitioner p ON p.id = b.practitioner_id AND p.merged_into IS NULL "
            f"WHERE {batch('b.mailbox_id')} GROUP BY b.mailbox_id "
            "HAVING count(p.id) < count(*) OR min(p.id) <> max(p.id) ORDER BY b.mailbox_id"
        )
        yield from read_bindings(book.connection, [pk for (pk,) in book.rows(sql)], book=book)
