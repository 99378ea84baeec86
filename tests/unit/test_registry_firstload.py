"""Indexes and references around a first load; on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from registry_factories import add, add_person
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import IntegrityError

from directory_service.registry.bulk import update_rows
from directory_service.registry.engine import reading, writing
from directory_service.registry.firstload import fast_load
from directory_service.registry.tables import metadata, practitioner


def _indexes(engine: Engine) -> set[tuple[str | None, str]]:
    """Names of the indexes, and of which rows each is."""
    where = f"{engine.dialect.name}_where"
    with reading(engine) as connection:
        found = [i for t in metadata.tables for i in inspect(connection).get_indexes(t)]
    return {(i["name"], str(i.get("dialect_options", {}).get(where, ""))) for i in found}


def test_a_first_load_goes_without_indexes_and_ends_with_them(registry: Engine) -> None:
    before = _indexes(registry)
    with writing(registry) as connection:
        with fast_load(connection) as first:
            assert first
            names = {i["name"] for i in inspect(connection).get_indexes("activity")}
            assert "ix_activity_practitioner_id" not in names
            add_person(connection, 1, "10000000017")
        assert "ix_activity_practitioner_id" in {i["name"] for i in inspect(connection).get_indexes("activity")}
    assert _indexes(registry) == before
    assert "merged_into IS NOT NULL" in dict(before)["ix_practitioner_merged_into"]


def test_a_first_load_that_fails_leaves_the_indexes(registry: Engine) -> None:
    before = _indexes(registry)
    with pytest.raises(ZeroDivisionError), writing(registry) as connection, fast_load(connection):
        raise ZeroDivisionError
    assert _indexes(registry) == before


def test_a_registry_in_use_keeps_its_indexes(registry: Engine) -> None:
    with writing(registry) as connection:
        add_person(connection, 1, "10000000017")
    with writing(registry) as connection, fast_load(connection) as first:
        assert not first


def _unique(engine: Engine) -> list[tuple[str, Any]]:
    with reading(engine) as connection:
        found = [(t, key) for t in metadata.tables for key in inspect(connection).get_unique_constraints(t)]
        found += [(t, inspect(connection).get_pk_constraint(t)) for t in metadata.tables]
    return sorted(found, key=str)


def test_a_first_load_refuses_what_is_there_twice(registry: Engine) -> None:
    refused = IntegrityError, sqlite3.IntegrityError
    with pytest.raises(refused), writing(registry) as connection, fast_load(connection):
        add_person(connection, 1, "10000000017")
        add(connection, "identifier", practitioner_id=1, value="10000000017")


def _references(engine: Engine) -> list[tuple[str, Any]]:
    with reading(engine) as connection:
        found = [(t, key) for t in metadata.tables for key in inspect(connection).get_foreign_keys(t)]
    return sorted(found, key=str)


@pytest.mark.parametrize("guards", [_unique, _references])
def test_a_first_load_ends_with_all_that_guards(registry: Engine, guards: Callable[[Engine], object]) -> None:
    before = guards(registry)
    with writing(registry) as connection, fast_load(connection):
        add_person(connection, 1, "10000000017")
    assert guards(registry) == before


def test_a_first_load_refuses_what_refers_to_nobody(registry: Engine) -> None:
    refused = IntegrityError, sqlite3.IntegrityError
    with pytest.raises(refused), writing(registry) as connection, fast_load(connection):
        add(connection, "identifier", practitioner_id=7, value="10000000017")


def test_what_a_first_load_changes_is_looked_up_by_indexes(registry: Engine) -> None:
    """PostgreSQL would compare every name with every name, for hours at national scale."""
    if registry.dialect.name != "postgresql":
        pytest.skip("PostgreSQL alone sets an index aside that is built over rows changed before")
    unusable = "SELECT indexrelid FROM pg_index WHERE indcheckxmin AND indrelid = 'practitioner'::regclass"
    with writing(registry) as connection:
        with fast_load(connection):
            add_person(connection, 1, "10000000017")
            update_rows(connection, practitioner, ("changed_at",), [("2026-01-01", 1)])
        assert connection.exec_driver_sql(unusable).all() == []
