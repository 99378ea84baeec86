"""The journal: every change of the registry, in the order of the commits, with what was there before.

Append inside the transaction that makes the change (``engine.writing``).  ``before`` and ``after`` are JSON; a bulk
create leaves ``after`` out, since the record itself says it.  Nothing is ever rewritten here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, insert, select

from directory_service.registry.bulk import insert_rows, top_key
from directory_service.registry.clock import now_text
from directory_service.registry.tables import journal

State = Mapping[str, Any]
_COLUMNS = ("at", "actor", "run_id", "kind", "subject", "subject_id", "before", "after")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change.  ``before`` and ``after`` stay encoded (``decode``): the follower reads many and needs neither."""

    seq: int
    at: str
    actor: str
    run_id: int | None
    kind: str  # create, update, close, reopen, merge…
    subject: str  # practitioner, organization, mailbox, operator
    subject_id: int
    before: bytes | None
    after: bytes | None
    file_id: int | None = None  # RunFile.pk: the extract that says so, or no longer does
    line: int | None = None  # where, in that extract


def encode(state: State | None) -> bytes | None:
    return None if state is None else json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode()


def decode(state: bytes | None) -> dict[str, Any] | None:
    return None if state is None else json.loads(state)


def append(
    connection: Connection,
    *,
    actor: str,
    kind: str,
    subject: str,
    subject_id: int,
    run_id: int | None = None,
    before: State | None = None,
    after: State | None = None,
    at: str | None = None,
) -> int:
    """Appends one change and gives its number."""
    values = (at or now_text(), actor, run_id, kind, subject, subject_id, encode(before), encode(after))
    result = connection.execute(
        insert(journal).values(dict(zip(_COLUMNS, values, strict=True))).returning(journal.c.seq)
    )
    return int(result.scalar_one())


def append_many(
    connection: Connection,
    changes: Iterable[tuple[str, str, int, State | None, State | None]],
    *,
    actor: str,
    run_id: int | None = None,
    at: str | None = None,
) -> None:
    """Appends many changes ``(kind, subject, subject_id, before, after)`` of one actor and run."""
    moment = at or now_text()
    rows = ((moment, actor, run_id, k, s, pk, encode(b), encode(a)) for k, s, pk, b, a in changes)
    insert_rows(connection, journal, _COLUMNS, rows)


def mark_of(entry: JournalEntry) -> str:
    """A few letters that tell this change from another one of the same number: of a registry that was restored from a
    backup and went on, or of another registry.  Made of nothing but when it was: operators get them, and a hash of what
    changed would confirm whatever somebody guesses of a hidden mailbox."""
    return blake2b(f"{entry.seq} {entry.at}".encode(), digest_size=6).hexdigest()


def read_mark(connection: Connection, seq: int) -> str:
    """That of one change; "" where there is none of this number."""
    found = read_after(connection, seq - 1, 1)
    return mark_of(found[0]) if found and found[0].seq == seq else ""


def read_after(connection: Connection, seq: int, limit: int) -> list[JournalEntry]:
    """The ``limit`` first changes that come after number ``seq``, in order."""
    query = select(*journal.columns).where(journal.c.seq > seq).order_by(journal.c.seq).limit(limit)
    return [JournalEntry(*row) for row in connection.execute(query)]


def last_seq(connection: Connection) -> int:
    """The number of the last change; 0 in an empty registry."""
    return top_key(connection, journal)
