"""The numbers of French health care: their form, their key, and what people type for them.  PURE, stdlib only.

National ids are a type digit of TRE_G08 (persons) or TRE_G07 (structures) followed by a number; the two tables give
the same digit different meanings, hence two families of functions.  Nothing here knows whether a number was issued.
Keys were verified on public numbers only (tests/data/ids): RPPS, SIREN, SIRET and FINESS must satisfy theirs; an
ADELI number may not, since published ones do not (formats.md §2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

_ADELI = re.compile(r"(?:[0-9]{2}|2[AB]|9[A-F])[0-9]{7}", re.ASCII)
_ADELI_RANK = re.compile(r"(?:[0-9]{2}|2[AB]|9[A-F])[0-9]{9}", re.ASCII)
_FINESS = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}", re.ASCII)
_LETTERS = str.maketrans("AB", "12")  # FINESS in Corsica: A counts 1, B counts 2
_SEPARATORS = re.compile(r"[\s.\-_]+")
ANNOUNCED = re.compile(
    r"^\s*(?:n[°o]?\s*)?(?:rpps|adeli|idnat(?:_ps)?|finess|siret|siren)(?:\s*n[°o])?\s*[:=]?\s*", re.I
)


# What four digits add to the sum, the first and the third counting double (their own digits added up).
_PAIRS = [tens * 2 - 9 * (tens > 4) + units for tens in range(10) for units in range(10)]
_FOURS = tuple([high + low for high in _PAIRS for low in _PAIRS])


def luhn_key_ok(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B over every digit, the key included.  The caller bounds their number."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    left = int(digits)  # by fours: called for every row of a national extract
    total = _FOURS[left % 10_000]
    while left := left // 10_000:
        total += _FOURS[left % 10_000]
    return total % 10 == 0


def _is_number(length: int, value: str) -> bool:
    return len(value) == length and luhn_key_ok(value)


def is_rpps(value: str) -> bool:
    """11 digits, the last one the key."""
    return _is_number(11, value)


def is_adeli(value: str) -> bool:
    """Form only: département (2A, 2B and the lettered overseas ones included), profession, serial, key."""
    return _ADELI.fullmatch(value) is not None


def adeli_key_ok(value: str) -> bool:
    """Whether the key of an ADELI number holds.  No public number tells how lettered départements count, so that
    those are not doubted; a wrong key is a warning, never a reason to reject."""
    return is_adeli(value) and (not value.isdigit() or luhn_key_ok(value))


def adeli_plausible(value: str) -> bool:
    """Whether the first four characters of an ADELI number may be a département and a profession.  Professions are
    numbered from 10; 00 is that of titles (psychotherapist), and what overflows the serials of one stands in the next
    numbers (formats.md §2), so that only 01 to 09 make no sense."""
    return value[:2] in _ADELI_DEPARTMENTS and not (value[2] == "0" and value[3] != "0")


# 01 to 95 with Corsica's old 20; Corsica and overseas by letter; 97 to 99 overseas by number, abroad, test cards.
_ADELI_DEPARTMENTS = frozenset(
    [*(f"{n:02d}" for n in range(1, 96)), "97", "98", "99", "2A", "2B", *("9" + letter for letter in "ABCDEF")]
)


def is_adeli_rank(value: str) -> bool:
    """ADELI-rang, a practice of an ADELI holder: her number and two digits, without key."""
    return _ADELI_RANK.fullmatch(value) is not None


def is_rpps_rank(value: str) -> bool:
    """RPPS-rang, a practice of an RPPS holder: her number, two digits, and a key over all."""
    return _is_number(14, value) and is_rpps(value[:11])


def is_finess(value: str) -> bool:
    """FINESS, of a legal body or of a site."""
    if len(value) == 9 and luhn_key_ok(value):  # all digits: nearly all of them
        return True
    return _FINESS.fullmatch(value) is not None and luhn_key_ok(value.translate(_LETTERS))


def is_siren(value: str) -> bool:
    return _is_number(9, value)


def is_siret(value: str) -> bool:
    """14 digits.  La Poste ran out of keys: the digits of its sites add up to a multiple of 5, but for its seat."""
    if len(value) != 14 or not is_siren(value[:9]):
        return False
    if value.startswith("356000000") and value != "35600000000048":
        return value.isascii() and value.isdigit() and sum(map(int, value)) % 5 == 0
    return luhn_key_ok(value)


@dataclass(frozen=True, slots=True)
class PersonId:
    """A person's number and the type of it: ``scheme`` is the code of TRE_G08, ``value`` goes without it."""

    scheme: str
    value: str

    @property
    def national(self) -> str:
        """idNat_PS: ``810003456789``."""
        return self.scheme + self.value


def _registered(length: int, is_holder: Callable[[str], bool], value: str) -> bool:
    """A structure's number, then the number that its own register gives the person, after a slash or not."""
    return is_holder(value[:length]) and len(value) > length and value[length:] != "/" and not _has_space(value)


def _has_space(value: str) -> bool:
    return any(c.isspace() for c in value)


_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
# Their form was never seen: taken where it cannot be a bare RPPS or ADELI number, mistyped or not.
_OBSOLETE = re.compile(r"[0-9]{10}[A-Z]|[0-9]{11,15}", re.ASCII)
_ROR = re.compile(r"[0-9A-Za-z/._-]{6,}", re.ASCII)

# TRE_G08, in the order that settles what starts alike: 10… before 1…, 3+FINESS before 30….
_SCHEMES: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("8", is_rpps),
    ("0", is_adeli),
    ("10", _ADDRESS.fullmatch),
    ("1", partial(_registered, 11, is_adeli_rank)),
    ("3", partial(_registered, 9, is_finess)),
    ("30", _ROR.fullmatch),
    ("4", partial(_registered, 9, is_siren)),
    ("5", partial(_registered, 14, is_siret)),
    ("6", partial(_registered, 14, is_rpps_rank)),
    ("2", _OBSOLETE.fullmatch),  # DRASS, until 2020
    ("9", _OBSOLETE.fullmatch),  # students, until 2020
)


def parse_national_id(text: str) -> PersonId | None:
    """idNat_PS exactly as the sources write it; None for anything else.  An address is put in lower case."""
    for scheme, is_value in _SCHEMES:
        value = text[len(scheme) :]
        if text.startswith(scheme) and is_value(value):
            return PersonId(scheme, value.lower() if scheme == "10" else value)
    return None


def parse_person_id(text: str) -> PersonId | None:
    """What a person types for a person: RPPS or ADELI with or without type digit, spaces, dots or the word RPPS
    in front, or any idNat_PS.  None when it cannot be a number (then it may be a name)."""
    text = ANNOUNCED.sub("", text.strip())
    compact = _SEPARATORS.sub("", text).upper()
    if is_rpps(compact):
        return PersonId("8", compact)
    if is_adeli(compact):
        return PersonId("0", compact)
    return parse_national_id(text) or parse_national_id(compact)


def structure_keys(text: str) -> tuple[str, ...]:
    """What a person types for a structure as keys of the index, ``o`` + idNat_Struct or technical id: the text as
    it stands, and each type it could be of.  A key is not demanded here: an unknown number is not found anyway."""
    compact = _SEPARATORS.sub("", ANNOUNCED.sub("", text.strip())).upper()
    if not compact:
        return ()
    bare = compact[1:] if compact[0] in "CFR" else compact
    typed = [digit + bare for digit, is_form in _STRUCTURE_FORMS if is_form(bare)]
    return tuple("o" + value for value in dict.fromkeys([compact, *typed]))


_STRUCTURE_FORMS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("1", _FINESS.fullmatch),
    ("2", re.compile(r"[0-9]{9}", re.ASCII).fullmatch),
    ("3", re.compile(r"[0-9]{14}", re.ASCII).fullmatch),
    ("0", is_adeli_rank),
    ("4", is_rpps_rank),
)


def structure_national_id(technical_id: str, finess: str, siret: str, siren: str) -> str:
    """idNat_Struct, the most telling one that can be formed; else the technical id of the extract.  ``C`` stands
    before a SIRET or an ADELI-rang, ``F`` before a FINESS; an RPPS-rang was never seen there but has its own key."""
    for digit, number in (("1", finess), ("3", siret), ("2", siren)):
        if number:
            return digit + number
    letter, number = technical_id[:1], technical_id[1:]
    for wanted, digit, is_number in _TECHNICAL:
        if letter in wanted and is_number(number):
            return digit + number
    return technical_id


_TECHNICAL: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("F", "1", is_finess),
    ("C", "3", is_siret),
    ("C", "0", is_adeli_rank),
    ("CR", "4", is_rpps_rank),
)
