"""Diploma and expertise extracts ► qualifications and expertise of practitioners.

A file is a full picture of its source.  A person whom no activity extract ever named is created inactive: nothing
vouches that she practises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select

from directory_service.registry.bulk import chunks, delete_rows
from directory_service.registry.tables import expertise, identifier, practitioner, qualification, source_record
from importers.known import Known, People, digest_of, match_key
from importers.people import Rows, lines_of
from importers.revise import difference, drop_rows, mark_gone, record, stored_rows, touch
from importers.rows import Match, Problems
from importers.rpps.parse import DetailParser
from importers.store import Store

_BATCH = 2_000


class DetailLoader:
    """Loads the groups of rows of one file."""

    def __init__(self, store: Store, people: People, match: Match, problems: Problems) -> None:
        self.store, self.people, self.match, self.problems = store, people, match, problems
        self.source = match.layout.id
        self.table = qualification if self.source == "rpps.diploma" else expertise
        self.name = str(self.table.name)  # not SQLAlchemy's subclass of str, which orjson refuses as a key
        self.parser = DetailParser(match, problems)
        self.known = Known(store.connection, self.source)
        self.changes: list[tuple[int, str, int, list[tuple[Any, ...]]]] = []

    def load(self, groups: Iterator[tuple[bytes, Rows]], separator: str) -> None:
        known, counts = self.known, self.store.counts[self.name]
        for key, rows in groups:
            digest = digest_of(rows)
            position = known.positions.get(key)
            if position is not None:
                known.seen[position] = 1
                if known.digests[position] == digest and not known.gone[position]:
                    counts["unchanged"] += 1
                    continue
            self._changed(key, rows, digest, position is not None, separator)
            self.store.flush_if_full()
        self.flush()

    def _changed(self, key: bytes, rows: Rows, digest: int, held: bool, separator: str) -> None:
        before = len(self.problems.rejected)
        lines = lines_of(rows, separator, self.match, self.problems)
        found = self.parser.parse(lines) if lines else None
        if found is None:
            return
        identity, said, labels = found
        if len(self.problems.rejected) > before:
            digest = 0
        self.store.labels.add(self.parser.systems, labels)
        pk = self.people.ids.get(key)
        if pk is None:
            pk = self._create(key, identity)
        if held:
            self.changes.append((pk, key.decode(), digest, said))
            if len(self.changes) >= _BATCH:
                self.flush()
            return
        store = self.store
        store.pending[self.table].extend([(pk, self.source, *values) for values in said])
        store.pending[source_record].append((self.source, key.decode(), digest, pk, store.run_id, None))
        store.counts[self.name]["created"] += 1
        if pk < store.first_new_practitioner:  # else her creation says it all
            store.note("update", "practitioner", pk, {}, {self.name: said}, count=False)

    def _create(self, key: bytes, identity: Sequence[str]) -> int:
        store = self.store
        pk = store.next_practitioner
        store.next_practitioner += 1
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
        for pk, _, _, said in self.changes:
            found = difference(stored.get(pk, ()), said)
            if not found.removed and not found.added:
                store.counts[self.name]["unchanged"] += 1
                continue
            delete_rows(store.connection, self.table, found.delete)
            store.pending[self.table].extend([(pk, self.source, *values) for values in found.added])
            name = self.name
            store.note("update", "practitioner", pk, {name: found.removed}, {name: found.added}, count=False)
            store.counts[name]["updated"] += 1
            touch(store, [pk])
        record(store, self.source, [(key, digest, pk) for pk, key, digest, _ in self.changes])
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
            drop_rows(self.store, self.table, self.source, list(self.store.connection.execute(query).scalars()))
