"""A registry whose bindings have a history, and its transparency log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import factories as f
from import_world import World
from registry_factories import add_box, add_person
from sqlalchemy import Connection, Engine, select, update

from directory_service.registry.audit import Audit, FormerHead, audit
from directory_service.registry.bulk import insert_rows
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import append as note
from directory_service.registry.log import Appended, append_log
from directory_service.registry.tables import binding, log_leaf, mailbox
from directory_service.trust.heads import TREE_HEAD, checker
from directory_service.trust.keys import Keyring

NOW = "2026-11-26T08:00:00Z"
DAYS = tuple(f"2026-11-{day:02}T00:00:00Z" for day in (1, 2, 3))
ZOE, LEA = f.rpps(1), f.rpps(2)
BOX, OTHER = "zoe@a.mssante.fr", "lea@a.mssante.fr"


def keyring(folder: Path) -> Keyring:
    return Keyring.open(folder / "keys", now=NOW)


def append(engine: Engine, folder: Path, **choices: Any) -> Appended:
    return append_log(engine, lambda payload: keyring(folder).sign(payload, TREE_HEAD), **choices)


def audited(engine: Engine, folder: Path, former: Sequence[FormerHead] = ()) -> Audit:
    with reading(engine) as connection:
        return audit(connection, checker(keyring(folder)), former)


def events(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [json.loads(data) for data in _data(connection)]


def _data(connection: Connection) -> list[bytes]:
    return [bytes(d) for d in connection.execute(select(log_leaf.c.data).order_by(log_leaf.c.number)).scalars()]


def told(engine: Engine) -> list[tuple[str, str, str]]:
    """Event, address and holder of each leaf."""
    return [(e["event"], e["address"], e["holder"]) for e in events(engine)]


def three_days(world: World, folder: Path) -> None:
    """Two boxes; then one changes hands and the other closes; then the latter comes back.  A head a day."""
    people = [f.activity(ZOE), f.activity(LEA)]
    world.day(1, activity=people, mailboxes=[f.mailbox(BOX, ZOE), f.mailbox(OTHER, LEA)])
    append(world.engine, folder)
    world.day(2, mailboxes=[f.mailbox(BOX, LEA)], accept="essai")
    append(world.engine, folder)
    world.day(3, mailboxes=[f.mailbox(BOX, LEA), f.mailbox(OTHER, LEA)], accept="essai")
    append(world.engine, folder)


def written_days(engine: Engine, folder: Path) -> None:
    """The same history, straight into the tables: for tests that are not about what wrote it."""
    with writing(engine) as connection:
        for key, number, address in ((1, ZOE, BOX), (2, LEA, OTHER)):
            add_person(connection, key, number)
            add_box(connection, key, address, practitioner_id=key, since=DAYS[0])
            note(connection, actor="tests", kind="create", subject="mailbox", subject_id=key)
    append(engine, folder)
    with writing(engine) as connection:
        connection.execute(update(binding).values(until=DAYS[1]))
        _bind(connection, 1, DAYS[1])
        connection.execute(update(mailbox).where(mailbox.c.id == 2).values(until=DAYS[1]))
        for key, kind in ((1, "update"), (2, "close")):
            note(connection, actor="tests", kind=kind, subject="mailbox", subject_id=key)
    append(engine, folder)
    with writing(engine) as connection:
        _bind(connection, 2, DAYS[2])
        connection.execute(update(mailbox).where(mailbox.c.id == 2).values(until=None))
        note(connection, actor="tests", kind="reopen", subject="mailbox", subject_id=2)
    append(engine, folder)


def _bind(connection: Connection, box: int, since: str) -> None:
    values = {"mailbox_id": box, "practitioner_id": 2, "source": "mssante.mailboxes", "since": since}
    insert_rows(connection, binding, tuple(values), [tuple(values.values())])
