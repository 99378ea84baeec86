"""Which records of an extract differ from what its source last said, found while the file is checked.

A morning's extract says of nearly everybody what yesterday's said: the first pass (``check``) reads every byte anyway,
so that it compares digests too, and only what differs is read again.  It writes nothing.  Published mailboxes are
always given (``importers.published`` compares them).  An extract whose records are scattered, or of which much is new,
is left to be read in whole, as are quoted ones.

HOT PATH: about 4 µs a record, of which 1.3 its digest; bench: ``python -m bench morning``; the slow twin is to read
every record (tests/spec/test_import_survey.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, select

from directory_service.model.publication import SOURCE
from directory_service.registry.engine import reading
from directory_service.registry.tables import mailbox
from importers.check import Checked, check
from importers.digests import digest_of
from importers.extract import ExtractFile
from importers.known import Known, speaks, standing_digests
from importers.readers import Rows
from importers.source import Kind, Source
from importers.sources import source_of

MOST = 64 << 20  # bytes of rows that differ, past which the whole file is read again instead

Record = tuple[bytes, int, Rows]  # key, digest, rows


@dataclass(slots=True)
class Surveyed:
    """What differs.  ``unchanged``: records that do not; ``known``: by source, what it said before of those that do,
    and of those that it no longer names."""

    records: list[Record] = field(default_factory=list)
    unchanged: int = 0
    known: dict[str, Known] = field(default_factory=dict)

    def packed(self) -> tuple[Any, ...]:
        """As plain values, for ``marshal``."""
        return self.records, self.unchanged, [(k.source, k.rows()) for k in self.known.values()]

    @classmethod
    def of(cls, packed: tuple[Any, ...]) -> Surveyed:
        records, unchanged, known = packed
        return cls(records, unchanged, {source: Known(source, rows) for source, rows in known})


class Past(Protocol):
    """What the registry knows of the records of a file."""

    def standing(self, kind: bytes) -> set[int]:
        """Digests of what is said of keys that begin so, each taken out when it is met."""

    def of(self, keys: Collection[bytes]) -> Iterable[Known]:
        """By source that ``standing`` was asked of: what it said of these keys, and whatever stands still and was not
        met."""


class Survey:
    """The state of the comparison of one file, fed by ``check`` with its lines.

    A digest is of rows that say their own key, so that it is enough to know all digests of yesterday: what each was of
    is read at the end, and only of what differs."""

    def __init__(
        self, extract: ExtractFile, past: Past, *, addresses: bool = False, always: Collection[bytes] = (), most: int
    ) -> None:
        """``addresses``: the keys are, so that their case does not count; ``always``: those to give in any case."""
        self.past, self.addresses, self.always, self.most = past, addresses, always, most
        self.kinds: set[bytes] = set()
        self.grouped = True
        self._twice = False  # an address in two spellings, of which the first is worth: the file is read in its order
        self._separator = extract.separator.encode()
        self._columns = [extract.match.index(name) for name in extract.match.layout.key]
        self._strip = extract.key_is_last
        self._reading = extract.match.reading
        self._number = 1  # of the last line read: the header
        self._found = Surveyed()
        self._size = 0
        self._keys: set[bytes] = set()  # of what differs; all, of addresses
        self._told: set[bytes] = set()  # the same as the registry has them: of what differs
        self._met: set[bytes] = set()  # of what does not, where they are addresses
        self._key: bytes | None = None
        self._held: Rows = []

    @property
    def given_up(self) -> bool:
        """Whether nothing comes of it: the file must be read in whole."""
        return self._size > self.most or not self.grouped or self._twice

    def look(self, lines: Iterable[bytes]) -> None:
        """The next lines, without their ends.  A record that is what it was, as nearly all are, goes no further than
        this function."""
        separator, columns, width = self._separator, self._columns, max(self._columns) + 1
        first, second, several = columns[0], columns[-1], len(columns)
        number, plain, strip = self._number, not self.addresses, self._strip
        current, held, unchanged = self._key, self._held, 0
        kind, digests, header = b"", set[int](), self._reading
        for line in lines:
            number += 1
            parts = (line.rstrip(b"\r") if strip else line).split(separator, width)
            if len(parts) < width:
                short = [(number, line)]
                self._add(b"", digest_of(short, header), short)
                continue
            if several == 2:  # as nearly all: a third of what joining a list costs
                key = parts[first] + parts[second]
            else:
                key = parts[first] if several == 1 else b"".join([parts[c] for c in columns])
            if key == current:
                held.append((number, line))
                continue
            if current is not None:
                if current[:1] != kind:
                    kind = current[:1]
                    digests = self._standing(kind)
                digest = digest_of(held, header)
                if plain and digest in digests:
                    digests.remove(digest)
                    unchanged += 1
                else:
                    self._close(current, digest, held)
            current, held = key, [(number, line)]
        self._key, self._held, self._number = current, held, number
        self._found.unchanged += unchanged

    def _standing(self, kind: bytes) -> set[int]:
        self.kinds.add(kind)
        return self.past.standing(kind)

    def _close(self, key: bytes, digest: int, rows: Rows) -> None:
        """A record is whole: is it what it was?"""
        name, standing = self._name_of(key), self._standing(key[:1])
        same = digest in standing and name not in self.always
        if key in self._keys:
            self.grouped = False
        if self.addresses:  # two spellings of one are two records
            self._twice = self._twice or name in self._met or (same and name in self._told)
            self._keys.add(key)
        if same:
            standing.remove(digest)
            self._found.unchanged += 1
            self._met.add(name)
        else:
            self._keys.add(key)
            self._told.add(name)
            self._add(key, digest, rows)

    def _name_of(self, key: bytes) -> bytes:
        """As the registry has it."""
        return key.strip().lower() if self.addresses else key

    def _add(self, key: bytes, digest: int, rows: Rows) -> None:
        self._size += sum([len(line) for _, line in rows])
        if self.given_up:
            self._found.records.clear()
        else:
            self._found.records.append((key, digest, rows))

    def close(self) -> None:
        """That was all."""
        if self._key is not None:
            self._close(self._key, digest_of(self._held, self._reading), self._held)
            self._key, self._held = None, []
        if not self.grouped or self._twice:
            return  # the file is read in whole, and there is nothing left to learn
        for known in self.past.of(self._told):
            self._found.known[known.source] = known
            if not self.addresses and any(
                key in self._told and not gone and digest not in self.past.standing(key[:1])
                for key, digest, _, gone in known.rows()
            ):
                self.grouped = False  # a record was met as it was, and again

    def found(self) -> Surveyed | None:
        """After ``close``; None where it came to nothing."""
        return None if self.given_up else self._found


class _Past:
    """Of a registry that nobody imports into meanwhile: each question is a reading of its own."""

    def __init__(self, engine: Engine, sources: Mapping[bytes, str]) -> None:
        """``sources``: by type of identifier (first byte of the key), or under ``b""`` for a file that has one."""
        self._engine, self._sources = engine, sources
        self._standing: dict[str, set[int]] = {}

    def standing(self, kind: bytes) -> set[int]:
        source = self._sources.get(kind) or self._sources.get(b"")
        if source is None:
            return set()
        if (found := self._standing.get(source)) is None:
            with reading(self._engine) as connection:
                found = self._standing[source] = standing_digests(connection, source)
        return found

    def of(self, keys: Collection[bytes]) -> Iterator[Known]:
        with reading(self._engine) as connection:
            for source, digests in self._standing.items():
                yield Known.part(connection, source, keys, digests)


def survey_of(extract: ExtractFile, source: Source, engine: Engine) -> Survey | None:
    """None for a file of which nothing is known, or that must be read in whole."""
    if source.raw or extract.quoted:
        return None
    names = {kind.encode(): name for kind, name in source.people.items()} or {b"": source.layout.id}
    with reading(engine) as connection:
        if not any(speaks(connection, name) for name in names.values()):
            return None
        if source.kind is not Kind.MAILBOXES:
            return Survey(extract, _Past(engine, names), most=MOST)
        return Survey(extract, _Past(engine, names), addresses=True, always=_published(connection), most=MOST)


def examine(
    extract: ExtractFile, engine: Engine | None, advance: Callable[[int], None] = lambda _: None
) -> tuple[Checked, Surveyed | None]:
    """The first pass over a file, with what differs where an ``engine`` leads to a registry that knows of it.  Raises
    ImportRefused.  Whoever asks holds the lock of the imports; mailboxes that are published meanwhile are compared by
    the next one."""
    survey = None
    if engine is not None:
        survey = survey_of(extract, source_of(extract.match.layout), engine)
    checked = check(extract, advance, survey=survey)
    return checked, survey.found() if survey else None


def _published(connection: Connection) -> set[bytes]:
    query = select(mailbox.c.address).where(mailbox.c.source == SOURCE)
    return {address.encode() for address in connection.execute(query).scalars()}
