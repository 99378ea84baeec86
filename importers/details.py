"""Diploma and expertise extracts ► qualifications and expertise of practitioners.

A file is a full picture of its source.  A person whom no activity extract ever named is created inactive: nothing
vouches that she practises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy import select

from directory_service.registry.bulk import chunks, delete_rows
from directory_service.registry.tables import expertise, practitioner, qualification, source_record
from importers.digests import match_key
from importers.feed import Feed
from importers.held import Difference, difference, drop_rows, stored_rows, touch
from importers.impact import count_changed
from importers.known import Known, Links, People
from importers.marks import mark_gone, mark_said, named_otherwise, note_marks, read_again
from importers.numbers import first_numbers
from importers.rows import Layout
from importers.spared import KEPT, Spared
from importers.store import Store

_BATCH = 2_000


@dataclass(slots=True)
class Detail:
    """What the source says of somebody under one number; ``held``: it has spoken of that number before."""

    pk: int
    key: str
    digest: int
    line: int
    held: bool
    said: list[tuple[str, ...]]


class DetailLoader:
    """Loads the groups of rows of one file."""

    def __init__(self, store: Store, people: People, links: Links, layout: Layout, known: Known) -> None:
        self.store, self.people, self.links, self.source, self.known = store, people, links, layout.id, known
        self.table = qualification if layout.of_diplomas else expertise
        self.name = str(self.table.name)  # not SQLAlchemy's subclass of str, which orjson refuses as a key
        self.codes: list[tuple[str, ...]] = []  # by the numbers of the feed
        self.met = bytearray()  # of people created in this run, by their place among them: whether this file names them
        self.changes: list[Detail] = []

    def load(self, feed: Feed) -> None:
        known, counts, news = self.known, self.store.counts[self.name], feed.news
        counts["unchanged"] += feed.unchanged
        for key, digest, given in feed.records:
            position = known.positions.get(key)
            if position is not None and known.meet(position, digest):
                counts["unchanged"] += 1
                continue
            said = feed.read(key, digest, given)
            if news.codes or news.labels:
                _, codes, labels = news.take()
                self.codes += codes
                self.store.labels.add(feed.systems, labels)
            if said is not None:
                self._changed(position is not None, *said)
            elif position is not None and known.stands(position):
                counts[KEPT] += 1
            self.store.flush_if_full()
        self.flush()

    def _changed(
        self, held: bool, key: bytes, digest: int, line: int, identity: tuple[str, ...], numbers: list[int]
    ) -> None:
        store, codes = self.store, self.codes
        pk = self.people.ids.get(key)
        if pk is None:
            pk = self._create(key, line, identity)
        detail = Detail(pk, key.decode(), digest, line, held, [codes[n] for n in numbers])
        if pk < store.first_new_practitioner or self._met_before(pk):
            self.changes.append(detail)
            if len(self.changes) >= _BATCH:
                self.flush()
            return
        self._hang(pk, detail.said)
        self._record_new(detail)

    def _met_before(self, pk: int) -> bool:
        """Whether this file has named somebody whom the run created, under another number; from now on it has."""
        place = pk - self.store.first_new_practitioner
        if place >= len(self.met):
            self.met.extend(bytes(place + 65_536 - len(self.met)))
        met, self.met[place] = self.met[place], 1
        return bool(met)

    def _create(self, key: bytes, line: int, identity: Sequence[str]) -> int:
        store = self.store
        pk = store.next_practitioner
        store.next_practitioner += 1
        store.lines["practitioner"].append(line)
        national = first_numbers(store, self.people, self.links, pk, key.decode())
        names = match_key(identity[2], identity[3])
        row = (pk, national, "inactive", store.as_of, *identity, names, store.as_of, store.as_of)
        store.pending[practitioner].append(row)
        return pk

    def _hang(self, pk: int, said: Iterable[tuple[str, ...]]) -> None:
        self.store.pending[self.table].extend([(pk, self.source, *values) for values in said])

    def _record_new(self, detail: Detail) -> None:
        row = (self.source, detail.key, detail.digest, detail.pk, self.store.run_id, None)
        self.store.pending[source_record].append(row)
        self.store.counts[self.name]["created"] += 1

    def flush(self) -> None:
        """Applies what is said of people who were known, by this source or another."""
        if not self.changes:
            return
        store, changes = self.store, self.changes
        self.changes = []
        store.flush()
        several = named_otherwise(store, self.source, [(c.pk, c.key) for c in changes])
        partial = {c.pk for c in changes if not c.digest}  # a row of hers was rejected
        stored = stored_rows(store, self.table, self.source, sorted({c.pk for c in changes}))
        changed = []
        for detail in _of_one_person(changes):
            found = difference(stored.get(detail.pk, ()), detail.said)
            if detail.pk in several or detail.pk in partial:  # what is missing may be said there
                found.delete, found.removed = [], []
            if self._apply(detail, found):
                changed.append(detail)
        touch(store, [c.pk for c in changed])
        count_changed(store, [c.pk for c in changed if c.held])
        self._record(changes, several)

    def _apply(self, detail: Detail, found: Difference) -> bool:
        """Whether something differs."""
        store, name = self.store, self.name
        new = detail.pk >= store.first_new_practitioner  # then her creation says it all
        if not found.removed and not found.added:
            store.counts[name]["unchanged"] += detail.held
            note_marks(store, self.source, [] if new else [detail.pk], detail.line)
            return False
        delete_rows(store.connection, self.table, found.delete)
        self._hang(detail.pk, found.added)
        if not new:
            before, after = ({name: rows} if rows else {} for rows in (found.removed, found.added))
            store.note("update", "practitioner", detail.pk, before, after, line=detail.line, count=False)
        store.counts[name]["updated"] += detail.held
        return True

    def _record(self, changes: Sequence[Detail], several: Set[int]) -> None:
        again = several & {c.pk for c in changes if c.held}  # who may have more than she should
        read_again(self.store, self.source, again)
        for detail in changes:
            if detail.pk in again:
                detail.digest = 0
            if not detail.held:
                self._record_new(detail)
        mark_said(self.store, self.source, [(c.key, c.digest, c.pk) for c in changes if c.held])

    def close_vanished(self, spared: Spared) -> None:
        """What the source no longer says of active people is dropped; of those who left, the last word is kept."""
        store, source = self.store, self.source
        store.flush()
        gone = spared.vanished(store, self.known, self.name)
        mark_gone(store, source, [key for key, _ in gone])
        store.counts[self.name]["closed"] += len(gone)
        for batch in chunks(gone):
            pks = {pk for _, pk in batch}
            staying = named_otherwise(store, source, [(pk, key.decode()) for key, pk in batch])
            read_again(store, source, staying)
            query = select(practitioner.c.id).where(
                practitioner.c.id.in_(sorted(pks - staying)), practitioner.c.status == "active"
            )
            active = list(store.connection.execute(query).scalars())
            count_changed(store, active)
            told = drop_rows(store, self.table, source, active)
            note_marks(store, source, sorted(pks - told))


def _of_one_person(changes: Iterable[Detail]) -> list[Detail]:
    """What is said of somebody under several numbers, at once."""
    found: dict[int, Detail] = {}
    for detail in changes:
        said = found.get(detail.pk)
        if said:
            both, held = [*dict.fromkeys([*said.said, *detail.said])], said.held or detail.held
            detail = replace(detail, said=both, held=held)
        found[detail.pk] = detail
    return list(found.values())
