"""What a run writes while the loader goes on; on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from directory_service.registry.engine import reading, writing
from directory_service.registry.tables import source_record
from importers.store import Row, Store

_MANY = 20_000  # what is written at once


def _said(number: int) -> Row:
    return "rpps.activity", f"8{number:011}", 1, number, 1, None


def _count(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(source_record)).scalar_one())


def test_what_is_full_is_there_for_whoever_asks_next(registry: Engine) -> None:
    with writing(registry) as connection:
        store = Store(connection, run_id=1, actor="test", as_of="2026-01-01T00:00:00Z", at="2026-01-01T00:00:00Z")
        with store.aside():
            for start in (0, _MANY):
                store.pending[source_record].extend(map(_said, range(start, start + _MANY)))
                store.flush_if_full()
                assert not store.pending[source_record]
            query = select(func.count()).select_from(source_record)
            assert store.connection.execute(query).scalar_one() == 2 * _MANY
    assert _count(registry) == 2 * _MANY


def test_what_cannot_be_written_stops_the_run_and_leaves_nothing(registry: Engine) -> None:
    refused = DBAPIError, sqlite3.IntegrityError, psycopg.IntegrityError
    with pytest.raises(refused), writing(registry) as connection:
        store = Store(connection, run_id=1, actor="test", as_of="2026-01-01T00:00:00Z", at="2026-01-01T00:00:00Z")
        with store.aside():
            store.pending[source_record].extend(map(_said, [*range(_MANY), 0]))
            store.flush_if_full()
    assert _count(registry) == 0


def test_a_loader_that_fails_meanwhile_is_rolled_back(registry: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(registry) as connection:
        store = Store(connection, run_id=1, actor="test", as_of="2026-01-01T00:00:00Z", at="2026-01-01T00:00:00Z")
        with store.aside():
            store.pending[source_record].extend(map(_said, range(_MANY)))
            store.flush_if_full()
            raise ZeroDivisionError
    assert _count(registry) == 0
