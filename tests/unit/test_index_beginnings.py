"""Beginnings that many have: what is asked instead finds the same, and gathers few."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.index import beginnings
from directory_service.index.beginnings import TOKENS, Beginnings, covering
from directory_service.index.schema import TABLES

MANY = beginnings._FEW + 1
# Each token, and how many have it.
HELD = {"2marie": MANY, "2mariette": 2, "2mariné": 1, "2mario": 1, "2martin": 1, "3marie": 1, "2mas": 1}
LETTERS = st.text('ab\u00e9\U0001d49c"', min_size=1, max_size=5)


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute(next(table for table in TABLES if table.startswith("CREATE VIRTUAL TABLE tag ")))
        rows = [token for token, count in HELD.items() for _ in range(count)]
        opened.executemany("INSERT INTO tag(rowid, terms) VALUES (?, ?)", enumerate(rows, 1))
        opened.execute(TOKENS)
        yield opened


def found(db: sqlite3.Connection, expression: str) -> list[int]:
    return [pk for (pk,) in db.execute("SELECT rowid FROM tag WHERE tag MATCH ? ORDER BY rowid", (expression,))]


@pytest.mark.parametrize(
    "expression",
    ['"2m"*', '"2mar"*', '"2marie"*', '"2martin"*', '"2zoe"*', '("2mari"* AND "2mariette") OR "3"*'],
)
@pytest.mark.parametrize("many", [beginnings._MANY, 2])
def test_an_opened_expression_finds_the_same(
    db: sqlite3.Connection, expression: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginnings, "_MANY", many)
    asked = Beginnings(db, "a build").opened(expression)
    assert found(db, asked) == found(db, expression)


def test_a_token_that_many_have_is_asked_for_by_itself(db: sqlite3.Connection) -> None:
    kept = Beginnings(db, "a build")
    assert kept.opened('"2mari"* AND "3marie"') == '("2marie" OR "2mariette" OR "2mariné" OR "2mario") AND "3marie"'
    assert kept.opened('"2mart"*') == '"2martin"'
    assert kept.opened('"2zoe"*') == '"2zoe"*'


@pytest.mark.parametrize("most", [beginnings._MOST_IN_TURN, 2])
def test_tokens_asked_for_in_turn_are_all_that_begin_so(
    db: sqlite3.Connection, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginnings, "_MOST_IN_TURN", most)
    monkeypatch.setattr(beginnings, "_TOGETHER", 1)
    kept, asked = Beginnings(db, "a build"), '("2mar"* OR "3"*)'
    for _ in range(2):  # then as it is remembered
        parts = kept.in_turn(asked)
        assert parts and {pk for part in parts for pk in found(db, part)} == {*found(db, asked)}
    assert kept.in_turn('"2mar"* AND "3"*') is None


@given(st.lists(LETTERS, min_size=1, unique=True), st.lists(st.integers(1, MANY), min_size=30))
def test_terms_cover_each_token_once_and_none_gathers_many(rest: list[str], counts: list[int]) -> None:
    held = sorted(zip(("2" + word for word in rest), counts, strict=False), key=lambda each: each[0].encode())
    covers = [
        {token for token, _ in held if (token.startswith(start) if star else token == start)}
        for start, star in ((q.replace('""', '"'), s) for term in covering("2", held)
                            for q, s in re.findall(r'"((?:[^"]|"")*)"(\*?)', term))
    ]  # fmt: skip
    assert sorted(token for cover in covers for token in cover) == sorted(token for token, _ in held)
    sizes = dict(held)
    assert all(len(cover) == 1 or sum(map(sizes.__getitem__, cover)) <= beginnings._FEW for cover in covers)
