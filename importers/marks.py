"""Which source speaks of which record under which key, and whether it still does: the marks in ``source_record``.

People bear several numbers, and a source may speak of one of them under each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, select, update

from directory_service.registry.bulk import chunks
from directory_service.registry.tables import source_record
from importers.store import Store


def mark_said(store: Store, source: str, rows: Sequence[tuple[str, int, int]]) -> None:
    """(key, digest, subject) of records that the source said anew."""
    if rows:
        columns = source_record.c
        query = update(source_record).where(columns.source == source, columns.key == bindparam("k"))
        query = query.values(digest=bindparam("d"), subject_id=bindparam("s"), run_id=store.run_id, gone_at=None)
        store.connection.execute(query, [{"k": key, "d": digest, "s": pk} for key, digest, pk in rows])


def mark_gone(store: Store, source: str, keys: Iterable[bytes]) -> None:
    """Records that the source names no more."""
    columns = source_record.c
    for some in chunks(keys):
        mine = columns.source == source, columns.key.in_([key.decode() for key in some])
        store.connection.execute(update(source_record).where(*mine).values(gone_at=store.as_of, run_id=store.run_id))


def named_otherwise(store: Store, source: str, told: Iterable[tuple[int, str]]) -> set[int]:
    """Of these people, told under these keys: those whom the source names under another one, too."""
    own, found, columns = set(told), set[int](), source_record.c
    for ids in chunks(sorted({pk for pk, _ in own})):
        query = select(columns.subject_id, columns.key).where(columns.subject_id.in_(ids), columns.source == source)
        rows = store.connection.execute(query.where(columns.gone_at.is_(None)))
        found |= {pk for pk, key in rows if (pk, key) not in own}
    return found


def read_again(store: Store, source: str, pks: Iterable[int]) -> None:
    """All that the source says of these people is read by the next import, changed or not: what each of their numbers
    says is not kept apart, so that nothing could be taken out today."""
    columns = source_record.c
    for ids in chunks(sorted(pks)):
        mine = columns.source == source, columns.subject_id.in_(ids), columns.gone_at.is_(None)
        store.connection.execute(update(source_record).where(*mine).values(digest=0))


def note_marks(store: Store, source: str, pks: Iterable[int], line: int | None = None) -> None:
    """What a source says of these people is what it was, but since another run, or no more: records show that."""
    for pk in pks:
        store.note("update", "practitioner", pk, {}, {"source": source}, line=line, count=False)


def move_sources(store: Store, rows: Sequence[tuple[str, str, int]]) -> None:
    """(source, key, subject): of whom these sources spoke under these keys."""
    if rows:
        change = update(source_record).where(
            source_record.c.source == bindparam("s"), source_record.c.key == bindparam("k")
        )
        values = [{"s": source, "k": key, "pk": pk} for source, key, pk in rows]
        store.connection.execute(change.values(subject_id=bindparam("pk")), values)
