"""The criteria of ``/v1/search`` as a filter over ``ou=personnes``.  PURE.

Every criterion given must hold; within one, every word must be found (``Jacques Martin`` is not all Jacques and all
Martin), and in what the criterion is about: the rue de Paris is no town.  Codes are taken as codes, anything else as
words of the label, or as what people call it.  ``q`` is ``onebox``'s.  Nothing here reads the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from directory_service.entries.attributes import BOX_TAG, DEPARTMENT_TAG, tag
from directory_service.entries.finding import Kind
from directory_service.errors import InvalidInput
from directory_service.index.onebox.readings import of_word
from directory_service.index.onebox.tiers import Near
from directory_service.index.plan.fours import NAMES
from directory_service.index.query import FALSE, And, Equal, Filter, HasTag, InText, Or, Substrings
from directory_service.model import nomenclature
from directory_service.model.identifiers import structure_keys
from directory_service.model.kinds import Unit, units_of
from directory_service.model.names import SAINTS, fold, fold_any, words
from directory_service.model.nomenclature import DEPARTMENTS, department_of, find_department
from directory_service.model.streets import is_inside_others, other_ways, street_words
from directory_service.model.towns import district_of, town_name
from directory_service.model.vocabulary import System, codes_said

LONGEST_BOX: Final = 200  # characters of ``q``: what is meant by more is nobody's name
_SIREN: Final = 9  # digits
_ABBREVIATION: Final = 4  # letters of a kind of structure that are inside of other words (*CH*, *EPSM*)
_ORG: Final = ("org",)
_PLACE: Final = ("place",)
LONGEST_PLACE: Final = 5  # characters of a postcode or of the code of a department
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


SORTS: Final = ("relevance", "name", "city")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How ``/v1/search`` is to answer.  ``facets`` are names of ``onebox.facets.FACETS``; ``near`` is a postcode, a
    department or the number of a structure, "" for nowhere."""

    facets: tuple[str, ...] = ()
    exact: bool = False
    explain: bool = False
    sort: str = SORTS[0]
    near: str = ""


NO_WISHES: Final = Wishes()


def filter_of(criteria: Criteria) -> Filter:
    """All criteria but ``q``."""
    return And(tuple(made(text) for name, made in MADE.items() if (text := getattr(criteria, name).strip())))


def near_of(text: str, structure: Mapping[str, Any] | None = None) -> Near:
    """Tokens of who is near; ``structure`` is the record of the one that ``text`` names, if there is one.  Raises
    InvalidInput."""
    compact = text.replace(" ", "").upper()
    if not compact:
        return Near()
    if len(compact) == LONGEST_PLACE and compact.isdigit():
        return _classes((), compact, department_of(compact, ""))
    if compact in DEPARTMENTS:
        return _classes((), "", compact)
    if len(compact) <= LONGEST_PLACE or not any(c.isdigit() for c in compact):
        raise InvalidInput(
            "un code postal, un département ou le numéro d'une structure est attendu", where="paramètre near"
        )
    address = (structure or {}).get("address") or {}
    numbers = [key[1:] for key in structure_keys(text)] + ([structure["id"]] if structure else [])
    department = (address.get("department") or {}).get("code") or ""
    return _classes(tuple(dict.fromkeys(numbers)), address.get("postcode") or "", department)


def _classes(structures: tuple[str, ...], postcode: str, department: str) -> Near:
    held = (
        tuple(tag("o", number.lower()) for number in structures),
        (tag("z", postcode.lower()),) if postcode else (),
        (tag(DEPARTMENT_TAG, department.lower()),) if department else (),
    )
    return Near(tuple(tokens for tokens in held if tokens))


def typed_filter(text: str) -> Filter:
    """Mailboxes of ``/v1/suggest``: the filter of an address book, every word in a name or in the address.  A title is
    in neither, and stands before what is shown: *Dr Martin* is *Martin*."""
    typed = text.split()
    if len(typed) > 1 and fold_any(typed[0]) in _SHORT_TITLES:
        del typed[0]
    return And(tuple(_any_name(word) for word in typed)) if typed else FALSE


def untitled(text: str) -> str:
    """What is behind a title in full, which may be a name too (*docteur jean*); "" for no title."""
    title, *behind = text.split(maxsplit=1) or [""]
    return behind[0] if behind and fold_any(title) in _WHOLE_TITLES else ""


_SHORT_TITLES: Final = frozenset(("dr", "drs", "pr", "prs", "mme", "mmes", "mlle", "mr"))
_WHOLE_TITLES: Final = frozenset(("docteur", "docteure", "professeur", "professeure", "madame", "monsieur"))


def family_filter(word: str) -> Filter:
    """People of whose family name this folded word is one."""
    return HasTag(Kind.FAMILY + word)


def given_filter(word: str) -> Filter:
    """People of whose given names this folded word is one."""
    return HasTag(Kind.GIVEN + word)


def structure_filter(columns: tuple[str, ...], unit: Unit) -> Filter:
    """Structures of whose name, or people of whose structures' names, this is a unit: letters of a word; a kind in any
    of the ways of writing it, short ones as whole words.  ``columns`` are those of the names."""
    if not unit.ways:
        return InText(columns, unit.said[0])
    return Or(tuple(every_one(_way_in(columns, word) for word in way) for way in unit.ways))


def _way_in(columns: tuple[str, ...], word: str) -> Filter:
    return InText(columns, word) if len(word) > _ABBREVIATION else _whole_word(columns, word)


def _whole_word(columns: tuple[str, ...], word: str) -> Filter:
    pieces = (f"^{word}$", f"^{word} ", f" {word} ", f" {word}$")
    return Or(tuple(InText(columns, piece) for piece in pieces))


def word_filter(word: str) -> Filter:
    """People of whom this folded word says something, whatever it is about."""
    tokens = [r.token for r in of_word(word) if not (r.starts or r.others)]
    postcode = [tag("z", word)] if word.isdigit() and len(word) == LONGEST_PLACE else []
    return Or(tuple(map(HasTag, (*tokens, *postcode))))


def typed_key(text: str) -> str:
    """The same for texts that ``typed_filter`` tells no difference between: neither spaces nor the case of ASCII
    letters make one."""
    words = " ".join(text.split())
    return words.lower() if words.isascii() else words


def _any_name(word: str) -> Filter:
    """Letters and digits alone are one piece of names and of addresses: what ``plan.merging`` finds out of others."""
    if word.isascii() and word.isalnum():
        return InText(NAMES, word.lower())
    raw = word.encode()
    return Or(tuple(Substrings(name, b"", (raw,), b"") for name in ("cn", "mail", "givenName", "sn")))


# --- one criterion each ----------------------------------------------------------------------------------------------


def words_in(attribute: str) -> Callable[[str], Filter]:
    """The words in values of one attribute, whatever else its column holds."""
    return lambda text: every_one(Substrings(attribute, b"", (word.encode(),), b"") for word in words(text))


def _city(text: str) -> Filter:
    """Sources write *ST ETIENNE* and *Saint-Étienne*, each with the word after it.  A whole name is a token of who
    works there, which is told without opening her entry.  A district is asked for as LDAP does."""
    if district_of(text):
        return Equal("l", text.encode())
    found, parts = words(text), list[Filter]()
    whole = "".join(town_name(text))
    if whole and _are_letters(found):
        return HasTag(Kind.TOWN + whole)
    while found:
        word = found.pop(0)
        ways = _SAINTS.get(word, ()) if found else ()
        spelt = [f"{way} {found[0]}" for way in ways] if ways else [word]
        del found[: bool(ways)]
        parts.append(Or(tuple(Substrings("l", b"", (piece.encode(),), b"") for piece in spelt)))
    return Or((HasTag(Kind.TOWN + whole), every_one(parts))) if whole else every_one(parts)


def _street(text: str) -> Filter:
    """Each word, or what stands for it in the register."""
    return every_one(_street_word(word, before) for before, word in pairwise(("", *street_words(text))))


def _street_word(word: str, before: str) -> Filter:
    as_typed = Substrings("street", b"", (word.encode(),), b"")
    return Or((as_typed, *(_street_way(way, before) for way in other_ways(word, before))))


def _street_way(way: str, before: str) -> Filter:
    if len(way) == 1:  # of a number, which it stands behind
        return InText(_PLACE, f"{before} {way} ")
    inside = Substrings("street", b"", (way.encode(),), b"")
    return And((inside, InText(_PLACE, f" {way} "))) if is_inside_others(way) else inside


def _are_letters(found: Sequence[str]) -> bool:
    """Words of one letter each, which are in everything: looked for whole, they are looked up."""
    return all(len(word) == 1 for word in found)


_SAINTS: Final = {word: (short, whole) for short, whole in SAINTS.items() for word in (short, whole)}


def every_one(items: Iterable[Filter]) -> Filter:
    found = tuple(items)
    return And(found) if found else FALSE


def _profession(text: str) -> Filter:
    """A cardiologist is a physician by profession; people do not ask so."""
    called = [HasTag(tag("s", code.lower())) for code in codes_said(text, System.SPECIALTY)]
    return Or((_code_or_label("profession", System.PROFESSION, "p", "title", text), *called))


def _specialty(text: str) -> Filter:
    general = _GENERAL if fold(text) in _GENERAL_NAMES else ()
    called = [HasTag(tag("s", code.lower())) for code in general]
    return Or((*called, _code_or_label("expertise", System.SPECIALTY, "s", "asSpecialty", text)))


def _code_or_label(system: str, said: System, letter: str, attribute: str, text: str) -> Filter:
    code = text.strip().upper()
    if code in nomenclature.codes(system):
        return HasTag(tag(letter, code.lower()))
    called = [HasTag(tag(letter, code.lower())) for code in codes_said(text, said)]
    return Or((*called, words_in(attribute)(text)))


def _department(text: str) -> Filter:
    """By code, or by name whole."""
    code = find_department(text)
    return HasTag(tag(DEPARTMENT_TAG, code.lower())) if code else FALSE


def _postcode(text: str) -> Filter:
    """Of a workplace, or of where a mailbox is used."""
    return HasTag(tag("z", "".join(text.split()).casefold()))


def _structure(text: str) -> Filter:
    """A structure's number, or words of its name.  One of several numbers is its id; a SIREN is how SIRETs begin."""
    found = words(text)
    if _are_letters(found):
        by_name = every_one(_whole_word(_ORG, word) for word in found)
    else:
        by_name = every_one(structure_filter(_ORG, unit) for unit in units_of(found))
    if not any(c.isdigit() for c in text):
        return by_name
    compact = "".join(text.split()).casefold()
    held = [HasTag(tag("o", key[1:].casefold())) for key in structure_keys(text)]
    held += [HasTag(tag("f", compact)), HasTag(tag("n", compact))]
    if len(compact) == _SIREN and compact.isdigit():
        held.append(HasTag(tag("n", compact), starts=True))
    return Or((*held, by_name))


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


# Those of which few people have the same come first: where one look-up cannot tell all, that of the first is made.
MADE: Final[Mapping[str, Callable[[str], Filter]]] = {
    "address": _address,
    "structure": _structure,
    "family": _family,
    "postcode": _postcode,
    "city": _city,
    "street": _street,
    "given": _given,
    "specialty": _specialty,
    "profession": _profession,
    "department": _department,
    "type": _type,
    "status": _status,
}
