"""The records that a description may mean, from the index: by number, by address, by name.

Asks in turn, from what finds few to what finds many, and stops once somebody of the very name is there.  The judging is
``agreement``'s: what comes too many costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

from directory_service.index.criteria import (
    Criteria,
    family_filter,
    filter_of,
    given_filter,
    structure_filter,
    word_filter,
)
from directory_service.index.query import And, Approx, Equal, Filter, Or, Substrings
from directory_service.matching.description import Description
from directory_service.matching.seeker import MOST, Found, Seeker, holders_of
from directory_service.matching.terms import structure_units
from directory_service.model.identifiers import parse_person_id
from directory_service.model.kinds import Unit
from directory_service.model.likeness import Likeness, grade
from directory_service.model.mistaken import near_numbers
from directory_service.model.names import squash, words
from directory_service.model.phonetics import PARTICLES
from directory_service.model.vocabulary import is_known
from directory_service.trust.naming import TITLES

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

_PAIRS: Final = 8  # pairs of words of a free text that are tried as a name
_NAME: Final = 2  # words that a name has at least
_NEAR_PAIRS: Final = 3  # of these, as they sound or are mistyped: twenty times as long
_LEAST: Final = 2  # letters of a word that is looked for


# --- persons ---------------------------------------------------------------------------------------------------------


def find_people(directory: Directory, d: Description) -> Found:
    seeker = Seeker(directory, "personnes")
    if d.identifier:
        _by_number(seeker, d.identifier)
    if d.address:
        for holder in holders_of(directory, d.address):
            if holder["kind"] == "person" and holder["known"]:
                seeker.person(holder["id"])
                seeker.found.holders.add(holder["id"])
    if d.family or d.given:
        _by_parts(seeker, d)
    elif d.name:
        _by_words(seeker, d, words(d.name))
    if d.text and not d.whole_name:
        _by_text(seeker, d)
    return seeker.found


def _by_number(seeker: Seeker, text: str) -> None:
    parsed = parse_person_id(text)
    if parsed:
        seeker.person(text)
    elif (compact := squash(text)).isdigit():
        for number in near_numbers("8" + compact):
            seeker.person(number)


def _by_parts(seeker: Seeker, d: Description) -> None:
    """Surname and given name apart.  The very surname first, which costs a tenth of a likely one: once somebody of both
    names is there, no other spelling is looked for.  A column of surnames may hold whole names."""
    family, given = _untitled(d.family or d.given), d.given if d.family else ""
    narrow = _narrowing(d)
    very = seeker.narrow(Equal("sn", family.encode()), [*_begins(given), *narrow])
    if not (very or given) and len(spoken := words(family)) > 1 and _by_words(seeker, d, spoken):
        return
    if _has_name(seeker, given) or _swapped(seeker, family, given, narrow):
        return
    for name in _other_spellings(family, given):
        seeker.narrow(name, narrow)
        if _has_name(seeker, given):
            return
    if narrow and not seeker.found.records:
        seeker.search(And((Approx("sn", family.encode()), narrow[0])), MOST // 3)


def _untitled(family: str) -> str:
    """Without the title that some lists put before the surname."""
    title, _, rest = family.partition(" ")
    return rest if rest and squash(title) in TITLES else family


def _swapped(seeker: Seeker, family: str, given: str, narrow: Sequence[Filter]) -> bool:
    """Whether somebody was found whose names are in each other's columns."""
    asked = And((Equal("sn", given.encode()), *_begins(family)))
    return len(given) > 1 and seeker.narrow(asked, narrow) and _has_name(seeker, family)


def _other_spellings(family: str, given: str) -> Iterator[Filter]:
    """A part of two names or of one without its particle, as it sounds or mistyped."""
    after = _begins(given)
    parts = [w for w in words(family) if len(w) > _LEAST]
    for part in dict.fromkeys((*parts, squash(family))) if after else ():
        if len(part) > _LEAST:
            yield And((Substrings("sn", b"", (part.encode(),), b""), *after))
    yield And((Approx("sn", family.encode()), *after))


def _begins(given: str) -> tuple[Filter, ...]:
    """How a given name starts: nothing where none was written."""
    start = squash(given)[:_GIVEN]
    return (Substrings("givenName", start.encode(), (), b""),) if start else ()


_GIVEN: Final = 2  # letters of a given name that are right


def _has_name(seeker: Seeker, given: str) -> bool:
    """Whether anybody who was found has a given name like this one, or is called so."""
    wanted = words(given)[:1]
    return any(
        not wanted or any(grade(wanted[0], held) <= Likeness.TYPO for held in words(r["given_names"] or ""))
        for r in seeker.found.records.values()
    )


def _narrowing(d: Description) -> list[Filter]:
    """What may tell homonyms apart, the most telling first."""
    asked = (
        Criteria(city=d.town),
        Criteria(postcode=d.postcode),
        Criteria(specialty=d.specialty),
        Criteria(department=d.department),
        Criteria(profession=d.profession),
    )
    return [filter_of(c) for c in asked if c != Criteria()]


def _by_words(seeker: Seeker, d: Description, spoken: list[str]) -> bool:
    """A whole name in any order: the very name, all its words, then as they sound, pairs of them, and the longest one
    where she is said to be.  Whether anybody was found."""
    kept = [w for w in spoken if len(w) >= _LEAST and w not in TITLES]
    if not kept:
        return False
    narrow = _narrowing(d)
    # Beside a single word, a letter is an initial; beside two it may be a particle (``d'Essai Zoé``).
    initials = tuple(f for w in spoken if len(w) == len(kept) == 1 for f in _begins(w))[:1]
    for name in (_all_in(kept), _all_near(kept)):
        if seeker.narrow(And((*name, *initials)), narrow):
            return True
    for pair in _pairs(kept) if len(kept) > _NAME else ():
        if seeker.narrow(And(_all_in(pair)), narrow) or seeker.narrow(And(_all_near(pair)), narrow):
            return True
    return bool(narrow) and seeker.search(And((Approx("sn", max(kept, key=len).encode()), narrow[0])), MOST // 3)


def _all_in(kept: Sequence[str]) -> tuple[Filter, ...]:
    return tuple(Substrings("cn", b"", (w.encode(),), b"") for w in kept)


def _all_near(kept: Sequence[str]) -> tuple[Filter, ...]:
    return tuple(Approx("cn", w.encode()) for w in kept)


def _pairs(kept: list[str]) -> list[tuple[str, str]]:
    """Neighbours first: a name is written together."""
    places = sorted(combinations(range(len(kept)), 2), key=lambda ij: (ij[1] - ij[0], ij))
    return [(kept[i], kept[j]) for i, j in places][:_PAIRS]


def _by_text(seeker: Seeker, d: Description) -> None:
    """All the words as they are, then as the one box of ``/v1/search`` finds people; then, where some words are about
    nobody, those that may be a name."""
    kept = [w for w in d.words if len(w) >= _LEAST and w not in TITLES]
    if not kept or seeker.boxed(d.text, exact=True) or seeker.boxed(d.text):
        return
    names = [w for w in kept if w.isalpha() and w not in PARTICLES]
    names = [w for w in names if not is_known(w)] or names
    said = {word: word_filter(word) for word in kept}
    for pair in _pairs(names):
        others = [asked for word, asked in said.items() if word not in pair]
        if seeker.of_name(_named_so(*pair), others):
            return
    for pair in _pairs(names)[:_NEAR_PAIRS]:
        if seeker.boxed(" ".join(pair), all_or_none=True):
            return
    for word in sorted(names, key=len, reverse=True)[:_SURNAMES]:
        others = [asked for other, asked in said.items() if other != word]
        seeker.search(And((family_filter(word), Or(tuple(others)))) if others else Approx("sn", word.encode()))


_SURNAMES: Final = 3  # words of a free text that are tried as a surname


def _named_so(one: str, other: str) -> Filter:
    """One is a word of the family name, the other a given name."""
    return Or((And((family_filter(one), given_filter(other))), And((given_filter(one), family_filter(other)))))


# --- structures ------------------------------------------------------------------------------------------------------


def find_structures(directory: Directory, d: Description) -> Found:
    seeker = Seeker(directory, "structures")
    for number in (d.structure_id, d.identifier):
        if number:
            seeker.structure(number)
    for holder in holders_of(directory, d.address) if d.address else ():
        if holder["kind"] == "structure" and holder["known"]:
            seeker.structure(holder["id"])
            seeker.found.holders.add(holder["id"])
    told = structure_units(d.structure or d.name or d.text)
    if told:
        _by_structure_words(seeker, told, _narrowing(Description(town=d.town, postcode=d.postcode)))
    return seeker.found


def _by_structure_words(seeker: Seeker, told: tuple[Unit, ...], narrow: list[Filter]) -> None:
    """All the units; without one of them, that which no structure has or the shortest first; then any two.  Of one
    that few have, these alone are looked at: letters that are all common take fifty times as long."""
    known = {w: seeker.few(_named(w)) if len(told) > 1 else None for w in told}
    held = [w for w in told if known[w] != []]
    missing = len(told) - len(held)
    tries = [held] if missing <= 1 else []
    if not missing:
        tries += _without_one(held)
    for kept in filter(None, tries):
        rare = min((ids for w in kept if (ids := known[w])), key=len, default=[])
        within = (Or(tuple(Equal("uid", number.encode()) for number in rare)),) if rare else ()
        if seeker.narrow(And((*within, *(_named(w) for w in kept))), narrow):
            return
    if narrow:
        seeker.search(And((Or(tuple(_named(w) for w in told)), narrow[0])))


def _without_one(told: Sequence[Unit]) -> list[list[Unit]]:
    if len(told) <= 1:
        return []
    return [[u for u in told if u != left_out] for left_out in sorted(told, key=_letters)[:4]]


def _letters(unit: Unit) -> int:
    return sum(map(len, unit.said))


def _named(unit: Unit) -> Filter:
    return structure_filter(("org", "place"), unit)
