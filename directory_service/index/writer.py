"""A full build: a new file beside the others, filled from the registry, then made the current one.

Rendering takes most of the time and is shared among processes (``render``); this one writes (``filling``).  A build
that fails leaves nothing.  Figures: docs/reference/performance.md.
"""

from __future__ import annotations

import secrets
import sqlite3
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
from directory_service.entries.entry import Entry
from directory_service.entries.operators import operator_record
from directory_service.index import files, filling, ranges
from directory_service.index.feed import FLOOR, write_changes
from directory_service.index.render import REGION, Batch, batch_of, render_all
from directory_service.index.schema import VERSION
from directory_service.index.smime import write_certificates
from directory_service.ldap.dn import normalise
from directory_service.model.clients import ApiClient
from directory_service.model.feed import Changed
from directory_service.model.mailboxes import Operator
from directory_service.registry import feed, overview
from directory_service.registry.batches import quiet
from directory_service.registry.certificates import read_published
from directory_service.registry.clients import read_clients
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import reading
from directory_service.registry.health import read_states
from directory_service.registry.journal import last_seq
from directory_service.registry.regions import regions
from directory_service.registry.trusted import read_operators

Progress = Callable[[str, int, int], None]
_LABEL: Final = "Index"
_WAITING: Final = "Attente de la fin d'une autre construction de l'index"


def build_index(
    engine: Engine, folder: Path, suffix: str, *, workers: int = 1, progress: Progress | None = None
) -> Path:
    """Builds the index of the registry as it is now and makes it current.  Gives the file.  Changes made meanwhile are
    left to the follower.  Waits for a build that another process makes there.  Raises RegistryUnavailable."""
    show = progress or (lambda label, done, total: None)
    with files.alone(folder, lambda over: show(_WAITING, int(over), int(over))):
        return _build(engine, folder, suffix, workers, show)


def _build(engine: Engine, folder: Path, suffix: str, workers: int, show: Progress) -> Path:
    at = datetime.now(UTC)
    with reading(engine) as connection:
        seq, limits = last_seq(connection), overview.bounds(connection)
        meta = {**meta_of(connection, suffix, seq, at), "operators": operator_states(connection, at)}
        operators, clients = read_operators(connection), read_clients(connection)
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
    with reading(engine) as connection, files.told_of_index(), closing(files.open_writer(path)) as db:
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
    sources = [asdict(source) for source in overview.read_sources(connection)]
    return {
        "version": VERSION,
        "suffix": normalise(suffix),
        "build": at.strftime("%Y%m%dT%H%M%SZ"),
        "built_at": format_instant(at),
        "seq": str(seq),
        "sources": orjson.dumps(sources).decode(),
        "counts": orjson.dumps(overview.counts(connection)).decode(),
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
    changes: Iterable[Changed] = (),
    marks: Iterable[tuple[int, str]] = (),
    clients: Iterable[ApiClient] = (),
) -> None:
    """The whole file, not yet current and not yet sure to be on disk."""
    mailboxes = orjson.loads(meta["counts"]).get("mailboxes", 0)
    with filling.opened(path, mailboxes) as db:
        with quiet():
            counted, hidden = filling.fill(db, chain([batch_of(container_entries(suffix), [], 0)], batches))
        write_operators(db, operators)
        write_clients(db, clients)
        write_changes(db, changes, marks)
        filling.finish(db, hidden, lambda label, done, total: show(f"{_LABEL} : {label}", done, total))
        counted |= filling.counts(db, hidden)
        db.executemany("INSERT INTO meta(key, value) VALUES (?, ?)", {**meta, **counted}.items())


def write_operators(db: sqlite3.Connection, operators: Sequence[Operator], *, whole: bool = True) -> None:
    """In the place of those there were; unless ``whole``, of those of the same names only."""
    for table, column in (("operator", "name"), ("domain", "operator"), ("certificate", "operator")):
        if whole:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own tables
        else:
            db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(o.name,) for o in operators])  # noqa: S608
    db.executemany(_INSERT_OPERATOR, map(_operator, operators))
    rows = sorted(row for operator in operators for row in _domains(operator))
    db.executemany("INSERT OR IGNORE INTO domain(name, operator, since, until, listed) VALUES (?, ?, ?, ?, ?)", rows)
    rules = [(*rule, o.name) for o in operators for rule in o.certificates]
    db.executemany("INSERT INTO certificate(method, issuer, value, operator) VALUES (?, ?, ?, ?)", rules)


def _domains(operator: Operator) -> Iterator[tuple[str, ...]]:
    listed = operator.listed()
    for name, held in operator.trusted().items():
        for since, until in held:
            yield name.casefold(), operator.name, since, until or "", listed.get(name, "")


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
