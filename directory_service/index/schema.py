"""The tables of an index file.

One file is one build.  ``entry`` holds every directory entry, rendered, under the id that is its place in the rank
order; ``key``, ``text`` and ``tag`` find entries by exact value, by three-letter pieces of their texts, and by
token.  The two FTS5 tables keep no copy of the text (external content) and no positions: SQLite 3.40 then answers
single terms only, so that ``plan`` asks for every three-letter piece and the predicate checks the rest.
Nothing here reads or writes; ``VERSION`` goes up with any change, or one of what entries hold.
"""

from __future__ import annotations

from typing import Final

from directory_service.index.plan.access import COLUMNS

VERSION: Final = "1"

ENTRY_COLUMNS: Final = ("id", "dn", "view", *COLUMNS, "tags", "keys", "created", "changed", "ber", "json")
KEY_SEPARATOR: Final = "\n"

PAGE_SIZE: Final = 16384  # five entries a page, so that little of it stays empty
MMAP_SIZE: Final = 2**31 - 65536  # the most SQLite accepts: all readers share the page cache

TABLES: Final = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE entry(id INTEGER PRIMARY KEY, dn TEXT NOT NULL, view INTEGER NOT NULL, "
    + "".join(f"{c} TEXT NOT NULL, " for c in COLUMNS)
    # ``keys`` says what to take out of ``key`` when the entry goes.
    + "tags TEXT NOT NULL, keys TEXT NOT NULL, "
    "created TEXT NOT NULL, changed TEXT NOT NULL, ber BLOB NOT NULL, json BLOB NOT NULL)",
    "CREATE TABLE key(value TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(value, id)) WITHOUT ROWID",
    "CREATE TABLE mailbox(address TEXT PRIMARY KEY, json BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE operator(name TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, status TEXT NOT NULL, json BLOB NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE domain(name TEXT NOT NULL, operator TEXT NOT NULL, PRIMARY KEY(name, operator)) WITHOUT ROWID",
    # Texts come folded, so that the tokenizer must leave case alone.
    f"CREATE VIRTUAL TABLE text USING fts5({', '.join(COLUMNS)}, content='entry', content_rowid='id', "
    "tokenize='trigram case_sensitive 1', detail=column, columnsize=0)",
    "CREATE VIRTUAL TABLE tag USING fts5(tags, content='entry', content_rowid='id', "
    "tokenize='ascii', detail=none, columnsize=0)",
)

INSERT_ENTRY: Final = f"INSERT INTO entry({', '.join(ENTRY_COLUMNS)}) VALUES ({', '.join('?' * len(ENTRY_COLUMNS))})"  # noqa: S608
INSERT_TEXT: Final = f"INSERT INTO text(rowid, {', '.join(COLUMNS)}) VALUES ({', '.join('?' * (1 + len(COLUMNS)))})"  # noqa: S608
INSERT_TAG: Final = "INSERT INTO tag(rowid, tags) VALUES (?, ?)"
INSERT_KEY: Final = "INSERT OR IGNORE INTO key(value, id) VALUES (?, ?)"
INSERT_MAILBOX: Final = "INSERT OR REPLACE INTO mailbox(address, json) VALUES (?, ?)"
