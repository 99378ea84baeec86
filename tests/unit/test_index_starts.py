"""Beginnings of tokens: what is looked up is what is indexed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from directory_service.index.plan.starts import asked_start, with_starts
from directory_service.index.schema import TABLES

TOKENS = ("1dupont", "1d", "2dupond", "3dupont", "1œuvre", "1éloi", "qjdeuap", "wdupon", "z75001", "f980800114", "7a·f")


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(next(table for table in TABLES if table.startswith("CREATE VIRTUAL TABLE tag ")))
        rows = [(n, with_starts(f"a1 {token}")) for n, token in enumerate(TOKENS)]
        db.executemany("INSERT INTO tag(rowid, terms) VALUES (?, ?)", rows)
        yield db


@pytest.mark.parametrize("start", sorted({token[:size] for token in TOKENS for size in range(1, len(token) + 1)}))
def test_a_beginning_finds_the_tokens_that_begin_so_and_no_others(start: str, db: sqlite3.Connection) -> None:
    found = db.execute("SELECT rowid FROM tag WHERE tag MATCH ? ORDER BY rowid", (asked_start(start),)).fetchall()
    assert [TOKENS[n] for (n,) in found] == [token for token in TOKENS if token.startswith(start)]


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_indexed_too(token: str, db: sqlite3.Connection) -> None:
    assert db.execute("SELECT rowid FROM tag WHERE tag MATCH ?", (f'"{token}"',)).fetchall() == [(TOKENS.index(token),)]


@pytest.mark.parametrize(("start", "asked"), [("1du", '"01du"'), ("1dupon", '"1dupon"*'), ("3du", '"3du"*')])
def test_short_beginnings_are_one_list(start: str, asked: str) -> None:
    assert asked_start(start) == asked


def test_no_tokens_have_no_beginnings() -> None:
    assert with_starts("") == ""
