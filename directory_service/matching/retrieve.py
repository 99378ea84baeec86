"""The records that a description may mean, from the index: by number, by address, by name.

Asks in turn, from what finds few to what finds many, and stops once somebody of the very name is there.  The judging is
``agreement``'s: what comes too many costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.errors import AnnuaireError, NotFound
from directory_service.index.criteria import Criteria, filter_of
from directory_service.index.query import And, Approx, Equal, Filter, InText, Or, Part, Query, Scope, Substrings, View
from directory_service.matching.description import Description
from directory_service.matching.terms import telling
from directory_service.model.identifiers import near_numbers, parse_person_id
from directory_service.model.names import squash, words

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

Record = dict[str, Any]
MOST: Final = 60  # records of one search: more of one name need a town or a profession to be told apart
_TIME: Final = 0.5  # seconds of one search; the whole of a line makes a few
_PAIRS: Final = 8  # pairs of words of a free text that are tried as a name
_LEAST: Final = 2  # letters of a word that is looked for
PUBLIC: Final = View.ANONYMOUS


@dataclass(slots=True)
class Found:
    """``records`` by id, in the order in which they were found; ``more``: some of that name were left out."""

    records: dict[str, Record] = field(default_factory=dict)
    holders: set[str] = field(default_factory=set)  # ids of those who hold the address, or held it
    more: bool = False

    def add(self, record: Record) -> None:
        self.records.setdefault(record["id"], record)


class Seeker:
    """Asks one directory about one description."""

    def __init__(self, directory: Directory, branch: str) -> None:
        self._directory = directory
        self._base = f"ou={branch},{directory.suffix}"
        self.found = Found()

    def search(self, asked: Filter, most: int = MOST) -> bool:
        """Whether anybody was found; what is left out is told in ``found.more``."""
        query = Query(self._base, Scope.ONE, asked, most, timeout=_TIME, part=Part.JSON)
        result = self._directory.search(query, PUBLIC)
        for hit in result.hits:
            self.found.add(orjson.loads(hit.json))
        self.found.more = result.truncated or result.timed_out
        return bool(result.hits)

    def person(self, number: str) -> None:
        self._kept(lambda: self._directory.practitioner(number, PUBLIC)[0].json)

    def structure(self, number: str) -> None:
        self._kept(lambda: self._directory.organization(number, PUBLIC).json)

    def _kept(self, read: Callable[[], bytes]) -> None:
        try:
            self.found.add(orjson.loads(read()))
        except NotFound:
            return


def holders_of(directory: Directory, address: str) -> list[Record]:
    """The holders in the public's record of an address, of today first; none for one that nobody may know."""
    try:
        return list(directory.mailbox(address, PUBLIC)["holders"])
    except AnnuaireError:
        return []


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
    """Surname and given name apart: the very name, then as it sounds, then one of two names, then columns swapped."""
    family, given = d.family, _first(d.given)
    narrow = _narrowing(d)
    for name in _name_filters(family, given):
        if _narrowed(seeker, name, narrow):
            return
    if family and narrow:
        # Another given name than the registry's: the surname, where she is said to be.
        seeker.search(And((Approx("sn", family.encode()), narrow[0])), MOST // 3)


def _name_filters(family: str, given: str) -> Iterator[Filter]:
    if not family:
        yield _given(given)
        return
    after = (_given(given),) if given else ()
    yield And((Equal("sn", family.encode()), *after))
    if not given:
        yield Approx("sn", family.encode())
        return
    yield And((Approx("sn", family.encode()), *after))
    parts = [w for w in words(family) if len(w) > _LEAST]
    if len(parts) > 1:
        yield And((Or(tuple(_in_surname(part) for part in parts)), *after))
    if len(squash(family)) > _LEAST:
        yield And((_in_surname(squash(family)), *after))
    if len(given) > 1:
        yield And((Approx("sn", given.encode()), _given(_first(family))))


def _in_surname(part: str) -> Filter:
    return Substrings("sn", b"", (part.encode(),), b"")


def _given(given: str) -> Filter:
    """By sound, or by its first letter where no more was written."""
    if len(squash(given)) <= 1:
        return Substrings("givenName", given[:1].encode(), (), b"")
    return Approx("givenName", given.encode())


def _first(given: str) -> str:
    """The first given name; a compound one whole."""
    return given.split()[0].rstrip(".,") if given.split() else ""


def _narrowed(seeker: Seeker, name: Filter, narrow: list[Filter]) -> bool:
    """Whether the name finds anybody; of a name that too many share, those of the town or the profession too."""
    if not seeker.search(name):
        return False
    if not seeker.found.more:
        return True
    for more in narrow:
        seeker.search(And((name, more)))
        if not seeker.found.more:
            return True
    return True


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


def _by_words(seeker: Seeker, d: Description, spoken: list[str]) -> None:
    """A whole name in any order: all its words, then pairs of them, then the longest one where she is said to be."""
    kept = [w for w in spoken if len(w) >= _LEAST and w not in _TITLES]
    narrow = _narrowing(d)
    letters = [w for w in spoken if len(w) == 1]
    initials = tuple(_given(w) for w in letters[:1])
    if kept and _narrowed(seeker, And((*(Approx("cn", w.encode()) for w in kept), *initials)), narrow):
        return
    for pair in _pairs(kept):
        if _narrowed(seeker, _both(pair), narrow):
            return
    if kept and narrow:
        seeker.search(And((Approx("sn", max(kept, key=len).encode()), narrow[0])), MOST // 3)


_TITLES: Final = frozenset("dr docteur pr prof professeur mr monsieur mme madame mlle me maitre".split())  # noqa: SIM905


def _pairs(kept: list[str]) -> list[tuple[str, str]]:
    """Neighbours first: a name is written together."""
    near = sorted(combinations(range(len(kept)), 2), key=lambda ij: (ij[1] - ij[0], ij))
    return [(kept[i], kept[j]) for i, j in near][:_PAIRS]


def _both(pair: tuple[str, str]) -> Filter:
    return And(tuple(Approx("cn", w.encode()) for w in pair))


def _by_text(seeker: Seeker, d: Description) -> None:
    """All the words anywhere (the one box), then those that may be a name."""
    kept = [w for w in d.words if len(w) >= _LEAST and w not in _TITLES]
    if not kept:
        return
    if seeker.search(And(tuple(_anywhere(w) for w in kept))) and not seeker.found.more:
        return
    for pair in _pairs(kept):
        seeker.search(_both(pair), MOST // 2)
    if len(seeker.found.records) < _ENOUGH:
        for word in sorted(kept, key=len, reverse=True)[:3]:
            others = tuple(_anywhere(w) for w in kept if w != word)
            seeker.search(And((Equal("sn", word.encode()), Or(others))) if others else Approx("sn", word.encode()))


_ENOUGH: Final = 3  # records that make single surnames superfluous


def _anywhere(word: str) -> Filter:
    return InText(("sn", "name", "org", "work", "place"), word)


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
    told = telling(d.structure or d.name or d.text)
    if told:
        _by_structure_words(seeker, told, _narrowing(Description(town=d.town, postcode=d.postcode)))
    return seeker.found


def _by_structure_words(seeker: Seeker, told: tuple[str, ...], narrow: list[Filter]) -> None:
    """All the words; without one of them, the shortest first; then any two."""
    whole = And(tuple(_named(w) for w in told))
    if _narrowed(seeker, whole, narrow):
        return
    for left_out in sorted(told, key=len)[:4] if len(told) > 1 else ():
        if _narrowed(seeker, And(tuple(_named(w) for w in told if w != left_out)), narrow):
            return
    if narrow:
        seeker.search(And((Or(tuple(_named(w) for w in told)), narrow[0])))


def _named(word: str) -> Filter:
    return InText(("org", "place"), word)
