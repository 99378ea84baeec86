"""A full build: a new file beside the others, filled from the registry, then made the current one.

Rendering takes most of the time and is shared among processes (``render``); this one writes.  Each batch is in the
order of the ids and makes one segment of the text index; segments are merged, and keys and mailboxes sorted, once all
entries are in.  A build that fails leaves nothing.  Figures: docs/reference/performance.md.
"""

from __future__ import annotations

import secrets
import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import Connection, Engine

from directory_service.entries.containers import container_entries
from directory_service.entries.entry import BAL, Entry
from directory_service.entries.operators import operator_record
from directory_service.index import files, ranges
from directory_service.index.feed import FLOOR, write_changes
from directory_service.index.plan.pieces import RARE
from directory_service.index.plan.starts import with_starts
from directory_service.index.render import REGION, Batch, batch_of, render_all
from directory_service.index.schema import (
    INSERT_BODY,
    INSERT_ENTRY,
    INSERT_TAG,
    INSERT_TEXT,
    MMAP_SIZE,
    ORDERS,
    PAGE_SIZE,
    TABLES,
    VERSION,
)
from directory_service.index.smime import write_certificates
from directory_service.ldap.dn import normalise
from directory_service.model.clients import ApiClient
from directory_service.model.mailboxes import Operator
from directory_service.registry import feed, read
from directory_service.registry.batches import quiet
from directory_service.registry.certificates import read_published
from directory_service.registry.clients import read_clients
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import reading
from directory_service.registry.health import read_states
from directory_service.registry.journal import last_seq
from directory_service.registry.regions import regions

Progress = Callable[[str, int, int], None]
_FTS_MEMORY: Final = 64 << 20  # bytes of terms gathered before a segment is written: a batch is less, and so a segment
_FTS_WHOLE: Final = 1 << 30  # all terms of the mailboxes, one segment at once: 0.3 GB when rendering is over
_FTS_SEGMENTS: Final = 1_900  # FTS5 takes 2,000, merged at the end: about seven million entries
_FTS_MEMORY_LATER: Final = 1 << 20  # SQLite's default: the follower writes little at a time
FTS: Final = ("text", "names", "tag")
_BOX_IDS: Final = (BAL << 36, (BAL + 1) << 36)
_BOX_SPACE: Final = 3_500  # octets of the file that a mailbox takes: its rows, its share of what finds it
_SLACK: Final = 64 << 20
_LABEL: Final = "Index"


def build_index(
    engine: Engine, folder: Path, suffix: str, *, workers: int = 1, progress: Progress | None = None
) -> Path:
    """Builds the index of the registry as it is now and makes it current.  Gives the file.  Changes made meanwhile are
    left to the follower.  Raises RegistryUnavailable."""
    at = datetime.now(UTC)
    show = progress or (lambda label, done, total: None)
    with reading(engine) as connection:
        seq, limits = last_seq(connection), read.bounds(connection)
        meta = {**meta_of(connection, suffix, seq, at), "operators": operator_states(connection, at)}
        operators, clients = read.read_operators(connection), read_clients(connection)
        work = regions(connection, REGION)
        floor, changes, marks = feed.recent(connection, seq)
    batches = render_all(engine, suffix, work, workers)
    path = files.new_path(folder, at)
    try:
        meta |= {FLOOR: str(floor), ranges.FILLING: secrets.token_hex(32)}
        write_build(path, meta, operators, suffix, _shown(batches, sum(limits), show), show, changes, marks,
                    clients)  # fmt: skip
        _add_certificates(engine, path)
        files.publish(path)
    except BaseException:
        files.discard(path)
        raise
    return path


def _add_certificates(engine: Engine, path: Path) -> None:
    """Of the registry as it is by now: what changed since the entries were read, the follower puts in again."""
    with reading(engine) as connection, closing(files.open_writer(path)) as db:
        db.execute("BEGIN")
        write_certificates(db, read_published(connection))
        db.execute("COMMIT")


def _shown(batches: Iterable[Batch], total: int, show: Progress) -> Iterator[Batch]:
    done = 0
    show(_LABEL, 0, total)
    for batch in batches:
        yield batch
        done += batch.done
        show(_LABEL, min(done, total - 1), total)
    show(_LABEL, total, total)


def meta_of(connection: Connection, suffix: str, seq: int, at: datetime) -> dict[str, str]:
    """What the build will say of itself."""
    sources = [asdict(source) for source in read.read_sources(connection)]
    return {
        "version": VERSION,
        "suffix": normalise(suffix),
        "build": at.strftime("%Y%m%dT%H%M%SZ"),
        "built_at": format_instant(at),
        "seq": str(seq),
        "sources": orjson.dumps(sources).decode(),
        "counts": orjson.dumps(read.counts(connection)).decode(),
    }


def operator_states(connection: Connection, at: datetime) -> str:
    """How the mailboxes of each operator fare: JSON."""
    return orjson.dumps([asdict(state) for state in read_states(connection, at)]).decode()


def write_entries(path: Path, entries: Iterable[Entry], suffix: str) -> Path:
    """A build made of these entries alone, made current: for tests and measures, which need no registry."""
    at = datetime.now(UTC)
    meta = {"version": VERSION, "suffix": normalise(suffix), "build": path.stem, "built_at": format_instant(at)}
    batches = [batch_of(list(entries), [], 0)]
    write_build(path, {**meta, "seq": "0", "sources": "[]", "counts": "{}"}, [], suffix, batches, lambda *_: None)
    files.publish(path)
    return path


def write_build(
    path: Path,
    meta: dict[str, str],
    operators: Sequence[Operator],
    suffix: str,
    batches: Iterable[Batch],
    show: Progress,
    changes: Iterable[feed.Changed] = (),
    marks: Iterable[tuple[int, str]] = (),
    clients: Iterable[ApiClient] = (),
) -> None:
    """The whole file, not yet current and not yet sure to be on disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        _prepare(db)
        db.execute("BEGIN")
        _reserve(db, orjson.loads(meta["counts"]).get("mailboxes", 0))
        with quiet():
            letters, terms = _fill(db, chain([batch_of(container_entries(suffix), [], 0)], batches))
        write_operators(db, operators)
        write_clients(db, clients)
        write_changes(db, changes, marks)
        _finish(db, show)
        meta = {**meta, "letters": "".join(sorted(letters)), "terms": orjson.dumps(terms).decode(), "fours": _fours(db)}
        db.executemany("INSERT INTO meta(key, value) VALUES (?, ?)", meta.items())
        db.execute("COMMIT")
        db.execute("PRAGMA locking_mode = NORMAL")
        db.execute("PRAGMA journal_mode = WAL")


def _prepare(db: sqlite3.Connection) -> None:
    """No journal and no waiting for the disk: a file that was not finished is thrown away."""
    for pragma in (
        f"page_size = {PAGE_SIZE}",
        "journal_mode = OFF",
        "synchronous = OFF",
        "locking_mode = EXCLUSIVE",
        "cache_size = -16384",  # larger is slower: rows come in order, and the processor's cache is what counts
        "temp_store = FILE",
        "threads = 2",
        "secure_delete = OFF",  # Debian's default is ON, and writes what is freed once more
    ):
        db.execute(f"PRAGMA {pragma}").close()
    for table in (*TABLES, ranges.TABLE):
        db.execute(table)
    ranges.prepare(db)
    for table in FTS:
        set_up_fts(db, table, hashsize=_FTS_WHOLE if table == "names" else _FTS_MEMORY, automerge=0,
                   crisismerge=_FTS_SEGMENTS)  # fmt: skip
    for table in _LOOSE:
        db.execute(table)


def _reserve(db: sqlite3.Connection, mailboxes: int) -> None:
    """Keeps the beginning of the file for mailboxes, which come last and are asked for most, and for what finds them:
    SQLite maps the first two gigabytes of a file and reads the rest page by page."""
    db.execute("CREATE TABLE reserve(space BLOB)")
    wanted = min(mailboxes * _BOX_SPACE, MMAP_SIZE - _SLACK)
    db.executemany("INSERT INTO reserve VALUES (zeroblob(?))", [(_SLACK,)] * (wanted // _SLACK))


def set_up_fts(db: sqlite3.Connection, table: str, **options: int) -> None:
    for name, value in options.items():
        db.execute(f"INSERT INTO {table}({table}, rank) VALUES (?, ?)", (name, value))  # noqa: S608


def _fill(db: sqlite3.Connection, batches: Iterable[Batch]) -> tuple[set[str], Counter[str]]:
    """Writes the rows; gives the unusual letters met, and the terms counted."""
    letters: set[str] = set()
    terms: Counter[str] = Counter()
    for batch in batches:
        boxes = slice(*(bisect_left(batch.entries, (limit,)) for limit in _BOX_IDS))
        db.executemany(_LATER_ENTRY, batch.entries[boxes])
        db.executemany(_LATER_BODY, batch.bodies[boxes])
        db.executemany(INSERT_ENTRY, [*batch.entries[: boxes.start], *batch.entries[boxes.stop :]])
        db.executemany(INSERT_BODY, [*batch.bodies[: boxes.start], *batch.bodies[boxes.stop :]])
        db.executemany(INSERT_TEXT, [(row[0], *row[2:9]) for row in batch.entries])
        db.executemany("INSERT INTO loose_names(id, terms) VALUES (?, ?)", batch.names)
        db.executemany(INSERT_TAG, [(row[0], with_starts(row[9])) for row in batch.entries])
        db.executemany("INSERT INTO loose(value, id, view) VALUES (?, ?, ?)", batch.keys)
        db.executemany("INSERT INTO loose_mailbox(address, json) VALUES (?, ?)", batch.mailboxes)
        letters.update(batch.letters)
        terms.update(batch.terms)
    return letters, terms


def _fours(db: sqlite3.Connection) -> str:
    """How many mailboxes have each term of ``names`` that many have: JSON."""
    db.execute("CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, names, row)")
    counts = dict(db.execute("SELECT term, doc FROM temp.held WHERE doc > ?", (RARE,)))
    db.execute("DROP TABLE temp.held")
    return orjson.dumps(counts).decode()


def write_operators(db: sqlite3.Connection, operators: Sequence[Operator], *, whole: bool = True) -> None:
    """In the place of those there were; unless ``whole``, of those of the same names only."""
    for table, column in (("operator", "name"), ("domain", "operator"), ("certificate", "operator")):
        if whole:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own tables
        else:
            db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(o.name,) for o in operators])  # noqa: S608
    db.executemany(_INSERT_OPERATOR, map(_operator, operators))
    spans = [(d.casefold(), o.name, *s) for o in operators for d, held in o.trusted().items() for s in held]
    rows = sorted((domain, name, since, until or "") for domain, name, since, until in spans)
    db.executemany("INSERT OR IGNORE INTO domain(name, operator, since, until) VALUES (?, ?, ?, ?)", rows)
    rules = [(*rule, o.name) for o in operators for rule in o.certificates]
    db.executemany("INSERT INTO certificate(method, issuer, value, operator) VALUES (?, ?, ?, ?)", rules)


def write_clients(db: sqlite3.Connection, clients: Iterable[ApiClient]) -> None:
    """In the place of those there were."""
    db.execute("DELETE FROM client")
    rows = [(c.name, c.secret_hash) for c in clients if not c.revoked]
    db.executemany("INSERT INTO client(name, secret_hash) VALUES (?, ?)", rows)


def _operator(operator: Operator) -> tuple[object, ...]:
    known = orjson.dumps({"name": operator.name, "domains": operator.domains, "rights": operator.rights})
    hashes = operator.secret_hash, operator.former_hash, operator.former_until
    return (operator.name, *hashes, operator.status, known, orjson.dumps(operator_record(operator)))


_INSERT_OPERATOR: Final = (
    "INSERT INTO operator(name, secret_hash, former_hash, former_until, status, json, record) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


# What has an order of its own, before it is sorted.
_LOOSE: Final = (
    "CREATE TABLE loose(value TEXT NOT NULL, id INTEGER NOT NULL, view INTEGER NOT NULL)",
    "CREATE TABLE loose_mailbox(address TEXT NOT NULL, json BLOB NOT NULL)",
    # Mailboxes come in the order of their holders: each in its place at once would write the branch again and again.
    "CREATE TABLE loose_entry AS SELECT * FROM entry",
    "CREATE TABLE loose_body AS SELECT * FROM body",
    "CREATE TABLE loose_names(id INTEGER NOT NULL, terms TEXT NOT NULL)",
)
_LATER_ENTRY: Final = INSERT_ENTRY.replace("INTO entry", "INTO loose_entry")
_LATER_BODY: Final = INSERT_BODY.replace("INTO body", "INTO loose_body")
# What comes first goes to what was reserved, as long as nothing else is dropped: SQLite takes what was freed last.
_STEPS: Final[tuple[tuple[str, str], ...]] = (
    ("boîtes", "DROP TABLE reserve"),
    ("boîtes", "INSERT INTO entry SELECT * FROM loose_entry ORDER BY id"),
    ("boîtes", "INSERT INTO body SELECT * FROM loose_body ORDER BY id"),
    ("clés", "INSERT OR IGNORE INTO key(value, id, view) SELECT value, id, view FROM loose ORDER BY value, id"),
    *(("ordre", order) for order in ORDERS),
    ("noms", "INSERT INTO names(rowid, terms) SELECT id, terms FROM loose_names ORDER BY id"),
    ("noms", "INSERT INTO names(names) VALUES ('optimize')"),
    ("codes", "INSERT INTO tag(tag) VALUES ('optimize')"),
    ("boîtes", "DROP TABLE loose_entry"),
    ("boîtes", "DROP TABLE loose_body"),
    ("noms", "DROP TABLE loose_names"),
    ("clés", "DROP TABLE loose"),
    ("boîtes", "INSERT INTO mailbox(address, json) SELECT address, json FROM loose_mailbox ORDER BY address"),
    ("boîtes", "DROP TABLE loose_mailbox"),
    ("empreintes", ranges.FILL),
    ("textes", "INSERT INTO text(text) VALUES ('optimize')"),
)


def _finish(db: sqlite3.Connection, show: Progress) -> None:
    """The indexes, each in its own order."""
    for number, (label, sql) in enumerate(_STEPS):
        show(f"{_LABEL} : {label}", number, len(_STEPS))
        db.execute(sql)
    show(f"{_LABEL} : {_STEPS[-1][0]}", len(_STEPS), len(_STEPS))
    for table in FTS:
        set_up_fts(db, table, hashsize=_FTS_MEMORY_LATER, automerge=4, crisismerge=16)


__all__ = [
    "Progress",
    "build_index",
    "meta_of",
    "operator_states",
    "write_build",
    "write_clients",
    "write_entries",
    "write_operators",
]
