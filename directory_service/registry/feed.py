"""From the journal to the feed of changes: which public records changed, and at which change each did last.

As ``changes.dependants``, with the order: a record stands at the last change that touches it, its own or one of a
record that it shows, so that the follower, who meets changes a few at a time, and a build, which meets many at once,
give it the same place.  An unlisted mailbox is absent: it stands where it was hidden, if it was, and what happens to it
since moves nothing, and nobody who held it only then.  See docs/decisions/0025 and 0043.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, select

from directory_service.model.feed import KEPT, Changed, Kind
from directory_service.registry.bulk import chunks
from directory_service.registry.changes import mailboxes_under, moved_domains
from directory_service.registry.journal import JournalEntry, decode, mark_of, read_after
from directory_service.registry.tables import activity, binding, mailbox, organization, practitioner

_SUBJECTS: Final = {"mailbox": Kind.MAILBOX, "practitioner": Kind.PRACTITIONER, "organization": Kind.ORGANIZATION}
_KEYS: Final[dict[Kind, Column[Any]]] = {
    Kind.MAILBOX: mailbox.c.address,
    Kind.PRACTITIONER: practitioner.c.national_id,
    Kind.ORGANIZATION: organization.c.technical_id,
}

_ENDED_UNLISTED: Final = binding.c.unlisted & binding.c.until.is_not(None)

Seqs = dict[int, int]  # key of the registry ► last change
Hidings = dict[int, list[JournalEntry]]  # by mailbox, in their order
Marks = list[tuple[int, str]]  # numbers of changes, each with its ``journal.mark_of``


def recent(connection: Connection, last: int, kept: int = KEPT) -> tuple[int, list[Changed], Marks]:
    """The feed of the ``kept`` last changes up to number ``last``; the number that they come after; the marks of them
    and of that one."""
    floor = max(0, last - kept)
    entries = [e for e in read_after(connection, floor - 1, kept + 1) if e.seq <= last]
    return floor, changed(connection, [e for e in entries if e.seq > floor]), marks(entries)


def marks(entries: Iterable[JournalEntry]) -> Marks:
    return [(entry.seq, mark_of(entry)) for entry in entries]


def changed(connection: Connection, entries: Sequence[JournalEntry]) -> list[Changed]:
    """The records that these changes touch, in their order."""
    at = {entry.seq: entry.at for entry in entries}
    named, touched = _named(entries), _touched(connection, entries)
    for kind, seqs in touched.items():
        column = _KEYS[kind]
        for keys in chunks(seqs):
            for pk, key in connection.execute(select(column.table.c.id, column).where(column.table.c.id.in_(keys))):
                named[kind, pk] = key
    found = [
        Changed(kind, named[kind, pk], seq, pk, at[seq])
        for kind, seqs in touched.items()
        for pk, seq in seqs.items()
        if (kind, pk) in named
    ]
    return sorted([*found, *_former(entries)], key=lambda c: (c.seq, c.kind, c.pk))


def _named(entries: Iterable[JournalEntry]) -> dict[tuple[Kind, int], str]:
    """Names of records that are there no more: those that a rollback took out."""
    found = {}
    for entry in entries:
        if entry.kind == "remove" and entry.subject in _SUBJECTS and (before := decode(entry.before)):
            kind = _SUBJECTS[entry.subject]
            found[kind, entry.subject_id] = str(before[_KEYS[kind].name])
    return found


def _former(entries: Iterable[JournalEntry]) -> Iterator[Changed]:
    """An RPPS number took precedence over an ADELI one: her record has another name."""
    for entry in entries:
        if entry.subject == "practitioner" and entry.before and b'"national_id"' in entry.before:
            before = decode(entry.before) or {}
            if entry.kind == "update" and before.get("national_id"):
                yield Changed(Kind.FORMER, str(before["national_id"]), entry.seq, entry.subject_id, entry.at)


def _touched(connection: Connection, entries: Sequence[JournalEntry]) -> dict[Kind, Seqs]:
    people, places = (_direct(entries, subject) for subject in ("practitioner", "organization"))
    hidings = _hidings(entries)
    boxes, ended = _public_boxes(connection, entries, hidings)
    holders = _spread(connection, binding.c.mailbox_id, binding.c.practitioner_id, boxes)
    _later(holders, _disappeared(connection, binding.c.practitioner_id, hidings, ended))
    owners = _spread(connection, binding.c.mailbox_id, binding.c.organization_id, boxes)
    _later(owners, _disappeared(connection, binding.c.organization_id, hidings, ended))
    boxes |= ended
    _later(people, _spread(connection, practitioner.c.id, practitioner.c.merged_into, people))
    _later(people, _spread(connection, activity.c.organization_id, activity.c.practitioner_id, places))
    shown = _spread(connection, binding.c.practitioner_id, binding.c.mailbox_id, people)
    _later(shown, _spread(connection, binding.c.organization_id, binding.c.mailbox_id, places))
    hidden = _hidden(connection, shown)
    _later(boxes, {pk: seq for pk, seq in shown.items() if pk not in hidden})
    _later(people, holders)
    _later(places, owners)
    return {Kind.MAILBOX: boxes, Kind.PRACTITIONER: people, Kind.ORGANIZATION: places}


def _direct(entries: Iterable[JournalEntry], subject: str) -> Seqs:
    return {entry.subject_id: entry.seq for entry in entries if entry.subject == subject}


def _later(known: Seqs, others: Seqs) -> None:
    for pk, seq in others.items():
        known[pk] = max(seq, known.get(pk, 0))


def _spread(connection: Connection, given: Column[int], wanted: Column[int], seqs: Seqs) -> Seqs:
    """Values of the column ``wanted`` in rows where ``given`` is one of these keys, with the last change of those."""
    found: Seqs = {}
    query = select(given, wanted).where(wanted.is_not(None))
    if given.table is binding:
        query = query.where(~_ENDED_UNLISTED)
    for keys in chunks(seqs):
        for key, pk in connection.execute(query.where(given.in_(keys))):
            found[pk] = max(seqs[key], found.get(pk, 0))
    return found


def _hidings(entries: Iterable[JournalEntry]) -> Hidings:
    """Mailboxes that were hidden or taken out, which the public saw."""
    found: Hidings = {}
    for entry in entries:
        if _was_unlisted(entry) is False:
            found.setdefault(entry.subject_id, []).append(entry)
    return found


def _was_unlisted(entry: JournalEntry) -> bool | None:
    """What the mailbox was before; None where this changed nothing of that."""
    if entry.subject == "mailbox" and entry.before and b'"unlisted"' in entry.before:
        return bool((decode(entry.before) or {}).get("unlisted"))
    return None


def _disappeared(connection: Connection, holder: Column[int], hidings: Hidings, hidden: Seqs) -> Seqs:
    """Whose mailbox was hidden: those whom the public saw with it until then.  Of one that is listed again, those who
    left it before it was."""
    b, found = binding.c, dict[int, int]()
    query = select(b.mailbox_id, holder, b.since, b.until, _ENDED_UNLISTED).where(holder.is_not(None))
    for keys in chunks(hidings):
        for box, pk, since, until, ended in connection.execute(query.where(b.mailbox_id.in_(keys))):
            if ended or box in hidden:
                held = [e for e in hidings[box] if since <= e.at and (not ended or e.at <= until)]
                seen = [e.seq for e in held if since < e.at or not _opens(e, holder, pk)]
                _later(found, {pk: seen[-1]} if seen else {})
    return found


def _opens(entry: JournalEntry, holder: Column[int], pk: int) -> bool:
    """Whether the change that hides a mailbox also gives it to this holder, whom nobody saw then."""
    return pk in [held.get(holder.name) for held in (decode(entry.after) or {}).get("binding", ())]


def _public_boxes(connection: Connection, entries: Sequence[JournalEntry], hidings: Hidings) -> tuple[Seqs, Seqs]:
    """Mailboxes that changed to the public's eyes: those that are listed or were taken out, and those that were
    hidden."""
    direct = _direct(entries, "mailbox")
    _later(direct, _of_operators(connection, entries))
    for entry in entries:
        if entry.kind == "remove" and _was_unlisted(entry):
            direct.pop(entry.subject_id, None)
    hidden = _hidden(connection, direct)
    listed = {pk: seq for pk, seq in direct.items() if pk not in hidden}
    return listed, {pk: hidings[pk][-1].seq for pk in hidden & hidings.keys()}


def _hidden(connection: Connection, boxes: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for keys in chunks(boxes):
        query = select(mailbox.c.id).where(mailbox.c.id.in_(keys), mailbox.c.unlisted)
        found.update(connection.execute(query).scalars())
    return found


def _of_operators(connection: Connection, entries: Iterable[JournalEntry]) -> Seqs:
    names = moved_domains(connection, entries)
    return {pk: names[name] for pk, name in mailboxes_under(connection, names)}
