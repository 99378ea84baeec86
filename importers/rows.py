"""What every format shares: a layout (caption to field), a rejected row, the values that parsers make of rows.  PURE.

A layout is a table of fields found **by caption**, never by position: captions are folded (accents, apostrophes, case,
spaces, small words), so ``Code civilité d'exercice`` and ``code_civilite_exercice`` are one.  Nothing reads a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from directory_service.model.names import fold, words

_SMALL_WORDS = frozenset({"d", "de", "du", "des", "l", "la", "le"})
# Suffixes that some copies of an extract carry and others do not (formats.md §1).
_SUFFIXES = (" structure bal", " coord structure")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row set aside, and why.  ``reason`` is a stable code (columns, identifier, name, address, type);
    ``message`` is for staff, in French; ``raw`` is the row as it was read."""

    line: int
    column: str
    reason: str
    message: str
    raw: str


@dataclass(frozen=True, slots=True)
class Field:
    """One column.  ``captions``: the caption of today first, then other spellings seen or plausible."""

    name: str
    captions: tuple[str, ...]
    required: bool = False

    @property
    def folded(self) -> frozenset[str]:
        return frozenset(fold_caption(c) for c in self.captions)


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of extract.  ``key`` names the fields whose concatenation says which record a row belongs to."""

    id: str
    title: str  # French, for messages
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    latin1: bool = False  # may be in ISO-8859-1

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

    def index(self, name: str) -> int:
        """Where the field stands in a row; -1, the empty value that every row is padded with, when it is absent."""
        return self.columns.get(name, -1)

    def caption(self, name: str) -> str:
        return self.captions[self.columns[name]] if name in self.columns else name


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


class Problems:
    """What parsers say beside their result: rejections, and warnings counted by kind."""

    def __init__(self, separator: str) -> None:
        self.separator = separator
        self.rejected: list[Rejection] = []
        self.warnings: dict[str, int] = {}

    def reject(self, line: Line, column: str, reason: str, message: str) -> None:
        raw = self.separator.join(line.values[:-1])
        self.rejected.append(Rejection(line.number, column, reason, message, raw))

    def warn(self, kind: str, times: int = 1) -> None:
        self.warnings[kind] = self.warnings.get(kind, 0) + times

    def add(self, rejected: Sequence[Rejection], warnings: Mapping[str, int]) -> None:
        """What another said of rows that come next."""
        self.rejected += rejected
        for kind, times in warnings.items():
            self.warn(kind, times)


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
    """Structures, told as (source, line, key, *place): who names it first and where, its technical id or a derived one,
    its columns."""

    def __init__(self, source: str = "") -> None:
        super().__init__(NAMELESS + 1)
        self.source = source  # of the rows being read

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


Labels = Callable[[Sequence[str]], tuple[str, ...]]
