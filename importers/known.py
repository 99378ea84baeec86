"""What the registry already knows, held in memory for a run: digests per source, numbers of people, links.

Sized for the nation: a dict from bytes to a small int, and arrays beside it, about 130 bytes a record.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, count, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from directory_service.registry.bulk import among, chunks, plain_rows
from directory_service.registry.tables import identifier, link, source_record
from importers.sources import vouching

GONE, SEEN = 1, 2  # the source no longer names it; this run has met it
_TOGETHER = 10_000


def speaks(connection: Connection, source: str) -> bool:
    """Whether the registry knows anything of a source."""
    query = select(source_record.c.source).where(source_record.c.source == source).limit(1)
    return connection.execute(query).first() is not None


def standing_digests(connection: Connection, source: str) -> set[int]:
    """Of all that this source says and that is not gone."""
    columns = source_record.c
    query = select(columns.digest).where(columns.source == source, columns.gone_at.is_(None))
    return set(chain.from_iterable(plain_rows(connection, query)))


def _told(connection: Connection, *where: ColumnElement[bool]) -> Iterator[tuple[bytes, int, int, int]]:
    columns = source_record.c
    query = select(columns.key, columns.digest, columns.subject_id, columns.gone_at).where(*where)
    for key, digest, pk, gone_at in plain_rows(connection, query):
        yield key.encode(), digest, pk, GONE if gone_at else 0


def _texts(keys: Iterable[bytes]) -> list[str]:
    """As the registry holds them; those that no registry could hold are left out."""
    found = []
    for key in keys:
        with suppress(UnicodeDecodeError):
            if b"\0" not in key:
                found.append(key.decode())
    return found


class Known:
    """What one source last said: key ► position; digest, subject and state (``GONE``, ``SEEN``) by position."""

    def __init__(self, source: str, rows: Iterable[Sequence[Any]]) -> None:
        """``rows``: (key, digest, subject, ``GONE`` or 0)."""
        self.source = source
        self.positions: dict[bytes, int] = {}
        self.digests, self.subjects, self.state = array("q"), array("q"), bytearray()
        rows = iter(rows)
        while some := list(islice(rows, _TOGETHER)):
            keys, digests, subjects, gone = zip(*some, strict=True)
            self.positions.update(zip(keys, count(len(self.state)), strict=False))
            self.digests.extend(digests)
            self.subjects.extend(subjects)
            self.state.extend(gone)

    @classmethod
    def read(cls, connection: Connection, source: str) -> Known:
        """All that it said."""
        return cls(source, _told(connection, source_record.c.source == source))

    @classmethod
    def part(cls, connection: Connection, source: str, keys: Iterable[bytes], digests: Collection[int]) -> Known:
        """What it said of these keys, and what else has one of these digests and is not gone."""
        columns = source_record.c
        named = among(connection, columns.key, _texts(keys))
        standing = columns.gone_at.is_(None), among(connection, columns.digest, digests)
        mine = columns.source == source
        rows = {*_told(connection, mine, named), *_told(connection, mine, *standing)}
        return cls(source, sorted(rows))

    def renewed(self, connection: Connection) -> Known:
        """The same part with the subjects of today: what was read before may be of people whom a crosswalk, a rule or
        the staff has merged since."""
        columns, keys, subjects = source_record.c, [key.decode() for key in self.positions], dict[bytes, int]()
        mine = columns.source == self.source
        for some in chunks(keys):
            query = select(columns.key, columns.subject_id).where(mine, columns.key.in_(some))
            subjects |= {key.encode(): pk for key, pk in plain_rows(connection, query)}
        rows = [(key, digest, subjects.get(key, pk), is_gone) for key, digest, pk, is_gone in self.rows()]
        return Known(self.source, rows)

    def meet(self, position: int, digest: int) -> bool:
        """This run has met it: whether it is what it was."""
        before, self.state[position] = self.state[position], self.state[position] | SEEN
        return self.digests[position] == digest and not before & GONE

    def stands(self, position: int) -> bool:
        """Whether it is not gone, by what the source last said."""
        return not self.state[position] & GONE

    def _row(self, key: bytes, position: int) -> tuple[bytes, int, int, int]:
        return key, self.digests[position], self.subjects[position], self.state[position] & GONE

    def rows(self) -> list[tuple[bytes, int, int, int]]:
        return [self._row(key, position) for key, position in self.positions.items()]

    def vanished(self) -> Iterator[tuple[bytes, int]]:
        """(key, subject) of what the source knew and no longer says."""
        for key, position in self.positions.items():
            if not self.state[position]:
                yield key, self.subjects[position]


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
        for scheme, value, pk in plain_rows(connection, query):
            self.ids[(scheme + value).encode()] = pk
        for source, bit in vouching().items():
            marks = select(source_record.c.subject_id)
            marks = marks.where(source_record.c.source == source, source_record.c.gone_at.is_(None))
            if only is not None:
                marks = marks.where(source_record.c.subject_id.in_(only))
            self._vouch([pk for (pk,) in plain_rows(connection, marks)], bit)

    def _vouch(self, pks: Sequence[int], bit: int) -> None:
        if pks:
            self.vouch(max(pks), bit)  # the room for all
        vouched = self.vouched
        for pk in pks:
            vouched[pk] |= bit

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
        for adeli, rpps in plain_rows(connection, select(link.c.adeli, link.c.rpps)):
            self.add(adeli, rpps)

    def add(self, adeli: str, rpps: str) -> None:
        self.rpps[adeli] = rpps
        self.adelis[rpps].append(adeli)
