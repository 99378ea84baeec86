"""The segments of the full-text indexes: a search reads each of them, so that there must be few.

FTS5 writes each change as a small segment, and merges those of one level into one of the next.  A build leaves one
segment, of gigabytes, on level 1, where four small ones would be merged with it: for days, while those that come after
wait for the end and pile up.  It is lifted to a level that small ones do not reach, so that they are merged among
themselves, which takes a moment.  See docs/decisions/0046.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from directory_service.index.schema import TABLES

FULL_TEXT: Final = tuple(sql.split()[3] for sql in TABLES if sql.startswith("CREATE VIRTUAL TABLE "))

_STRUCTURE: Final = 10  # row of ``<table>_data`` that says which segments there are (SQLite, ext/fts5/fts5_index.c)
_COOKIE: Final = 4  # octets before its numbers: levels, segments, leaves written, then each level
_NO_SEGMENT: Final = b"\0\0"  # of a level: segments being merged, segments
_LIFT: Final = 30  # levels: each takes at least two segments of the one before
_STEP: Final = 200  # pages written by one merge, each its own transaction: some 40 ms at national scale


def options(table: str, **values: int) -> list[str]:
    """The statements that set these options of the full-text index ``table``, which may say its schema."""
    name = table.rpartition(".")[2]
    return [f"INSERT INTO {table}({name}, rank) VALUES ('{option}', {n})" for option, n in values.items()]  # noqa: S608


def lift(db: sqlite3.Connection) -> None:
    """What full-text indexes hold goes to a level far above; nothing that they find changes."""
    for table in FULL_TEXT:
        (block,) = db.execute(f"SELECT block FROM {table}_data WHERE id = {_STRUCTURE}").fetchone()  # noqa: S608
        begin = _after_numbers(block, _COOKIE, 3)
        levels = bytes((block[_COOKIE] + _LIFT,))  # one octet: there are at most 64
        lifted = block[:_COOKIE] + levels + block[_COOKIE + 1 : begin] + _NO_SEGMENT * _LIFT + block[begin:]
        db.execute(f"UPDATE {table}_data SET block = ? WHERE id = {_STRUCTURE}", (lifted,))  # noqa: S608


def _after_numbers(block: bytes, at: int, count: int) -> int:
    """Where the number after ``count`` of them begins: the last octet of each is below 128, as none is large."""
    for _ in range(count):
        while block[at] > 0x7F:
            at += 1
        at += 1
    return at


def gather(db: sqlite3.Connection) -> None:
    """Merges small segments, until no level has two.  Each step is a transaction, so that this is for use outside of
    one; readers go on meanwhile."""
    for table in FULL_TEXT:
        while merge(db, table):
            pass


def merge(db: sqlite3.Connection, table: str) -> bool:
    """Whether there was anything to merge (https://sqlite.org/fts5.html, "The 'merge' Command")."""
    before = db.total_changes
    db.execute(f"INSERT INTO {table}({table}, rank) VALUES ('merge', {_STEP})")  # noqa: S608
    return db.total_changes - before > 1
