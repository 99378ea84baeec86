"""How a description and one record agree, field by field.  PURE.

Names are compared as people write them (``trust.naming``), then as they sound, are mistyped, or as people are called
(``model.likeness``); a field that either side leaves out says nothing.  Records are the JSON of the index
(contract.md §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from directory_service.matching.description import Description
from directory_service.matching.terms import (
    explained,
    names_trade,
    overlap,
    same_structure,
    same_trade,
    structure_units,
    telling,
)
from directory_service.matching.weights import Feature, Field, Way
from directory_service.model.identifiers import parse_person_id, structure_keys
from directory_service.model.likeness import Likeness, grade_whole
from directory_service.model.mistaken import near_numbers
from directory_service.model.names import squash, words
from directory_service.model.nomenclature import department_of, find_department
from directory_service.model.numbers import dialled
from directory_service.model.phonetics import heard, near, units
from directory_service.model.towns import town_name
from directory_service.trust.naming import TITLES, NameMatch, compare_person

Record = dict[str, Any]
_LEAST_PART: Final = 3  # letters of one of two surnames: no particle
_LEAST_TOWN: Final = 4  # letters of a town that was cut
LIKE: Final = frozenset({Likeness.EXACT, Likeness.SOUND, Likeness.TYPO})  # of two words that may be one
_CALLED: Final = LIKE | {Likeness.NICKNAME}
SAME_STRUCTURE, LIKE_STRUCTURE = 0.75, 0.45  # of the words of two names
_WAYS: Final = {
    NameMatch.FULL: Way.EQUAL,
    NameMatch.PART: Way.PART,
    NameMatch.INITIALS: Way.INITIALS,
    NameMatch.SURNAME: Way.SURNAME,
}


def agree_person(d: Description, record: Record, former: frozenset[str] = frozenset()) -> tuple[Feature, ...]:
    """``former``: ids of those who held the address of the description at some time, or hold it."""
    return tuple(_person(d, record, former))


def _person(d: Description, record: Record, holders: frozenset[str]) -> Iterator[Feature]:
    yield from _number(d, record)
    way, rest = _named(d, record)
    if way:
        yield Feature(Field.NAME, way)
    yield from _address(d, record, holders)
    yield from _trade(d, record)
    yield from _place(d, [a["address"] for a in record["activities"] if a["address"]])
    yield from _workplace(d, record)
    yield from _phone(d, [p for a in record["activities"] for p in a["phones"]])
    yield from _rest(rest, _texts(record))
    if record["status"] != "active":
        yield Feature(Field.STATUS, Way.DIFFERS)


def agree_structure(d: Description, record: Record) -> tuple[Feature, ...]:
    return tuple(_structure(d, record))


def _structure(d: Description, record: Record) -> Iterator[Feature]:
    names = [n for n in (record["name"], record["trade_name"]) if n]
    yield from _structure_number(d.structure_id or d.identifier, record)
    said = d.structure or d.name or d.text
    if said:
        # Of a free text, what the place explains is no part of the name.
        place = record["address"] or {}
        kept = [w for unit in structure_units(said) for w in unit.said if not _in_place(w, place, names)]
        told = said if said != d.text else " ".join(kept) or said
        yield Feature(Field.STRUCTURE_NAME, _structure_way(told, names))
        if told != said:
            yield Feature(Field.TEXT, Way.WORDS)
    yield from _place(d, [record["address"]] if record["address"] else [])
    yield from _phone(d, record["phones"])
    if d.address and d.address in [m["address"] for m in record["mailboxes"]]:
        yield Feature(Field.ADDRESS, Way.EQUAL)
    if record["status"] != "active":
        yield Feature(Field.STATUS, Way.DIFFERS)


def _in_place(word: str, place: Record, names: Sequence[str]) -> bool:
    return explained(word, [place.get("city") or ""]) and not explained(word, names)


def _structure_way(said: str, names: Sequence[str]) -> Way:
    if squash(said) in map(squash, names) or any(same_structure(said, name) for name in names):
        return Way.EQUAL
    shared = overlap(said, names)
    return Way.SIMILAR if shared >= SAME_STRUCTURE else Way.PART if shared >= LIKE_STRUCTURE else Way.DIFFERS


def _structure_number(said: str, record: Record) -> Iterator[Feature]:
    asked = {key[1:] for key in structure_keys(said)}
    held = {record["id"], record["technical_id"], *(_bare(record))}
    if asked:
        yield Feature(Field.IDENTIFIER, Way.EQUAL if asked & held else Way.DIFFERS)


def _bare(record: Record) -> Iterator[str]:
    for name, digit in (("finess", "1"), ("finess_legal", "1"), ("siret", "3"), ("siren", "2")):
        if record[name]:
            yield from (record[name], digit + record[name])


# --- who -------------------------------------------------------------------------------------------------------------


def _number(d: Description, record: Record) -> Iterator[Feature]:
    if not d.identifier:
        return
    numbers = numbers_of(record)
    parsed = parse_person_id(d.identifier)
    asked = parsed.national if parsed else "8" + squash(d.identifier)
    if asked.casefold() == record["id"].casefold():
        yield Feature(Field.IDENTIFIER, Way.EQUAL)
    elif asked in numbers:
        yield Feature(Field.IDENTIFIER, Way.FORMER)
    elif parsed is None and record["id"] in near_numbers(asked):
        yield Feature(Field.IDENTIFIER, Way.MISTYPED_NUMBER)
    elif d.identifier != d.structure_id:  # nine digits may be of either
        yield Feature(Field.IDENTIFIER, Way.DIFFERS)


def numbers_of(record: Record) -> list[str]:
    """National ids that the record shows."""
    rpps = ["8" + record["rpps"]] if record["rpps"] else []
    return [record["id"], *rpps, *("0" + number for number in record["adeli"])]


def _named(d: Description, record: Record) -> tuple[Way | None, list[str]]:
    """How the name compares, None where none was said; and the words of the free text that are no part of it."""
    family, given = record["family_name"] or "", record["given_names"] or ""
    if d.whole_name:
        named = {*words(d.whole_name), *words(family), *words(given)}
        return name_way(d, family, given), [w for w in d.words if w not in named]
    spoken = d.words
    best: tuple[Way | None, list[str]] = (Way.DIFFERS, spoken) if spoken else (None, [])
    score = -99.0
    for start, end in _runs(spoken, family):
        way = _whole_way(spoken[start:end], family, given)
        value = Feature(Field.NAME, way).weight + 0.01 * (end - start)
        if value > score and way is not Way.DIFFERS:
            best, score = (way, spoken[:start] + spoken[end:]), value
    return best


def _runs(spoken: list[str], family: str) -> Iterator[tuple[int, int]]:
    """Runs of words that may be the name: those with something of the surname in them."""
    held = squash(family)
    called = (*words(family), *heard(family), held)
    marks = [held.startswith(w) or any(grade_whole(w, f) in LIKE for f in called) for w in spoken]
    for start in range(len(spoken)):
        for end in range(start + 1, min(len(spoken), start + 6) + 1):
            if any(marks[start:end]):
                yield start, end


def name_way(d: Description, family: str, given: str) -> Way:
    """How the name of a description is this person's."""
    if not (d.family and d.given):
        return _whole_way(words(d.whole_name), family, given)
    exact = compare_person(f"{d.family} {d.given}", family, given)
    if exact is not NameMatch.NONE:
        return _WAYS[exact]
    if any(compare_person(f"{part} {d.given}", family, given) is NameMatch.FULL for part in _parts(d.family)):
        return Way.PART
    # Columns get swapped: the given name is tried for the surname too.
    one, other = words(d.family), words(d.given)
    return _best((_apart(one, other, family, given), _apart(other, one, family, given)))


def _parts(written: str) -> list[str]:
    """The names of a double one, of which the registry may have either."""
    parts = [w for w in words(written) if len(w) >= _LEAST_PART]
    return parts if len(parts) > 1 else []


def _best(ways: Iterable[Way]) -> Way:
    return max(dict.fromkeys(ways), key=lambda way: Feature(Field.NAME, way).weight)


def _whole_way(said: list[str], family: str, given: str) -> Way:
    exact = compare_person(" ".join(said), family, given)
    if exact is not NameMatch.NONE:
        return _WAYS[exact]
    # Without its particle, the surname alone is still that.
    ways = [Way.SURNAME if "".join(said) in heard(family) else Way.DIFFERS]
    for n in range(1, len(said) + 1):
        ways.append(_apart(said[:n], said[n:], family, given))
        ways.append(_apart(said[-n:], said[:-n], family, given))
    return _best(ways)


def _apart(family_said: list[str], given_said: list[str], family: str, given: str) -> Way:
    """By sound and typing errors, surname and given names each with its like."""
    written, held = "".join(family_said), squash(family)
    same = written == held
    if not same and not _near_surname(tuple(family_said), family):
        return Way.DIFFERS
    if not given_said:
        return Way.DIFFERS
    fits = given_fit(given_said, words(given))
    if fits is Likeness.NONE:
        return Way.GIVEN if same else Way.DIFFERS
    return Way.NICKNAME if same and fits is Likeness.NICKNAME else Way.SIMILAR


@lru_cache(maxsize=5_000)
def _near_surname(said: tuple[str, ...], family: str) -> bool:
    if grade_whole("".join(said), squash(family)) in LIKE:
        return True
    parts = words(family)
    if len(said) == len(parts) and all(grade_whole(a, b) in LIKE for a, b in zip(said, parts, strict=True)):
        return True
    ours, theirs = units(" ".join(said)), units(family)
    return len(ours) == len(theirs) > 0 and all(map(_near_unit, ours, theirs))


def _near_unit(said: Sequence[str], held: Sequence[str]) -> bool:
    """One name with its particles, of which one side may lack some: *Monicot*, *de Monicault*; not *du Monicot*."""
    pairs = (*((said[0], way) for way in _still(held)), *((way, held[0]) for way in _still(said)))
    return any(grade_whole(a, b) in LIKE for a, b in pairs)


def _still(ways: Sequence[str]) -> list[str]:
    """Those of the ways to call a name that keep its Saint."""
    return [way for way in ways if _SAINT in way or _SAINT not in ways[0]]


_SAINT: Final = "saint"


def given_fit(said: list[str], given: list[str]) -> Likeness:
    """Of the words said, how the least like one is like a given name, or short for it; all of them glued count too."""
    glued = grade_whole("".join(said), "".join(given))
    if glued in LIKE:
        return glued
    return max((min((grade_whole(w, g) for g in given), default=Likeness.NONE) for w in said), default=Likeness.EXACT)


def is_given_name(said: str, given: str) -> bool:
    """Whether nothing was said but a given name of this person, or its first letter."""
    held = words(given)
    names = [w for w in words(said) if w not in TITLES]
    return bool(names) and all(
        (w[0] == w and any(g.startswith(w) for g in held)) or given_fit([w], held) in _CALLED for w in names
    )


# --- where and what --------------------------------------------------------------------------------------------------


def _address(d: Description, record: Record, holders: frozenset[str]) -> Iterator[Feature]:
    if d.address and d.address in [m["address"] for m in record["mailboxes"]]:
        yield Feature(Field.ADDRESS, Way.EQUAL)
    elif record["id"] in holders:
        yield Feature(Field.ADDRESS, Way.FORMER)


def _trade(d: Description, record: Record) -> Iterator[Feature]:
    profession = record["profession"]
    skills = record["specialties"]
    labels, codes = [s["label"] for s in skills], [s["code"] for s in skills]
    if d.profession and profession:
        own = same_trade(d.profession, [profession["label"]], [profession["code"]])
        # « Cardiologue » in a column of professions is a specialty.
        same = own or same_trade(d.profession, labels, codes) or names_trade(d.profession, profession["code"], codes)
        if same is not None:
            yield Feature(Field.PROFESSION, Way.EQUAL if same else Way.DIFFERS)
    if d.specialty and (skills or profession):
        texts = [*labels, *([profession["label"]] if profession else [])]
        if same_trade(d.specialty, texts, codes) or (skills and names_trade(d.specialty, "", codes)):
            yield Feature(Field.SPECIALTY, Way.EQUAL)
        elif skills:
            yield Feature(Field.SPECIALTY, Way.DIFFERS)


def _place(d: Description, places: list[Record]) -> Iterator[Feature]:
    if not places:
        return
    if d.town:
        yield Feature(Field.TOWN, _town_way(d.town, [p["city"] or p["cedex"] or "" for p in places]))
    if d.postcode:
        yield Feature(Field.POSTCODE, _postcode_way(d.postcode, places))
    if d.department:
        yield Feature(Field.DEPARTMENT, _department_way(d.department, places))


def _town_way(said: str, towns: Sequence[str]) -> Way:
    wanted, *held = ("".join(town_name(t)) for t in (said, *towns))
    if wanted in held:
        return Way.EQUAL
    close = any(near(wanted, t) or (len(wanted) >= _LEAST_TOWN and t.startswith(wanted)) for t in held)
    return Way.SIMILAR if close else Way.DIFFERS


def _postcode_way(said: str, places: Sequence[Record]) -> Way:
    code = squash(said)
    if code in [p["postcode"] for p in places]:
        return Way.EQUAL
    return Way.DEPARTMENT if department_of(code, "") in _departments(places) else Way.DIFFERS


def _department_way(said: str, places: Sequence[Record]) -> Way:
    code = find_department(said)
    return Way.EQUAL if code and code in _departments(places) else Way.DIFFERS


def _departments(places: Iterable[Record]) -> set[str]:
    """Their codes; a foreign place may have a label only."""
    return {code for p in places if p["department"] and (code := p["department"]["code"])}


def _workplace(d: Description, record: Record) -> Iterator[Feature]:
    places = [a["structure"] for a in record["activities"] if a["structure"]]
    if not places or not (d.structure or d.structure_id):
        return
    asked = {key[1:] for key in structure_keys(d.structure_id)}
    numbers = {n for s in places for n in (s["id"], s["finess"], s["siret"]) if n}
    if asked & numbers:
        yield Feature(Field.STRUCTURE, Way.EQUAL)
    elif d.structure:
        shared = overlap(d.structure, [s["name"] for s in places])
        way = Way.EQUAL if shared >= SAME_STRUCTURE else Way.PART if shared >= LIKE_STRUCTURE else Way.DIFFERS
        yield Feature(Field.STRUCTURE, way)


def _phone(d: Description, phones: Iterable[str]) -> Iterator[Feature]:
    wanted = dialled(d.phone)
    if len(wanted) >= 9 and wanted in {dialled(p) for p in phones}:
        yield Feature(Field.PHONE, Way.EQUAL)


def _texts(record: Record) -> list[str]:
    """What the other words of a free text may be about."""
    profession, activities = record["profession"], record["activities"]
    places = [a["address"] for a in activities if a["address"]]
    return [
        *([profession["label"]] if profession else []),
        *(s["label"] for s in record["specialties"]),
        *(p["city"] or p["cedex"] or "" for p in places),
        *(f"{p['department']['label']} {p['department']['code']}" for p in places if p["department"]),
        *(a["structure"]["name"] for a in activities if a["structure"]),
    ]


def _rest(rest: list[str], texts: list[str]) -> Iterator[Feature]:
    left = telling(" ".join(rest))
    found = sum(explained(word, texts) for word in left)
    if found:
        yield Feature(Field.TEXT, Way.WORDS, found)
    if found < len(left):
        yield Feature(Field.TEXT, Way.DIFFERS, len(left) - found)
