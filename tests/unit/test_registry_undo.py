"""Rows kept aside by the database come back as they were, whatever their columns hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from factories import rpps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry_factories import add_person, add_place
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    insert,
)

from directory_service.registry.engine import writing
from directory_service.registry.rollback import roll_back
from directory_service.registry.runs import create_run, finish_run
from directory_service.registry.tables import organization
from directory_service.registry.undo import UNDOABLE, is_numbered, kept_row, key_of, names_its_run, recording

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
rows = st.fixed_dictionaries(
    {
        "id": words,
        "n": st.integers(0, 2**40),
        "big": st.integers(-(2**63), 2**63 - 1),
        "flag": st.booleans() | st.none(),
        "score": st.floats(-1000, -0.001) | st.floats(0.001, 1000) | st.none(),
    }
)
TABLE = Table(
    "odd",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("big", BigInteger),
    Column("flag", Boolean),
    Column("score", Float(53)),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=rows)
def test_a_row_kept_aside_is_the_row(registry: Engine, row: dict[str, object]) -> None:
    with writing(registry) as connection:
        TABLE.create(connection)
        connection.execute(insert(TABLE), [row])
        key, kept = connection.exec_driver_sql(f"SELECT {kept_row(connection, TABLE)} FROM odd").one()
        TABLE.drop(connection)
    again = json.loads(kept)
    score = again.pop("score")  # PostgreSQL writes 2.0 as 2
    assert {**again, "score": score if score is None else float(score)} == row
    assert key_of(TABLE, key) == (row["id"], row["n"])


@pytest.mark.parametrize("table", UNDOABLE, ids=lambda t: str(t.name))
def test_the_rows_of_each_table_can_be_told(table: Table) -> None:
    """By a number, by their run, or by triggers at each row, which a table as large as the country should not need."""
    assert is_numbered(table) or names_its_run(table) or table.name in ("nomenclature", "tally")


def test_the_record_of_what_happened_is_not_undone() -> None:
    named = {str(t.name) for t in UNDOABLE}
    told = {"run", "run_file", "rejection", "finding", "journal", "undo_range", "undo_row"}
    assert named.isdisjoint(told | {"operator_certificate", "suspension"})
    assert {"operator", "operator_subject", "domain"} <= named
    assert {"practitioner", "activity", "mailbox", "binding", "source_record", "link"} <= named


def test_two_runs_that_gave_one_number_are_taken_back_together(registry: Engine) -> None:
    """The row of the largest number goes; SQLite gives that number again to the next one."""
    at = "2026-11-01T00:00:00Z"

    def run(act: Callable[[Connection], object]) -> int:
        with writing(registry) as connection:
            number = create_run(connection, actor="test", kind="import", as_of=at, started_at=at)
            with recording(connection, number):
                act(connection)
            finish_run(connection, number, status="done", counts={})
        return number

    run(lambda c: add_person(c, 1, rpps(1)))  # which stays
    first = run(lambda c: add_place(c, 1, technical_id="F1"))
    run(lambda c: c.execute(delete(organization)))
    run(lambda c: add_place(c, 1, technical_id="F2"))
    roll_back(registry, first, actor="test", through=True)
    with writing(registry) as connection:
        assert connection.execute(organization.select()).all() == []
