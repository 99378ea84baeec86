"""Mailboxes ► ``mailbox`` and ``binding``: an address, and who holds it from when until when.

Compared line by line with what is open: the same holder keeps its binding (and its date), a new one opens, one that is
no longer named closes.  An address that vanishes is closed, one that returns is reopened.  A mailbox that a better
source says is left alone; one that its operator publishes is compared, too (``importers.published``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from directory_service.model.identifiers import parse_national_id
from directory_service.model.mailboxes import domain_of
from directory_service.model.mistaken import near_numbers
from directory_service.model.publication import SOURCE
from directory_service.registry.bulk import chunks, update_rows
from directory_service.registry.tables import binding, mailbox, source_record
from importers.boxrules import BoxRules
from importers.feed import Feed
from importers.known import SEEN, Known, People
from importers.marks import mark_gone, mark_said
from importers.mssante.parse import PERSONAL
from importers.places import Places
from importers.published import PublishedBoxes
from importers.rows import NAMELESS, Holding, Place, derived_key
from importers.sources import box_sources
from importers.spared import KEPT, Spared, alike
from importers.store import Store

_BATCH = 2_000
# Columns of a binding after mailbox_id: the holder, then what is said of it.
_HOLDER = ("practitioner_id", "organization_id", "source", "national_id", "family_name", "given_names")
_SAID = ("category_code", "profession_code", "specialty_code", "service", "description", "responsible", "paperless")
_BOUND = (*_HOLDER, *_SAID)
_NUMBER, _NAMES = _HOLDER.index("national_id"), slice(_HOLDER.index("family_name"), _HOLDER.index("given_names") + 1)


def _rank(source: str) -> int:
    """The lower, the surer; what operators publish is surer than any extract."""
    known = box_sources()
    return known.index(source) if source in known else -1


@dataclass(slots=True)
class Box:
    """An address as a source says it: its lines resolved, in the order of ``_BOUND``."""

    pk: int
    address: str
    type: str
    digest: int
    line: int
    bindings: list[tuple[Any, ...]]
    held: bool  # this source has spoken of it before


class BoxLoader:
    """Loads addresses of one source."""

    def __init__(
        self, store: Store, people: People, places: Places, known: Known, rules: BoxRules, published: PublishedBoxes
    ) -> None:
        """``known``: what the source of these addresses last said."""
        self.store, self.people, self.places, self.rules = store, people, places, rules
        self.known, self.source = known, known.source
        self.published = published
        self.others = self._others()
        self.changes: list[Box] = []
        self.organizations: list[int | None] = [None] * (NAMELESS + 1)  # by the numbers of the feed

    def _others(self) -> dict[str, tuple[int, str]]:
        """Mailboxes of other sources."""
        columns = mailbox.c
        query = select(columns.address, columns.id, columns.source).where(columns.source != self.source)
        return {address: (pk, source) for address, pk, source in self.store.rows(query)}

    def load(self, feed: Feed) -> None:
        news, find = feed.news, self.places.find_structure
        self.store.counts["mailbox"]["unchanged"] += feed.unchanged
        for key, digest, given in feed.records:
            address = key.strip().lower()
            second = self._is_met(address)
            unchanged = self.is_unchanged(address, digest)
            if unchanged and address not in self.published.boxes:
                continue
            said = feed.read(key, digest, given)
            if news.places or news.labels:
                places, _, labels = news.take()
                self.organizations += [find(key, place, source, line) for source, line, key, *place in places]
                self.store.labels.add(feed.systems, labels)
            if said is not None and second:  # in another spelling
                self.rules.tell("address_twice", said[2][0], address.decode())
            elif said is not None:
                _, digest, numbers, held = said
                placed = [(*h[:-1], self.organizations[h[-1]]) for h in held]
                if address in self.published.boxes and digest:
                    self._compare(address, placed)
                if not unchanged:
                    self.add(digest, numbers, placed)
            elif not second and self._stands(address):
                self.store.counts["mailbox"][KEPT] += 1
            self.store.flush_if_full()
            self.published.flush_if_full()

    def _compare(self, address: bytes, held: Sequence[tuple[Any, ...]]) -> None:
        bindings = [self._binding(*h) for h in held]
        self.published.compare(address, held[0][0], [holder_of(b) for b in bindings])

    def load_holdings(
        self, address: str, digest: int, numbers: Sequence[int], holdings: Sequence[Holding], *, partial: bool
    ) -> None:
        """An address whose holdings, and the line of each, come from elsewhere than a file of mailboxes; ``partial``:
        rejected lines have it too."""
        if not self.is_unchanged(address.encode(), digest):
            pairs = zip(numbers, holdings, strict=True)
            held = [(*h[:-1], self._organization(line, h.place)) for line, h in pairs]
            self.add(0 if partial else digest, numbers, held)
        self.store.flush_if_full()

    def _organization(self, line: int, place: Place | None) -> int | None:
        key = (place.technical_id or derived_key(place)) if place else ""
        return self.places.find_structure(key, place, self.source, line) if place and key else None

    def _is_met(self, address: bytes) -> bool:
        """Whether this run has met it, of those that the source named before."""
        position = self.known.positions.get(address)
        return position is not None and bool(self.known.state[position] & SEEN)

    def _stands(self, address: bytes) -> bool:
        position = self.known.positions.get(address)
        return position is not None and self.known.stands(position)

    def is_unchanged(self, address: bytes, digest: int) -> bool:
        position = self.known.positions.get(address)
        if position is None:
            return False
        again = self.known.state[position] & SEEN
        same = self.known.meet(position, digest)
        if same and not again:
            self.store.counts["mailbox"]["unchanged"] += 1
        return same

    def add(self, digest: int, numbers: Sequence[int], held: Sequence[tuple[Any, ...]]) -> None:
        """``held``: by those of one address, as ``Holding`` with an organization for a place; ``numbers``: the line of
        each."""
        kind, address = held[0][:2]
        for number, holding in zip(numbers, held, strict=True):
            self.rules.look(number, holding)
        bindings, line = list(dict.fromkeys([self._binding(*h) for h in held])), numbers[0]
        position = self.known.positions.get(address.encode())
        if position is not None:
            pk = self.known.subjects[position]
            self._change(Box(pk, address, kind, digest, line, bindings, True))
        elif address in self.others:
            if self.others[address][1] == self.source:
                self.rules.tell("address_twice", line, address)
            self._take_over(Box(self.others[address][0], address, kind, digest, line, bindings, False))
        else:
            self._create(address, kind, digest, line, bindings)

    def _binding(self, kind: str, address: str, national: str, family: str, given: str, *said: Any) -> tuple[Any, ...]:
        *codes, paperless, place = said  # category, profession, specialty, service
        if kind not in PERSONAL:
            return (None, place, self.source, "", "", "", *codes, "", "", paperless)
        person = self.people.ids.get(national.encode()) if national else None
        if person is not None and _is_refused(self.store, self.people, address, person):
            person = None
        return (person, place, self.source, national, family, given, *codes, "", "", paperless)

    def _create(self, address: str, kind: str, digest: int, line: int, bindings: list[tuple[Any, ...]]) -> None:
        store = self.store
        pk = store.next_mailbox
        store.next_mailbox += 1
        store.lines["mailbox"].append(line)
        store.pending[mailbox].append((pk, address, kind, self.source, store.as_of, None, False, store.as_of))
        self._open(pk, bindings)
        store.pending[source_record].append((self.source, address, digest, pk, store.run_id, None))
        store.impact.domains[domain_of(address)] += 1
        self.others[address] = (pk, self.source)  # an address of two spellings in one file is one mailbox

    def _open(self, pk: int, bindings: Sequence[tuple[Any, ...]]) -> None:
        as_of, run = self.store.as_of, self.store.run_id
        self.store.pending[binding].extend([(pk, *b, False, as_of, None, run) for b in bindings])

    def _take_over(self, box: Box) -> None:
        """An address that another source said first."""
        owner = self.others[box.address][1]
        if owner == self.source:
            return
        self.store.pending[source_record].append(
            (self.source, box.address, box.digest, box.pk, self.store.run_id, None)
        )
        if _rank(owner) > _rank(self.source):
            self._change(box)
        if owner == SOURCE or _rank(owner) > _rank(self.source):  # a box that moved ties nobody to its former holder
            return
        for person in {values[0] for values in box.bindings if values[0] is not None}:
            self.store.claims.setdefault(person, set()).add(box.address)

    def _change(self, box: Box) -> None:
        self.changes.append(box)
        if len(self.changes) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Applies the changes of mailboxes already known."""
        if not self.changes:
            return
        self.places.flush()
        self.store.flush()
        boxes, self.changes = self.changes, []
        for chunk in chunks(boxes):
            self._apply(chunk)
        mark_said(self.store, self.source, [(b.address, b.digest, b.pk) for b in boxes if b.held])

    def _apply(self, boxes: Sequence[Box]) -> None:
        ids = [b.pk for b in boxes]
        columns = mailbox.c.id, mailbox.c.type, mailbox.c.source, mailbox.c.until, mailbox.c.unlisted
        rows = self.store.connection.execute(select(*columns).where(mailbox.c.id.in_(ids)))
        stored = {pk: found for pk, *found in rows}
        opened = self._open_bindings(ids)
        updates = []
        for box in boxes:
            kind, source, until, unlisted = stored[box.pk]
            if _rank(source) < _rank(self.source):
                continue
            before, after = self._rebind(box, opened[box.pk], unlisted)
            if kind != box.type:
                before["type"], after["type"] = kind, box.type
            if until:
                before["until"], after["until"] = until, None
            if source != self.source:
                before["source"], after["source"] = source, self.source
            if before or after:
                self.store.impact.mailbox("added" if until else "changed", box.address)
                self.store.note("reopen" if until else "update", "mailbox", box.pk, before, after, line=box.line)
                updates.append((box.type, self.source, None, self.store.as_of, box.pk))
            else:
                self.store.counts["mailbox"]["unchanged"] += 1
        update_rows(self.store.connection, mailbox, ("type", "source", "until", "changed_at"), updates)

    def _open_bindings(self, ids: Sequence[int]) -> dict[int, list[tuple[int, tuple[Any, ...]]]]:
        found: dict[int, list[tuple[int, tuple[Any, ...]]]] = defaultdict(list)
        columns = [binding.c[name] for name in ("mailbox_id", "id", *_BOUND)]
        query = select(*columns).where(binding.c.mailbox_id.in_(ids), binding.c.until.is_(None)).order_by(binding.c.id)
        for pk, row_id, *values in self.store.connection.execute(query):
            found[pk].append((row_id, tuple(values)))
        return found

    def _rebind(
        self, box: Box, opened: list[tuple[int, tuple[Any, ...]]], unlisted: bool
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Matches lines with open bindings, exactly first, then by holder; journals the rest as closed or opened."""
        said, left = list(box.bindings), []
        for row_id, values in opened:
            if values in said:
                said.remove(values)
            else:
                left.append((row_id, values))
        updates, closed = [], []
        for row_id, values in left:
            same = next((b for b in said if holder_of(b) == holder_of(values)), None)
            if same is None:
                closed.append((row_id, values))
            else:
                said.remove(same)
                updates.append((row_id, values, same))
        _keep_meant(closed, said)
        if box.held and not box.digest:  # a line of it was rejected, which may have named them
            closed = []
        connection = self.store.connection
        update_rows(connection, binding, _BOUND, [(*new, row_id) for row_id, _, new in updates])
        self._end(closed, unlisted)
        self._open(box.pk, said)
        before: dict[str, Any] = {"binding": [old for _, old, _ in updates] + [old for _, old in closed]}
        after: dict[str, Any] = {"binding": [new for _, _, new in updates] + said}
        return {k: v for k, v in before.items() if v}, {k: v for k, v in after.items() if v}

    def _end(self, held: Sequence[tuple[int, tuple[Any, ...]]], unlisted: bool) -> None:
        """``unlisted``: whether their mailbox is, an operator's that the extract has again."""
        ended = [(self.store.as_of, self.store.run_id, unlisted, row_id) for row_id, _ in held]
        update_rows(self.store.connection, binding, ("until", "closed_run", "unlisted"), ended)

    def close_vanished(self, spared: Spared) -> None:
        self.flush()
        self.store.flush()
        self.published.unread |= spared.keys & self.published.boxes.keys()
        gone = spared.vanished(self.store, self.known, "mailbox")
        mark_gone(self.store, self.source, [key for key, _ in gone])
        for batch in chunks(gone):
            owned = (mailbox.c.id.in_([pk for _, pk in batch]), mailbox.c.source == self.source)
            columns = mailbox.c.id, mailbox.c.address, mailbox.c.unlisted
            query = select(*columns).where(*owned, mailbox.c.until.is_(None))
            self._close({pk: (address, hidden) for pk, address, hidden in self.store.connection.execute(query)})
        self.published.finish()

    def _close(self, found: dict[int, tuple[str, bool]]) -> None:
        """Mailboxes: the address of each, and whether it is unlisted."""
        as_of, connection, pks = self.store.as_of, self.store.connection, list(found)
        for pk, opened in self._open_bindings(pks).items():
            self._end(opened, found[pk][1])
        for pk in pks:
            self.store.impact.mailbox("removed", found[pk][0])
            self.store.note("close", "mailbox", pk, {"until": None}, {"until": as_of})
        update_rows(connection, mailbox, ("until", "changed_at"), [(as_of, as_of, pk) for pk in pks])


def holder_of(values: Sequence[Any]) -> tuple[Any, ...]:
    """What makes two lines speak of one holder: the person known, else as written, else the structure."""
    person, place, _, national, family, given = values[:6]
    if person is not None:
        return ("person", person)
    if national or family:
        return ("written", national or (family, given))
    return ("structure", place)


def _is_refused(store: Store, people: People, address: str, person: int) -> bool:
    """The staff said that she does not hold it, by whichever of her numbers: extracts go from one to another."""
    said = store.refused_holders.get(address, ())
    return any(people.ids.get(national.encode()) == person for national in said)


def attach_holders(store: Store, people: People) -> None:
    """Bindings whose holder was in no registry when they were read, and is now."""
    store.flush()
    columns = binding.c
    query = select(columns.id, columns.mailbox_id, columns.national_id, mailbox.c.address).join(mailbox)
    query = query.where(columns.practitioner_id.is_(None), columns.national_id != "").order_by(columns.id)
    found = [
        (people.ids[national.encode()], row_id, box)
        for row_id, box, national, address in store.connection.execute(query).all()
        if national.encode() in people.ids and not _is_refused(store, people, address, people.ids[national.encode()])
    ]
    update_rows(store.connection, binding, ("practitioner_id",), [(pk, row_id) for pk, row_id, _ in found])
    boxes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pk, row_id, box in found:
        boxes[box].append((row_id, pk))
    for box, held in sorted(boxes.items()):
        store.note("update", "mailbox", box, {"holder": [(row_id, None) for row_id, _ in held]}, {"holder": held})
    update_rows(store.connection, mailbox, ("changed_at",), [(store.as_of, box) for box in sorted(boxes)])


def _keep_meant(closed: list[tuple[int, tuple[Any, ...]]], said: list[tuple[Any, ...]]) -> None:
    """Takes from both who is no longer named, and the line with a false number, one error from hers, and her name: it
    may be about her, so that neither is she taken away nor somebody unknown put in her place."""
    for line in [values for values in said if values[_NUMBER] and parse_national_id(values[_NUMBER]) is None]:
        near = near_numbers(line[_NUMBER])
        for held in closed:
            if held[1][_NUMBER] in near and alike(held[1][_NAMES], line[_NAMES]):
                closed.remove(held)
                said.remove(line)
                break
