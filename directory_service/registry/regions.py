"""Reading the whole registry once: people with their mailboxes, and the structures that are first met with them.

A full build renders every record; ``read``'s readers would give a mailbox its holder, and a person her structures, read
again.  A ``Region`` is a range of people, the structures that the activities of these people name first, by blocks of
keys (which are given in the order of the activity files), and a range of mailboxes, of which only those are read that
are not one living person's alone: hers come with her.  Regions together give each record exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    places: list[Span]
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
    places = _shared_out(_first_met(connection, size), last.organization, number, size)
    step = last.mailbox // number + 1
    return [Region((n * size, (n + 1) * size), places[n], (n * step, (n + 1) * step)) for n in range(number)]


def _shared_out(first_met: list[tuple[int, int, int]], last: int, number: int, size: int) -> list[list[Span]]:
    """The blocks of structures of each region: those of which it names the most first.  Files that are loaded after the
    others (ADELI) leave blocks that all regions name; blocks that nobody names are anybody's."""
    block = _block(size)
    owner = {of: region for count, of, region in sorted((count, of, region) for of, region, count in first_met)}
    found: list[list[Span]] = [[] for _ in range(number)]
    for n in range(last // block + 1):
        found[owner.get(n, n % number)].append((n * block, (n + 1) * block))
    return found


def _block(size: int) -> int:
    """Keys of a block of structures: few beside those that a region names, which are a third of its people."""
    return max(1, size // 40)


def _first_met(connection: Connection, size: int) -> list[tuple[int, int, int]]:
    """Block of structures, region of people, how many of the block are first named by them."""
    sql = (
        f"SELECT organization_id / {_block(size)} AS block, min(practitioner_id) / {int(size)} AS region "  # noqa: S608
        "FROM activity WHERE organization_id IS NOT NULL GROUP BY organization_id"
    )
    return [
        (block, region, count)
        for block, region, count in rows(
            connection,
            f"SELECT block, region, count(*) FROM ({sql}) AS met GROUP BY block, region",  # noqa: S608
        )
    ]


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


def read_places(book: Book, places: Iterable[Span]) -> Iterator[tuple[Organization, list[Binding]]]:
    """Every structure of the ranges with the open bindings that it holds itself; those that were met with people are
    the same values."""
    for low, high in places:
        held = dict(read_organization_bindings(book.connection, low=low, high=high, book=book))
        for batch in batches(book.connection, organization, None, low, high):
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
