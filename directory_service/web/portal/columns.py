"""Which column of an address book holds what: by its headings (``matching.columns``) or, without any, by what the
columns hold.  PURE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Final

from directory_service.matching import field_of, fields_of
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
_NUMBER: Final = re.compile(r"[\d .]{8,20}")
_SECURE: Final = ("mss", "bal", "securis")  # of two columns of addresses, the one meant for health
_SAMPLE: Final = 200  # rows that say what a column holds
LONGEST: Final = 200  # characters of a field, as ``matching`` takes them


@dataclass(frozen=True, slots=True)
class Book:
    """An address book: titles of its columns, the field of each column that is known, and its lines with their numbers
    in the file."""

    titles: tuple[str, ...]
    fields: Mapping[int, str]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def description(self, row: Sequence[str]) -> dict[str, str]:
        """What a row says, for ``matching.check_line``."""
        return {field: row[at][:LONGEST] for at, field in self.fields.items() if row[at]}


def book_of(sheet: Sheet) -> Book:
    """With what is known of its columns; ``fields`` is empty where nothing is."""
    first = sheet.rows[0]
    if not any("@" in text for text in first) and any(field_of(text) for text in first):
        titles = tuple(text or f"Colonne {i}" for i, text in enumerate(first, 1))
        return Book(titles, _by_headings(first), sheet.rows[1:], sheet.lines[1:])
    titles = tuple(f"Colonne {i}" for i in range(1, sheet.width + 1))
    return Book(titles, _by_content(sheet), sheet.rows, sheet.lines)


def _by_headings(headings: Sequence[str]) -> dict[int, str]:
    secure = [at for at, text in enumerate(headings) if any(word in squash(text) for word in _SECURE)]
    wanted = next((at for at in secure if field_of(headings[at]) == "address"), None)
    told = [text if wanted in (None, at) or field_of(text) != "address" else "" for at, text in enumerate(headings)]
    return dict(fields_of(told))


def _by_content(sheet: Sheet) -> dict[int, str]:
    """Addresses and numbers are seen; of the columns of letters that are left, one alone is free text, and the first two
    are the parts of a name, whichever is which."""
    found: dict[int, str] = {}
    letters = []
    for at in range(sheet.width):
        cells = [row[at] for row in sheet.rows[:_SAMPLE] if row[at]]
        field = _seen(cells)
        if field and field not in found.values():
            found[at] = field
        elif not field and _of_letters(cells):
            letters.append(at)
    if "address" in found.values() and sheet.width == 1:
        return {0: "text"}  # « Dr Zoé D'ESSAI <zoe@…> », or a bare address: a free text is read for both
    if len(letters) == 1:
        return found | {letters[0]: "name" if found else "text"}
    return found | dict(zip(letters, ("family", "given"), strict=False))


def _seen(cells: Sequence[str]) -> str:
    if 2 * sum("@" in cell for cell in cells) > len(cells):
        return "address"
    return "identifier" if 2 * sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) > len(cells) else ""


def _of_letters(cells: Sequence[str]) -> bool:
    """Whether more characters are letters than not."""
    letters = [c.isalpha() for c in chain.from_iterable(cells)]
    return 2 * sum(letters) > len(letters)
