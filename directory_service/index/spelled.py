"""The words that names of a build are made of, and which of them may be meant by one that was mistyped.

What an error makes of seven letters are some 400 words, of which the country has ten: these alone are looked up.
Table ``word`` has each under its ``model.spelling.places``; words whose last holder is gone stay until the next build.
Words that unlisted mailboxes alone have are not there: what is looked up, for anybody, must not depend on them.
Hot path of ``~=`` and of the box: half a millisecond a word, then remembered.  I/O: one connection to one build.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from directory_service.entries.finding import Kind
from directory_service.entries.naming import WORDS
from directory_service.index.answers import Held
from directory_service.index.query import And, Approx, Filter, Not, Or
from directory_service.model.phonetics import is_heard, units
from directory_service.model.spelling import MOST_EDITS, may_be, places, places_of_mistyped

_KINDS: Final = (Kind.FAMILY.value, Kind.GIVEN.value, *WORDS)  # of tokens that are words of names
_INSERT: Final = "INSERT OR IGNORE INTO word(place, word) VALUES (?, ?)"
_HAS: Final = "SELECT 1 FROM word WHERE place = ? AND word = ?"
_NEAR: Final = (
    "SELECT DISTINCT w.word FROM json_each(?) j CROSS JOIN word w ON w.place = j.value "
    "WHERE length(w.word) BETWEEN ? AND ?"
)
_MOST: Final = 2_000  # words of which is kept what they may be: half a megabyte


class Spelled:
    """Of one build, as it was when this was made or later."""

    def __init__(self, connection: sqlite3.Connection, build: str) -> None:
        self._connection = connection
        self._known = Held[tuple[str, ...]](build, _MOST)

    def near(self, typed: str) -> tuple[str, ...]:
        """Other words of names that ``spelling.may_be`` meant by this folded one, in order.  Raises sqlite3.Error."""
        known = self._known.known(typed)
        if known is None:
            asked, size = places_of_mistyped(typed), len(typed)
            bound = json.dumps(asked), size - MOST_EDITS, size + MOST_EDITS
            held: Iterable[tuple[str]] = self._connection.execute(_NEAR, bound) if asked else ()
            known = tuple(sorted(word for (word,) in held if word != typed and may_be(typed, word)))
            self._known.keep(typed, known)
        return known

    def settled(self, asked: Filter) -> Filter:
        """The same filter, in which ``~=`` says which words may be meant.  Raises sqlite3.Error."""
        match asked:
            case And(items):
                return And(tuple(map(self.settled, items)))
            case Or(items):
                return Or(tuple(map(self.settled, items)))
            case Not(item):
                return Not(self.settled(item))
            case Approx(_, value) if is_heard(value):
                ways = {way for unit in units(value.decode("utf-8", "replace")) for way in unit}
                return replace(asked, near=tuple(sorted({word for way in ways for word in self.near(way)})))
            case _:
                return asked


def fill(db: sqlite3.Connection, hidden: Mapping[str, int]) -> None:
    """The words of all entries of a build, once its tokens are in place: three million rows of the country, which
    SQLite sorts.  ``hidden``: how many unlisted mailboxes have each token."""
    db.execute("CREATE VIRTUAL TABLE temp.tokens USING fts5vocab(main, tag, row)")
    db.execute("CREATE TEMP TABLE placed(place TEXT, word TEXT)")
    words = {word for kind in _KINDS for word in _of_kind(db, kind, hidden)}
    db.executemany("INSERT INTO placed VALUES (?, ?)", ((place, word) for word in words for place in places(word)))
    db.execute("INSERT OR IGNORE INTO word(place, word) SELECT place, word FROM placed ORDER BY place, word")
    db.execute("DROP TABLE placed")
    db.execute("DROP TABLE temp.tokens")


def _of_kind(db: sqlite3.Connection, kind: str, hidden: Mapping[str, int]) -> Iterator[str]:
    sql = "SELECT term, doc FROM temp.tokens WHERE term >= ? AND term < ?"
    found = db.execute(sql, (kind, chr(ord(kind) + 1)))
    return (term[len(kind) :] for term, doc in found if doc > hidden.get(term, 0))


def add(db: sqlite3.Connection, tags: str) -> None:
    """Those of an entry that is put in."""
    for word in {token[1:] for token in tags.split() if token[0] in _KINDS}:
        held = places(word)
        if db.execute(_HAS, (held[0], word)).fetchone() is None:
            db.executemany(_INSERT, ((place, word) for place in held))
