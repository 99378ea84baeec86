"""The tables of an index file.

One file is one build.  Every directory entry stands under the id that is its place in the rank order: what decides
whether it matches in ``entry``, which is small and therefore mostly in memory, what is sent in ``body``.  ``key``,
``text`` and ``tag`` find entries by exact value, by three-letter pieces of their texts, and by token; ``names`` finds
mailboxes by two to four letters of a name or an address (``plan.fours``).  The FTS5 tables keep no copy of the text
and no positions: SQLite 3.40 then answers single terms only, so that ``plan`` asks for pieces and the predicate checks
the rest.
Nothing here reads or writes; ``VERSION`` goes up with any change, or one of what entries hold.
"""

from __future__ import annotations

from typing import Final

from directory_service.entries.entry import BAL, first_id
from directory_service.index.plan.access import COLUMNS

VERSION: Final = "27"

ENTRY_COLUMNS: Final = ("id", "view", *COLUMNS, "tags")
BODY_COLUMNS: Final = ("id", "dn", "keys", "created", "changed", "ber", "json", "alike")
KEY_SEPARATOR: Final = "\n"
HIDDEN: Final = "\x01"  # before the address of an unlisted mailbox: who looks for the address alone finds nothing

PAGE_SIZE: Final = 16384  # five entries a page, so that little of it stays empty
MMAP_SIZE: Final = 2**31 - 65536  # the most SQLite accepts: all readers share the page cache

TABLES: Final = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE entry(id INTEGER PRIMARY KEY, view INTEGER NOT NULL, "
    + "".join(f"{c} TEXT NOT NULL, " for c in COLUMNS)
    + "tags TEXT NOT NULL)",
    # ``keys`` says what to take out of ``key`` when the entry goes; ``alike`` is ``Entry.alike``.
    "CREATE TABLE body(id INTEGER PRIMARY KEY, dn TEXT NOT NULL, keys TEXT NOT NULL, created TEXT NOT NULL, "
    "changed TEXT NOT NULL, ber BLOB NOT NULL, json BLOB NOT NULL, alike TEXT NOT NULL)",
    # ``view`` is the entry's, here so that a look-up needs no other table to tell who sees it.
    "CREATE TABLE key(value TEXT NOT NULL, id INTEGER NOT NULL, view INTEGER NOT NULL, PRIMARY KEY(value, id)) "
    "WITHOUT ROWID",
    "CREATE TABLE mailbox(address TEXT PRIMARY KEY, json BLOB NOT NULL) WITHOUT ROWID",
    # S/MIME certificates stand apart: in no entry, judged by the clock when they are read (POSIX seconds).
    "CREATE TABLE smime(address TEXT NOT NULL, sha256 TEXT NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL, "
    "der BLOB NOT NULL, json BLOB NOT NULL, PRIMARY KEY(address, sha256)) WITHOUT ROWID",
    # The feed (``index.feed``): numbers of a kind of record and of the journal.
    "CREATE TABLE change(kind INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, pk INTEGER NOT NULL, "
    "at TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID",
    "CREATE INDEX change_place ON change(seq, kind, pk)",
    # Of each change since the floor of the feed, what tells it from one of the same number after a restoration.
    "CREATE TABLE mark(seq INTEGER PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE operator(name TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, former_hash TEXT NOT NULL, "
    "former_until TEXT NOT NULL, status TEXT NOT NULL, json BLOB NOT NULL, "
    "record BLOB NOT NULL) WITHOUT ROWID",  # json: to authenticate; record: to show
    "CREATE TABLE certificate(method TEXT NOT NULL, issuer TEXT NOT NULL, value TEXT NOT NULL, "
    "operator TEXT NOT NULL, PRIMARY KEY(method, issuer, value)) WITHOUT ROWID",
    # Programs that have a key of the API; revoked ones are not here.
    "CREATE TABLE client(name TEXT PRIMARY KEY, secret_hash TEXT NOT NULL) WITHOUT ROWID",
    # When each domain was in trust; ``until`` is empty while it is.  ``listed``: since when a list gives it, or empty.
    "CREATE TABLE domain(name TEXT NOT NULL, operator TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL, "
    "listed TEXT NOT NULL, "
    "PRIMARY KEY(name, operator, since)) WITHOUT ROWID",
    # Words of names, and where those find them who mistype them (``index.spelled``).
    "CREATE TABLE word(place TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY(place, word)) WITHOUT ROWID",
    # Texts come folded, so that the tokenizer must leave case alone.
    f"CREATE VIRTUAL TABLE text USING fts5({', '.join(COLUMNS)}, content='entry', content_rowid='id', "
    "tokenize='trigram case_sensitive 1', detail=column, columnsize=0)",
    "CREATE VIRTUAL TABLE names USING fts5(terms, content='', tokenize='ascii', detail=none, columnsize=0)",
    # Tokens and their beginnings (``plan.starts``).
    "CREATE VIRTUAL TABLE tag USING fts5(terms, content='', tokenize='ascii', detail=none, columnsize=0)",
)

# What address books sort by, to give the first of a whole branch (decision 0008).  Values stand least first in these
# texts, so that an entry is in its place by its least value (RFC 2891 2.2).  Queries must say ``IN_ORDER`` to use them.
ORDERED: Final = {"cn": "name", "sn": "sn"}  # attribute and text
IN_ORDER: Final = f"id < {first_id(BAL + 1)}"
ORDERS: Final = tuple(f"CREATE INDEX by_{text} ON entry({text}) WHERE {IN_ORDER}" for text in ORDERED.values())


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table}({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


INSERT_ENTRY: Final = _insert("entry", ENTRY_COLUMNS)
INSERT_BODY: Final = _insert("body", BODY_COLUMNS)
INSERT_TEXT: Final = _insert("text", ("rowid", *COLUMNS))
INSERT_NAMES: Final = _insert("names", ("rowid", "terms"))
INSERT_TAG: Final = "INSERT INTO tag(rowid, terms) VALUES (?, ?)"
INSERT_KEY: Final = "INSERT OR IGNORE INTO key(value, id, view) VALUES (?, ?, ?)"
INSERT_MAILBOX: Final = "INSERT OR REPLACE INTO mailbox(address, json) VALUES (?, ?)"
