"""The criteria of ``/v1/search`` as a filter over ``ou=personnes``, and the place of a page in its answer.  PURE.

Every criterion given must hold; within one, every word must be found (``Jacques Martin`` is not all Jacques and all
Martin).  Codes are taken as codes, anything else as words of the label.  Nothing here reads the index.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from directory_service.entries.attributes import BOX_TAG, DEPARTMENT_TAG, tag
from directory_service.errors import InvalidInput
from directory_service.index.query import FALSE, And, Equal, Filter, HasTag, InText, Not, Or, Substrings
from directory_service.model import nomenclature
from directory_service.model.identifiers import parse_person_id, structure_keys
from directory_service.model.names import fold, squash, words

_ANYWHERE: Final = ("sn", "name", "mail", "org", "work", "place")
_NAMED: Final = ("sn", "name", "mail")
# What people call a general practitioner is three savoir-faire (formats.md §5).
_GENERAL: Final = ("SM26", "SM53", "SM54")
_GENERAL_NAMES: Final = frozenset(("generaliste", "medecin generaliste", "medecine generale"))


@dataclass(frozen=True, slots=True)
class Criteria:
    """What the parameters of ``/v1/search`` say, as typed; "" for those that are not given."""

    q: str = ""
    profession: str = ""
    specialty: str = ""
    department: str = ""
    postcode: str = ""
    city: str = ""
    street: str = ""
    structure: str = ""
    family: str = ""
    given: str = ""
    address: str = ""
    type: str = ""
    status: str = ""


def filters_of(criteria: Criteria) -> tuple[Filter, ...]:
    """The whole answer, in parts that exclude one another and go one after the other: those whose name or address is
    meant, then the others."""
    rest = [made(text) for name, made in _MADE.items() if (text := getattr(criteria, name).strip())]
    if not criteria.q.strip():
        return (And(tuple(rest)),)
    named = _q(criteria.q, _NAMED)
    anywhere = _q(criteria.q, _ANYWHERE)
    if named == anywhere:
        return (And((named, *rest)),)
    return And((named, *rest)), And((anywhere, Not(named), *rest))


def typed_filter(text: str) -> Filter:
    """Mailboxes of ``/v1/suggest``: the filter of an address book, every word in a name or in the address."""
    return And(tuple(_any_name(word) for word in text.split())) if text.strip() else FALSE


def _any_name(word: str) -> Filter:
    raw = word.encode()
    return Or(tuple(Substrings(name, b"", (raw,), b"") for name in ("cn", "mail", "givenName", "sn")))


def _q(text: str, columns: tuple[str, ...]) -> Filter:
    person = parse_person_id(text)
    if person is not None:
        return Equal("asNationalId", person.national.encode())
    return And(tuple(_word(word, columns) for word in text.split()))


def _word(word: str, columns: tuple[str, ...]) -> Filter:
    """Names stand squashed in their texts, other texts keep their words apart: each word of ``word`` is looked for."""
    if "@" in word:
        return InText(("mail",), word.casefold())
    parts = words(word)
    return And(tuple(InText(columns, part) for part in parts)) if parts else FALSE


# --- one criterion each ----------------------------------------------------------------------------------------------


def _in(columns: tuple[str, ...]) -> Callable[[str], Filter]:
    return lambda text: _all(InText(columns, word) for word in words(text))


def _all(items: Iterable[Filter]) -> Filter:
    found = tuple(items)
    return And(found) if found else FALSE


def _profession(text: str) -> Filter:
    return _code_or_label("profession", "p", text)


def _specialty(text: str) -> Filter:
    if fold(text) in _GENERAL_NAMES:
        return Or((*(HasTag(tag("s", code.lower())) for code in _GENERAL), _in(("work",))(text)))
    return _code_or_label("expertise", "s", text)


def _code_or_label(system: str, letter: str, text: str) -> Filter:
    code = text.strip().upper()
    if code in nomenclature.codes(system):
        return HasTag(tag(letter, code.lower()))
    return _in(("work",))(text)


def _department(text: str) -> Filter:
    """By code, or by name whole."""
    code, name = text.strip().upper(), squash(text)
    found = [c for c, label in nomenclature.DEPARTMENTS.items() if code in (c, c.lstrip("0")) or squash(label) == name]
    return _all(HasTag(tag(DEPARTMENT_TAG, c.lower())) for c in found[:1])


def _postcode(text: str) -> Filter:
    return Equal("postalCode", text.encode())


def _structure(text: str) -> Filter:
    """A structure's number, or words of its name."""
    by_number = [Equal("asStructureId", key[1:].encode()) for key in structure_keys(text)]
    by_name = _in(("org",))(text)
    return Or((*by_number, by_name)) if any(c.isdigit() for c in text) else by_name


def _family(text: str) -> Filter:
    return Substrings("sn", b"", (text.encode(),), b"")


def _given(text: str) -> Filter:
    return Substrings("givenName", b"", (text.encode(),), b"")


def _address(text: str) -> Filter:
    return Substrings("mail", b"", (text.strip().encode(),), b"")


def _type(text: str) -> Filter:
    return HasTag(tag(BOX_TAG, text.casefold()))


def _status(text: str) -> Filter:
    return Equal("asStatus", text.encode())


_MADE: Final[dict[str, Callable[[str], Filter]]] = {
    "profession": _profession,
    "specialty": _specialty,
    "department": _department,
    "postcode": _postcode,
    "city": _in(("place",)),
    "street": _in(("place",)),
    "structure": _structure,
    "family": _family,
    "given": _given,
    "address": _address,
    "type": _type,
    "status": _status,
}


# --- pages -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page starts: after the entry ``after`` of part ``part``; and the total, the same on every page."""

    part: int = 0
    after: int = 0
    total: int = -1
    exact: bool = True


def write_cursor(place: Place) -> str:
    text = f"{place.part}.{place.after}.{place.total}.{int(place.exact)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_cursor(cursor: str) -> Place:
    """Raises InvalidInput for what we did not write."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        part, after, total, exact = map(int, text.split("."))
    except (ValueError, binascii.Error):
        raise InvalidInput("marque de page illisible", where="cursor") from None
    if not (0 <= part <= 1 and 0 <= after < 1 << 62):
        raise InvalidInput("marque de page illisible", where="cursor")
    return Place(part, after, total, bool(exact))
