"""The records of one file, in the order of the run: rows to be read when they are found changed, or what a process
beside has read already.

A loader sees no difference: it goes through ``records``, compares digests, and calls ``read`` for what it does not know
yet.  ``news`` then holds what ``read`` met for the first time.  Rejected rows reach the quarantine in their order.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection

from directory_service.model.ins import PATIENT_DOMAIN
from importers.digests import digest_of
from importers.extract import ExtractFile
from importers.known import Known
from importers.lines import groups
from importers.readers import News, Reader, Rows, Said, reader_of
from importers.rows import LISTED, Finding, Problems, Rejection
from importers.source import System
from importers.stages import Stages
from importers.survey import Surveyed

BATCH = 500  # records that cross at once: about 100 kB
HELD = 1_000  # rejected rows that make the quarantine look at their share

Record = tuple[bytes, int, Any]  # key, digest, what ``read`` takes
Look = Callable[[], None]
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One file to read.  ``known``: the registry knows records of it, so that most need no reading."""

    file: ExtractFile
    encoding: str
    grouped: bool
    sources: Mapping[bytes, str]  # type of identifier ► source of people
    known: bool
    kept: int = LISTED  # findings of each rule that are kept with their line
    patients: str = PATIENT_DOMAIN  # mailboxes of this domain are rejected; "" for none


@dataclass(frozen=True, slots=True)
class Feed:
    """What a loader loads."""

    records: Iterator[Record]
    read: Callable[[bytes, int, Any], Said | None]
    news: News
    systems: tuple[System, ...]
    unchanged: int = 0  # records that are not given, since they are what they were
    known: Mapping[str, Known] = field(default_factory=dict)  # of those that are given, where some are not

    def known_of(self, connection: Connection, source: str) -> Known:
        """What a source last said, as far as these records are concerned: of whom, as it stands now."""
        part = self.known.get(source)
        return part.renewed(connection) if part else Known.read(connection, source)


class Batch(NamedTuple):
    """What crosses from the process that reads."""

    records: list[Record]
    news: tuple[list[tuple[Any, ...]], ...]
    rejected: list[tuple[Any, ...]]  # as Rejection
    warnings: dict[str, int]
    findings: list[tuple[Any, ...]]  # as Finding
    bytes: int  # read since the last batch
    seconds: dict[str, float]


def feed_here(task: Task, problems: Problems, look: Look, advance: Advance, stages: Stages) -> Feed:
    """Read by the process that loads."""
    reader = reader_of(task.file.match, task.file.value_separator, problems, task.sources, task.patients)
    reading = task.file.match.reading

    def records() -> Iterator[Record]:
        found = groups(task.file, task.encoding, task.grouped, advance)
        for key, rows in stages.each("read", found):
            yield key, digest_of(rows, reading), rows
            look()

    if reader is None:
        return Feed(records(), _unread, News(), ())
    return Feed(records(), stages.timed("parse", reader.read), reader.news, tuple(reader.systems))


def feed_surveyed(
    task: Task, surveyed: Surveyed, problems: Problems, look: Look, advance: Advance, stages: Stages
) -> Feed:
    """Of a file of which is known what differs."""
    reader = reader_of(task.file.match, task.file.value_separator, problems, task.sources, task.patients)
    assert reader  # crosswalks are not surveyed

    def records() -> Iterator[Record]:
        for record in surveyed.records:
            yield record
            look()
        advance(task.file.size)

    read = stages.timed("parse", reader.read)
    return Feed(records(), read, reader.news, tuple(reader.systems), surveyed.unchanged, surveyed.known)


def _unread(key: bytes, digest: int, rows: Rows) -> Said | None:
    raise AssertionError("rows of a crosswalk are no records")


def feed_beside(
    task: Task, batches: Iterator[bytes], problems: Problems, look: Look, advance: Advance, stages: Stages
) -> Feed:
    """Read by another process, whose ``batches`` come in marshalled (``batches_of``)."""
    reader = reader_of(task.file.match, task.file.value_separator, problems, task.sources, task.patients)
    news = reader.news if reader else News()

    def records() -> Iterator[Record]:
        for sent in stages.each("wait", batches):
            batch = Batch(*marshal.loads(sent))  # noqa: S302 - from our own process
            advance(batch.bytes)
            stages.add(batch.seconds)
            news.add(*batch.news)
            problems.add([Rejection(*r) for r in batch.rejected], batch.warnings, [Finding(*f) for f in batch.findings])
            yield from batch.records
            look()

    systems = tuple(reader.systems) if reader else ()
    read = reader.read if reader and task.known else _as_read
    return Feed(records(), read, news, systems)


def _as_read(key: bytes, digest: int, said: Said) -> Said:
    return said


def batches_of(task: Task) -> Iterator[bytes]:
    """In the process that reads: every batch of one file, ready to be sent.  Where nothing is known of the file, its
    records are parsed; else they are sent as they are, for most will be found unchanged."""
    problems, stages = Problems(task.file.value_separator, task.kept), Stages()
    reader = reader_of(task.file.match, task.file.value_separator, problems, task.sources, task.patients)
    parsing = reader if reader and not task.known else None
    parse = stages.timed("parse", parsing.read) if parsing else _unread
    reading = task.file.match.reading
    read = held = 0
    records: list[Record] = []

    def advance(count: int) -> None:
        nonlocal read
        read += count

    for key, rows in stages.each("read", groups(task.file, task.encoding, task.grouped, advance)):
        digest = digest_of(rows, reading)
        if parsing is None:
            records.append((key, digest, rows))
        elif said := parse(key, digest, rows):
            records.append((key, digest, said))
        waiting = held + len(problems.rejected)
        if len(records) >= BATCH or waiting >= HELD:  # the quarantine looks where it would if it saw each record
            held = waiting if waiting < HELD else 0
            yield _packed(records, parsing, problems, read, stages)
            records, read = [], 0
    yield _packed(records, parsing, problems, read, stages)


def _packed(records: list[Record], reader: Reader | None, problems: Problems, read: int, stages: Stages) -> bytes:
    rejected, warnings, findings = problems.take()
    news = reader.news.take() if reader else ([], [], [])
    rows = [tuple(getattr(r, f) for f in _REJECTION) for r in rejected]
    batch = Batch(records, news, rows, warnings, [tuple(f) for f in findings], read, stages.take())
    return marshal.dumps(tuple(batch))  # a third quicker than pickle, both ways


_REJECTION = tuple(f.name for f in fields(Rejection))
