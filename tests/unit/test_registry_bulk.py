"""Many rows at once, and the journal; on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from registry_factories import START, add, add_person
from sqlalchemy import Engine, select

from directory_service.registry import journal
from directory_service.registry.bulk import chunks, delete_rows, insert_rows, next_id, update_rows
from directory_service.registry.engine import reading, writing
from directory_service.registry.tables import binding, nomenclature, practitioner, source_record

# What COPY's text format, and nothing else, gives a meaning to.
AWKWARD = ["", "\\", "\\N", "a\tb", "a\nb", "a\r\nb", "L'HERMITE", '"', "é œ", "%s", "?", "𝄞"]


def test_every_text_comes_back_as_it_was_written(registry: Engine) -> None:
    with writing(registry) as connection:
        insert_rows(
            connection, nomenclature, ("system", "code", "label"), (("s", str(i), t) for i, t in enumerate(AWKWARD))
        )
    with reading(registry) as connection:
        rows = connection.execute(select(nomenclature.c.code, nomenclature.c.label)).all()
    assert [label for _, label in sorted(rows, key=lambda r: int(r[0]))] == AWKWARD


def test_null_booleans_and_large_numbers_come_back(registry: Engine) -> None:
    with writing(registry) as connection:
        add(connection, "mailbox", id=1, address="a@b.fr")
        for paperless in (True, False, None):
            add(connection, "binding", mailbox_id=1, paperless=paperless)
        add(connection, "source_record", key="8x", digest=-(2**63), subject_id=2**40)
    with reading(registry) as connection:
        assert list(connection.execute(select(binding.c.paperless).order_by(binding.c.id)).scalars()) == [
            True,
            False,
            None,
        ]
        assert connection.execute(select(source_record.c.digest, source_record.c.subject_id)).one() == (-(2**63), 2**40)


def test_keys_given_in_bulk_are_never_given_again(registry: Engine) -> None:
    with writing(registry) as connection:
        assert next_id(connection, practitioner) == 1
        add_person(connection, 41, "10000000017")
        assert next_id(connection, practitioner) == 42
        values = {
            "national_id": "8y",
            "status": "active",
            "status_since": START,
            "created_at": START,
            "changed_at": START,
        }
        assert connection.execute(practitioner.insert().values(values)).inserted_primary_key == (42,)


def test_rows_are_updated_and_deleted_by_their_key(registry: Engine) -> None:
    with writing(registry) as connection:
        for key in (1, 2, 3):
            add(connection, "practitioner", id=key, national_id=str(key))
        update_rows(
            connection, practitioner, ("status", "family_name"), [("inactive", "ESSAI", 1), ("active", "TEST", 3)]
        )
        delete_rows(connection, practitioner, iter([2]))
        rows = connection.execute(select(practitioner.c.id, practitioner.c.status, practitioner.c.family_name)).all()
    assert sorted(rows) == [(1, "inactive", "ESSAI"), (3, "active", "TEST")]


def test_bulk_rows_are_part_of_the_transaction(registry: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(registry) as connection:
        add_person(connection, 1, "10000000017")
        raise ZeroDivisionError
    with reading(registry) as connection:
        assert connection.execute(select(practitioner.c.id)).first() is None


def test_nothing_to_insert_is_fine(registry: Engine) -> None:
    with writing(registry) as connection:
        insert_rows(connection, practitioner, ("id", "national_id"), [])
        assert next_id(connection, practitioner) == 1


def test_chunks_keep_order_and_lose_nothing() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([])) == []


def test_the_journal_numbers_changes_and_reads_on_from_one(registry: Engine) -> None:
    with writing(registry) as connection:
        assert journal.last_seq(connection) == 0
        first = journal.append(
            connection, actor="essai", kind="create", subject="mailbox", subject_id=7, after={"label": "Été"}, at=START
        )
        changes = [("update", "practitioner", 1, {"status": "active"}, None), ("close", "mailbox", 7, None, None)]
        journal.append_many(connection, changes, actor="essai", run_id=3, at=START)
    with reading(registry) as connection:
        entries = journal.read_after(connection, 0, 10)
        assert [e.seq for e in entries] == [first, first + 1, first + 2]
        assert journal.read_after(connection, first, 1) == entries[1:2]
        assert journal.last_seq(connection) == first + 2
    assert journal.decode(entries[0].after) == {"label": "Été"}
    assert (entries[1].run_id, entries[1].kind, entries[1].subject, entries[1].subject_id) == (
        3,
        "update",
        "practitioner",
        1,
    )
    assert journal.decode(entries[1].before) == {"status": "active"}
    assert entries[2].before is None
