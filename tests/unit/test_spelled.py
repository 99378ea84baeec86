"""The words of names that a build holds, and which of them a mistyped one may be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from directory_service.entries.finding import Kind
from directory_service.entries.naming import WORDS
from directory_service.index.query import And, Approx, Equal, Not, Or
from directory_service.index.schema import TABLES
from directory_service.index.spelled import Spelled, add, fill

TAGS = ("1martin 2jean 2mar", "1martine 1martin 1durand 2anne", "3marton 5martins 9matin", f"{WORDS[0]}dupont")


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        for statement in TABLES:
            if statement.startswith(("CREATE TABLE word", "CREATE VIRTUAL TABLE tag")):
                opened.execute(statement)
        yield opened


def words_in(db: sqlite3.Connection) -> set[str]:
    return {word for (word,) in db.execute("SELECT word FROM word")}


def test_a_build_filled_at_once_has_the_words_of_one_filled_entry_by_entry(db: sqlite3.Connection) -> None:
    """Those of names; towns and structures are none."""
    for tags in TAGS:
        add(db, tags)
    one_by_one = words_in(db)
    db.execute("DELETE FROM word")
    for number, tags in enumerate(TAGS):
        db.execute("INSERT INTO tag(rowid, terms) VALUES (?, ?)", (number, tags))
    fill(db)
    assert words_in(db) == one_by_one == {"martin", "martine", "jean", "mar", "durand", "anne", "dupont"}


def test_what_was_typed_may_be_other_words_each_once(db: sqlite3.Connection) -> None:
    words = "martin", "martine", "martins", "durand", "matin", "schweitzer"
    add(db, " ".join(f"{Kind.FAMILY}{word}" for word in words))
    spelled = Spelled(db, "build")
    for _ in range(2):  # then as it is remembered
        assert spelled.near("martin") == ("martine", "martins", "matin")
        assert spelled.near("schwetizre") == spelled.near("schweitzar") == ("schweitzer",)
        assert spelled.near("ma") == spelled.near("1234567") == ()


def test_a_filter_is_settled_wherever_it_asks_for_names_by_sound(db: sqlite3.Connection) -> None:
    add(db, "1martin 1martine 2anne 1legoff")
    spelled = Spelled(db, "build")
    asked, other = Approx("sn", b"martinn"), Equal("sn", b"martinn")
    settled = replace(asked, near=("martin", "martine"))
    assert spelled.settled(Not(And((asked, Or((other, asked)))))) == Not(And((settled, Or((other, settled)))))
    assert spelled.settled(Approx("cn", b"annee martinn")).near == ("anne", "martin", "martine")
    assert spelled.settled(Approx("sn", b"le goffe")).near == ("legoff",)  # or written as one
    assert spelled.settled(Approx("cn", b"m" * 200)).near == ()
