"""Changes of known people: what is stored is read by batches and compared; only the difference is written.

The journal holds the difference both ways: changed columns, rows removed, rows added.  A better source that still
vouches for a person keeps her identity as it says it (RG_EXP_030).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Table, select

from directory_service.registry.bulk import chunks, delete_rows, update_rows
from directory_service.registry.tables import activity, expertise, practitioner, source_record
from importers.digests import match_key
from importers.held import Difference, difference, drop_rows, hang, stored_rows, touch
from importers.impact import counted
from importers.known import People
from importers.marks import mark_gone, mark_said, named_otherwise, note_marks, read_again
from importers.rows import Identity
from importers.sources import vouching, without_field
from importers.store import Store

_IDENTITY = Identity._fields
_COLUMNS = ("status", "status_since", *_IDENTITY, "match_key", "changed_at")
_BATCH = 2_000

State = dict[str, Any]  # columns of a person, or one side of a change, by name


@dataclass(slots=True)
class Change:
    """A known person of whom a source speaks anew; ``held``: this source has spoken of her before."""

    pk: int
    source: str
    key: str
    digest: int
    line: int
    held: bool
    identity: tuple[str, ...]  # as Identity
    expertises: list[tuple[str, ...]]
    activities: list[tuple[Any, ...]]


@dataclass(slots=True)
class _Written:
    """What a batch writes of people: rows that go, columns by person (``_COLUMNS`` and her key), who changes in nothing
    else than rows, who is active again."""

    deleted: dict[Table, list[int]] = field(default_factory=lambda: {activity: [], expertise: []})
    updated: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)


class Reviser:
    """Collects changes and applies them by batches."""

    def __init__(self, store: Store, people: People) -> None:
        self.store, self.people = store, people
        self.changes: list[Change] = []

    def add(self, change: Change) -> None:
        self.changes.append(change)
        if len(self.changes) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        if not self.changes:
            return
        self.store.flush()
        changes, self.changes = self.changes, []
        by_source: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            by_source[change.source].append(change)
        for source, some in by_source.items():
            self._apply(source, some)

    def _apply(self, source: str, each: list[Change]) -> None:
        bit, changes = vouching()[source], _of_one_person(each)
        # Those of whom the source has rows: now, or from before they left, be it under another number.
        told = {c.pk for c in each if c.held or self.people.vouchers(c.pk) & bit or not self.people.vouchers(c.pk)}
        rows = {table: stored_rows(self.store, table, source, sorted(told)) for table in (activity, expertise)}
        several = named_otherwise(self.store, source, [(c.pk, c.key) for c in each if c.pk in told])
        partial = {c.pk for c in each if not c.digest}  # a row of hers was rejected
        better = {c.pk for c in changes if self.people.vouchers(c.pk) & (bit - 1)}  # active, and said by that source
        people = self._people([c.pk for c in changes if c.pk not in better])
        wanted = _Written()
        for change in changes:
            old = people.get(change.pk)
            before, after = self._identity(change, old) if old else ({}, {})
            self.people.vouch(change.pk, bit)
            for table, said in ((activity, change.activities), (expertise, change.expertises)):
                found = difference(rows[table].get(change.pk, ()), said)
                if change.pk in several or change.pk in partial:  # what is missing may be said there
                    found.delete, found.removed = [], []
                wanted.deleted[table] += found.delete
                self._hang(table, change, found, before, after)
            self._note(source, change, before, after)
            if before or after:
                self._want(wanted, change, old, before, after)
        self._write(wanted)
        self._record(source, each, several)

    def _want(self, wanted: _Written, change: Change, old: State | None, before: State, after: State) -> None:
        if change.pk >= self.store.first_new_practitioner:
            self._count_new(old, before, after)
        if old is None:
            wanted.touched.append(change.pk)
            return
        old |= {name: value for name, value in after.items() if name in _COLUMNS} | {"changed_at": self.store.as_of}
        wanted.updated[change.pk] = (*(old[c] for c in _COLUMNS), change.pk)
        if "status" in after:
            wanted.back.append(change.pk)

    def _write(self, wanted: _Written) -> None:
        store, new = self.store, self.store.first_new_practitioner
        with counted(store, [pk for pk in (*wanted.updated, *wanted.touched) if pk < new]):
            for table, ids in wanted.deleted.items():
                delete_rows(store.connection, table, ids)
            update_rows(store.connection, practitioner, _COLUMNS, wanted.updated.values())
            touch(store, wanted.touched)
            forget_the_silent(store, self.people, [pk for pk in wanted.back if pk < new])
        store.back += [pk for pk in wanted.back if pk < new]

    def _count_new(self, old: State | None, before: State, after: State) -> None:
        """Someone created in this run: her creation is counted by what she is, which is this now."""
        places, gone = ([row[0] for row in rows.get("activity", ())] for rows in (after, before))
        if old is None:  # a better source says who she is
            self.store.impact.revise("", "", places, gone)
            return
        was = None if "status" in after else (old | before)["profession_code"]
        self.store.impact.revise(was, (old | after)["profession_code"], places, gone)

    def _people(self, pks: Sequence[int]) -> dict[int, State]:
        found = {}
        for ids in chunks(sorted(set(pks))):
            columns = [practitioner.c[name] for name in ("id", *_COLUMNS)]
            for row in self.store.connection.execute(select(*columns).where(practitioner.c.id.in_(ids))).mappings():
                found[row["id"]] = dict(row)
        return found

    def _identity(self, change: Change, old: State) -> tuple[State, State]:
        """The columns of the practitioner that this source changes."""
        said: dict[str, Any] = {"status": "active", **Identity._make(change.identity)._asdict()}
        if change.source in without_field("civility_code"):
            said["civility_code"] = said["civility_code"] or old["civility_code"]
        after = {name: value for name, value in said.items() if value != old[name]}
        before = {name: old[name] for name in after}
        if "status" in after:
            before["status_since"], after["status_since"] = old["status_since"], self.store.as_of
        if "family_name" in after or "given_names" in after:
            after["match_key"] = match_key(said["family_name"], said["given_names"])
            before["match_key"] = old["match_key"]
        return before, after

    def _hang(self, table: Table, change: Change, found: Difference, before: State, after: State) -> None:
        if found.removed:
            before[str(table.name)] = found.removed
        if found.added:
            after[str(table.name)] = found.added
        hang(self.store, table, change.pk, change.source, found.added)

    def _note(self, source: str, change: Change, before: State, after: State) -> None:
        if change.pk >= self.store.first_new_practitioner:
            return  # her creation, in this very run, says it all
        if not before and not after:
            self.store.counts["practitioner"]["unchanged"] += 1
            note_marks(self.store, source, [change.pk], change.line)
            return
        kind = "reopen" if "status" in after else "update"
        self.store.note(kind, "practitioner", change.pk, before, after, line=change.line)

    def _record(self, source: str, changes: Sequence[Change], several: Set[int]) -> None:
        again = several & {c.pk for c in changes if c.held}  # who may have more than she should
        read_again(self.store, source, again)
        digests = [(c, 0 if c.pk in again else c.digest) for c in changes]
        mark_said(self.store, source, [(c.key, digest, c.pk) for c, digest in digests if c.held])
        new = [(source, c.key, digest, c.pk, self.store.run_id, None) for c, digest in digests if not c.held]
        self.store.pending[source_record].extend(new)

    def vanish(self, source: str, gone: Sequence[tuple[bytes, int]]) -> None:
        """These people are no longer in the source under these numbers; some are under another one."""
        self.flush()
        self.store.flush()
        bit = vouching()[source]
        mark_gone(self.store, source, [key for key, _ in gone])
        for batch in chunks(gone):
            pks = {pk for _, pk in batch}
            staying = named_otherwise(self.store, source, [(pk, key.decode()) for key, pk in batch])
            read_again(self.store, source, staying)
            left = sorted(pks - staying)
            for pk in left:
                self.people.disavow(pk, bit)
            note_marks(self.store, source, sorted(staying))
            self.store.leaving[source, self.store.file] += left

    def settle(self) -> None:
        """Once all files of people are read: of whoever is gone from one of them, what it told goes where another
        still names her; she is inactive where none does."""
        store, vouchers = self.store, self.people.vouchers
        leaving, file = list(store.leaving.items()), store.file
        store.leaving.clear()
        for (source, store.file), left in leaving:
            for pks in chunks(dict.fromkeys(left)):
                elsewhere = [pk for pk in pks if vouchers(pk) and not vouchers(pk) & vouching()[source]]
                gone = [pk for pk in pks if not vouchers(pk)]
                with counted(store, [*elsewhere, *gone]):
                    told = self._close(gone)
                    for table in (activity, expertise):
                        told |= drop_rows(store, table, source, elsewhere)
                note_marks(store, source, sorted({*elsewhere, *gone} - told))
        store.file = file

    def _close(self, pks: Sequence[int]) -> set[int]:
        """Gives those who were active until now."""
        rows = []
        for pk, old in self._people(pks).items():
            if old["status"] != "inactive":
                before = {"status": old["status"], "status_since": old["status_since"]}
                after = {"status": "inactive", "status_since": self.store.as_of}
                self.store.note("close", "practitioner", pk, before, after)
                rows.append(("inactive", self.store.as_of, self.store.as_of, pk))
        update_rows(self.store.connection, practitioner, ("status", "status_since", "changed_at"), rows)
        return {row[-1] for row in rows}


def settle(store: Store, people: People) -> None:
    if store.leaving:
        Reviser(store, people).settle()


def _of_one_person(changes: Sequence[Change]) -> list[Change]:
    """What a source says of somebody under several numbers, at once: all of it, and who she is by the last."""
    found: dict[int, Change] = {}
    for change in changes:
        if said := found.get(change.pk):
            both = ([*dict.fromkeys([*a, *b])] for a, b in ((said.expertises, change.expertises),
                                                           (said.activities, change.activities)))  # fmt: skip
            change = replace(change, expertises=next(both), activities=next(both))
        found[change.pk] = change
    return list(found.values())


def forget_the_silent(store: Store, people: People, back: Sequence[int]) -> None:
    """Who comes back practises as those sources say that name her: the last words of the others, kept while nobody
    named her, go."""
    for source, bit in vouching().items():
        silent = [pk for pk in back if not people.vouchers(pk) & bit]
        for table in (activity, expertise):
            drop_rows(store, table, source, silent, count=False)
