"""Which column of an address book holds what: by its headings (``matching.columns``) or, without any, by what the
columns hold.  PURE.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from directory_service.matching import field_of, fields_of
from directory_service.matching.columns import SEVERAL
from directory_service.matching.description import LONGEST
from directory_service.model.names import squash
from directory_service.web.portal.sheets import Sheet

# Fields of a description, as the page calls them.
FIELDS: Final = MappingProxyType(
    {
        "family": "nom",
        "given": "prénom",
        "name": "nom complet",
        "profession": "profession",
        "specialty": "spécialité",
        "town": "ville",
        "postcode": "code postal",
        "department": "département",
        "structure": "structure",
        "identifier": "numéro de la personne",
        "structure_id": "numéro de la structure",
        "address": "adresse de messagerie",
        "phone": "téléphone",
        "text": "texte libre",
    }
)


def _has_form(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda cell: compiled.fullmatch(cell) is not None


TEXT: Final = "text"
_ADDRESS: Final = "address"
_SEEN: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {
        _ADDRESS: lambda cell: "@" in cell,
        "postcode": _has_form(r"\d{5}"),
        "phone": _has_form(r"(?:0|\+33 ?)[1-9](?:[ .]?\d\d){4}"),
        "identifier": _has_form(r"[\d .]{8,20}"),
        TEXT: lambda cell: any(c.isalpha() for c in cell),
    }
)
_SECURE: Final = ("mss", "bal", "securis")  # in headings of addresses that are meant for health
_NOTES: Final = ("remarque", "commentaire", "observation", "note", "memo", "divers", "comment")
_TELLING: Final = ("family", "given", "address", "identifier", "structure_id")
_TITLE_LINES: Final = 5  # above the headings
_SAMPLE: Final = 200  # rows that say what a column holds


@dataclass(frozen=True, slots=True)
class Book:
    """An address book: titles of its columns, the field of each column that is known, and its lines with their numbers
    in the file."""

    titles: tuple[str, ...]
    fields: Mapping[int, str]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def description(self, row: Sequence[str]) -> dict[str, str]:
        """What a row says, for ``matching.check_line``; of several addresses, those meant for health first."""
        said: dict[str, str] = {}
        for at, field in sorted(self.fields.items(), key=self._is_ordinary):
            if row[at]:
                said[field] = _both(said[field], row[at], field) if field in said else row[at][:LONGEST]
        return said

    def _is_ordinary(self, column: tuple[int, str]) -> bool:
        at, field = column
        return field == _ADDRESS and not _is_secure(self.titles[at])


def _both(said: str, more: str, field: str) -> str:
    """Half an address would be another one."""
    if field == _ADDRESS:
        return both if len(both := f"{said}, {more}") <= LONGEST else said
    return f"{said} {more}"[:LONGEST]


def book_of(sheet: Sheet) -> Book:
    """With what is known of its columns; ``fields`` is empty where nothing is."""
    sheet = _untitled(sheet)
    first = sheet.rows[0]
    if _is_heading(first):
        titles = tuple(text or f"Colonne {i}" for i, text in enumerate(first, 1))
        return Book(titles, fields_of(first), sheet.rows[1:], sheet.lines[1:])
    fields = _by_content(sheet)
    if _is_above(first, fields):
        titles = tuple(text or f"Colonne {i}" for i, text in enumerate(first, 1))
        return Book(titles, _without_notes(first, fields), sheet.rows[1:], sheet.lines[1:])
    titles = tuple(f"Colonne {i}" for i in range(1, sheet.width + 1))
    return Book(titles, fields, sheet.rows, sheet.lines)


def _untitled(sheet: Sheet) -> Sheet:
    """Without the lines of one cell above the headings: what the list is, and of when."""
    above = next((n for n, row in enumerate(sheet.rows) if sum(map(bool, row)) > 1), 0)
    if not 0 < above <= _TITLE_LINES or any("@" in text for row in sheet.rows[:above] for text in row):
        return sheet
    known = sum(field_of(text) is not None for text in sheet.rows[above])
    return Sheet(sheet.rows[above:], sheet.lines[above:]) if known > 1 else sheet


def _is_heading(row: Sequence[str]) -> bool:
    """One word may be chance: ``médecin`` heads a column of names, and stands in a line without headings."""
    known = [field for text in row if (field := field_of(text))]
    return not any("@" in text for text in row) and (len(known) > 1 or any(field in _TELLING for field in known))


def _is_above(row: Sequence[str], fields: Mapping[int, str]) -> bool:
    """Whether headings that nobody knows are all that the first row can be: words, over two columns or more of
    addresses and numbers."""
    over = [at for at, field in fields.items() if field != TEXT and row[at]]
    return len(over) > 1 and not any(c.isdigit() or c == "@" for at in over for c in row[at])


def _without_notes(headings: Sequence[str], fields: Mapping[int, str]) -> dict[int, str]:
    """What somebody noted is about no name, and would only hide it."""
    noted = [at for at, text in enumerate(headings) if any(word in squash(text) for word in _NOTES)]
    return {at: field for at, field in fields.items() if field != TEXT or at not in noted}


def _is_secure(heading: str) -> bool:
    return any(word in squash(heading) for word in _SECURE)


def _by_content(sheet: Sheet) -> dict[int, str]:
    """Addresses and numbers are seen; what is left is free text, in which ``matching`` finds names, towns and trades by
    itself.  Lines of one column are free text: ``Dr Zoé D'ESSAI <zoe@…>``."""
    if sheet.width == 1:
        return {0: TEXT}
    found: dict[int, str] = {}
    for at in range(sheet.width):
        cells = [row[at] for row in sheet.rows[:_SAMPLE] if row[at]]
        field = next((f for f, is_one in _SEEN.items() if 2 * sum(map(is_one, cells)) > len(cells)), "")
        if field and (field in SEVERAL or field not in found.values()):
            found[at] = field
    return found
