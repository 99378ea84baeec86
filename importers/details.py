"""Diploma and expertise extracts ► qualifications and expertise of practitioners.

A file is a full picture of its source.  A person whom no activity extract ever named is created inactive: nothing
vouches that she practises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from directory_service.registry.bulk import chunks, delete_rows
from directory_service.registry.tables import expertise, identifier, practitioner, qualification, source_record
from importers.feed import Feed
from importers.impact import count_changed
from importers.known import Known, People, match_key
from importers.revise import difference, drop_rows, mark_gone, note_marks, record, stored_rows, touch
from importers.store import Store

_BATCH = 2_000


class DetailLoader:
    """Loads the groups of rows of one file."""

    def __init__(self, store: Store, people: People, source: str, known: Known) -> None:
        self.store, self.people, self.source, self.known = store, people, source, known
        self.table = qualification if self.source == "rpps.diploma" else expertise
        self.name = str(self.table.name)  # not SQLAlchemy's subclass of str, which orjson refuses as a key
        self.codes: list[tuple[str, ...]] = []  # by the numbers of the feed
        self.changes: list[tuple[int, str, int, int, list[tuple[Any, ...]]]] = []

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
            self.store.flush_if_full()
        self.flush()

    def _changed(
        self, held: bool, key: bytes, digest: int, line: int, identity: tuple[str, ...], numbers: list[int]
    ) -> None:
        store, text, codes = self.store, key.decode(), self.codes
        pk = self.people.ids.get(key)
        if pk is None:
            pk = self._create(key, line, identity)
        if held:
            self.changes.append((pk, text, digest, line, [codes[n] for n in numbers]))
            if len(self.changes) >= _BATCH:
                self.flush()
            return
        store.pending[self.table].extend([(pk, self.source, *codes[n]) for n in numbers])
        store.pending[source_record].append((self.source, text, digest, pk, store.run_id, None))
        store.counts[self.name]["created"] += 1
        if pk < store.first_new_practitioner:  # else her creation says it all
            said = [codes[n] for n in numbers]
            store.note("update", "practitioner", pk, {}, {self.name: said}, line=line, count=False)

    def _create(self, key: bytes, line: int, identity: Sequence[str]) -> int:
        store = self.store
        pk = store.next_practitioner
        store.next_practitioner += 1
        store.lines["practitioner"].append(line)
        national = key.decode()
        self.people.ids[key] = pk
        names = match_key(identity[2], identity[3])
        row = (pk, national, "inactive", store.as_of, *identity, names, store.as_of, store.as_of)
        store.pending[practitioner].append(row)
        store.pending[identifier].append((pk, national[0], national[1:], True, store.as_of, None, "extract"))
        return pk

    def flush(self) -> None:
        """Applies the changes of people of whom the source spoke before."""
        if not self.changes:
            return
        store = self.store
        store.flush()
        stored = stored_rows(store, self.table, self.source, [c[0] for c in self.changes])
        touched = []
        for pk, _, _, line, said in self.changes:
            found = difference(stored.get(pk, ()), said)
            if not found.removed and not found.added:
                store.counts[self.name]["unchanged"] += 1
                note_marks(store, self.source, [pk], line)
                continue
            delete_rows(store.connection, self.table, found.delete)
            store.pending[self.table].extend([(pk, self.source, *values) for values in found.added])
            name = self.name
            before, after = {name: found.removed}, {name: found.added}
            store.note("update", "practitioner", pk, before, after, line=line, count=False)
            store.counts[name]["updated"] += 1
            touched.append(pk)
        touch(store, touched)
        count_changed(store, touched)
        record(store, self.source, [(key, digest, pk) for pk, key, digest, *_ in self.changes])
        self.changes = []

    def close_vanished(self) -> None:
        """What the source no longer says of active people is dropped; of those who left, the last word is kept."""
        self.store.flush()
        for batch in chunks(self.known.vanished()):
            mark_gone(self.store, self.source, [key for key, _ in batch])
            self.store.counts[self.name]["closed"] += len(batch)
            query = select(practitioner.c.id).where(
                practitioner.c.id.in_([pk for _, pk in batch]), practitioner.c.status == "active"
            )
            active = list(self.store.connection.execute(query).scalars())
            count_changed(self.store, active)
            told = drop_rows(self.store, self.table, self.source, active)
            note_marks(self.store, self.source, sorted({pk for _, pk in batch} - told))
