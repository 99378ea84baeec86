"""The feed of changes, in the index: a row for each public record that changed, at the last change that touches it.

Rows come from ``registry.feed`` and hold no record: whoever reads gets the record as the index has it in the same
commit, or learns that it is there no more.  A record that changes again moves to the end, so that a reader who follows
meets each state that lasts, and none twice.  Places are those of the journal: they outlive builds.  Each carries the
mark of its change, so that a place of before the registry was restored from a backup, or of another registry, is told
from the one of the same number today.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson

from directory_service.entries.entry import PEOPLE, STRUCTURES, entry_id
from directory_service.entries.history import shown
from directory_service.entries.record import as_listed
from directory_service.errors import CursorExpired, InvalidInput
from directory_service.model.feed import KEPT, Changed, Kind

_RANKS: Final = range(16)
_BRANCH: Final = {Kind.PRACTITIONER: PEOPLE, Kind.FORMER: PEOPLE, Kind.ORGANIZATION: STRUCTURES}
_ID: Final = {Kind.PRACTITIONER: "id", Kind.FORMER: "id", Kind.ORGANIZATION: "technical_id"}
_NAMES: Final = {Kind.MAILBOX: "mailbox", Kind.ORGANIZATION: "organization"}
_INSERT: Final = "INSERT OR REPLACE INTO change(kind, key, seq, pk, at) VALUES (?, ?, ?, ?, ?)"
_LAST: Final = 1 << 62
FLOOR: Final = "feed_floor"


class Place(NamedTuple):
    """Where a reader is: after this row.  ``mark`` is that of the change; the beginning has none."""

    seq: int
    kind: int = _LAST
    pk: int = _LAST
    mark: str = ""

    def __str__(self) -> str:
        at = str(self.seq) if self.kind == _LAST else f"{self.seq}.{self.kind}.{self.pk}"
        return f"{at}-{self.mark}" if self.mark else at


class Changes(NamedTuple):
    """Some changes, in order; ``next`` is where to go on, ``more`` whether there are already others after."""

    seq: int
    items: list[dict[str, Any]]
    next: str
    more: bool


def parse_place(text: str) -> Place:
    """Raises InvalidInput for what no answer gave as ``next``."""
    at, _, mark = text.partition("-")
    parts = at.split(".")
    numbers = all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts)
    if len(parts) in (1, 3) and numbers and (at == text or (mark.isascii() and mark.isalnum())):
        seq, kind, pk = map(int, parts) if len(parts) == 3 else (int(at), _LAST, _LAST)
        return Place(seq, kind, pk, mark)
    raise InvalidInput("un curseur donné par une réponse est attendu, ou 0", where="paramètre since")


def write_changes(db: sqlite3.Connection, found: Iterable[Changed], marks: Iterable[tuple[int, str]]) -> None:
    db.executemany(_INSERT, ((int(c.kind), c.key, c.seq, c.pk, c.at) for c in found))
    db.executemany("INSERT OR REPLACE INTO mark(seq, value) VALUES (?, ?)", marks)


def mark_at(db: sqlite3.Connection, seq: int) -> str:
    row = db.execute("SELECT value FROM mark WHERE seq = ?", (seq,)).fetchone()
    return row[0] if row else ""


def end_of(db: sqlite3.Connection, seq: int) -> Place:
    """After all that the index holds, ``seq`` being its last change."""
    return Place(seq, mark=mark_at(db, seq))


def read_changes(db: sqlite3.Connection, since: Place, limit: int) -> Changes:
    """At most ``limit`` changes after ``since``, as the public sees them; the caller is inside one transaction.
    Raises CursorExpired when some that came after are kept no more, when ``since`` is of before a restoration, or when
    it is further on than nodes can lie behind one another."""
    meta = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('seq', ?)", (FLOOR,)))
    seq = int(meta["seq"])
    if since.seq < int(meta.get(FLOOR, 0)):
        raise CursorExpired("ce curseur est trop ancien : prenez un export complet, et suivez à partir de son curseur")
    if 0 < since.seq <= seq and since.mark != mark_at(db, since.seq):
        raise CursorExpired(
            "ce curseur n'est pas de ce registre, ou d'avant sa restauration : prenez un export complet, et suivez à "
            "partir de son curseur"
        )
    if since.seq > seq + KEPT:
        raise CursorExpired(
            "l'annuaire n'a pas encore ce curseur : prenez un export complet, et suivez à partir du sien"
        )
    sql = "SELECT kind, key, seq, pk, at FROM change WHERE (seq, kind, pk) > (?, ?, ?) ORDER BY seq, kind, pk LIMIT ?"
    rows = [Changed(Kind(row[0]), *row[1:]) for row in db.execute(sql, (*since[:3], limit + 1))]
    more, rows = len(rows) > limit, rows[:limit]
    # After the last one comes the end of what the index holds; another node may have been further on.
    last = rows[-1] if more else None
    place = Place(last.seq, last.kind, last.pk, mark_at(db, last.seq)) if last else max(end_of(db, seq), since)
    return Changes(seq, list(_items(db, rows)), str(place), more)


def _items(db: sqlite3.Connection, rows: Iterable[Changed]) -> Iterator[dict[str, Any]]:
    for row in rows:
        record = _mailbox(db, row.key) if row.kind == Kind.MAILBOX else _entry(db, row)
        item = {"seq": row.seq, "at": row.at, "kind": _NAMES.get(row.kind, "practitioner"), "id": row.key}
        if record is None:
            yield {**item, "op": "delete"}
        else:
            ended = record["status"] in ("closed", "inactive")
            yield {**item, "op": "close" if ended else "put", "record": record}


def _mailbox(db: sqlite3.Connection, address: str) -> dict[str, Any] | None:
    found = db.execute("SELECT json FROM mailbox WHERE address = ?", (address.casefold(),)).fetchone()
    record = as_listed(orjson.loads(found[0])) if found else None
    return shown(record) if record else None


def _entry(db: sqlite3.Connection, row: Changed) -> dict[str, Any] | None:
    """The record that this key of the registry has, if that is the name it goes by."""
    ids = [entry_id(_BRANCH[row.kind], rank, row.pk) for rank in _RANKS]
    sql = f"SELECT json FROM body WHERE id IN ({', '.join('?' * len(ids))})"  # noqa: S608
    for (found,) in db.execute(sql, ids):
        record: dict[str, Any] = orjson.loads(found)
        return record if record[_ID[row.kind]] == row.key else None
    return None
