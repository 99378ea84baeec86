"""From entries of the journal to the records that must be rendered again.

A record shows parts of others: a practitioner her structures and mailboxes, a mailbox its holders and where they
work, a structure its mailboxes.  ``dependants`` follows those and no more: it does not go from one mailbox to another
through their holder, since neither shows the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Column, Connection, select

from directory_service.registry.bulk import chunks
from directory_service.registry.journal import JournalEntry
from directory_service.registry.tables import activity, binding, domain, mailbox, practitioner

# Changes of an operator that its mailboxes do not show.
OWN_AFFAIR = frozenset({"secret", "certificate", "suspend", "resume"})


@dataclass(frozen=True, slots=True)
class Touched:
    """Keys of the records to render again; one that the readers no longer give is to be taken out."""

    practitioners: set[int] = field(default_factory=set)
    organizations: set[int] = field(default_factory=set)
    mailboxes: set[int] = field(default_factory=set)
    operators: bool = False


def dependants(connection: Connection, entries: Sequence[JournalEntry]) -> Touched:
    """What these entries touch, directly and through others."""
    people, places, boxes = (_subjects(entries, s) for s in ("practitioner", "organization", "mailbox"))
    boxes |= _boxes_of_operators(connection, entries)
    holders = _related(connection, binding.c.practitioner_id, binding.c.mailbox_id, boxes)
    owners = _related(connection, binding.c.organization_id, binding.c.mailbox_id, boxes)
    people |= _related(connection, practitioner.c.merged_into, practitioner.c.id, people)
    people |= _related(connection, activity.c.practitioner_id, activity.c.organization_id, places)
    boxes |= _related(connection, binding.c.mailbox_id, binding.c.practitioner_id, people)
    boxes |= _related(connection, binding.c.mailbox_id, binding.c.organization_id, places)
    return Touched(people | holders, places | owners, boxes, any(e.subject == "operator" for e in entries))


def _subjects(entries: Iterable[JournalEntry], subject: str) -> set[int]:
    return {e.subject_id for e in entries if e.subject == subject}


def _related(connection: Connection, wanted: Column[int], given: Column[int], keys: set[int]) -> set[int]:
    """Values of one column in the rows where another is one of ``keys``."""
    found: set[int] = set()
    for chunk in chunks(sorted(keys)):
        found.update(connection.execute(select(wanted).where(given.in_(chunk), wanted.is_not(None))).scalars())
    return found


def _boxes_of_operators(connection: Connection, entries: Iterable[JournalEntry]) -> set[int]:
    """Mailboxes under the domains, past and present, of the operators that changed.  One pass over the addresses:
    an operator may hold a thousand domains, and moves are rare."""
    changed = {e.subject_id for e in entries if e.subject == "operator" and e.kind not in OWN_AFFAIR}
    names = _related(connection, domain.c.name, domain.c.operator_id, changed)
    if not names:
        return set()
    query = select(mailbox.c.id, mailbox.c.address).execution_options(yield_per=5000)
    return {key for key, address in connection.execute(query) if address.rpartition("@")[2] in names}
