"""What every format shares: a layout (caption to field), a rejected row, the values that parsers make of rows.  PURE.

A layout is a table of fields found **by caption**, never by position: captions are folded (accents, apostrophes, case,
spaces, small words), so ``Code civilité d'exercice`` and ``code_civilite_exercice`` are one.  Nothing reads a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from directory_service.model.names import fold, words
from importers.quality import rules

_SMALL_WORDS = frozenset({"d", "de", "du", "des", "l", "la", "le"})
# Suffixes that some copies of an extract carry and others do not (formats.md §1).
_SUFFIXES = (" structure bal", " coord structure")


class Doubt(NamedTuple):
    """A number that is false, for whoever knows the registry to look for the one that was meant: the national id as
    written, the names beside it, or another number of the same person."""

    number: str
    family_name: str = ""
    given_names: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row set aside, and why.  ``reason`` is the code of a rule (``importers.quality.rules``) or a source's own;
    ``message`` is for staff, in French; ``raw`` is the row as it was read."""

    line: int
    column: str
    reason: str
    message: str
    raw: str
    doubt: tuple[str, ...] = ()  # as Doubt


class Finding(NamedTuple):
    """A row that was kept and trips a rule; ``value`` is what was written there."""

    line: int
    column: str
    rule: str
    value: str
    doubt: tuple[str, ...] = ()  # as Doubt


@dataclass(frozen=True, slots=True)
class Field:
    """One column.  ``captions``: the caption of today first, then other spellings seen or plausible."""

    name: str
    captions: tuple[str, ...]
    required: bool = False

    @property
    def folded(self) -> frozenset[str]:
        return frozenset(fold_caption(c) for c in self.captions)


def column(name: str, *captions: str, required: bool = False) -> Field:
    """A field, as layouts write it."""
    return Field(name, captions, required)


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of extract.  ``key`` names the fields whose concatenation says which record a row belongs to."""

    id: str
    title: str  # French, for messages
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    latin1: bool = False  # may be in ISO-8859-1

    @property
    def of_diplomas(self) -> bool:
        """Of more about people: whether it is diplomas, and not savoir-faire."""
        return any(field.name == "diploma_code" for field in self.fields)

    def match(self, captions: Sequence[str]) -> Match:
        """How well a header fits: which column holds which field, what is missing, what is unknown."""
        by_caption = {folded: field.name for field in self.fields for folded in field.folded}
        names = [by_caption.get(fold_caption(c)) for c in captions]
        columns = {name: i for i, name in reversed(list(enumerate(names))) if name}
        return Match(
            layout=self,
            columns=columns,
            width=len(captions),
            missing=tuple(f.captions[0] for f in self.fields if f.required and f.name not in columns),
            unknown=tuple(c for c, name in zip(captions, names, strict=True) if not name and c.strip()),
            captions=tuple(captions),
        )


@dataclass(frozen=True, slots=True)
class Match:
    layout: Layout
    columns: Mapping[str, int]
    width: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    captions: tuple[str, ...]

    @property
    def score(self) -> float:
        """1.0 when header and layout hold the same captions, 0.0 when they share none."""
        return len(self.columns) / max(self.width, len(self.layout.fields), 1)

    @property
    def reading(self) -> bytes:
        """What tells apart two headers by which the same row says something else; empty for the columns of today, or
        the first of them, in their order."""
        named = {column: name for name, column in self.columns.items()}
        found = [named.get(column, "") for column, caption in enumerate(self.captions) if caption]
        if found == [field.name for field in self.layout.fields[: len(found)]]:
            return b""
        return hashlib.blake2b("|".join(found).encode(), digest_size=8).digest()

    def index(self, name: str) -> int:
        """Where the field stands in a row; -1, the empty value that every row is padded with, when it is absent."""
        return self.columns.get(name, -1)

    def fitted(self, rows: Collection[Sequence[str]]) -> Match:
        """As most of these ``rows``, the first of the file, are written: with an empty last column where they end with
        a separator that the header has not, without the one that the header alone has.  A row by itself does not tell
        a trailing separator from a column too many, behind which every value stands one to the right."""
        has = not self.captions[-1]
        bare = self.width - has
        ended = sum(1 for row in rows if len(row) == bare + 1 and not row[-1])
        plain = sum(1 for row in rows if len(row) == bare)
        if ended == plain or (ended > plain) == has:
            return self
        if has:
            return replace(self, width=bare, captions=self.captions[:bare])
        return replace(self, width=bare + 1, captions=(*self.captions, ""))

    def caption(self, name: str) -> str:
        return self.captions[self.columns[name]] if name in self.columns else name


def getter(match: Match, names: Iterable[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """What gives the values of these fields, two or more, of a row: a few C calls."""
    return itemgetter(*(match.index(name) for name in names))


@lru_cache(maxsize=4096)  # a header is compared with every layout
def fold_caption(caption: str) -> str:
    text = caption.strip().strip('"\ufeff').replace("°", "").replace("º", "")
    folded = " ".join(w for w in words(text) if w not in _SMALL_WORDS)
    for suffix in _SUFFIXES:
        folded = folded.removesuffix(suffix)
    return folded


class Line(NamedTuple):
    """One row of an extract: its line number (the header is line 1) and its values, padded with an empty one."""

    number: int
    values: list[str]


LISTED = 200  # findings of one rule in one file that are kept with their line; all are counted
_SAME = 10  # of those, the lines of one value


class Problems:
    """What parsers say beside their result: rejections, and what else trips a rule: counted by rule, the first ``kept``
    of each with their line."""

    def __init__(self, separator: str, kept: int = LISTED) -> None:
        self.separator, self.kept = separator, kept
        self.rejected: list[Rejection] = []
        self.warnings: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.held: dict[tuple[str, str], int] = {}  # findings by rule, and by rule and value

    def reject(self, line: Line, column: str, reason: str, message: str = "", doubt: tuple[str, ...] = ()) -> None:
        """``message``: what the rule says, unless told otherwise."""
        raw = self.separator.join(line.values[:-1])
        self.rejected.append(Rejection(line.number, column, reason, message or rules.text(reason), raw, tuple(doubt)))

    def warn(
        self,
        rule: str,
        line: int = 0,
        column: str = "",
        value: str = "",
        doubt: tuple[str, ...] = (),
        *,
        times: int = 1,
    ) -> None:
        """``line``: 0 where only the number is known, which is then counted and no more."""
        self.warnings[rule] = self.warnings.get(rule, 0) + times
        if line:
            self._keep(Finding(line, column, rule, value, tuple(doubt)))

    def _keep(self, finding: Finding) -> None:
        """A value that many lines share, as those of one hospital do, leaves room for others."""
        rule, value = finding.rule, finding.value
        held, same = self.held.get((rule, ""), 0), self.held.get((rule, value), 0) if value else 0
        if held < self.kept and same < _SAME:
            self.held[rule, ""] = held + 1
            if value:
                self.held[rule, value] = same + 1
            self.findings.append(finding)

    def add(self, rejected: Sequence[Rejection], warnings: Mapping[str, int], findings: Sequence[Finding]) -> None:
        """What another said of rows that come next."""
        self.rejected += rejected
        for rule, times in warnings.items():
            self.warn(rule, times=times)
        for finding in findings:
            self._keep(finding)

    def take(self) -> tuple[list[Rejection], dict[str, int], list[Finding]]:
        """All that was said since the last call, to be added elsewhere."""
        taken = self.rejected[:], dict(self.warnings), self.findings[:]
        self.rejected.clear()
        self.warnings.clear()
        self.findings.clear()
        return taken


class Place(NamedTuple):
    """The structure part of a row, in the order of the columns of table ``organization``."""

    technical_id: str
    name: str
    trade_name: str
    finess: str
    finess_legal: str
    siret: str
    siren: str
    former_id: str
    recipient: str
    point: str
    number: str
    repetition: str
    street_type: str
    street_name: str
    distribution: str
    cedex: str
    postcode: str
    city_code: str
    city: str
    country_code: str
    country: str
    department_code: str
    department: str
    phone: str
    phone2: str
    fax: str
    email: str
    sector_code: str


NO_PLACE, NAMELESS = 0, 1  # numbers of no structure, and of one that nothing tells from another


def derived_key(place: Sequence[str]) -> str:
    """The technical id of a row that has none: ``F``+FINESS, ``C``+SIRET, else ``A``+digest of its name and address;
    empty when the row names no structure."""
    named = Place._make(place)
    if named.finess:
        return "F" + named.finess
    if named.siret:
        return "C" + named.siret
    where = (named.name, named.trade_name, named.number, named.street_name, named.postcode, named.city or named.cedex)
    text = "|".join(fold(part) for part in where)
    if not text.strip("|"):
        return ""
    return "A" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Numbers:
    """Values that many records of a file share, each told once (``fresh``) and then by its number, from ``first`` on:
    it is met a million times, and crosses from one process to another."""

    def __init__(self, first: int = 0) -> None:
        self.known: dict[Hashable, int] = {}
        self.fresh: list[tuple[Any, ...]] = []
        self.next = first

    def of(self, key: Hashable, value: tuple[Any, ...]) -> int:
        number = self.known.get(key)
        if number is None:
            self.known[key] = number = self.next
            self.next += 1
            self.fresh.append(value)
        return number


class PlaceNumbers(Numbers):
    """Structures, told as (source, line, key, *place): who names it and where first, its technical id or a derived one,
    its columns.  Each source of the file tells for itself: one may be believed where another is not."""

    def __init__(self, source: str = "") -> None:
        super().__init__(NAMELESS + 1)
        self.source = source  # of the rows being read
        self.told = {source: self.known}

    def read_as(self, source: str) -> None:
        """The rows that come next are of this source."""
        if source != self.source:
            self.source, self.known = source, self.told.setdefault(source, {})

    def of_place(self, line: int, place: tuple[str, ...]) -> int:
        key = place[0] or derived_key(place)
        return self.of(key, (self.source, line, key, *place)) if key else NAMELESS


# A situation: the number of its structure, then that of its codes (profession, category, mode, sector, section, role,
# kind, authority).
Activity = tuple[int, int]


class Identity(NamedTuple):
    """Who a person is, in the order of the columns of table ``practitioner``."""

    title_code: str
    civility_code: str
    family_name: str
    given_names: str
    profession_code: str
    category_code: str


class Person(NamedTuple):
    """What one activity source says of one person: all her rows."""

    scheme: str  # '8' or '0'
    value: str
    identity: tuple[str, ...]  # as Identity
    activities: list[Activity]
    expertises: list[int]  # numbers of profession, type, code
    labels: list[tuple[str, ...]]  # code, label, code, label… in the order of the parser's SYSTEMS


class Holding(NamedTuple):
    """One line of a mailbox: who holds it, as the source writes it."""

    type: str
    address: str  # lower case
    national_id: str  # of the person: type digit + number, or empty
    family_name: str
    given_names: str
    category_code: str
    profession_code: str
    specialty_code: str
    service: str
    paperless: bool | None
    place: Place | None
