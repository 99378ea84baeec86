"""``python -m bench.publication``: mailboxes published in bulk a second, beside the bare inserts of the same rows.

A sample of people is imported into an SQLite registry; one operator then publishes a mailbox for each person through
``POST /v1/mailboxes/batch``, in this process: authentication, parsing, checks, registry, journal, answers; no socket.
The bare run puts the very rows that came of it (mailbox, binding, journal) into a copy of the registry as it was
before, by ``executemany`` with the same pragmas and as many rows a transaction.  Runs alternate; medians are shown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.machine import describe
from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.registry import operators
from directory_service.registry.engine import _PRAGMAS, open_registry, writing
from directory_service.registry.upgrading import upgrade
from directory_service.settings import Settings
from directory_service.web.api.publication import CHUNK
from directory_service.web.app import create_app
from importers.load import run_import
from importers.sample import write_sample

DOMAIN = "bench.mssante.fr"
BATCH = 10_000
_TABLES = ("mailbox", "binding", "journal")


Rates = tuple[float, float]  # mailboxes a second, by the clock and by the processor's


def main() -> None:
    options = _options()
    print(f"machine: {describe()}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secret, people = _prepare(folder, options.people)
        found: dict[str, list[Rates]] = {}
        for _ in range(options.rounds):
            for what, rate in _round(folder, secret, people).items():
                found.setdefault(what, []).append(rate)
    print(f"{len(people):,} mailboxes, batches of {BATCH:,}, medians of {options.rounds} rounds")
    print(f"  {'':<38} {'a second':>10} {'a second of processor time':>28}")
    for what, rates in found.items():
        clock, work = (statistics.median(each) for each in zip(*rates, strict=True))
        print(f"  {what:<38} {clock:>10,.0f} {work:>28,.0f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.publication", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _prepare(folder: Path, people: int) -> tuple[str, list[str]]:
    """A registry with its index; the operator's secret, and whom to publish for."""
    write_sample(folder / "sample", people=people, seed=1)
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    run_import(engine, [folder / "sample"], actor="bench")
    with writing(engine) as connection:
        operators.add_operator(connection, "bench", [DOMAIN], actor="bench")
        secret = operators.set_secret(connection, "bench", actor="bench")
        found = list(
            connection.exec_driver_sql("SELECT national_id FROM practitioner WHERE status = 'active'").scalars()
        )
    build_index(engine, folder / "index", "o=annuaire-sante,c=fr", workers=1)
    engine.dispose()
    _checkpoint(folder / "registry.sqlite")
    return secret, found


def _round(folder: Path, secret: str, people: list[str]) -> dict[str, Rates]:
    registry = folder / "round.sqlite"
    shutil.copy(folder / "registry.sqlite", registry)
    with closing(Directory(folder / "index", "o=annuaire-sante,c=fr")) as directory:
        settings = Settings(data=folder, database_url=f"sqlite:///{registry}")
        client = create_app(directory, settings).test_client()
        head = {"Authorization": f"Bearer {secret}"}
        client.delete(f"/v1/mailboxes/warm@{DOMAIN}", headers=head)  # argon2, once
        publish = _publisher(client, head, people)
        rates = {"create": publish({}, True), "the same again: nothing changes": publish({}, False)}
        rates["change one field"] = publish({"service": "Accueil"}, True)
    rows = _created(registry, len(people))
    rates["bare executemany of the created rows"] = _bare(folder, rows, len(people))
    for path in folder.glob("*round.sqlite*"):
        path.unlink()
    return rates


def _publisher(client: Any, head: dict[str, str], people: list[str]) -> Callable[[dict[str, Any], bool], Rates]:
    def publish(more: dict[str, Any], changed: bool) -> Rates:
        body = {"type": "PER", "paperless": True, "purposes": ["report"]} | more
        lines = [
            json.dumps({"address": f"p{n}@{DOMAIN}", "holder": {"person": number}} | body).encode()
            for n, number in enumerate(people)
        ]
        begin, work = time.perf_counter(), time.process_time()
        for start in range(0, len(lines), BATCH):
            answer = client.post("/v1/mailboxes/batch", data=b"\n".join(lines[start : start + BATCH]), headers=head,
                                 content_type="application/x-ndjson")  # fmt: skip
            told = b'"changed":true' if changed else b'"changed":false'
            assert answer.data.count(told) == len(lines[start : start + BATCH]), answer.data[:300]
        return len(lines) / (time.perf_counter() - begin), len(lines) / (time.process_time() - work)

    return publish


def _created(registry: Path, number: int) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """Of each table, its columns and the rows of the creations."""
    boxes = f"address LIKE '%@{DOMAIN}'"
    own = {
        "mailbox": boxes,
        "binding": f"mailbox_id IN (SELECT id FROM mailbox WHERE {boxes})",
        "journal": "kind = 'create' AND run_id IS NULL AND subject = 'mailbox'",
    }
    found = {}
    with closing(sqlite3.connect(registry)) as db:
        for table in _TABLES:
            cursor = db.execute(f"SELECT * FROM {table} WHERE {own[table]}")
            found[table] = [d[0] for d in cursor.description], cursor.fetchall()
            assert len(found[table][1]) == number, table
    return found


def _bare(folder: Path, rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]], number: int) -> Rates:
    path = folder / "bare-round.sqlite"
    shutil.copy(folder / "registry.sqlite", path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in _PRAGMAS:
            db.execute(pragma)
        begin, work = time.perf_counter(), time.process_time()
        for start in range(0, number, CHUNK):
            db.execute("BEGIN IMMEDIATE")
            for table, (columns, values) in rows.items():
                marks = ", ".join("?" * len(columns))
                sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
                db.executemany(sql, values[start : start + CHUNK])
            db.execute("COMMIT")
        return number / (time.perf_counter() - begin), number / (time.process_time() - work)


def _checkpoint(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    main()
