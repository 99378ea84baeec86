"""Takes runs back: the registry holds again what it held before them, and the journal says so.

A run is undone with every run after it, the last one first, since each was made of what it found.  Rows that a run
changed become again what they were; those that it created leave the tables, their last state kept in ``undo_row``
under the rollback (``unwinding``).  Readers of the journal meet ``remove`` and ``restore``.  See docs/decisions/0017.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Engine, and_, false, func, select, update
from sqlalchemy.exc import IntegrityError

from directory_service.errors import UndoRefused
from directory_service.registry.clock import now_text
from directory_service.registry.engine import reading, writing
from directory_service.registry.lock import WORKS
from directory_service.registry.runs import Run, create_run, finish_run, get_run, read_standing
from directory_service.registry.tables import journal, run, undo_range
from directory_service.registry.tally import recount
from directory_service.registry.unwinding import SUBJECTS, Unwinding

_FRENCH = {"practitioner": "le professionnel", "organization": "la structure", "mailbox": "la boîte",
           "operator": "l'opérateur"}  # fmt: skip
_INSTEAD = "Annuler l'effacerait : importez plutôt des fichiers justes, ou répondez de nouveau (`annuaire review`)"
_NOTED = b'{"ended_unlisted"'  # how ``after`` begins in the journal of migration 0033, and nowhere else


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
    work = Unwinding(connection, number, actor, at)
    for done, one in enumerate(undone):
        progress("annulation des passages", done, len(undone))
        work.take_back(one.pk)
    progress("annulation des passages", len(undone), len(undone))
    _refuse_what_came_from_elsewhere(work, undone[-1])
    if _something_came_from_elsewhere(connection, run_id):
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


def _refuse_what_came_from_elsewhere(work: Unwinding, first: Run) -> None:
    """Raises UndoRefused when a change after ``first``, of no recorded run (a publication), bears on a record that was
    touched."""
    columns = journal.c
    query = select(columns.subject, columns.subject_id, func.max(columns.at), func.max(columns.actor))
    query = query.where(_from_elsewhere(first.pk)).group_by(columns.subject, columns.subject_id)
    for name, pk, at, actor in work.connection.execute(query):
        if work.has_touched(name, pk):
            why = f"{_FRENCH[name]} de clé {pk} a changé depuis, hors de tout import, par {actor}, le {at}"
            raise UndoRefused(f"{why}. {_INSTEAD}", where=_name(first))


def _something_came_from_elsewhere(connection: Connection, run_id: int) -> bool:
    """Whether anything was published since."""
    return connection.execute(select(journal.c.seq).where(_from_elsewhere(run_id)).limit(1)).first() is not None


def _from_elsewhere(run_id: int) -> ColumnElement[bool]:
    """Entries of the journal that came after a run and are of no recorded one.  S/MIME certificates are of the address
    and not of the row of its mailbox: they stay whatever becomes of it (decision 0026).  What a migration noted of a
    mailbox (0033) changed nothing of what a run wrote."""
    columns = journal.c
    recorded = select(undo_range.c.run_id).union(select(run.c.id).where(run.c.kind == "rollback"))
    end = select(undo_range.c.after).where(undo_range.c.run_id == run_id, undo_range.c.table_name == "journal")
    after = columns.seq >= end.scalar_subquery(), columns.subject.in_(SUBJECTS)
    of_address = and_(columns.subject == "mailbox", columns.kind == "certificate")
    noted = and_(columns.run_id.is_(None), func.substr(columns.after, 1, len(_NOTED)) == _NOTED)
    unrecorded = columns.run_id.is_(None) | columns.run_id.not_in(recorded)
    return and_(*after, ~of_address, ~func.coalesce(noted, false()), unrecorded)
