"""What somebody says of the person or structure that they mean: fields, free text, or both.  PURE.

``describe`` only reads: it takes numbers and addresses out of a text, and leaves the other words for each candidate to
explain (a word is a given name for one person and a town for another).  Nothing is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from directory_service.errors import InvalidInput
from directory_service.model.identifiers import is_finess, is_siret, parse_person_id
from directory_service.model.mailboxes import is_address, lowered
from directory_service.model.names import words

LONGEST: Final = 200  # characters of one field: as long as any text of /v1/search
MOST_WORDS: Final = 12  # of a free text; more are left out, since each is tried against each candidate
MOST_ADDRESSES: Final = 3  # of a line, as many as address books have columns for


class Kind(StrEnum):
    """What may be meant; an empty description of either is nothing."""

    PERSON = "practitioner"
    STRUCTURE = "organization"


@dataclass(frozen=True, slots=True)
class Description:
    """Texts as written, "" where not said.  ``name`` is a whole name in any order, ``text`` anything at all;
    ``identifier`` any number of a person (RPPS, ADELI, idNat_PS), ``structure_id`` of a structure (FINESS, SIRET…);
    ``others`` are read with ``address``, of a field or a text that holds several."""

    text: str = ""
    name: str = ""
    family: str = ""
    given: str = ""
    profession: str = ""
    specialty: str = ""
    town: str = ""
    postcode: str = ""
    department: str = ""
    structure: str = ""
    identifier: str = ""
    structure_id: str = ""
    address: str = ""
    phone: str = ""
    others: tuple[str, ...] = ()

    @property
    def whole_name(self) -> str:
        return self.name or " ".join(part for part in (self.family, self.given) if part)

    @property
    def words(self) -> list[str]:
        """The folded words of the free text."""
        return words(self.text)[:MOST_WORDS]

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in FIELDS)


FIELDS: Final = tuple(f.name for f in fields(Description) if f.default == "")


def describe(said: str | Mapping[str, str]) -> Description:
    """From free text, or from fields by the names of ``FIELDS``.  Raises InvalidInput for an unknown field, and for one
    that is too long; no value is repeated."""
    given = {"text": said} if isinstance(said, str) else dict(said)
    if not given.keys() <= set(FIELDS):
        raise InvalidInput(f"champ inconnu ; les champs sont : {', '.join(FIELDS)}", where="description")
    cleaned: dict[str, Any] = {name: _clean(name, value) for name, value in given.items()}
    return _numbered(_addressed(_spoken(Description(**cleaned))))


def _spoken(d: Description) -> Description:
    """A given name beside a text, and no surname: the surname is in the text, and the given name joins it there."""
    if not (d.text and d.given) or d.family or d.name:
        return d
    return replace(d, text=beside(d.text, d.given), given="")


def beside(text: str, name: str) -> str:
    """A text with the words of a name that it lacks."""
    held = words(text)
    missing = [piece for piece in name.split() if not {*words(piece)} <= {*held}]
    return " ".join((text, *missing))[:LONGEST]


def _clean(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("un texte est attendu", where=name)
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if len(text) > LONGEST:
        raise InvalidInput(f"au plus {LONGEST} caractères", where=name)
    return text


# --- what a free text holds besides words ----------------------------------------------------------------------------

_ADDRESS = re.compile(r"<?([^\s<>,;\"]+@[^\s<>,;\"]+)>?")
_MAILTO = re.compile(r"^\s*mailto:", re.I)
# Digits as people group them; a letter of Corsica or overseas may be the second one.
_NUMBER = re.compile(r"(?<![\w])(?:n[°o]\s*)?((?:\d[\s.\-]?|(?<=\d)[ABab]\d){8,15}\d?)(?!\w)")
_POSTCODE = re.compile(r"(?<!\w)(\d{5})(?!\w)")
_LABELS = re.compile(r"\b(?:rpps|adeli|finess|siret|siren|idnat(?:_ps)?|n[°o])\s*[:=]?(?=\s*\d)", re.I)


def address_of(text: str) -> str:
    """The address in ``Dr Zoé D'ESSAI <zoe@…>`` or ``mailto:zoe@…``, in lower case; what cannot be one stays as
    written, so that it is told to be none."""
    return _addresses_of(text)[0]


def _addresses_of(text: str) -> list[str]:
    """All of them, each once; one at least."""
    found = _ADDRESS.findall(text) or [text]
    return list(dict.fromkeys(lowered(_MAILTO.sub("", each).strip().strip(".'")) for each in found))


def _addressed(d: Description) -> Description:
    """The addresses of their field made plain, or found in the free text, which loses them; with the name that stood
    before an address in its field."""
    if d.address:
        before = d.address.partition("<")[0].strip(" \"'") if "<" in d.address else ""
        named = replace(d, name=before) if before and not d.whole_name and "@" not in before else d
        return _with(named, _addresses_of(d.address))
    found = [address for each in _ADDRESS.findall(d.text) if is_address(address := address_of(each))]
    if not found:
        return d
    text = _ADDRESS.sub(lambda each: " " if is_address(address_of(each[1])) else each[0], d.text)
    return _with(replace(d, text=" ".join(text.split())), list(dict.fromkeys(found)))


def _with(d: Description, addresses: list[str]) -> Description:
    return replace(d, address=addresses[0], others=tuple(addresses[1:MOST_ADDRESSES]))


def _numbered(d: Description) -> Description:
    """Numbers in the free text go to the fields that they are of; without one, the text stays as it is."""
    text = _LABELS.sub(" ", d.text)
    found = _NUMBER.search(text)
    if found and not d.identifier and not d.structure_id:
        number = found.group(1).strip(" .-")
        person, structure = _kinds_of(number)
        if person or structure:
            text = _without(text, found)
            d = replace(d, identifier=number if person else "", structure_id=number if structure else "")
    postcode = _POSTCODE.search(text)
    if postcode and not d.postcode:
        text = _without(text, postcode)
        d = replace(d, postcode=postcode.group(1))
    return replace(d, text=text.strip()) if text.strip() != d.text else d


def _kinds_of(number: str) -> tuple[bool, bool]:
    """Whether a number may be a person's, and a structure's: an ADELI number and a FINESS look the same."""
    compact = re.sub(r"[\s.\-]", "", number)
    return parse_person_id(compact) is not None, is_siret(compact) or is_finess(compact)


def _without(text: str, found: re.Match[str]) -> str:
    return " ".join((text[: found.start()] + " " + text[found.end() :]).split())
