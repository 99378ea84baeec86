"""The files of one command: in which order they are read, and which of them need not be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection, func, select

from directory_service.registry.tables import run, run_file
from importers.check import Checked
from importers.extract import ExtractFile
from importers.source import Source
from importers.survey import Surveyed


@dataclass(slots=True, eq=False)
class Job:
    """One file: what was recognised, what the first pass learnt, which source it is."""

    file: ExtractFile
    checked: Checked
    source: Source
    published: str
    stamped: bool
    surveyed: Surveyed | None  # what differs, where it could be told

    @property
    def layout(self) -> str:
        return self.source.name_of(self.checked.kinds)

    @property
    def sources(self) -> dict[bytes, str]:
        """Sources of people, by type of identifier; of rows that are not of people, none."""
        return self.source.names(self.checked.kinds)

    @property
    def speaks_for(self) -> set[str]:
        """Sources of the records of this file."""
        return set(self.sources.values()) or {self.layout}


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """Source by source, the files of each from the oldest to the newest, whatever they are called."""
    return sorted(jobs, key=lambda j: (j.source.order, j.source.layout.id, j.published, j.file.name))


class Read(Protocol):
    """What both kinds of jobs tell of their file: an extract, or a white list."""

    @property
    def layout(self) -> str: ...
    @property
    def checked(self) -> Checked: ...


OneOf = TypeVar("OneOf", bound=Read)


def fresh(connection: Connection, jobs: Sequence[OneOf]) -> list[OneOf]:
    """Those whose content is not in the registry already: all but the files that the last run read of each layout,
    as far as the one that it read last.  After that one, where it is not among them, and after a file that is read now,
    a file that was read before says something new again."""
    read = {layout: _last_read(connection, layout) for layout in {job.layout for job in jobs}}
    stands = {}  # layout ► place of the file that the registry stands at
    for place, job in enumerate(jobs):
        if job.checked.sha256 in read[job.layout][-1:]:
            stands[job.layout] = place
    found: list[OneOf] = []
    reading = set()  # layouts; a file that came late has those that follow it read once more: theirs is the last word
    for place, job in enumerate(jobs):
        if place > stands.get(job.layout, -1) or job.checked.sha256 not in read[job.layout]:
            reading.add(job.layout)
        if job.layout in reading:
            found.append(job)
    return found


def _last_read(connection: Connection, layout: str) -> list[str]:
    """Digests of the files of the last run that read this layout, and was not taken back, in the order of reading."""
    mine = run_file.c.layout == layout
    last = select(func.max(run_file.c.run_id)).join(run).where(mine, run.c.undone_by.is_(None)).scalar_subquery()
    query = select(run_file.c.sha256).where(mine, run_file.c.run_id == last).order_by(run_file.c.id)
    return list(connection.execute(query).scalars())
