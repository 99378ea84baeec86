"""What sources told of people last, kept while nobody names them: it goes once they practise as others say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, product
from typing import Any

from sqlalchemy import Table, select

from directory_service.registry.bulk import chunks, delete_rows
from directory_service.registry.tables import source_record
from importers.held import HELD, stored_rows, touch
from importers.sources import person_sources
from importers.store import Store

# By person: table, source, (id, values) of rows.
LastWords = dict[int, list[tuple[Table, str, list[tuple[int, tuple[Any, ...]]]]]]


def last_words(store: Store, pks: Iterable[int]) -> LastWords:
    """What sources that no longer name these people told of them."""
    columns, marks = source_record.c, dict[tuple[str, int], bool]()
    for some in chunks(sorted(set(pks))):
        query = select(columns.source, columns.subject_id, columns.gone_at)
        query = query.where(columns.subject_id.in_(some), columns.source.in_(person_sources()))
        for source, pk, gone_at in store.connection.execute(query):
            marks[source, pk] = marks.get((source, pk), True) and gone_at is not None
    silent: dict[str, list[int]] = defaultdict(list)
    for (source, pk), is_gone in sorted(marks.items()):
        if is_gone:
            silent[source].append(pk)
    found: LastWords = defaultdict(list)
    for (source, some), table in product(silent.items(), HELD):
        for pk, rows in stored_rows(store, table, source, some).items():
            found[pk].append((table, source, rows))
    return found


def forget(store: Store, said: LastWords) -> None:
    """These rows go; for whoever tells the journal."""
    for table, _, rows in chain.from_iterable(said.values()):
        delete_rows(store.connection, table, [row_id for row_id, _ in rows])


def forget_last_words(store: Store, active: Iterable[int]) -> None:
    """Of people who are active again: what was kept while nobody named them, and no source says today, goes."""
    store.flush()
    said = last_words(store, active)
    forget(store, said)
    for pk, each in sorted(said.items()):
        gone: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for table, _, rows in each:
            gone[str(table.name)] += [values for _, values in rows]
        store.note("update", "practitioner", pk, gone, {}, count=False)
    touch(store, list(said))
