"""Can the current build be read, as far as a few seconds tell?  For ``annuaire doctor``.

A small build is read whole, by SQLite's own check; of a large one that check reads what it can, and the heads of pages
chosen at random are looked at.  One page that is damaged among many may so escape: faces and follower say so when they
meet it.  Read without mmap: what is missing of a file is then an error, and no signal.
"""

from __future__ import annotations

import os
import random
import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from directory_service.errors import damaged, unreadable

CHECKED: Final = 3.0  # seconds for SQLite's check: 60 000 people, on a slow machine
SAMPLED: Final = 1.0  # seconds for pages at random, after that
_PAGES: Final = 20_000  # of them at most: damage to one page in a thousand is then missed once in 10^8
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock: about a millisecond
_TREE: Final = (2, 5, 10, 13)  # first octet of a page of a tree (file format, 1.6)
_LOCKS: Final = 1 << 30  # offset of the page that is never written (file format, 1.3)


class Looked(NamedTuple):
    """Tables that were read whole, and how many there are; pages looked at besides."""

    whole: int
    tables: int
    pages: int


def look(build: Path, *, checked: float = CHECKED, sampled: float = SAMPLED) -> Looked:
    """Raises RegistryUnavailable for a build that is damaged, sqlite3.Error and OSError for one that is not read."""
    with closing(sqlite3.connect(f"{build.absolute().as_uri()}?mode=ro", uri=True)) as db:
        try:
            whole, tables = _check(db, time.monotonic() + checked)
            (size,), (count,) = (db.execute(f"PRAGMA page_{name}").fetchone() for name in ("size", "count"))
        except sqlite3.DatabaseError as error:
            raise damaged(error) or error from error
    pages = _sample(build, size, count, time.monotonic() + sampled) if whole < tables else 0
    return Looked(whole, tables, pages)


def _check(db: sqlite3.Connection, until: float) -> tuple[int, int]:
    """Tables read whole before the time is over, and how many there are; in any order, so that each has its day."""
    sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %'"
    tables, whole = [name for (name,) in db.execute(sql)], 0
    random.shuffle(tables)
    db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    for name in tables:
        if time.monotonic() > until:
            break
        try:
            said = db.execute(f'PRAGMA quick_check("{name}")').fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname == "SQLITE_INTERRUPT":
                break
            raise
        if said != [("ok",)]:
            raise unreadable()
        whole += 1
    db.set_progress_handler(None, 0)
    return whole, len(tables)


def _sample(build: Path, size: int, count: int, until: float) -> int:
    """Heads of pages: of a tree, or of what did not fit into one, which begins with the number of the page after it.
    What a free page holds is nobody's affair: one that was freed before it was written may be a hole."""
    free: set[int] | None = None
    with build.open("rb", buffering=0) as file:
        held = os.fstat(file.fileno()).st_size // size  # the newest pages may still be beside, in the WAL
        for done in range(min(_PAGES, held)):
            if time.monotonic() > until:
                return done
            place = random.randrange(1, held) * size  # the first is read by whoever opens the file
            head = os.pread(file.fileno(), 8, place)
            follows = int.from_bytes(head[:4]) <= count and any(head)
            if place == _LOCKS // size * size or head[0] in _TREE or follows:
                continue
            free = _free(file.fileno(), size) if free is None else free
            if place // size + 1 not in free:
                raise unreadable()
    return min(_PAGES, held)


def _free(file: int, size: int) -> set[int]:
    """Numbers of the pages of the free list (file format, 1.5): trunks, each with the leaves that it names."""
    trunk, number = struct.unpack(">II", os.pread(file, 8, 32))
    found: set[int] = set()
    while trunk and len(found) <= number:
        follows, leaves = struct.unpack(">II", os.pread(file, 8, (trunk - 1) * size))
        named = os.pread(file, 4 * min(leaves, size // 4), (trunk - 1) * size + 8)
        found |= {trunk, *struct.unpack(f">{len(named) // 4}I", named[: len(named) // 4 * 4])}
        trunk = follows
    return found
