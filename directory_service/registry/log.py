"""The transparency log, written: what the journal says of bindings becomes leaves of a Merkle tree, and heads to sign.

Follows the journal as the index does: ``append_log`` takes the mailboxes that changed since the last time, compares
each of their bindings with what the log last said of it, and adds an event for each difference.  So it takes up
whatever wrote (imports, publications, answers of the staff, rollbacks), may be stopped at any point and run twice, and
never changes a leaf.  One writer: it works inside ``engine.writing``.  See docs/decisions/0025.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, func, insert, null, select

from directory_service.model.events import By, Cause, Held, changes, held_after, leaf_data, parse_leaf
from directory_service.model.merkle import Get, Position, fold, grow, leaf_hash, positions
from directory_service.registry.batches import listed, rows
from directory_service.registry.bulk import chunks, insert_rows
from directory_service.registry.clock import now_text
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import JournalEntry, last_seq
from directory_service.registry.tables import binding, journal, log_head, log_leaf, log_node, log_place, operator

PAGE: Final = 20_000  # changes of one transaction: half a second, while others wait to write
_ONE = 1  # the row of log_place
_BY_PERSON = {"practitioner": binding.c.practitioner_id, "organization": binding.c.organization_id}

Sign = Callable[[bytes], str]  # the payload of a head ► its JWS
Nonces = Callable[[int], bytes]  # so many octets of chance


@dataclass(frozen=True, slots=True)
class Appended:
    """What one call did, and where the log stands."""

    leaves: int
    size: int
    seq: int  # of the journal


def append_log(
    engine: Engine, sign: Sign, *, page: int = PAGE, nonces: Nonces = os.urandom, now: Callable[[], str] = now_text
) -> Appended:
    """Brings the log up to the journal, and signs a head of what it then holds.  Raises RegistryUnavailable."""
    before: int | None = None
    while True:
        with reading(engine) as connection:
            size, place = log_size(connection), read_place(connection)
            pending = last_seq(connection) > place or last_head_size(connection) < size
        before = size if before is None else before
        if not pending:
            return Appended(size - before, size, place)
        with writing(engine) as connection:
            place, last = read_place(connection), last_seq(connection)
            high = min(place + page, last)
            _append(connection, bearing(connection, place, high), high, nonces)
            if high == last:
                _sign(connection, sign, now())


def log_size(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(log_leaf.c.number) + 1, 0))).scalar_one())


def last_head_size(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(log_head.c.size), 0))).scalar_one())


def read_place(connection: Connection) -> int:
    """The last change of the journal that the log has read; 0 before the first."""
    return connection.execute(select(log_place.c.seq)).scalar() or 0


def read_nodes(connection: Connection, wanted: Sequence[Position]) -> dict[Position, bytes]:
    """The hashes of these nodes, in one question a table; those that are not there are left out."""
    found: dict[Position, bytes] = {}
    by_level: defaultdict[int, list[int]] = defaultdict(list)
    for level, number in wanted:
        by_level[level].append(number)
    leaves = by_level.pop(0, [])
    parts = [f"SELECT 0, number, hash FROM log_leaf WHERE {listed(leaves)('number')}"] if leaves else []  # noqa: S608
    parts += [
        f"SELECT level, number, hash FROM log_node WHERE level = {int(level)} AND {listed(numbers)('number')}"  # noqa: S608
        for level, numbers in by_level.items()
    ]
    for some in chunks(parts, 100):
        for level, number, digest in rows(connection, " UNION ALL ".join(some)):
            found[Position(level, number)] = bytes(digest)
    return found


def getter(connection: Connection, wanted: Sequence[Position]) -> Get:
    return read_nodes(connection, wanted).__getitem__


# --- leaves ----------------------------------------------------------------------------------------------------------


def bearing(connection: Connection, after: int, last: int) -> list[JournalEntry]:
    """The changes ``after < seq <= last`` that may bear on a binding: who was created holds nothing of before."""
    columns: list[Any] = [journal.c[name] for name in ("seq", "at", "actor", "run_id", "kind", "subject", "subject_id")]
    concerned = (journal.c.subject == "mailbox") | (journal.c.kind != "create")
    query = (
        select(*columns, null(), null())
        .where(journal.c.seq > after, journal.c.seq <= last, concerned)
        .order_by(journal.c.seq)
    )
    return [JournalEntry(*row) for row in connection.execute(query)]


def _append(connection: Connection, entries: Sequence[JournalEntry], place: int, nonces: Nonces) -> None:
    touched = touched_boxes(connection, entries)
    operators = set(connection.execute(select(operator.c.name)).scalars())
    top = connection.execute(select(func.max(log_leaf.c.mailbox_id))).scalar() or 0
    leaves = [
        leaf for some in chunks(touched.items()) for leaf in _leaves(connection, dict(some), top, operators, nonces)
    ]
    size = log_size(connection)
    tops = list(positions((0, size)))
    get = getter(connection, tops)
    hashes = [leaf_hash(data) for *_, data in leaves]
    nodes, _ = grow(size, [get(top) for top in tops], hashes)
    numbered = ((number, *leaf, digest) for number, (leaf, digest) in enumerate(zip(leaves, hashes, strict=True), size))
    insert_rows(connection, log_leaf, ("number", "mailbox_id", "binding_id", "seq", "data", "hash"), numbered)
    insert_rows(connection, log_node, ("level", "number", "hash"), ((*at, digest) for at, digest in nodes))
    connection.execute(delete(log_place))
    connection.execute(insert(log_place).values(id=_ONE, seq=place))


def touched_boxes(connection: Connection, entries: Sequence[JournalEntry]) -> dict[int, JournalEntry]:
    """The mailboxes whose bindings these changes may have changed, each with the last of them, in that order: their
    own, and those of holders who became others."""
    last: dict[int, JournalEntry] = {}
    changed: dict[str, dict[int, JournalEntry]] = {subject: {} for subject in _BY_PERSON}
    for entry in entries:
        if entry.subject == "mailbox":
            last[entry.subject_id] = entry
        elif entry.subject in changed:
            changed[entry.subject][entry.subject_id] = entry
    for subject, by_key in changed.items():
        column = _BY_PERSON[subject]
        for keys in chunks(by_key):
            query = select(binding.c.mailbox_id, column).where(column.in_(keys))
            for box, key in connection.execute(query):
                last[box] = max(last.get(box, by_key[key]), by_key[key], key=lambda entry: entry.seq)
    return dict(sorted(last.items(), key=lambda pair: (pair[1].seq, pair[0])))


def _leaves(
    connection: Connection, touched: Mapping[int, JournalEntry], top: int, operators: set[str], nonces: Nonces
) -> Iterator[tuple[int, int, int, bytes]]:
    """Mailbox, binding, change and bytes of each new leaf: what ends before what begins.  ``top``: of mailboxes past
    it the log has said nothing."""
    said = _said(connection, [box for box in touched if box <= top])
    held = read_held(connection, list(touched))
    for box, entry in touched.items():
        before, after = said.get(box, {}), held.get(box, {})
        cause = Cause(entry.at, entry.run_id, entry.actor if entry.actor in operators else "")
        for ends in (True, False):
            for key in sorted(before.keys() | after.keys()):
                one, other = before.get(key), after.get(key)
                if (other is None or bool(other.until)) is ends:
                    for event, state in changes(one, other):
                        yield box, key, entry.seq, leaf_data(event, state, key, cause, nonces(16))


def _said(connection: Connection, boxes: Sequence[int]) -> dict[int, dict[int, Held | None]]:
    """By mailbox and binding: what the log last said."""
    found: defaultdict[int, dict[int, Held | None]] = defaultdict(dict)
    if not boxes:
        return found
    sql = f"SELECT mailbox_id, binding_id, data FROM log_leaf WHERE {listed(boxes)('mailbox_id')} ORDER BY number"  # noqa: S608
    for box, key, data in rows(connection, sql):
        found[box][key] = held_after(parse_leaf(bytes(data)))
    return found


_HELD = (
    "SELECT b.mailbox_id, b.id, m.address, m.type, p.national_id, o.national_id, b.since, b.until, b.source, "
    "b.national_id, b.family_name, b.given_names, b.opened_run, b.opened_operator, b.closed_run, b.closed_operator, "
    "m.unlisted OR (b.unlisted AND b.until IS NOT NULL) "
    "FROM binding b JOIN mailbox m ON m.id = b.mailbox_id "
    "LEFT JOIN practitioner p ON p.id = b.practitioner_id LEFT JOIN organization o ON o.id = b.organization_id "
)


def read_held(connection: Connection, boxes: Sequence[int]) -> dict[int, dict[int, Held]]:
    """By mailbox and binding: what the registry holds."""
    found: defaultdict[int, dict[int, Held]] = defaultdict(dict)
    for box, key, held in held_in(connection, listed(boxes)("b.mailbox_id")):
        found[box][key] = held
    return found


def held_in(connection: Connection, where: str) -> Iterator[tuple[int, int, Held]]:
    """Mailbox, binding and what the registry holds; ``where`` is a condition on ``b``, of our own making."""
    for row in rows(connection, f"{_HELD} WHERE {where} ORDER BY b.id"):
        yield row[0], row[1], _held(row)


def _held(row: tuple[Any, ...]) -> Held:
    _, _, address, kind, person, place, since, until, source, number, family, given, *acts, unlisted = row
    holder = person or (place if kind != "PER" else None)  # model.mailboxes.Binding.holder_id
    written = None if holder else (number, family, given)
    by = _by(*acts[:2]), _by(*acts[2:])
    return Held(address, holder or "10" + address, since, until, source, written, *by, kind, bool(unlisted))


def _by(run: int | None, operator: str) -> By | None:
    return None if run is None and not operator else (run, operator or None)


# --- heads -----------------------------------------------------------------------------------------------------------


def head_payload(size: int, root: bytes, at: str) -> bytes:
    """What is signed: JSON as RFC 8785 writes it."""
    return json.dumps({"at": at, "root": root.hex(), "size": size, "v": 1}, separators=(",", ":")).encode()


def root_of(connection: Connection, size: int) -> bytes:
    tops = list(positions((0, size)))
    get = getter(connection, tops)
    return fold([get(top) for top in tops])


def _sign(connection: Connection, sign: Sign, at: str) -> None:
    size = log_size(connection)
    if size > last_head_size(connection):
        root = root_of(connection, size)
        values = {"size": size, "root": root.hex(), "at": at, "jws": sign(head_payload(size, root, at))}
        connection.execute(insert(log_head).values(values))
