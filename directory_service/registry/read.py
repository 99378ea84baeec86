"""People, structures and mailboxes of the registry as values of ``model``: the source of the index and the review.

Readers yield in the order of the keys, for a list of them (``ids``; unknown ones are passed over) or for all, with
memory bounded by ``batches.RANGE``.  Use them inside ``engine.reading``: one picture of the registry from the first
record to the last.  A whole index is read by ``regions``.
Measured on SQLite, one process: see docs/reference/performance.md.  Nothing here writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from directory_service.model.mailboxes import Actor, Binding, MailboxType, domain_of
from directory_service.model.people import (
    Expertise,
    Identifier,
    Organization,
    Practitioner,
    PractitionerRole,
    SourceMark,
    Status,
)
from directory_service.registry.batches import Batch, Book, Row, batches, quiet
from directory_service.registry.boxstate import read_contacts, read_words
from directory_service.registry.clock import parse_instant
from directory_service.registry.tables import mailbox, organization, practitioner

Keys = Sequence[int] | None


def read_practitioners(connection: Connection, ids: Keys = None) -> Iterator[Practitioner]:
    """Practitioners, active or not, whole; those absorbed by another record are not there."""
    book = Book(connection)
    for batch in batches(connection, practitioner, ids):
        with quiet():
            found = people_of(book, batch)
        yield from found


def read_organizations(connection: Connection, ids: Keys = None) -> Iterator[Organization]:
    book = Book(connection)
    for batch in batches(connection, organization, ids):
        with quiet():
            found = book.read_organizations(batch)
        yield from found


def read_bindings(
    connection: Connection, mailbox_ids: Keys = None, *, book: Book | None = None
) -> Iterator[tuple[str, list[Binding]]]:
    """Each address with its bindings, open and closed, oldest first, their holders whole."""
    book = book or Book(connection)
    for batch in batches(connection, mailbox, mailbox_ids):
        with quiet():
            found = book.rows(_bindings(f"WHERE {batch('m.id')} ORDER BY m.id, b.since, b.id"))
            people = _people_by_key(book, {row[_HOLDER] for row in found} - {None})
            grouped = _grouped_bindings(book, found, people, _ADDRESS)
        yield from grouped.items()


def read_holder_bindings(connection: Connection, ids: Keys = None) -> Iterator[tuple[int, list[Binding]]]:
    """Each practitioner's key with her open bindings, the preferred ones first; those who have none are not there.
    ``practitioner`` is left out of the bindings: the caller, who renders her, holds her already."""
    book = Book(connection)
    for batch in batches(connection, practitioner, ids):
        where = f"WHERE {batch('b.practitioner_id')} AND b.until IS NULL AND m.until IS NULL"
        order = "ORDER BY b.practitioner_id, b.preferred DESC, m.address, b.id"
        yield from _grouped_bindings(book, book.rows(_bindings(f"{where} {order}")), {}, _HOLDER).items()


def read_organization_bindings(
    connection: Connection, ids: Keys = None, *, low: int = 0, high: int | None = None, book: Book | None = None
) -> Iterator[tuple[int, list[Binding]]]:
    """Each structure's key with the open bindings that it holds itself (ORG, APP), those of ``ids`` or of a range
    (``low <= key < high``); those who have none are not there."""
    book = book or Book(connection)
    for batch in batches(connection, organization, ids, low, high):
        where = (
            f"WHERE {batch('b.organization_id')} AND b.until IS NULL AND m.until IS NULL AND m.type IN ('ORG', 'APP')"
        )
        order = "ORDER BY b.organization_id, b.preferred DESC, m.address, b.id"
        yield from _grouped_bindings(book, book.rows(_bindings(f"{where} {order}")), {}, _STRUCTURE).items()


# -- people -----------------------------------------------------------------------------------------------------------

_STATUS = {s.value: s for s in Status}


def people_of(book: Book, batch: Batch) -> list[Practitioner]:
    """The practitioners of one batch.  Arguments by position: twice as fast as by name, two million times."""
    found = book.rows(
        "SELECT id, national_id, status, status_since, title_code, civility_code, family_name, given_names, "  # noqa: S608
        "profession_code, category_code, created_at, changed_at "
        f"FROM practitioner WHERE merged_into IS NULL AND {batch('id')} ORDER BY id"
    )
    identifiers, roles = _identifiers(book, batch), _roles(book, batch)
    expertises, marks = _expertises(book, batch), _marks(book, batch)
    titles, civilities = book.codes("title"), book.codes("civility")
    professions, categories = book.codes("profession"), book.codes("category")
    return [
        Practitioner(
            pk,
            national,
            _STATUS[status],
            parse_instant(since),
            titles[title],
            civilities[civility],
            family,
            given,
            tuple(identifiers.get(pk, ())),
            tuple(roles.get(pk, ())),
            tuple(expertises.get(pk, ())),
            tuple(marks.get(pk, ())),
            professions[profession],
            categories[category],
            parse_instant(created),
            parse_instant(changed),
        )
        for pk, national, status, since, title, civility, family, given, profession, category, created, changed in found
    ]


def _people_by_key(book: Book, ids: set[int]) -> dict[int, Practitioner]:
    return {p.pk: p for batch in batches(book.connection, practitioner, list(ids)) for p in people_of(book, batch)}


def _rows_of_people(book: Book, table: str, columns: str, batch: Batch) -> list[Row]:
    """Rows of a table that hangs on practitioners, hers together and in the order they were written."""
    where = batch("practitioner_id")
    return book.rows(f"SELECT practitioner_id, {columns} FROM {table} WHERE {where} ORDER BY practitioner_id, id")  # noqa: S608


def whole_bindings(book: Book, batch: Batch, people: Mapping[int, Practitioner]) -> Iterator[tuple[int, bool, Binding]]:
    """Every binding, open or closed, of these people, those of one address together and oldest first: the holder's key,
    whether the mailbox is open, and the value."""
    found = book.rows(_bindings(f"WHERE {batch('b.practitioner_id')} ORDER BY m.id, b.since, b.id"))
    structures = book.organizations({row[_STRUCTURE] for row in found} - {None})
    for row in found:
        if row[_HOLDER] in people:
            yield row[_HOLDER], row[_CLOSED] is None, _binding(book, row, people, structures)


def _identifiers(book: Book, batch: Batch) -> Mapping[int, list[Identifier]]:
    found: defaultdict[int, list[Identifier]] = defaultdict(list)
    for pk, scheme, value, current, how in _rows_of_people(book, "identifier", "scheme, value, current, how", batch):
        found[pk].append(Identifier(scheme, value, bool(current), how))
    return found


_ROLE = (
    "organization_id, profession_code, category_code, mode_code, sector_code, "
    "section_code, role_code, kind_code, authority"
)


def _roles(book: Book, batch: Batch) -> Mapping[int, list[PractitionerRole]]:
    rows = _rows_of_people(book, "activity", _ROLE, batch)
    structures = book.organizations({row[1] for row in rows} - {None})
    systems = [book.codes(s) for s in ("profession", "category", "mode", "sector", "section", "role", "kind")]
    profession, category, mode, sector, section, role, kind = systems
    found: defaultdict[int, list[PractitionerRole]] = defaultdict(list)
    for pk, place, p, c, m, s, t, r, k, authority in rows:
        at = None if place is None else structures[place]
        found[pk].append(
            PractitionerRole(
                profession[p], category[c], mode[m], sector[s], section[t], role[r], kind[k], authority, at
            )
        )
    return found


def _expertises(book: Book, batch: Batch) -> Mapping[int, list[Expertise]]:
    """What several sources say alike is said once."""
    types, codes = book.codes("expertise_type"), book.codes("expertise")
    found: defaultdict[int, list[Expertise]] = defaultdict(list)
    for pk, profession, kind, code in _rows_of_people(book, "expertise", "profession_code, type_code, code", batch):
        known, new = found[pk], Expertise(profession, types[kind], codes[code])
        if new not in known:
            known.append(new)
    return found


def _marks(book: Book, batch: Batch) -> Mapping[int, list[SourceMark]]:
    """The sources that speak of each practitioner today.  ``source_record`` also holds mailboxes: their key is an
    address, and numbers hold no ``@``."""
    where = f"{batch('subject_id')} AND gone_at IS NULL AND key NOT LIKE '%@%'"
    found: defaultdict[int, list[SourceMark]] = defaultdict(list)
    for pk, source, run in book.rows(
        f"SELECT subject_id, source, run_id FROM source_record WHERE {where} ORDER BY subject_id, source, key"  # noqa: S608
    ):
        found[pk].append(book.marks[source, run])
    return found


# -- mailboxes --------------------------------------------------------------------------------------------------------

_ADDRESS, _HOLDER, _STRUCTURE, _CLOSED = 1, 6, 7, 20
_TYPES = {t.value: t for t in MailboxType}


def _bindings(tail: str) -> str:
    return (
        "SELECT b.id, m.address, m.type, m.unlisted OR (b.unlisted AND b.until IS NOT NULL), m.changed_at, b.source, "  # noqa: S608
        "b.practitioner_id, b.organization_id, "
        "b.profession_code, b.specialty_code, b.service, b.description, b.responsible, b.paperless, b.preferred, "
        "b.since, b.until, b.family_name, b.given_names, b.national_id, m.until, b.rank, m.purposes, m.contacts, "
        "m.operator, b.opened_run, b.opened_operator, b.closed_run, b.closed_operator "
        f"FROM binding b JOIN mailbox m ON m.id = b.mailbox_id {tail}"
    )


def _grouped_bindings(
    book: Book, found: list[Row], people: Mapping[int, Practitioner], key: int
) -> dict[Any, list[Binding]]:
    """Rows of ``_bindings`` as values, gathered by the column ``key`` in the order they came."""
    structures = book.organizations({row[_STRUCTURE] for row in found} - {None})
    grouped: dict[Any, list[Binding]] = {}
    for row in found:
        grouped.setdefault(row[key], []).append(_binding(book, row, people, structures))
    return grouped


def _binding(
    book: Book, row: Row, people: Mapping[int, Practitioner], structures: Mapping[int, Organization]
) -> Binding:
    pk, address, kind, unlisted, changed, source, person, place, profession, specialty = row[:10]
    service, description, responsible, paperless, preferred, since, until, family, given, national = row[10:20]
    rank, purposes, contacts, operator, *acts = row[21:]
    return Binding(
        pk=pk,
        address=address,
        type=_TYPES[kind],
        practitioner=people.get(person),
        organization=structures.get(place),
        profession=book.codes("profession")[profession],
        specialty=book.codes("expertise")[specialty],
        service=service,
        description=description,
        responsible=responsible,
        paperless=None if paperless is None else bool(paperless),
        unlisted=bool(unlisted),
        preferred=bool(preferred),
        since=parse_instant(since),
        until=_instant(until),
        source=source,
        operator=book.operators.of(domain_of(address), operator),
        family_name=family,
        given_names=given,
        national_id=national,
        changed_at=parse_instant(changed),
        opened_by=_actor(*acts[:2]),
        closed_by=_actor(*acts[2:]),
        rank=rank,
        purposes=read_words(purposes),
        contacts=read_contacts(contacts),
    )


def _actor(run: int | None, operator: str) -> Actor | None:
    return Actor(run, operator) if run is not None or operator else None


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
