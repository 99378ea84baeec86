"""How mailboxes stand, as those who write them must know it: the row, and its open bindings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from sqlalchemy import Connection, select

from directory_service.model.mailboxes import Contact
from directory_service.model.publication import version_of
from directory_service.registry.bulk import chunks
from directory_service.registry.tables import binding, mailbox, organization, practitioner


@dataclass(frozen=True, slots=True)
class Held:
    """An open binding: its row (0: not written yet), the holder by key and by name, and what is said of it."""

    row: int = 0
    practitioner_id: int | None = None
    organization_id: int | None = None
    person: str = ""  # idNat_PS in force, else as written
    structure: str = ""  # idNat_Struct
    technical: str = ""
    service: str = ""
    description: str = ""
    responsible: str = ""
    paperless: bool | None = None
    preferred: bool = False
    rank: int | None = None

    @property
    def owner(self) -> object:
        """Who holds: what makes two bindings one holder's."""
        return self.practitioner_id or self.person or (self.organization_id,)

    @property
    def said(self) -> tuple[object, ...]:
        """In the order of ``SAID``."""
        return (self.practitioner_id, self.organization_id, self.service, self.description, self.responsible,
                self.paperless, self.preferred, self.rank)  # fmt: skip


SAID = (
    "practitioner_id", "organization_id", "service", "description", "responsible", "paperless", "preferred", "rank"
)  # fmt: skip


@dataclass(frozen=True)
class State:
    """One address."""

    pk: int
    address: str
    type: str
    source: str
    operator: str
    since: str
    until: str | None
    unlisted: bool
    purposes: tuple[str, ...]
    contacts: tuple[Contact, ...]
    held: tuple[Held, ...]

    @cached_property
    def version(self) -> str:
        """The same as ``entries.record`` gives for the record that readers have."""
        held = [h.said for h in self.held]
        return version_of(self.type, self.until is None, self.unlisted, self.purposes, self.contacts, held)


def read_states(connection: Connection, addresses: Sequence[str]) -> dict[str, State]:
    """The mailboxes of these addresses, closed ones too; those that never were are not there."""
    c, found = mailbox.c, dict[str, State]()
    columns = c.id, c.address, c.type, c.source, c.operator, c.since, c.until, c.unlisted, c.purposes, c.contacts
    for some in chunks(dict.fromkeys(addresses)):
        rows = connection.execute(select(*columns).where(c.address.in_(some))).all()
        held = _held(connection, [row.id for row in rows])
        for row in rows:
            lists = read_words(row.purposes), read_contacts(row.contacts), tuple(held.get(row.id, ()))
            found[row.address] = State(*row[:8], *lists)
    return found


def _held(connection: Connection, boxes: list[int]) -> dict[int, list[Held]]:
    b, p, o = binding.c, practitioner.c, organization.c
    columns = (
        b.id, b.practitioner_id, b.organization_id, p.national_id.label("number"), b.national_id,
        o.national_id.label("place"), o.technical_id, b.service, b.description, b.responsible, b.paperless,
        b.preferred, b.rank,
    )  # fmt: skip
    query = select(b.mailbox_id, *columns).select_from(
        binding.outerjoin(practitioner, b.practitioner_id == p.id).outerjoin(organization, b.organization_id == o.id)
    )
    found: dict[int, list[Held]] = {}
    for box, row, person, place, number, written, national, technical, *said in connection.execute(
        query.where(b.mailbox_id.in_(boxes), b.until.is_(None)).order_by(b.id)
    ):
        names = number or written, national or "", technical or ""
        found.setdefault(box, []).append(Held(row, person, place, *names, *said))
    return found


@lru_cache(maxsize=4096)  # nearly always none, else one of a few lists
def read_words(written: str) -> tuple[str, ...]:
    """The column ``purposes``."""
    return tuple(json.loads(written))


@lru_cache(maxsize=4096)
def read_contacts(written: str) -> tuple[Contact, ...]:
    """The column ``contacts``."""
    return tuple(Contact(system, value) for system, value in json.loads(written))
