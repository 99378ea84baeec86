"""The file of a build, filled: rows in, tables and indexes out.  I/O: the build and two files beside it.

What is written more than once stands beside, and is thrown away: mailboxes, keys and names before they are sorted
(``loose``), and the segments of texts and codes before they are one (``lists``), which another thread sees to while the
rest is sorted.  The build then has no free pages.  Each batch is in the order of the ids and makes one segment.  What
to write is ``writer``'s business.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from directory_service.entries.entry import BAL, UNLISTED, first_id
from directory_service.index import files, ranges, spelled
from directory_service.index.plan.pieces import RARE
from directory_service.index.plan.starts import with_starts
from directory_service.index.render import Batch
from directory_service.index.schema import (
    INSERT_BODY,
    INSERT_ENTRY,
    INSERT_TAG,
    INSERT_TEXT,
    MMAP_SIZE,
    ORDERS,
    PAGE_SIZE,
    TABLES,
)
from directory_service.index.segments import lift, options

_FTS_MEMORY: Final = 64 << 20  # bytes of terms gathered before a segment is written: a batch is less, and so a segment
_FTS_SORTED: Final = 8 << 20  # of ``names``, in order: as quick as all at once, in less memory
_FTS_SEGMENTS: Final = 1_900  # FTS5 takes 2,000, merged at the end: nearly five million entries
_FTS_MEMORY_LATER: Final = 1 << 20  # SQLite's default: the follower writes little at a time
_LISTS: Final = {"text": "lists", "tag": "lists", "names": "loose"}  # full-text indexes: in which file beside
_BOX_IDS: Final = (first_id(BAL), first_id(BAL + 1))
_UNLISTED: Final = first_id(UNLISTED)  # and all ids after it
_BOX_SPACE: Final = 3_500  # octets of the file that a mailbox takes: its rows, its share of what finds it
_SLACK: Final = 64 << 20
_PRAGMAS: Final = (
    f"page_size = {PAGE_SIZE}",
    "journal_mode = OFF",
    "synchronous = OFF",
    "cache_size = -16384",  # larger is slower: rows come in order, and the processor's cache is what counts
    "secure_delete = OFF",  # Debian's default is ON, and writes what is freed once more
    "locking_mode = EXCLUSIVE",
)
_LOOSE: Final = (
    # Mailboxes come in the order of their holders: each in its place at once would write the branch again and again.
    "CREATE TABLE loose.entry AS SELECT * FROM main.entry",
    "CREATE TABLE loose.body AS SELECT * FROM main.body",
    "CREATE TABLE loose.key(value TEXT NOT NULL, id INTEGER NOT NULL, view INTEGER NOT NULL)",
    "CREATE TABLE loose.mailbox(address TEXT NOT NULL, json BLOB NOT NULL)",
    "CREATE TABLE loose.terms(id INTEGER NOT NULL, terms TEXT NOT NULL)",
    *(sql.replace(f" TABLE {table} ", f" TABLE {where}.{table} ")
      for table, where in _LISTS.items() for sql in TABLES if f" TABLE {table} USING fts5" in sql),
)  # fmt: skip


def _into(where: str, insert: str) -> str:
    return insert.replace("INTO ", f"INTO {where}.")


@contextmanager
def opened(path: Path, mailboxes: int) -> Iterator[sqlite3.Connection]:
    """A new file with empty tables, and room for so many mailboxes, inside one transaction; then not yet sure to be on
    disk.  Without a journal and without waiting for the disk: a file that was not finished is thrown away."""
    beside = files.beside(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            _prepare(db, beside)
            db.execute("BEGIN")
            _reserve(db, mailboxes)
            yield db
            db.execute("COMMIT")
            for schema in beside:
                db.execute(f"DETACH {schema}")
            db.execute("PRAGMA locking_mode = NORMAL")
            db.execute("PRAGMA journal_mode = WAL")
    finally:
        for file in beside.values():
            file.unlink(missing_ok=True)


def _prepare(db: sqlite3.Connection, beside: dict[str, Path]) -> None:
    _set_up(db, "main")
    for schema, file in beside.items():
        _attach(db, schema, file)
    ranges.prepare(db)
    for table in (*TABLES, ranges.TABLE, *_LOOSE):
        db.execute(table)
    for table, where in _LISTS.items():
        memory = _FTS_SORTED if table == "names" else _FTS_MEMORY
        for sql in options(f"{where}.{table}", hashsize=memory, automerge=0, crisismerge=_FTS_SEGMENTS):
            db.execute(sql)


def _attach(db: sqlite3.Connection, schema: str, file: Path) -> None:
    db.execute(f"ATTACH ? AS {schema}", (str(file),))
    _set_up(db, schema)


def _set_up(db: sqlite3.Connection, schema: str) -> None:
    for pragma in (*(f"{schema}.{pragma}" for pragma in _PRAGMAS), "temp_store = FILE", "threads = 2"):
        db.execute(f"PRAGMA {pragma}").close()


def _reserve(db: sqlite3.Connection, mailboxes: int) -> None:
    """Keeps the beginning of the file for mailboxes, which come last and are asked for most, and for what finds them:
    SQLite maps the first two gigabytes of a file and reads the rest page by page."""
    db.execute("CREATE TABLE reserve(space BLOB)")
    wanted = min(mailboxes * _BOX_SPACE, MMAP_SIZE - _SLACK)
    db.executemany("INSERT INTO reserve VALUES (zeroblob(?))", [(_SLACK,)] * (wanted // _SLACK))


class Hidden(NamedTuple):
    """How many unlisted mailboxes have each term of ``names``, and each token."""

    terms: Counter[str]
    tokens: Counter[str]


def fill(db: sqlite3.Connection, batches: Iterable[Batch]) -> tuple[dict[str, str], Hidden]:
    """Writes the rows; gives rows of ``meta``: the unusual letters met, and the terms counted; and what is not to be
    counted."""
    letters: set[str] = set()
    terms, hidden = Counter[str](), Hidden(Counter(), Counter())
    for batch in batches:
        boxes = slice(*(bisect_left(batch.entries, (limit,)) for limit in _BOX_IDS))
        db.executemany(_into("loose", INSERT_ENTRY), batch.entries[boxes])
        db.executemany(_into("loose", INSERT_BODY), batch.bodies[boxes])
        db.executemany(INSERT_ENTRY, [*batch.entries[: boxes.start], *batch.entries[boxes.stop :]])
        db.executemany(INSERT_BODY, [*batch.bodies[: boxes.start], *batch.bodies[boxes.stop :]])
        db.executemany(_into("lists", INSERT_TEXT), [(row[0], *row[2:10]) for row in batch.entries])
        db.executemany("INSERT INTO loose.terms(id, terms) VALUES (?, ?)", batch.names)
        db.executemany(_into("lists", INSERT_TAG), [(row[0], with_starts(row[10])) for row in batch.entries])
        db.executemany("INSERT INTO loose.key(value, id, view) VALUES (?, ?, ?)", batch.keys)
        db.executemany("INSERT INTO loose.mailbox(address, json) VALUES (?, ?)", batch.mailboxes)
        letters.update(batch.letters)
        terms.update(batch.terms)
        for _, held in batch.names[bisect_left(batch.names, (_UNLISTED,)) :]:
            hidden.terms.update(set(held.split()))
        for row in batch.entries[bisect_left(batch.entries, (_UNLISTED,)) :]:
            hidden.tokens.update(set(row[10].split()))
    return {
        "letters": "".join(sorted(letters)),
        "terms": orjson.dumps(terms, option=orjson.OPT_SORT_KEYS).decode(),
    }, hidden


def counts(db: sqlite3.Connection, hidden: Hidden) -> dict[str, str]:
    """How many listed mailboxes have each term of ``names`` that many have: a row of ``meta``.  As with
    ``render.terms_of_some``, unlisted ones are not counted."""
    db.execute("CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, names, row)")
    held = db.execute("SELECT term, doc FROM temp.held WHERE doc > ?", (RARE,))
    found = {term: listed for term, doc in held if (listed := doc - hidden.terms[term]) > RARE}
    db.execute("DROP TABLE temp.held")
    return {"fours": orjson.dumps(found).decode()}


def _merged(table: str, schema: str) -> Iterator[str]:
    """A full-text index becomes one segment, to be written to little by little."""
    yield f"INSERT INTO {schema}.{table}({table}) VALUES ('optimize')"  # noqa: S608
    yield from options(f"{schema}.{table}", hashsize=_FTS_MEMORY_LATER, automerge=4, usermerge=2, crisismerge=16)


def _moved(table: str) -> Iterator[str]:
    """It is brought over as it stands: what holds it are tables like others."""
    for part in ("data", "idx", "config"):
        yield f"DELETE FROM main.{table}_{part}"  # noqa: S608
        yield f"INSERT INTO main.{table}_{part} SELECT * FROM {_LISTS[table]}.{table}_{part}"  # noqa: S608


# What comes first goes to what was reserved: SQLite takes what was freed last.
_STEPS: Final[tuple[tuple[str, Iterable[str]], ...]] = (
    ("boîtes", ("DROP TABLE reserve",)),
    ("boîtes", ("INSERT INTO entry SELECT * FROM loose.entry ORDER BY id",)),
    ("boîtes", ("INSERT INTO body SELECT * FROM loose.body ORDER BY id",)),
    ("clés", ("INSERT OR IGNORE INTO key(value, id, view) SELECT value, id, view FROM loose.key ORDER BY value, id",)),
    ("ordre", ORDERS),
    ("noms", ("INSERT INTO loose.names(rowid, terms) SELECT id, terms FROM loose.terms ORDER BY id",)),
    ("noms", (*_merged("names", "loose"), *_moved("names"))),
    ("boîtes", ("INSERT INTO mailbox(address, json) SELECT address, json FROM loose.mailbox ORDER BY address",)),
    ("empreintes", (ranges.FILL,)),
)
_LAST: Final[tuple[tuple[str, Iterable[str]], ...]] = (
    ("codes", tuple(_moved("tag"))),
    ("textes", tuple(_moved("text"))),
)
_TOTAL: Final = len(_STEPS) + len(_LAST)


def finish(db: sqlite3.Connection, hidden: Hidden, show: Callable[[str, int, int], None]) -> None:
    """The indexes, each in its own order."""
    path = next(Path(file) for _, schema, file in db.execute("PRAGMA database_list") if schema == "lists")
    for sql in ("COMMIT", "DETACH lists", "BEGIN"):
        db.execute(sql)
    with _merging(path):
        _run(db, _STEPS, 0, show)
    db.execute("COMMIT")
    _attach(db, "lists", path)
    db.execute("BEGIN")
    _run(db, _LAST, len(_STEPS), show)
    spelled.fill(db, hidden.tokens)
    lift(db)
    show(_LAST[-1][0], _TOTAL, _TOTAL)


def _run(
    db: sqlite3.Connection,
    steps: Iterable[tuple[str, Iterable[str]]],
    done: int,
    show: Callable[[str, int, int], None],
) -> None:
    for number, (label, statements) in enumerate(steps, done):
        show(label, number, _TOTAL)
        for sql in statements:
            db.execute(sql)


@contextmanager
def _merging(path: Path) -> Iterator[None]:
    """Meanwhile another thread merges texts and codes, in the file ``path`` that nobody else has open; once the block
    is over that is done.  SQLite lets go of the interpreter while it works."""
    with (
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as lists,
        ThreadPoolExecutor(1) as beside,
    ):
        merged = beside.submit(_merge, lists)
        try:
            yield
            merged.result()
        except BaseException:
            lists.interrupt()
            raise


def _merge(lists: sqlite3.Connection) -> None:
    _set_up(lists, "main")
    for table, where in _LISTS.items():
        if where == "lists":
            for sql in _merged(table, "main"):
                lists.execute(sql)
