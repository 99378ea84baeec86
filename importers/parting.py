"""A merge undone: what of a record is that of one which it took in goes back to it.

The journal tells what moved with the merge; what the absorbed record's own sources have said since goes back as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from directory_service.errors import InvalidInput
from directory_service.registry.bulk import update_rows
from directory_service.registry.decisions import Decision
from directory_service.registry.journal import decode
from directory_service.registry.tables import (
    activity,
    binding,
    expertise,
    identifier,
    journal,
    metadata,
    practitioner,
    qualification,
    run,
    source_record,
)
from importers.held import hang, stored_rows
from importers.impact import counted
from importers.known import People
from importers.lastwords import forget_last_words
from importers.marks import move_sources, read_again
from importers.store import Store

_MOVED: tuple[Table, ...] = (activity, expertise, qualification, binding)


def part(store: Store, merged: Decision, reason: str) -> None:
    """Undoes this merge.  Raises InvalidInput where it cannot be, or has been."""
    connection = store.connection
    query = select(practitioner.c.id, practitioner.c.merged_into).where(practitioner.c.national_id == merged.one)
    found = connection.execute(query).first()
    if found is None or found.merged_into is None:
        raise InvalidInput(f"la fiche {merged.one} n'est plus fusionnée : il n'y a rien à défaire")
    absorbed, survivor = int(found.id), int(found.merged_into)
    before = _before(connection, absorbed)
    store.flush()
    with counted(store, [absorbed, survivor]):
        _take_apart(store, absorbed, survivor, before)
    store.note("split", "practitioner", absorbed, {"into": survivor}, {"reason": reason})
    store.note("update", "practitioner", survivor, {"merged": absorbed}, {}, count=False)


def _take_apart(store: Store, absorbed: int, survivor: int, before: dict[str, Any]) -> None:
    connection, mine = store.connection, _only_hers(store.connection, before, survivor)
    carry(store, before, survivor, absorbed)
    numbers = [(absorbed, current, until, how, row) for row, _, _, current, until, how in before["identifiers"]]
    update_rows(connection, identifier, ("practitioner_id", "current", "until", "how"), numbers)
    update_rows(connection, practitioner, ("merged_into",), [(None, absorbed)])
    stand(store, (absorbed, survivor), {survivor: before["survivor"]} if before["survivor"][0] != "active" else {})
    people = People(connection, (absorbed, survivor))
    forget_last_words(store, filter(people.vouchers, (absorbed, survivor)))
    for source in {source for source, _ in before["sources"]} - mine:
        read_again(store, source, (absorbed, survivor))
    for pk, name, source, rows in before.get("last_words", ()):
        table = metadata.tables[name]
        if not people.vouchers(pk) and not stored_rows(store, table, source, [pk]):
            hang(store, table, pk, source, rows)


def carry(store: Store, said: Mapping[str, Any], holder: int, rightful: int) -> None:
    """What came under these numbers, from these sources, becomes the rightful holder's."""
    for table in _MOVED:
        rows = _rows_back(store.connection, table, said, holder)
        update_rows(store.connection, table, ("practitioner_id",), [(rightful, row) for row in rows])
    move_sources(store, [(source, key, rightful) for source, key in said["sources"]])


def _before(connection: Connection, absorbed: int) -> dict[str, Any]:
    """What the last merge of this record wrote into the journal; a merge of an undone run is none."""
    told = journal.c.kind == "merge", journal.c.subject == "practitioner", journal.c.subject_id == absorbed
    query = select(journal.c.before).join(run, run.c.id == journal.c.run_id).where(*told, run.c.undone_by.is_(None))
    before = decode(connection.execute(query.order_by(journal.c.seq.desc()).limit(1)).scalar())
    if before is None or "identifiers" not in before:
        raise InvalidInput("cette fusion date d'une version qui ne notait pas de quoi la défaire")
    return before


def stand(store: Store, pks: Sequence[int], asleep: Mapping[int, list[str]]) -> None:
    """Each is active if one of its own sources vouches for it; one that a merge woke falls ``asleep`` again, with the
    date that it had."""
    store.flush()
    people, as_of = People(store.connection, pks), store.as_of
    query = select(practitioner.c.id, practitioner.c.status, practitioner.c.status_since)
    state = {pk: now for pk, *now in store.connection.execute(query.where(practitioner.c.id.in_(pks)))}
    stands = {pk: _as_vouched(people, pk, now, as_of) for pk, now in state.items()}
    stands |= {pk: before for pk, before in asleep.items() if not people.vouchers(pk)}
    for pk in pks:
        if stands[pk] != state[pk]:
            old, new = ({"status": status, "status_since": since} for status, since in (state[pk], stands[pk]))
            store.note("reopen" if new["status"] == "active" else "close", "practitioner", pk, old, new)
    columns = "status", "status_since", "changed_at"
    update_rows(store.connection, practitioner, columns, [(*stands[pk], as_of, pk) for pk in pks])


def _as_vouched(people: People, pk: int, now: list[str], as_of: str) -> list[str]:
    """Status and its date, of a record whose sources may have left it, or come back, while it was one with another."""
    status = "active" if people.vouchers(pk) else "inactive"
    return now if status == now[0] else [status, as_of]


def _rows_back(connection: Connection, table: Table, before: Mapping[str, Any], survivor: int) -> list[int]:
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
    for source in _only_hers(connection, before, survivor):
        rows |= set(connection.execute(query.where(table.c.source == source)).scalars())
    return sorted(rows)


def _only_hers(connection: Connection, before: Mapping[str, Any], survivor: int) -> set[str]:
    """Sources that speak of the survivor under numbers of the absorbed record only."""
    keys = {(source, key) for source, key in before["sources"]}
    columns = source_record.c.source, source_record.c.key
    found = [tuple(row) for row in connection.execute(select(*columns).where(source_record.c.subject_id == survivor))]
    others = {source for source, key in found if (source, key) not in keys}
    return {source for source, _ in keys} - others
