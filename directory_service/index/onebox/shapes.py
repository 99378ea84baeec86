"""Words of the box that are told by their shape: identifiers, postcodes, departments, mail addresses, domains.  PURE.

A shape decides nothing alone: nine digits may be an ADELI number, a FINESS or a SIREN, and are looked for as each.  Nor
does a key have to be right: what was mistyped is found by ``near_keys`` and ``near_structures`` when nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from directory_service.entries.attributes import DEPARTMENT_TAG, id_key, tag, town_tag
from directory_service.entries.finding import Kind, domain_word
from directory_service.index.onebox.readings import Field, Keys, Reading, Word
from directory_service.model.likeness import LEAST_INSIDE, Likeness
from directory_service.model.mistaken import STRUCTURES, is_sound_adeli, meant_persons, meant_structures
from directory_service.model.nomenclature import DEPARTMENTS

_EXACT, _PREFIX, _TYPO = Likeness.EXACT, Likeness.PREFIX, Likeness.TYPO
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:fr|org|com|net|eu|re|nc|pf|info)", re.ASCII)
# A letter of a département may stand behind what says of which kind the number is: *09F…*, *F2A…*.
_NUMERIC: Final = re.compile(r"2[ab]|(?:[01cf]?(?:2[ab]|9[a-f])|[cfr])?[0-9][0-9.\-_/]*", re.ASCII | re.I)
# Letters read or scanned for digits (``model.mistaken``): no word is made of these alone.
_MISREAD: Final = re.compile(r"(?=(?:[a-z]*[0-9]){3})[0-9oqdilzsgb]{9,14}", re.ASCII | re.I)
_DISTRICT: Final = re.compile(r"([0-9]{1,2})(?:e|er|eme|ème)?", re.ASCII)
_DISTRICTS: Final = {"paris": "750", "lyon": "690", "marseille": "130"}  # how the postcodes of districts begin
_SEPARATORS: Final = re.compile(r"[.\-_/]+")
_LENGTHS: Final = frozenset((9, 10, 11, 12, 14, 15))  # of identifiers that are written in groups
ANNOUNCING: Final = frozenset("rpps adeli finess siret siren idnat n no numero num".split())  # noqa: SIM905
_LAST: Final = "\U0010ffff"  # after whatever a key goes on with
_POSTCODE: Final = 5  # digits
_LEAST_BEGINNING: Final = 6  # digits of the beginning of an identifier
_ABROAD: Final = re.compile(r"(?<![\w+])(?:\+|00)33(?:[ .-]*\(0\))?[ .-]*(?=(?:[0-9][ .-]*){9}(?![0-9]))", re.ASCII)
_YEAR: Final = re.compile(r"(?:1[89]|20)[0-9]{2}", re.ASCII)
_PERSON_TYPES: Final = {"8": 11, "0": 9}  # type digits of TRE_G08, and how many digits follow: RPPS, ADELI
_RPPS_LENGTHS: Final = (11, 12)
_STRUCTURE_LENGTHS: Final = frozenset(form.length for form in STRUCTURES)
_OF_SCHEME: Final = {"1": "f", "3": "n"}  # letters of the tokens: FINESS, SIRET


def national(text: str) -> str:
    """Telephone numbers as they are written in France: *+33 4 72…* is *04 72…*."""
    return _ABROAD.sub("0", text)


def is_number(text: str) -> bool:
    return _NUMERIC.fullmatch(text) is not None


def is_misread(text: str) -> bool:
    """*1O1OO456789*: no word, but what a number was taken for."""
    return _MISREAD.fullmatch(text) is not None and not is_number(text)


def is_district(text: str) -> bool:
    """*16e*, *1er*: of Paris, Lyon or Marseille."""
    return _DISTRICT.fullmatch(text.casefold()) is not None


def with_district(word: Word, words: Sequence[str]) -> Word:
    """A small number is a district of the town that is among the words, too."""
    found = _DISTRICT.fullmatch(word.typed)
    if not found:
        return word
    number, towns = int(found[1]), [town for town in _DISTRICTS if town in words]
    codes = (Reading(tag("z", f"{_DISTRICTS[town]}{number:02d}"), Field.POSTCODE) for town in towns)
    named = (
        Reading(town_tag(f"{town} {number}"), Field.CITY) for town in towns if number
    )  # CEDEX have codes of their own
    return replace(word, readings=(*codes, *named, *word.readings))


def compact(texts: Sequence[str]) -> str:
    return _SEPARATORS.sub("", "".join(texts)).lower()


def number_at(texts: Sequence[str], start: int) -> int:
    """How many of these texts are one number: as many as make an identifier, else one."""
    end = start
    while end < len(texts) and is_number(texts[end]):
        end += 1
    if len(compact(texts[start : start + 1])) == _POSTCODE and len(compact(texts[start + 1 : end])) in _RPPS_LENGTHS:
        return 1  # and an RPPS number behind it
    for stop in range(end, start + 1, -1):
        if len(compact(texts[start:stop])) in _LENGTHS and _is_written_so(texts[start:stop]):
            return stop - start
    return 1


def _is_written_so(texts: Sequence[str]) -> bool:
    """What is an identifier by itself is no part of another, but for its type digit: a postcode may stand before it.
    Postcodes are none."""
    if len(texts) == 2 and _PERSON_TYPES.get(texts[0]) == len(compact(texts[1:])):
        return True
    if len(texts) == 2 and len(texts[1]) == _POSTCODE and _YEAR.fullmatch(texts[0]):
        return False  # *rue du 8 mai 1945, 25330 Bolandoz*
    sizes = {len(compact((text,))) for text in texts}
    return not sizes & _LENGTHS and sizes != {_POSTCODE}


def of_number(number: str, *, at_door: bool = False) -> Word:
    """Digits, the letter of an overseas or Corsican department or that of a technical id among them; ``at_door``: a
    street follows."""
    part = number if len(number) >= LEAST_INSIDE else f"^{number} " if at_door else f" {number} "
    return Word(number, tuple(dict.fromkeys(_number_readings(number))), tuple(_number_keys(number)), part=part)


def _number_readings(number: str) -> Iterator[Reading]:
    size = len(number)
    yield Reading(Kind.FAMILY + number, Field.FAMILY)  # *St. 42* is a name
    yield Reading(Kind.STRUCTURE + number, Field.STRUCTURE)
    for code in DEPARTMENTS:
        if number.upper() in (code, code.lstrip("0")):
            yield Reading(tag(DEPARTMENT_TAG, code.lower()), Field.DEPARTMENT)
    if size == _POSTCODE:
        yield Reading(tag("z", number), Field.POSTCODE)
    elif 2 <= size < _POSTCODE:
        yield Reading("z" + number, Field.POSTCODE, _PREFIX, starts=True)
    if size >= _LEAST_BEGINNING:
        for letter, whole in (("f", 9), ("n", 14), ("o", 0)):
            yield Reading(tag(letter, number), Field.STRUCTURE)
            if size < whole:
                yield Reading(letter + number, Field.STRUCTURE, _EXACT if size == 9 else _PREFIX, starts=True)
        for digit in "0123456":  # a structure's number without the type digit of TRE_G07
            yield Reading(tag("o", digit + number), Field.STRUCTURE)


def _number_keys(number: str) -> Iterator[Keys]:
    if len(number) < _LEAST_BEGINNING:
        return
    upper = number.upper()
    for start in dict.fromkeys(("i8" + upper, "i0" + upper, "i" + upper)):
        yield Keys(start, start + "\0", Field.IDENTIFIER)
        if len(number) < 12:
            yield Keys(start, start + _LAST, Field.IDENTIFIER, _PREFIX)


def near_keys(number: str) -> Iterator[Keys]:
    """Of numbers that this one may be, mistyped or misread."""
    for tier in meant_persons(number):
        for near in tier:
            yield Keys("i" + near, "i" + near + "\0", Field.IDENTIFIER, _TYPO)


def near_structures(number: str) -> Iterator[Reading]:
    """Of structures that this one may be, a character of it misread, mistyped or exchanged with its neighbour: what
    letters read as digits give, if that is a number, is meant.  None for what is right for a person, nor for a number
    of another length, which is likelier an RPPS."""
    if len(number) not in _STRUCTURE_LENGTHS or is_sound_adeli(number.upper()):
        return
    read, *others = meant_structures(number) or ((),)
    for near in read or (n for tier in others for n in tier):
        yield Reading(tag(_OF_SCHEME[near[0]], near[1:].lower()), Field.STRUCTURE, _TYPO)


def is_address(text: str) -> bool:
    return "@" in text or _DOMAIN.fullmatch(text.casefold()) is not None


def of_address(text: str) -> Word:
    """An address, its local part or its domain, or how one of these begins."""
    text = text.casefold()
    local, _, domain = text.rpartition("@")
    word = domain_word(domain)
    readings: list[Reading] = []
    if word and not local:
        readings = [
            Reading(Kind.DOMAIN + word, Field.MAILBOX),
            Reading(Kind.DOMAIN + word, Field.MAILBOX, _PREFIX, starts=True),
        ]
    keys: list[Keys] = []
    if local:
        key = id_key("m", text)
        keys = [Keys(key, key + "\0", Field.MAILBOX), Keys(key, key + _LAST, Field.MAILBOX, _PREFIX)]
    return Word(text, tuple(readings), tuple(keys), part=text.strip() if text != "@" else "")
