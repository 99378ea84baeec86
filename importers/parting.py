"""What of a record is that of one which it took in: the rows that go back when the two are parted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, select

from directory_service.registry.tables import binding, identifier, source_record


def rows_back(connection: Connection, table: Table, before: Mapping[str, Any], survivor: int) -> list[int]:
    """Rows that moved and are still there, and those that the absorbed record's sources have brought since."""
    query, moved = select(table.c.id).where(table.c.practitioner_id == survivor), set(before.get(str(table.name), ()))
    if table is binding:
        own = set(connection.execute(query.where(binding.c.national_id.in_(before["numbers"]))).scalars())
        hers = select(identifier.c.scheme + identifier.c.value).where(identifier.c.practitioner_id == survivor)
        others = set(connection.execute(hers).scalars()) - set(before["numbers"])
        # A row that an extract has since told under another number of the survivor is no longer what moved.
        unsaid = query.where(binding.c.national_id.not_in(others))
        return sorted(own | moved.intersection(connection.execute(unsaid).scalars()))
    # SQLite may have given the key of a row that moved and left to another's: a source that never was hers.
    hers = query.where(table.c.source.in_({source for source, _ in before["sources"]}))
    rows = moved.intersection(connection.execute(hers).scalars())
    for source in only_hers(connection, before, survivor):
        rows |= set(connection.execute(query.where(table.c.source == source)).scalars())
    return sorted(rows)


def only_hers(connection: Connection, before: Mapping[str, Any], survivor: int) -> set[str]:
    """Sources that speak of the survivor under numbers of the absorbed record only."""
    keys = {(source, key) for source, key in before["sources"]}
    columns = source_record.c.source, source_record.c.key
    found = [tuple(row) for row in connection.execute(select(*columns).where(source_record.c.subject_id == survivor))]
    others = {source for source, key in found if (source, key) not in keys}
    return {source for source, _ in keys} - others
