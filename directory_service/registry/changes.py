"""From entries of the journal to the records that must be rendered again, and to the domains that moved.

A record shows parts of others: a practitioner her structures and mailboxes, and in which structures these are used; a
mailbox its holders and where they work; a structure its mailboxes.  ``dependants`` follows those and no more: it does
not go from one mailbox to another through their holder, since neither shows the other.  The feed (``registry.feed``)
asks the domains alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Column, Connection, select

from directory_service.model.mailboxes import domain_of
from directory_service.registry.bulk import chunks
from directory_service.registry.journal import JournalEntry, decode
from directory_service.registry.tables import activity, binding, domain, journal, mailbox, practitioner

# Changes of an operator that its mailboxes show: those of its domains.  Trust in them is the index's own table.
_SHOWN = frozenset({"create", "domain", "remove", "restore"})
_LISTS = ("domains", "opened", "closed")  # where an entry of the journal names domains


@dataclass(frozen=True, slots=True)
class Touched:
    """Keys of the records to render again; one that the readers no longer give is to be taken out."""

    practitioners: set[int] = field(default_factory=set)
    organizations: set[int] = field(default_factory=set)
    mailboxes: set[int] = field(default_factory=set)
    operators: set[int] = field(default_factory=set)


def dependants(connection: Connection, entries: Sequence[JournalEntry]) -> Touched:
    """What these entries touch, directly and through others."""
    people, shown, boxes = (_subjects(entries, s) for s in ("practitioner", "organization", "mailbox"))
    places = {e.subject_id for e in entries if e.subject == "organization" and _is_itself(e)}
    boxes |= {pk for pk, _ in mailboxes_under(connection, moved_domains(connection, entries))}
    holders = _related(connection, binding.c.practitioner_id, binding.c.mailbox_id, boxes)
    owners = _related(connection, binding.c.organization_id, binding.c.mailbox_id, boxes)
    users = _related(connection, binding.c.practitioner_id, binding.c.organization_id, places)
    people |= _related(connection, practitioner.c.merged_into, practitioner.c.id, people)
    people |= _related(connection, activity.c.practitioner_id, activity.c.organization_id, places)
    boxes |= _related(connection, binding.c.mailbox_id, binding.c.practitioner_id, people)
    boxes |= _related(connection, binding.c.mailbox_id, binding.c.organization_id, places)
    return Touched(people | holders | users, shown | owners, boxes, _subjects(entries, "operator"))


def _is_itself(entry: JournalEntry) -> bool:
    """False of a structure of which a rollback took a mailbox: nobody who works there shows that, and in a hospital
    thousands do."""
    return entry.kind != "restore" or (decode(entry.after) or {}).get("itself", True)


def _subjects(entries: Iterable[JournalEntry], subject: str) -> set[int]:
    return {e.subject_id for e in entries if e.subject == subject}


def _related(connection: Connection, wanted: Column[int], given: Column[int], keys: set[int]) -> set[int]:
    """Values of one column in the rows where another is one of ``keys``."""
    found: set[int] = set()
    for chunk in chunks(sorted(keys)):
        found.update(connection.execute(select(wanted).where(given.in_(chunk), wanted.is_not(None))).scalars())
    return found


def mailboxes_under(connection: Connection, domains: Collection[str]) -> Iterator[tuple[int, str]]:
    """Mailboxes of these domains, each with its own.  One pass over the addresses: a list may move a thousand domains,
    and moves are rare."""
    if domains:
        query = select(mailbox.c.id, mailbox.c.address).execution_options(yield_per=5000)
        boxes = ((pk, domain_of(address)) for pk, address in connection.execute(query))
        yield from ((pk, name) for pk, name in boxes if name in domains)


def moved_domains(connection: Connection, entries: Iterable[JournalEntry]) -> dict[str, int]:
    """Domains that came to operators or left them, each with the number of the last change that moved it."""
    moved, untold = dict[str, int](), dict[int, int]()
    for entry in entries:
        if entry.subject == "operator" and entry.kind in _SHOWN:
            told = _domains_of(entry)
            moved.update(dict.fromkeys(told, entry.seq))
            if not told and entry.kind != "create":
                untold[entry.subject_id] = entry.seq
    for key, name in _ever_held(connection, untold):
        moved[name] = max(untold[key], moved.get(name, 0))
    return moved


def _domains_of(entry: JournalEntry) -> set[str]:
    said = (decode(entry.after) or {}).get
    found = (said(name) or () for name in _LISTS)
    return {name for some in found for name in ([some] if isinstance(some, str) else some)}


def _ever_held(connection: Connection, operators: Collection[int]) -> Iterator[tuple[int, str]]:
    """Domains of these operators, past ones too; a rollback takes rows away, and the journal remembers."""
    if not operators:
        return
    query = select(*journal.columns).where(journal.c.subject == "operator", journal.c.subject_id.in_(operators))
    for row in connection.execute(query):
        entry = JournalEntry(*row)
        yield from ((entry.subject_id, name) for name in _domains_of(entry))
    held = select(domain.c.operator_id, domain.c.name).where(domain.c.operator_id.in_(operators))
    yield from ((key, name) for key, name in connection.execute(held))
