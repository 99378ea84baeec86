"""Takes runs back: the registry holds again what it held before them, and the journal says so.

A run is undone with every run after it, the last one first, since each was made of what it found.  Rows that a run
changed become again what they were; those that it created leave the tables, their last state kept in ``undo_row``
under the rollback.  Readers of the journal meet ``remove`` and ``restore``.  See docs/decisions/0017.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from directory_service.errors import UndoRefused
from directory_service.registry.bulk import CHUNK
from directory_service.registry.clock import now_text
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import append_many
from directory_service.registry.lock import WORKS
from directory_service.registry.runs import Run, create_run, finish_run, get_run, read_standing
from directory_service.registry.tables import (
    binding,
    journal,
    mailbox,
    operator,
    organization,
    practitioner,
    run,
    source_record,
    tally,
    undo_range,
    undo_row,
)
from directory_service.registry.tally import recount
from directory_service.registry.undo import UNDOABLE, is_numbered, kept_row, key_of, names_its_run, references

_NAMES = {practitioner: "national_id", organization: "technical_id", mailbox: "address", operator: "name"}
_FRENCH = {"practitioner": "le professionnel", "organization": "la structure", "mailbox": "la boîte",
           "operator": "l'opérateur"}  # fmt: skip
_INSTEAD = "Annuler l'effacerait : importez plutôt des fichiers justes, ou répondez de nouveau (`annuaire review`)"
_LARGE = (practitioner, organization, mailbox)
_NEVER_GIVEN = (2**62, 2**62)  # keys of a table that a run knew nothing of
_SUBJECTS = {str(t.name): t for t in _NAMES}
_NOTED = b'{"ended_unlisted"'  # how ``after`` begins in the journal of migration 0033, and nowhere else
_IS_BOX = source_record.c.key.like("%@%")  # the others are numbers
_NAMED = {fk.column.table for t in UNDOABLE for fk in t.foreign_keys}
_PARENTS = [t for t in UNDOABLE if t in _NAMED]
_CHILDREN = [t for t in UNDOABLE if t not in _NAMED and is_numbered(t)]
_TOLD_APART = [t for t in UNDOABLE if t not in _NAMED and not is_numbered(t)]  # no foreign key leads to or from them


@dataclass(frozen=True, slots=True)
class Undone:
    """What a rollback did.  ``run``: its own number, None for a rehearsal.  ``undone``: the last run first.
    ``counts``: kind of record ► removed, restored ► number."""

    run: int | None
    as_of: str
    undone: tuple[Run, ...]
    counts: dict[str, dict[str, int]]


class _Rehearsed(Exception):
    """Not a failure: carries what was done out of the transaction that it undoes."""

    def __init__(self, done: Undone) -> None:
        self.done = done


Tell = Callable[[str, int, int], None]  # what, done, in all


def roll_back(
    engine: Engine,
    run_id: int,
    *,
    actor: str,
    through: bool = False,
    dry_run: bool = False,
    progress: Tell = lambda _what, _done, _total: None,
) -> Undone:
    """Takes back a run, and with ``through`` all that came after it.  Raises NotFound; UndoRefused, which says what
    stands in the way.  The caller holds the lock (``registry.lock``)."""
    try:
        with writing(engine) as connection:
            done = _roll_back(connection, run_id, actor, through, progress)
            if dry_run:
                raise _Rehearsed(replace(done, run=None))
    except _Rehearsed as rehearsed:
        return rehearsed.done
    except IntegrityError as error:
        why = f"des enregistrements venus ensuite, hors de tout import, s'appuient sur ce qui a été créé. {_INSTEAD}"
        with reading(engine) as connection:
            raise UndoRefused(why, where=_name(get_run(connection, run_id))) from error
    return done


def _roll_back(connection: Connection, run_id: int, actor: str, through: bool, progress: Tell) -> Undone:
    undone = _chosen(connection, run_id, through)
    at = now_text()
    number = create_run(connection, actor=actor, kind="rollback", as_of=at, started_at=at)
    work = _Rollback(connection, number, actor, at)
    for done, one in enumerate(undone):
        progress("annulation des passages", done, len(undone))
        work.take_back(one.pk)
    progress("annulation des passages", len(undone), len(undone))
    work.refuse_what_came_from_elsewhere(undone[-1])
    if work.something_came_from_elsewhere(run_id):
        recount(connection)  # the numbers that were restored do not know of it
    work.note_restored([one.pk for one in undone])
    connection.execute(update(run).where(run.c.id.in_([one.pk for one in undone])).values(undone_by=number))
    counts = {kind: dict(acts) for kind, acts in work.counts.items()}
    finish_run(connection, number, status="done", counts=counts)
    return Undone(number, at, tuple(undone), counts)


def _chosen(connection: Connection, run_id: int, through: bool) -> list[Run]:
    """The runs to take back, the last one first."""
    first = get_run(connection, run_id)
    where = _name(first)
    if first.kind == "rollback":
        raise UndoRefused("c'est un retour en arrière : importez de nouveau les fichiers qu'il a annulés", where=where)
    if first.undone_by is not None:
        raise UndoRefused(f"déjà annulé, par le passage {first.undone_by}", where=where)
    recorded = set(connection.execute(select(undo_range.c.run_id).where(undo_range.c.run_id >= run_id)).scalars())
    if run_id not in recorded:
        raise UndoRefused("rien n'a été conservé pour défaire ce passage : il ne peut pas être annulé", where=where)
    standing = [one for one in read_standing(connection, run_id) if one.pk in recorded]
    later = [one for one in standing if one.pk > run_id and one.status != "unchanged"]
    if later and not through:
        raise UndoRefused(_later(run_id, later), where=where)
    return standing


def _name(one: Run) -> str:
    return f"{WORKS.get(one.kind, one.kind)} {one.pk}"


def _later(run_id: int, later: Sequence[Run]) -> str:
    told = ", ".join(f"{one.pk} ({WORKS.get(one.kind, one.kind)}, {one.finished_at}, {one.actor})" for one in later)
    return (
        f"les passages suivants reposent sur lui : {told}. Annulez-les d'abord, du dernier au premier, "
        f"ou tout ensemble : annuaire rollback {run_id} --through"
    )


class _Rollback:
    """The transaction of one rollback."""

    def __init__(self, connection: Connection, number: int, actor: str, at: str) -> None:
        self.connection, self.number, self.actor, self.at = connection, number, actor, at
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.created: dict[str, list[tuple[int, int]]] = {name: [] for name in _SUBJECTS}  # first, after
        self.changed: dict[str, set[int]] = {name: set() for name in _SUBJECTS}  # records of which a part changed
        self.related: dict[str, set[int]] = {name: set() for name in _SUBJECTS}  # those that show a part of them
        self.hidden: set[int] = set()  # mailboxes that were listed

    def take_back(self, run_id: int) -> None:
        """One run, whose changes are the last ones that still stand."""
        ranges = self._ranges(run_id)
        for name, table in _SUBJECTS.items():
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

    # --- rows that the run created ------------------------------------------------------------------------------------

    def _release(self, given: tuple[int, int]) -> None:
        """Records absorbed by one that is about to go; what they were comes back after."""
        into = practitioner.c.merged_into
        query = update(practitioner).where(into >= given[0], into < given[1], practitioner.c.id < given[0])
        self.connection.execute(query.values(merged_into=None))

    def _remove(self, table: Table, run_id: int, ranges: dict[str, tuple[int, int]], whole: bool) -> None:
        """They leave the table.  They are kept under the rollback, but for a run that filled an empty registry: its
        files say all that it held."""
        own = _own(table, run_id, ranges.get(str(table.name)))
        if own is None:
            return
        for place, (column, subject) in enumerate(references(table).items()):
            older = own, column.is_not(None), column < ranges[subject][0]
            found = self.connection.execute(select(column).where(*older).distinct()).scalars()
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
        removed = self.connection.execute(query).rowcount
        if not references(table) and table is not source_record:
            self._count(str(table.name), "removed", removed)

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
            if not references(table) and table is not source_record:
                self._count(str(table.name), "removed", len(absent))
                self._count(str(table.name), "restored", len(changed) + len(deleted))

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
        if table is source_record:
            self._note_marks((row["key"], row["subject_id"]) for row in rows)

    def _note_marks(self, marks: Any) -> None:
        """A record shows which sources speak of it, since which run."""
        for key, subject_id in marks:
            self.related["mailbox" if "@" in key else "practitioner"].add(subject_id)

    def _removed(self, subject: str, pk: int) -> bool:
        return any(first <= pk < after for first, after in self.created[subject])

    def note_restored(self, runs: Sequence[int]) -> None:
        said = {"runs": list(runs)}
        for name in _SUBJECTS:
            self._count(name, "restored", sum(not self._removed(name, pk) for pk in self.changed[name]))
            touched = sorted(pk for pk in self.changed[name] | self.related[name] if not self._removed(name, pk))
            hidden = self.hidden if name == "mailbox" else set()
            changes = (("restore", name, pk, {"unlisted": False} if pk in hidden else None, said) for pk in touched)
            append_many(self.connection, changes, actor=self.actor, run_id=self.number, at=self.at)

    def refuse_what_came_from_elsewhere(self, first: Run) -> None:
        """Raises UndoRefused when a change after ``first``, of no recorded run (a publication), bears on a record that
        was touched."""
        columns = journal.c
        query = select(columns.subject, columns.subject_id, func.max(columns.at), func.max(columns.actor))
        query = query.where(_from_elsewhere(first.pk)).group_by(columns.subject, columns.subject_id)
        for name, pk, at, actor in self.connection.execute(query):
            if self._removed(name, pk) or pk in self.changed[name]:
                why = f"{_FRENCH[name]} de clé {pk} a changé depuis, hors de tout import, par {actor}, le {at}"
                raise UndoRefused(f"{why}. {_INSTEAD}", where=_name(first))

    def something_came_from_elsewhere(self, run_id: int) -> bool:
        """Whether anything was published since."""
        query = select(journal.c.seq).where(_from_elsewhere(run_id)).limit(1)
        return self.connection.execute(query).first() is not None


def _from_elsewhere(run_id: int) -> ColumnElement[bool]:
    """Entries of the journal that came after a run and are of no recorded one.  S/MIME certificates are of the address
    and not of the row of its mailbox: they stay whatever becomes of it (decision 0026).  What a migration noted of a
    mailbox (0033) changed nothing of what a run wrote."""
    columns = journal.c
    recorded = select(undo_range.c.run_id).union(select(run.c.id).where(run.c.kind == "rollback"))
    end = select(undo_range.c.after).where(undo_range.c.run_id == run_id, undo_range.c.table_name == "journal")
    after = columns.seq >= end.scalar_subquery(), columns.subject.in_(_SUBJECTS)
    of_address = and_(columns.subject == "mailbox", columns.kind == "certificate")
    noted = and_(columns.run_id.is_(None), func.substr(columns.after, 1, len(_NOTED)) == _NOTED)
    unrecorded = columns.run_id.is_(None) | columns.run_id.not_in(recorded)
    return and_(*after, ~of_address, ~func.coalesce(noted, false()), unrecorded)


def _row(table: Table, before: str | None) -> dict[str, Any] | None:
    """A row kept aside, by column; those that a later version of the tables has no more are left out."""
    return {name: v for name, v in json.loads(before).items() if name in table.c} if before else None


def _flag(rows: Sequence[dict[str, Any]], found: Mapping[tuple[Any, ...], Mapping[str, Any]]) -> None:
    """Bindings kept by a version that did not note which ended unlisted (before 0033): of those that ended already, the
    migration noted it in the row as it is; those that are open again end otherwise, if ever."""
    for row in rows:
        row.setdefault("unlisted", row["until"] is not None and found[row["id"],]["unlisted"])


def _own(table: Table, run_id: int, given: tuple[int, int] | None) -> ColumnElement[bool] | None:
    """Rows that a run created; None where ``undo_row`` tells them."""
    if given is not None and is_numbered(table):
        return (table.c.id >= given[0]) & (table.c.id < given[1])
    return table.c.run_id == run_id if names_its_run(table) else None


def _is(table: Table, keys: list[tuple[Any, ...]]) -> ColumnElement[bool]:
    columns: list[Column[Any]] = list(table.primary_key.columns)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_(keys)
