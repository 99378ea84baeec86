"""Which records of an extract differ from what its source last said, found while the file is checked.

A morning's extract says of nearly everybody what yesterday's said: the first pass (``check``) reads every byte anyway,
so that it compares digests too, and only what differs is read again.  It writes nothing.  Published mailboxes are
always given (``importers.published`` compares them).  An extract whose records are scattered, or of which much is new,
is left to be read in whole, as are quoted ones.

HOT PATH: about 2 µs a record; bench: ``python -m bench morning``; the slow twin is to read every record
(tests/spec/test_import_survey.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, select

from directory_service.model.publication import SOURCE
from directory_service.registry.engine import reading
from directory_service.registry.tables import mailbox
from importers.check import Checked, check
from importers.extract import ExtractFile
from importers.known import SEEN, Known, digest_of, speaks
from importers.said import Rows
from importers.source import Kind, Source
from importers.sources import source_of

_NOTHING: tuple[Callable[[bytes, int], int], Sequence[int], bytearray] = (lambda _, at: at, (), bytearray())
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


class Survey:
    """The state of the comparison of one file, fed by ``check`` with its lines."""

    def __init__(
        self, extract: ExtractFile, known: Mapping[bytes, Known], *, addresses: bool = False,
        always: Collection[bytes] = (), most: int,
    ) -> None:  # fmt: skip
        """``known``: by type of identifier (first byte of the key), or under ``b""`` for a file that has one source.
        ``addresses``: the keys are, so that their case does not count; ``always``: those to give in any case."""
        self.known, self.addresses, self.always, self.most = known, addresses, always, most
        self.kinds: set[bytes] = set()
        self.grouped = True
        self._twice = False  # an address in two spellings, of which the first is worth: the file is read in its order
        self._separator = extract.separator.encode()
        self._columns = [extract.match.index(name) for name in extract.match.layout.key]
        self._strip = extract.key_is_last
        self._number = 1  # of the last line read: the header
        self._found = Surveyed()
        self._size = 0
        self._new: set[bytes] = set()
        self._key: bytes | None = None
        self._held: Rows = []

    @property
    def given_up(self) -> bool:
        """Whether nothing comes of it: the file must be read in whole."""
        return self._size > self.most or not self.grouped or self._twice

    def look(self, lines: Iterable[bytes]) -> None:
        """The next lines, without their ends.  A record of one line that is what it was, as nearly all are, goes no
        further than this function."""
        separator, columns, width = self._separator, self._columns, max(self._columns) + 1
        first, second, several = columns[0], columns[-1], len(columns)
        number, plain, strip = self._number, not self.addresses, self._strip
        current, held, kind, unchanged = self._key, self._held, b"", 0
        find, digests, state = _NOTHING
        for line in lines:
            number += 1
            parts = (line.rstrip(b"\r") if strip else line).split(separator, width)
            if len(parts) < width:
                short = [(number, line)]
                self._add(b"", digest_of(short), short)
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
                    find, digests, state = self._of(kind)
                at = find(current, -1)
                if plain and at >= 0 and not state[at] and digests[at] == digest_of(held):
                    state[at] = SEEN
                    unchanged += 1
                else:
                    self._close(current, held)
            current, held = key, [(number, line)]
        self._key, self._held, self._number = current, held, number
        self._found.unchanged += unchanged

    def _of(self, kind: bytes) -> tuple[Callable[[bytes, int], int], Sequence[int], bytearray]:
        """What is known of keys that begin so, in the parts that ``look`` needs."""
        known = self._known_of(kind)
        return (known.positions.get, known.digests, known.state) if known else _NOTHING

    def _known_of(self, kind: bytes) -> Known | None:
        self.kinds.add(kind)
        return self.known.get(kind) or self.known.get(b"")

    def _close(self, key: bytes, rows: Rows) -> None:
        """A record is whole: is it what it was?"""
        digest, name, known = digest_of(rows), self._name_of(key), self._known_of(key[:1])
        at = known.positions.get(name, -1) if known else -1
        again = known.state[at] & SEEN if known and at >= 0 else 0
        if at < 0 or self.addresses:  # two spellings of an address are two records
            if key in self._new:
                self.grouped = False
            self._new.add(key)
            self._twice = self._twice or bool(again)
        elif again:
            self.grouped = False
        same = known is not None and at >= 0 and known.meet(at, digest)
        if same and not again and name not in self.always:
            self._found.unchanged += 1
        else:
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
            self._close(self._key, self._held)
            self._key, self._held = None, []

    def found(self) -> Surveyed | None:
        """After ``close``; None where it came to nothing."""
        if self.given_up:
            return None
        told = {self._name_of(key) for key, _, _ in self._found.records}
        met = {known.source: known for kind, known in self.known.items() if kind in self.kinds or not kind}
        self._found.known = {source: known.only(told) for source, known in met.items()}
        return self._found


def survey_of(extract: ExtractFile, source: Source, connection: Connection) -> Survey | None:
    """None for a file of which nothing is known, or that must be read in whole."""
    if source.raw or extract.quoted:
        return None
    names = {kind.encode(): name for kind, name in source.people.items()} or {b"": source.layout.id}
    if not any(speaks(connection, name) for name in names.values()):
        return None
    read = {name: Known.read(connection, name) for name in {*names.values()}}
    known = {kind: read[name] for kind, name in names.items()}  # one, of a source that has several kinds
    if source.kind is not Kind.MAILBOXES:
        return Survey(extract, known, most=MOST)
    return Survey(extract, known, addresses=True, always=_published(connection), most=MOST)


def examine(
    extract: ExtractFile, engine: Engine | None, advance: Callable[[int], None] = lambda _: None
) -> tuple[Checked, Surveyed | None]:
    """The first pass over a file, with what differs where an ``engine`` leads to a registry that knows of it.  Raises
    ImportRefused.  Whoever asks holds the lock of the imports; mailboxes that are published meanwhile are compared by
    the next one."""
    survey = None
    if engine is not None:
        with reading(engine) as connection:
            survey = survey_of(extract, source_of(extract.match.layout), connection)
    checked = check(extract, advance, survey=survey)
    return checked, survey.found() if survey else None


def _published(connection: Connection) -> set[bytes]:
    query = select(mailbox.c.address).where(mailbox.c.source == SOURCE)
    return {address.encode() for address in connection.execute(query).scalars()}
