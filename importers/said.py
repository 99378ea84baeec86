"""What the rows of one record say, ready for the run: parsed, digested, its structures and codes told by numbers.

One reader per file and layout.  ``read`` takes the rows of a record and gives a plain tuple, or None when none of them
can be kept; what it meets for the first time waits in ``news`` until it is taken.  It knows no registry, so that it may
work in a process of its own (``importers.beside``), whose tuples and news cross a pipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from importers.known import match_key
from importers.mssante.parse import SYSTEMS as BOX_SYSTEMS
from importers.mssante.parse import HoldingParser
from importers.rows import NO_PLACE, Holding, Line, Match, PlaceNumbers, Problems
from importers.rpps.parse import SYSTEMS, DetailParser, PersonParser

Rows = list[tuple[int, bytes]]
Said = tuple[Any, ...]  # of a person, of details or of a mailbox: see the readers
System = tuple[str, str, str]


@dataclass(slots=True)
class News:
    """What a reader met for the first time: structures (source, line, key, *place), codes, labels."""

    places: list[tuple[Any, ...]] = field(default_factory=list)
    codes: list[tuple[str, ...]] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)

    def take(self) -> tuple[list[tuple[Any, ...]], list[tuple[str, ...]], list[tuple[str, ...]]]:
        """All of it, which is then news no more."""
        taken = self.places[:], self.codes[:], self.labels[:]
        self.places.clear()
        self.codes.clear()
        self.labels.clear()
        return taken

    def add(self, places: Sequence[Any], codes: Sequence[Any], labels: Sequence[Any]) -> None:
        self.places += places
        self.codes += codes
        self.labels += labels


class Reader(Protocol):
    """Of one file.  ``systems``: what the labels of ``news`` are labels of."""

    @property
    def news(self) -> News: ...
    @property
    def systems(self) -> Sequence[System]: ...

    def read(self, key: bytes, digest: int, rows: Rows) -> Said | None: ...


def lines_of(rows: Rows, separator: str, match: Match, problems: Problems) -> list[Line]:
    """The rows decoded, split and padded with an empty value; those with a wrong number of values are rejected."""
    lines = []
    for number, raw in rows:
        values = raw.decode().rstrip("\r\n").split(separator)
        values.append("")
        line = Line(number, values)
        if b"\x00" in raw:
            problems.reject(line, "", "characters", "caractère nul")
        elif len(values) == match.width + 1 or _trailing(values, match):
            lines.append(line)
        else:
            problems.reject(line, "", "columns", f"{match.width} colonnes attendues, {len(values) - 1} vues")
    return lines


def _trailing(values: list[str], match: Match) -> bool:
    """A trailing separator that the header alone has, or lacks, is no column; ``values`` is made to fit."""
    if len(values) == match.width + 2 and not values[-2]:
        values.pop()
    elif len(values) == match.width and not match.captions[-1]:
        values.append("")
    else:
        return False
    return True


class PeopleReader:
    """Activity files: (key, digest, line, identity, match key, [structure, codes, structure, codes…], [expertise…])."""

    systems = SYSTEMS

    def __init__(self, match: Match, separator: str, problems: Problems, sources: Mapping[bytes, str]) -> None:
        """``sources``: type of identifier (first byte of the key) ► source."""
        self.match, self.separator, self.problems, self.sources = match, separator, problems, sources
        self.parser = PersonParser(match, problems)
        self.news = News(self.parser.places.fresh, self.parser.codes.fresh)

    def read(self, key: bytes, digest: int, rows: Rows) -> Said | None:
        before = len(self.problems.rejected)
        source = self.sources.get(key[:1])
        self.parser.places.source = source or ""
        lines = lines_of(rows, self.separator, self.match, self.problems)
        person = self.parser.parse(lines) if lines else None
        if person is None or source is None:
            return None
        if person.labels:
            self.news.labels += person.labels
        if len(self.problems.rejected) > before:
            digest = 0  # so that her rejected rows are reported again by the next import
        names = match_key(person.identity[2], person.identity[3])
        situations = [number for pair in person.activities for number in pair]
        return key, digest, lines[0].number, person.identity, names, situations, person.expertises


class DetailReader:
    """Diplomas or expertise: (key, digest, line, identity, [codes…])."""

    def __init__(self, match: Match, separator: str, problems: Problems) -> None:
        self.match, self.separator, self.problems = match, separator, problems
        self.parser = DetailParser(match, problems)
        self.systems = self.parser.systems
        self.news = News(codes=self.parser.codes.fresh)

    def read(self, key: bytes, digest: int, rows: Rows) -> Said | None:
        before = len(self.problems.rejected)
        lines = lines_of(rows, self.separator, self.match, self.problems)
        found = self.parser.parse(lines) if lines else None
        if found is None:
            return None
        identity, said, labels = found
        if labels:
            self.news.labels += labels
        return key, 0 if len(self.problems.rejected) > before else digest, lines[0].number, identity, said


class BoxReader:
    """Mailboxes: (address, digest, line, [holding…]), each with the number of its structure for a place."""

    systems = BOX_SYSTEMS

    def __init__(self, match: Match, separator: str, problems: Problems) -> None:
        self.match, self.separator, self.problems = match, separator, problems
        self.parser = HoldingParser(match, problems)
        self.places = PlaceNumbers(match.layout.id)
        self.news = News(self.places.fresh)

    def read(self, key: bytes, digest: int, rows: Rows) -> Said | None:
        before = len(self.problems.rejected)
        lines = lines_of(rows, self.separator, self.match, self.problems)
        holdings = [(line.number, h) for line in lines if (h := self.parser.parse(line))]
        if not holdings:
            return None
        for line in lines:
            self.news.labels += self.parser.labels(line)
        digest = 0 if len(self.problems.rejected) > before else digest
        return holdings[0][1].address, digest, lines[0].number, [self._numbered(at, h) for at, h in holdings]

    def _numbered(self, at: int, holding: Holding) -> tuple[Any, ...]:
        place = holding.place
        return (*holding[:-1], self.places.of_place(at, place) if place else NO_PLACE)


_READERS: dict[str, Callable[[Match, str, Problems], Reader]] = {
    "rpps.expertise": DetailReader,
    "rpps.diploma": DetailReader,
    "mssante.mailboxes": BoxReader,
}


def reader_of(match: Match, separator: str, problems: Problems, sources: Mapping[bytes, str]) -> Reader | None:
    """The reader of a layout; None for the crosswalk, whose rows are no records."""
    if match.layout.id in ("rpps.activity", "cat18.activity"):
        return PeopleReader(match, separator, problems, sources)
    kind = _READERS.get(match.layout.id)
    return kind(match, separator, problems) if kind else None
