"""Address books and their cards: which there are, whom each holds, and one card by its name.

A book is the whole directory (``annuaire``), a structure by any of its numbers, or a département and a profession or
specialty by their codes (``69-10``, ``69-SM04``).  Its cards are practitioners; a structure's book has its own as well,
with the addresses of its wards.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.entries.vcard import Version, organization_card, practitioner_card
from directory_service.errors import NotFound
from directory_service.index.criteria import Criteria, filter_of
from directory_service.index.query import And, Equal, Filter, Query, Scope, View
from directory_service.model import nomenclature
from directory_service.model.nomenclature import DEPARTMENTS

if TYPE_CHECKING:
    from directory_service.index.directory import Directory, Hit

NATIONAL: Final = "annuaire"
MOST_CARDS: Final = 2_000  # of a book that is listed: what telephones take
_TIME: Final = 5.0  # seconds
STRUCTURE: Final = "structure-"  # before the id in the name of a structure's own card
_SELECTION: Final = re.compile(r"(\d{2,3}|2[ABab])-([A-Za-z]{0,4}\d{1,3})")
PUBLIC: Final = View.ANONYMOUS


@dataclass(frozen=True, slots=True)
class Book:
    """``id`` as it was asked for, since answers must be under the same path; ``members`` is None for one that cannot be
    listed; ``structure`` is the id of the one that it is about."""

    id: str
    name: str
    members: Filter | None
    structure: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """``name`` is the last part of its path, without ``.vcf``; ``entry`` its number in the index."""

    name: str
    record: dict[str, Any]
    changed: str
    is_structure: bool = False
    entry: int = 0

    def write(self, version: Version = Version.V3) -> bytes:
        made = organization_card if self.is_structure else practitioner_card
        return made(self.record, self.changed, version)

    @property
    def etag(self) -> str:
        """Of the card in the version that address books get unless they ask."""
        return f'"{hashlib.sha256(self.write()).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Listed:
    """``truncated``: there are more than are given."""

    cards: tuple[Card, ...]
    truncated: bool


def find_book(directory: Directory, identifier: str) -> Book:
    """Raises NotFound."""
    if identifier == NATIONAL:
        return Book(NATIONAL, "Annuaire santé", None)
    selection = _SELECTION.fullmatch(identifier)
    chosen = _chosen(identifier, *selection.groups()) if selection else None
    return chosen or _of_structure(directory, identifier)


def _chosen(identifier: str, department: str, code: str) -> Book | None:
    """By a département and the code of a profession or a specialty; None where either is of no nomenclature."""
    place = DEPARTMENTS.get(department.upper()) or DEPARTMENTS.get(department.upper().zfill(3))
    code = code.upper()
    for system in ("profession", "expertise"):
        label = nomenclature.label(system, code)
        if place and label:
            said = {"profession": code} if system == "profession" else {"specialty": code}
            asked = filter_of(Criteria(department=department, status="active", **said))
            return Book(identifier, f"{label} ({place})", asked)
    return None


def _of_structure(directory: Directory, identifier: str) -> Book:
    record = orjson.loads(directory.organization(identifier, PUBLIC).json)
    asked = And((Equal("asStructureId", record["id"].encode()), Equal("asStatus", b"active")))
    return Book(identifier, record["trade_name"] or record["name"] or record["id"], asked, record["id"])


def cards_of(directory: Directory, book: Book, narrowed: Filter | None = None, most: int = MOST_CARDS) -> Listed:
    """Cards of a book, those that ``narrowed`` finds where it is given.  Of a book that cannot be listed, none without
    it, and that there are more."""
    asked = tuple(f for f in (book.members, narrowed) if f is not None)
    if not asked:
        return Listed((), True)
    query = Query(f"ou=personnes,{directory.suffix}", Scope.ONE, And(asked), most, _TIME)
    result = directory.search(query, PUBLIC)
    own = tuple(_own(directory, book))
    return Listed(own + tuple(map(_person, result.hits)), result.truncated or result.timed_out)


def _own(directory: Directory, book: Book) -> Iterator[Card]:
    if book.structure:
        yield _structure(directory.organization(book.structure, PUBLIC))


def _person(hit: Hit) -> Card:
    record = orjson.loads(hit.json)
    return Card(record["id"], record, hit.changed, entry=hit.id)


def _structure(hit: Hit) -> Card:
    record = orjson.loads(hit.json)
    return Card(STRUCTURE + record["id"], record, hit.changed, is_structure=True, entry=hit.id)


def get_card(directory: Directory, book: Book, name: str) -> Card:
    """The card of this name, if it is of the book.  Raises NotFound."""
    if name.startswith(STRUCTURE):
        card = _structure(directory.organization(name.removeprefix(STRUCTURE), PUBLIC))
        if book.members is not None and book.structure != card.record["id"]:
            raise NotFound("aucune fiche ne porte ce nom")
        return card
    card = _person(directory.practitioner(name, PUBLIC)[0])
    if card.name != name or not _is_member(directory, book, name):
        raise NotFound("aucune fiche ne porte ce nom")
    return card


def _is_member(directory: Directory, book: Book, name: str) -> bool:
    if book.members is None:
        return True
    asked = And((Equal("asNationalId", name.encode()), book.members))
    return bool(directory.search(Query(f"ou=personnes,{directory.suffix}", Scope.ONE, asked, 1, _TIME), PUBLIC).hits)
