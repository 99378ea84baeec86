"""Rows of runs that are taken back: those that they created leave, those that they changed are again what they were.

Each run in turn, the last one first (``rollback``, which says what may be taken back); then readers are told.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    case,
    delete,
    insert,
    select,
    text,
    tuple_,
    update,
)

from directory_service.registry.bulk import CHUNK
from directory_service.registry.journal import append_many
from directory_service.registry.tables import (
    binding,
    mailbox,
    operator,
    organization,
    practitioner,
    source_record,
    tally,
    undo_range,
    undo_row,
)
from directory_service.registry.undo import UNDOABLE, is_numbered, kept_row, key_of, names_its_run, references

_NAMES = {practitioner: "national_id", organization: "technical_id", mailbox: "address", operator: "name"}
SUBJECTS = {str(t.name): t for t in _NAMES}
_LARGE = (practitioner, organization, mailbox)
_NEVER_GIVEN = (2**62, 2**62)  # keys of a table that a run knew nothing of
_IS_BOX = source_record.c.key.like("%@%")  # the others are numbers
_NAMED = {fk.column.table for t in UNDOABLE for fk in t.foreign_keys}
_PARENTS = [t for t in UNDOABLE if t in _NAMED]
_CHILDREN = [t for t in UNDOABLE if t not in _NAMED and is_numbered(t)]
# The feed tells nobody that something became of whoever holds a mailbox that nobody could see.
_SHOWN = binding.c.mailbox_id.in_(select(mailbox.c.id).where(~mailbox.c.unlisted))
_TOLD_APART = [t for t in UNDOABLE if t not in _NAMED and not is_numbered(t)]  # no foreign key leads to or from them


class Unwinding:
    """The transaction of one rollback."""

    def __init__(self, connection: Connection, number: int, actor: str, at: str) -> None:
        self.connection, self.number, self.actor, self.at = connection, number, actor, at
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.created: dict[str, list[tuple[int, int]]] = {name: [] for name in SUBJECTS}  # first, after
        self.changed: dict[str, set[int]] = {name: set() for name in SUBJECTS}  # records of which a part changed
        self.related: dict[str, set[int]] = {name: set() for name in SUBJECTS}  # those that show a part of them
        self.hidden: set[int] = set()  # mailboxes that were listed

    def take_back(self, run_id: int) -> None:
        """One run, whose changes are the last ones that still stand."""
        ranges = self._ranges(run_id)
        for name, table in SUBJECTS.items():
            self.created[name].append(ranges[name])
            self._note_removed(table, ranges[name])
        whole = all(self._is_all(table, ranges[str(table.name)]) for table in _LARGE)
        for table in reversed(_CHILDREN):
            self._remove(table, run_id, ranges, whole)
            self._restore(table, run_id)
        for table in _TOLD_APART:
            self._restore(table, run_id)
            # Only now do the rows that name their run name it alone: those that it changed name another again.
            self._remove(table, run_id, ranges, whole)
        # Records go before others become what they were: a name of theirs may have been another's.
        self._release(ranges["practitioner"])
        for table in reversed(_PARENTS):
            self._remove(table, run_id, ranges, whole)
        for table in _PARENTS:
            self._restore(table, run_id)

    def _ranges(self, run_id: int) -> dict[str, tuple[int, int]]:
        columns = undo_range.c
        query = select(columns.table_name, columns.first, columns.after).where(columns.run_id == run_id)
        found = {name: (first, after) for name, first, after in self.connection.execute(query)}
        return {str(t.name): _NEVER_GIVEN for t in UNDOABLE} | found

    def _is_all(self, table: Table, given: tuple[int, int]) -> bool:
        """Whether the table holds nothing but what the run gave it."""
        others = (table.c.id < given[0]) | (table.c.id >= given[1])
        return self.connection.execute(select(table.c.id).where(others).limit(1)).first() is None

    def _note_removed(self, table: Table, given: tuple[int, int]) -> None:
        """One entry of the journal for each record that goes, with the name that its readers know it by."""
        # The feed tells nobody that a mailbox went which nobody could see.
        names = (_NAMES[table], *(["unlisted"] if table is mailbox else []))
        pairs = ", ".join(f"'{name}', {name}" for name in names)
        json_of = {
            "sqlite": f"CAST(json_object({pairs}) AS BLOB)",
            "postgresql": f"convert_to(json_build_object({pairs})::text, 'UTF8')",
        }[self.connection.dialect.name]
        said = text(
            "INSERT INTO journal (at, actor, run_id, kind, subject, subject_id, before) "  # noqa: S608 - our own tables
            f"SELECT :at, :actor, :run, 'remove', '{table.name}', id, {json_of} FROM {table.name} "
            "WHERE id >= :first AND id < :after ORDER BY id"
        )
        values = {"at": self.at, "actor": self.actor, "run": self.number, "first": given[0], "after": given[1]}
        self._count(str(table.name), "removed", self.connection.execute(said, values).rowcount)

    def _count(self, kind: str, act: str, number: int) -> None:
        if number and kind != tally.name:  # numbers of what is there are no records
            self.counts[kind][act] += number

    def _count_rows(self, table: Table, act: str, number: int) -> None:
        """Those of a table whose rows are part of no record."""
        if not references(table) and table is not source_record:
            self._count(str(table.name), act, number)

    # --- rows that the run created ------------------------------------------------------------------------------------

    def _release(self, given: tuple[int, int]) -> None:
        """Records absorbed by one that is about to go; what they were comes back after."""
        into = practitioner.c.merged_into
        query = update(practitioner).where(into >= given[0], into < given[1], practitioner.c.id < given[0])
        self.connection.execute(query.values(merged_into=None))

    def _remove(self, table: Table, run_id: int, ranges: dict[str, tuple[int, int]], whole: bool) -> None:
        """They leave the table.  They are kept under the rollback, but for a run that filled an empty registry: its
        files say all that it held."""
        own = _own(table, run_id, ranges[str(table.name)])
        if own is None:
            return
        for place, (column, subject) in enumerate(references(table).items()):
            older = own, column.is_not(None), column < ranges[subject][0]
            asked = select(column).where(*older).distinct()
            found = self.connection.execute(asked.where(_SHOWN) if place and table is binding else asked).scalars()
            (self.related if place else self.changed)[subject].update(found)
        if table is source_record:
            firsts = case((_IS_BOX, ranges["mailbox"][0]), else_=ranges["practitioner"][0])
            marks = select(table.c.key, table.c.subject_id).where(own, table.c.subject_id < firsts)
            self._note_marks(self.connection.execute(marks))
        if not whole:
            self._archive(table, own)
        query = delete(table)
        if not (whole and is_numbered(table) and self._is_all(table, ranges[str(table.name)])):
            query = query.where(own)  # without it SQLite empties a table at once, and its indexes
        self._count_rows(table, "removed", self.connection.execute(query).rowcount)

    def _archive(self, table: Table, own: ColumnElement[bool]) -> None:
        """The last state of a number that two of the runs gave: SQLite gives the largest again once its row is gone."""
        where = own.compile(self.connection, compile_kwargs={"literal_binds": True})
        self.connection.exec_driver_sql(
            "INSERT INTO undo_row (run_id, table_name, key, before) "  # noqa: S608 - our own tables and numbers
            f"SELECT {self.number}, '{table.name}', {kept_row(self.connection, table)} FROM {table.name} WHERE {where} "
            "ON CONFLICT DO NOTHING"
        )

    # --- rows that it changed -----------------------------------------------------------------------------------------

    def _restore(self, table: Table, run_id: int) -> None:
        for kept in self._kept(table, run_id):
            found = self._found(table, list(kept))
            absent = [key for key, before in kept.items() if before is None]
            changed = [before for key, before in kept.items() if before is not None and key in found]
            deleted = [before for key, before in kept.items() if before is not None and key not in found]
            if table is binding:
                _flag(changed, found)
            self._note(table, [*found.values(), *(b for b in kept.values() if b is not None)])
            if table is mailbox:
                self.hidden |= {row["id"] for row in changed if row["unlisted"] and not found[row["id"],]["unlisted"]}
            if absent and is_numbered(table):
                self._archive(table, _is(table, absent))
            for key in absent:
                self.connection.execute(delete(table).where(_is(table, [key])))
            self._update(table, changed)
            if deleted:
                self.connection.execute(insert(table), deleted)
            self._count_rows(table, "removed", len(absent))
            self._count_rows(table, "restored", len(changed) + len(deleted))

    def _kept(self, table: Table, run_id: int) -> Iterator[dict[tuple[Any, ...], dict[str, Any] | None]]:
        """The rows of a table as they were before a run, by key, some hundreds at a time."""
        columns, last = undo_row.c, ""
        query = select(columns.key, columns.before).where(columns.run_id == run_id, columns.table_name == table.name)
        while rows := self.connection.execute(query.where(columns.key > last).order_by(columns.key).limit(CHUNK)).all():
            yield {key_of(table, key): _row(table, before) for key, before in rows}
            last = rows[-1][0]

    def _found(self, table: Table, keys: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], dict[str, Any]]:
        columns = list(table.primary_key.columns)
        rows = self.connection.execute(select(table).where(_is(table, keys))).mappings()
        return {tuple(row[c.name] for c in columns): {str(k): v for k, v in row.items()} for row in rows}

    def _update(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            keys = {c.name for c in table.primary_key.columns}
            query = update(table).where(*(c == bindparam("key_" + c.name) for c in table.primary_key.columns))
            query = query.values({name: bindparam("new_" + name) for name in rows[0] if name not in keys})
            values = [{("key_" if name in keys else "new_") + name: v for name, v in row.items()} for row in rows]
            self.connection.execute(query, values)

    # --- what readers must be told ------------------------------------------------------------------------------------

    def _note(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """Records that these rows, as they were or as they are again, are part of or name."""
        for place, (column, subject) in enumerate(references(table).items()):
            (self.related if place else self.changed)[subject].update(r[column.name] for r in rows if r[column.name])
            if table is binding:
                rows = self._shown(rows)  # from here on, of records that name it
        if table is source_record:
            self._note_marks((row["key"], row["subject_id"]) for row in rows)

    def _shown(self, rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Bindings that their holders show: those of mailboxes that are not unlisted."""
        boxes = mailbox.c.id.in_({row["mailbox_id"] for row in rows})
        unlisted = set(self.connection.execute(select(mailbox.c.id).where(boxes, mailbox.c.unlisted)).scalars())
        return [row for row in rows if row["mailbox_id"] not in unlisted]

    def _note_marks(self, marks: Any) -> None:
        """A record shows which sources speak of it, since which run."""
        for key, subject_id in marks:
            self.related["mailbox" if "@" in key else "practitioner"].add(subject_id)

    def _removed(self, subject: str, pk: int) -> bool:
        return any(first <= pk < after for first, after in self.created[subject])

    def has_touched(self, subject: str, pk: int) -> bool:
        return self._removed(subject, pk) or pk in self.changed[subject]

    def note_restored(self, runs: Sequence[int]) -> None:
        """One entry of the journal for each; ``itself`` is false of those whose own rows are as they were."""
        said = {"runs": list(runs)}
        shown = said | {"itself": False}
        for name in SUBJECTS:
            changed, related = self.changed[name], self.related[name]
            self._count(name, "restored", sum(not self._removed(name, pk) for pk in changed))
            touched = sorted(pk for pk in changed | related if not self._removed(name, pk))
            listed = {pk: {"unlisted": False} for pk in self.hidden} if name == "mailbox" else {}
            changes = (("restore", name, pk, listed.get(pk), said if pk in changed else shown) for pk in touched)
            append_many(self.connection, changes, actor=self.actor, run_id=self.number, at=self.at)


def _row(table: Table, before: str | None) -> dict[str, Any] | None:
    """A row kept aside, by column; those that a later version of the tables has no more are left out."""
    return {name: v for name, v in json.loads(before).items() if name in table.c} if before else None


def _flag(rows: Sequence[dict[str, Any]], found: Mapping[tuple[Any, ...], Mapping[str, Any]]) -> None:
    """Bindings kept by a version that did not note which ended unlisted (before 0033): of those that ended already, the
    migration noted it in the row as it is; those that are open again end otherwise, if ever."""
    for row in rows:
        row.setdefault("unlisted", row["until"] is not None and found[row["id"],]["unlisted"])


def _own(table: Table, run_id: int, given: tuple[int, int]) -> ColumnElement[bool] | None:
    """Rows that a run created; None where ``undo_row`` tells them."""
    if is_numbered(table):
        return (table.c.id >= given[0]) & (table.c.id < given[1])
    return table.c.run_id == run_id if names_its_run(table) else None


def _is(table: Table, keys: list[tuple[Any, ...]]) -> ColumnElement[bool]:
    columns: list[Column[Any]] = list(table.primary_key.columns)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_(keys)
