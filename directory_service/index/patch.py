"""Small changes to a build that readers have open: entries taken out, entries put in.

FTS5 keeps no copy of the texts, so that an entry is taken out by saying again what it held.  Everything here is for use
inside one transaction, which readers see whole or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from directory_service.entries.attributes import id_key
from directory_service.entries.entry import BAL, STAFF, UNLISTED, Entry, branch_of, entry_id, first_id
from directory_service.index import ranges, spelled
from directory_service.index.plan.access import COLUMNS
from directory_service.index.plan.fours import INDEXED, terms_in
from directory_service.index.plan.starts import with_starts
from directory_service.index.render import body_of, letters_of, names_of, row_of
from directory_service.index.schema import (
    HIDDEN,
    INSERT_BODY,
    INSERT_ENTRY,
    INSERT_KEY,
    INSERT_MAILBOX,
    INSERT_NAMES,
    INSERT_TAG,
    INSERT_TEXT,
    KEY_SEPARATOR,
)

_RANKS: Final = range(16)
_TEXTS: Final = ", ".join(COLUMNS)
_MARKS: Final = ", ".join("?" * len(COLUMNS))
_OUT_OF_NAMES: Final = "INSERT INTO names(names, rowid, terms) VALUES ('delete', ?, ?)"
_OLD: Final = f"SELECT id, keys, tags, {_TEXTS} FROM entry JOIN body USING (id)"  # noqa: S608


def replace_records(db: sqlite3.Connection, branch: int, keys: Iterable[int], entries: Sequence[Entry]) -> None:
    """The entries of these records of the registry, whatever their rank was, become ``entries``."""
    for pk in keys:
        ids = [entry_id(branch, rank, pk) for rank in _RANKS]
        _take_out(db, db.execute(f"{_OLD} WHERE id IN ({', '.join('?' * len(ids))})", ids).fetchall())
    _put_in(db, entries)


def replace_mailbox(db: sqlite3.Connection, address: str, record: bytes, entries: Sequence[Entry]) -> None:
    """The entries of ``ou=bal`` of one address become ``entries``; so does what is known of it."""
    remove_mailbox(db, address.removeprefix(HIDDEN))
    _put_in(db, entries)
    db.execute(INSERT_MAILBOX, (address, record))
    ranges.put(db, address)


def remove_mailbox(db: sqlite3.Connection, shown: str) -> None:
    """An address of which nothing is known any more; nothing happens if nothing was."""
    sql = f"{_OLD} WHERE id IN (SELECT id FROM key WHERE value = ? AND id >= ? AND id < ?)"  # noqa: S608
    for branch in (BAL, UNLISTED):
        _take_out(db, db.execute(sql, (id_key("m", shown), first_id(branch), first_id(branch + 1))).fetchall())
    db.execute("DELETE FROM smime WHERE address = ?", (shown,))
    # It may have been listed, or not.
    db.execute("DELETE FROM mailbox WHERE address IN (?, ?)", (shown, HIDDEN + shown))
    ranges.remove(db, shown)


def _take_out(db: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    for entry, keys, tags, *texts in rows:
        db.execute(f"INSERT INTO text(text, rowid, {_TEXTS}) VALUES ('delete', ?, {_MARKS})", (entry, *texts))  # noqa: S608
        db.execute("INSERT INTO tag(tag, rowid, terms) VALUES ('delete', ?, ?)", (entry, with_starts(tags)))
        if branch_of(entry) == BAL:
            db.execute(_OUT_OF_NAMES, (entry, terms_in(texts[: len(INDEXED)])))
        found = [(key, entry) for key in keys.split(KEY_SEPARATOR)]
        db.executemany("DELETE FROM key WHERE value = ? AND id = ?", found)
        db.execute("DELETE FROM entry WHERE id = ?", (entry,))
        db.execute("DELETE FROM body WHERE id = ?", (entry,))


def _put_in(db: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    for entry in entries:
        row = row_of(entry)
        db.execute(INSERT_ENTRY, row)
        db.execute(INSERT_BODY, body_of(entry))
        db.execute(INSERT_TEXT, (entry.id, *row[2:10]))
        db.execute(INSERT_TAG, (entry.id, with_starts(row[10])))
        if entry.view < STAFF:
            spelled.add(db, row[10])
        if branch_of(entry.id) == BAL:
            db.execute(INSERT_NAMES, names_of(entry))
        db.executemany(INSERT_KEY, [(key, entry.id, entry.view) for key in entry.keys])
    _add_letters(db, letters_of(entries))


def _add_letters(db: sqlite3.Connection, letters: str) -> None:
    if letters:
        (known,) = db.execute("SELECT value FROM meta WHERE key = 'letters'").fetchone()
        set_meta(db, letters="".join(sorted(set(known) | set(letters))))


def set_meta(db: sqlite3.Connection, **values: str) -> None:
    db.executemany("UPDATE meta SET value = ? WHERE key = ?", [(value, key) for key, value in values.items()])
