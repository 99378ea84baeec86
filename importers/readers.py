"""What the rows of one record say, ready for the run: parsed, digested, its structures and codes told by numbers.

One reader per file and layout.  ``read`` takes the rows of a record and gives a plain tuple, or None when none of them
can be kept; what it meets for the first time waits in ``news`` until it is taken.  It knows no registry, so that it may
work in a process of its own (``importers.assistant``), whose tuples and news cross a pipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from directory_service.model.mailboxes import is_patient
from importers.digests import match_key
from importers.extract import SEPARATOR
from importers.mssante.parse import PERSONAL
from importers.quality.characters import (
    CONTROLS,
    from_windows_1252,
    has_c1,
    key_without_controls,
    without_controls,
)
from importers.quality.places import PlaceChecker
from importers.rows import NO_PLACE, Holding, Line, Match, PlaceNumbers, Problems
from importers.source import DetailParser, HoldingParser, Kind, PersonParser, System
from importers.sources import source_of

Rows = list[tuple[int, bytes]]
Said = tuple[Any, ...]  # of a person, of details or of a mailbox: see the readers
# Octets of a value; the longest label known has about 250.  An identifier becomes part of a name in LDAP and a key of
# PostgreSQL's, which end at 4,096 characters and 2,704 octets: one that was longer stopped every build of the index.
_LONGEST = 1000
_IN_QUOTED = CONTROLS.replace(SEPARATOR.encode(), b"")  # whose values it parts


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
    if len(rows) > 1 and (rows[0][1] == rows[1][1] or len(rows) > 2):
        _tell_repeated(rows, problems)
    controls = CONTROLS if separator != SEPARATOR else _IN_QUOTED
    for number, raw in rows:
        text = raw.decode()
        values = text.rstrip("\r\n").split(separator)
        values.append("")
        line = Line(number, values)
        controlled = len(raw.translate(None, controls)) < len(raw)  # 0.3 µs; a regular expression takes four times that
        if controlled and b"\x00" in raw:
            problems.reject(line, "", "characters")
        elif len(raw) > _LONGEST and any(len(value.encode()) > _LONGEST for value in values):
            problems.reject(line, "", "too_long")
        elif len(values) == match.width + 1:
            if controlled or has_c1(raw, text):
                _repair(line, match, problems)
            lines.append(line)
        else:
            problems.reject(line, "", "columns", f"{match.width} colonnes attendues, {len(values) - 1} vues")
    return lines


def _repair(line: Line, match: Match, problems: Problems) -> None:
    """Takes control characters out of the values, and tells what was written."""
    for column, written in enumerate(line.values):
        if (meant := from_windows_1252(written)) != written:
            problems.warn("characters_1252", line.number, match.captions[column], written)
        if (text := without_controls(meant)) != meant:
            problems.warn("control_characters", line.number, match.captions[column], written)
        line.values[column] = text


def _tell_repeated(rows: Rows, problems: Problems) -> None:
    if len({raw for _, raw in rows}) == len(rows):
        return
    seen: dict[bytes, int] = {}
    for number, raw in rows:
        first = seen.setdefault(raw, number)
        if first != number and raw.strip():
            problems.warn("line_repeated", number, "", f"ligne {first}")


class PeopleReader:
    """Activity files: (key, digest, line, identity, match key, [structure, codes, structure, codes…], [expertise…])."""

    def __init__(
        self, parser: PersonParser, match: Match, separator: str, problems: Problems, sources: Mapping[bytes, str]
    ) -> None:
        """``sources``: type of identifier (first byte of the key) ► source."""
        self.parser, self.systems = parser, parser.systems
        self.match, self.separator, self.problems, self.sources = match, separator, problems, sources
        self.news = News(self.parser.places.fresh, self.parser.codes.fresh)

    def read(self, key: bytes, digest: int, rows: Rows) -> Said | None:
        before = len(self.problems.rejected)
        source = self.sources.get(key[:1])
        self.parser.places.read_as(source or "")
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

    def __init__(self, parser: DetailParser, match: Match, separator: str, problems: Problems) -> None:
        self.parser, self.systems = parser, parser.systems
        self.match, self.separator, self.problems = match, separator, problems
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
    """Mailboxes: (address, digest, [line of each…], [holding…]), each with the number of its structure for a place.
    Those of the domain of ``patients`` are rejected, whichever source says them."""

    def __init__(self, parser: HoldingParser, match: Match, separator: str, problems: Problems, patients: str) -> None:
        self.parser, self.systems, self.patients = parser, parser.systems, patients
        self.match, self.separator, self.problems = match, separator, problems
        self.places, self.checker = PlaceNumbers(match.layout.id), PlaceChecker(named=False)
        self.news = News(self.places.fresh)

    def read(self, key: bytes, digest: int, rows: Rows) -> Said | None:
        before = len(self.problems.rejected)
        lines = lines_of(rows, self.separator, self.match, self.problems)
        address = key_without_controls(key).strip().lower()
        if is_patient(address.decode("utf-8", "replace"), self.patients):
            self._reject_patients(lines)
            return None
        if address != key.strip().lower():  # who compares with the last extract knows a mailbox by what is written
            for line in lines:
                self.problems.reject(line, self.match.caption("address"), "address")
            return None
        held = [(line, holding) for line in lines if (holding := self.parser.parse(line))]
        if not held:
            return None
        for line in lines:
            self.news.labels += self.parser.labels(line)
        if len(held) > 1:
            self._several(held)
        digest = 0 if len(self.problems.rejected) > before else digest
        said = [self._numbered(line, holding) for line, holding in held]
        return held[0][1].address, digest, [line.number for line, _ in held], said

    def _reject_patients(self, lines: Sequence[Line]) -> None:
        """Rejected without the row: whose number it holds, and her name, are kept nowhere."""
        for line in lines:
            hidden = Line(line.number, ["", ""])
            self.problems.reject(hidden, self.match.caption("address"), "address_patient")

    def _several(self, held: Sequence[tuple[Line, Holding]]) -> None:
        """Lines of one address that say different things."""
        line, first = held[0]
        if any(holding.type != first.type for _, holding in held):
            kinds = " / ".join(dict.fromkeys(holding.type for _, holding in held))
            self.problems.warn("type_conflict", line.number, self.match.caption("type"), kinds)
        people = dict.fromkeys(holding.national_id or holding.family_name for _, holding in held)
        if first.type in PERSONAL and len(people) > 1:
            self.problems.warn("address_shared", line.number, self.match.caption("address"), " / ".join(people))

    def _numbered(self, line: Line, holding: Holding) -> tuple[Any, ...]:
        place = holding.place
        if place is None:
            return (*holding[:-1], NO_PLACE)
        number = self.places.of_place(line.number, place)
        self.checker.meet(number, place)
        if faults := self.checker.faulty.get(number):
            self.parser.tell(line, faults)
        return (*holding[:-1], number)


def reader_of(
    match: Match, separator: str, problems: Problems, sources: Mapping[bytes, str], patients: str
) -> Reader | None:
    """The reader of a layout; None for a crosswalk, whose rows are no records.  ``patients``: the domain of theirs."""
    source = source_of(match.layout)
    if source.kind is Kind.LINKS:
        return None
    parser: Any = source.parser(match, problems)
    if source.kind is Kind.PEOPLE:
        return PeopleReader(parser, match, separator, problems, sources)
    if source.kind is Kind.DETAILS:
        return DetailReader(parser, match, separator, problems)
    return BoxReader(parser, match, separator, problems, patients)
