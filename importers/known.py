"""What the registry already knows, held in memory for a run: digests per source, numbers of people, links.

Sized for the nation: a dict from bytes to a small int, and arrays beside it, about 130 bytes a record.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sqlalchemy import Connection, select

from directory_service.model.names import squash
from directory_service.registry.tables import identifier, link, source_record
from importers.sources import vouching

_STREAM = {"yield_per": 10_000}


def digest_of(rows: Sequence[tuple[int, bytes]]) -> int:
    """A signed 64-bit digest of the rows of one record, whatever their order, line ends or trailing separators."""
    if len(rows) == 1:
        data = rows[0][1].rstrip(b"|\r\n\x1f")
    else:
        data = b"\n".join(sorted([row[1].rstrip(b"|\r\n\x1f") for row in rows]))
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little", signed=True)


def digest_text(values: Sequence[object]) -> int:
    return digest_of([(0, "\x1f".join(map(str, values)).encode())])


_squashed = lru_cache(maxsize=400_000)(squash)  # names repeat: a look-up instead of a folding


def match_key(family_name: str, given_names: str) -> str:
    """The blocking key of reconciliation: both names squashed."""
    return _squashed(family_name) + _squashed(given_names)


class Known:
    """What one source last said: key ► position; digest, subject and whether it is gone, by position."""

    def __init__(self, connection: Connection, source: str) -> None:
        self.source = source
        self.positions: dict[bytes, int] = {}
        self.digests = array("q")
        self.subjects = array("q")
        self.gone = bytearray()
        columns = source_record.c
        query = select(columns.key, columns.digest, columns.subject_id, columns.gone_at)
        found = connection.execute(query.where(columns.source == source), execution_options=_STREAM)
        for position, (key, digest, subject, gone_at) in enumerate(found):
            self.positions[key.encode()] = position
            self.digests.append(digest)
            self.subjects.append(subject)
            self.gone.append(gone_at is not None)
        self.seen = bytearray(len(self.gone))

    def vanished(self) -> Iterator[tuple[bytes, int]]:
        """(key, subject) of what the source knew and no longer says."""
        for key, position in self.positions.items():
            if not self.seen[position] and not self.gone[position]:
                yield key, self.subjects[position]

    def staying(self, subjects: set[int]) -> set[int]:
        """Which of these subjects the source still names, under another key."""
        if not subjects:
            return set()
        return {pk for pk, seen in zip(self.subjects, self.seen, strict=True) if seen and pk in subjects}


class People:
    """Whose number is this (idNat_PS as bytes ► practitioner), and which sources vouch for whom: of everybody, or of
    these ``only``."""

    def __init__(self, connection: Connection, only: Sequence[int] | None = None) -> None:
        self.ids: dict[bytes, int] = {}
        self.vouched = bytearray()
        columns = identifier.c
        query = select(columns.scheme, columns.value, columns.practitioner_id)
        if only is not None:
            query = query.where(columns.practitioner_id.in_(only))
        for scheme, value, pk in connection.execute(query, execution_options=_STREAM):
            self.ids[(scheme + value).encode()] = pk
        marks = select(source_record.c.source, source_record.c.subject_id)
        bits = vouching()
        marks = marks.where(source_record.c.source.in_(bits), source_record.c.gone_at.is_(None))
        if only is not None:
            marks = marks.where(source_record.c.subject_id.in_(only))
        for source, pk in connection.execute(marks, execution_options=_STREAM):
            self.vouch(pk, bits[source])

    def vouch(self, pk: int, bit: int) -> None:
        if pk >= len(self.vouched):
            self.vouched.extend(bytes(max(pk + 1 - len(self.vouched), 65_536)))
        self.vouched[pk] |= bit

    def disavow(self, pk: int, bit: int) -> None:
        if pk < len(self.vouched):
            self.vouched[pk] &= ~bit

    def vouchers(self, pk: int) -> int:
        return self.vouched[pk] if pk < len(self.vouched) else 0


class Links:
    """The official crosswalk, both ways."""

    def __init__(self, connection: Connection) -> None:
        self.rpps: dict[str, str] = {}
        self.adelis: defaultdict[str, list[str]] = defaultdict(list)
        for adeli, rpps in connection.execute(select(link.c.adeli, link.c.rpps), execution_options=_STREAM):
            self.add(adeli, rpps)

    def add(self, adeli: str, rpps: str) -> None:
        self.rpps[adeli] = rpps
        self.adelis[rpps].append(adeli)
