"""The words of names that a build holds, and which of them a mistyped one may be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from directory_service.entries.finding import Kind
from directory_service.entries.naming import WORDS
from directory_service.index.query import And, Approx, Equal, Not, Or
from directory_service.index.schema import TABLES
from directory_service.index.spelled import Spelled, add, fill
from directory_service.model.phonetics import LONGEST_EDITED, TWO_EDITS

TAGS = ("1martin 2jean 2mar", "1martine 1martin 1durand 2anne", "3marton 5martins 9matin", f"{WORDS[0]}schweitzer")


def tables() -> sqlite3.Connection:
    opened = sqlite3.connect(":memory:")
    for statement in TABLES:
        if statement.startswith(("CREATE TABLE word", "CREATE VIRTUAL TABLE tag")):
            opened.execute(statement)
    return opened


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(tables()) as opened:
        yield opened


def rows_of(db: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(db.execute("SELECT place, word FROM word"))


def test_a_build_filled_at_once_has_the_words_of_one_filled_entry_by_entry(db: sqlite3.Connection) -> None:
    """Those of names; towns and structures are none."""
    for tags in TAGS:
        add(db, tags)
    one_by_one = rows_of(db)
    db.execute("DELETE FROM word")
    for number, tags in enumerate(TAGS):
        db.execute("INSERT INTO tag(rowid, terms) VALUES (?, ?)", (number, tags))
    fill(db, {})
    assert rows_of(db) == one_by_one
    assert {word for _, word in one_by_one} == {"martin", "martine", "jean", "mar", "durand", "anne", "schweitzer"}


def test_what_was_typed_may_be_other_words_each_once(db: sqlite3.Connection) -> None:
    words = "martin", "martine", "martins", "durand", "matin", "schweitzer", "schweitzerhof"
    add(db, " ".join(f"{Kind.FAMILY}{word}" for word in words))
    spelled = Spelled(db, "build")
    for _ in range(2):  # then as it is remembered
        assert spelled.near("martin") == ("martine", "martins", "matin")
        assert spelled.near("schwetizre") == spelled.near("schweitzar") == ("schweitzer",)
        assert spelled.near("shcweitzre") == spelled.near("xchweitzey") == ("schweitzer",)  # one in each half
        assert spelled.near("ma") == spelled.near("1234567") == ()


@st.composite
def twice_mistyped(draw: st.DrawFn) -> tuple[str, str]:
    """A long name with two errors anywhere, of which no letter has both, and the name."""
    letters = st.sampled_from("abcdefgz")
    word = draw(st.text(letters, min_size=TWO_EDITS, max_size=LONGEST_EDITED - 2))
    left = draw(st.integers(0, len(word)))
    return _mistake(draw, word[:left], letters) + _mistake(draw, word[left:], letters), word


def _mistake(draw: st.DrawFn, part: str, letters: st.SearchStrategy[str]) -> str:
    at = draw(st.integers(0, len(part)))
    head, tail = part[:at], part[at:]
    added, changed = head + draw(letters) + tail, head + draw(letters) + tail[1:]
    return draw(st.sampled_from((added, changed, head + tail[1:], head + tail[1:2] + tail[:1] + tail[2:])))


@given(twice_mistyped())
@example(("bcfhteaiedg", "bcfhetaideg"))  # neighbours exchanged, in both halves
@example(("xschweitzery", "schweitzer"))  # both ends
@example(("chweitze", "schweitzer"))
@example(("hcweitzer", "schweitzer"))
def test_any_two_errors_in_a_long_name_are_found(pair: tuple[str, str]) -> None:
    """The first letter included; of a name of eight letters one may be missing, not two."""
    typed, word = pair
    assume(len(typed) >= TWO_EDITS - 1)
    with closing(tables()) as db:
        add(db, f"{Kind.FAMILY}{word}")
        assert Spelled(db, "build").near(typed) == (() if typed == word else (word,))


def test_a_filter_is_settled_wherever_it_asks_for_names_by_sound(db: sqlite3.Connection) -> None:
    add(db, "1martin 1martine 2anne 1legoff")
    spelled = Spelled(db, "build")
    asked, other = Approx("sn", b"martinn"), Equal("sn", b"martinn")
    settled = replace(asked, near=("martin", "martine"))
    assert spelled.settled(Not(And((asked, Or((other, asked)))))) == Not(And((settled, Or((other, settled)))))
    assert spelled.settled(Approx("cn", b"annee martinn")).near == ("anne", "martin", "martine")
    assert spelled.settled(Approx("sn", b"le goffe")).near == ("legoff",)  # or written as one
    assert spelled.settled(Approx("cn", b"m" * 200)).near == ()
