"""A structure's numbers and address against their keys, the communes and one another.  PURE.

HOT PATH by proxy: called once for each structure that a file names, about one for three people: 3 µs each.  What the
list of communes does not say at once is judged once for each distinct (postcode, commune, département).  Communes are
those of ``importers/data``: a place that they do not know is told, never refused, since postcodes of CEDEX are in no
open file.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import cache, cached_property, lru_cache
from importlib import resources
from operator import itemgetter
from typing import cast

from directory_service.model.identifiers import (
    is_adeli_rank,
    is_finess,
    is_rpps_rank,
    is_siren,
    is_siret,
)
from directory_service.model.nomenclature import department_of
from importers.quality.codes import Fault
from importers.rows import NAMELESS, Place

_POSTCODE = re.compile(r"[0-9]{5}", re.ASCII)
_CITY_CODE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}|[0-9]{4}", re.ASCII)  # four: a spreadsheet took the first zero
_STREET_NUMBER = re.compile(
    r"[0-9]{1,5}(?: ?[A-Z])?(?: ?(?:[-/]|BIS|TER|QUATER|ET|A) ?[0-9]{0,5}[A-Z]?)?", re.I | re.ASCII
)
_FRANCE = frozenset({"", "99000", "FR", "FRANCE"})  # COG code, ISO code, name: whatever the country column holds
# Towns whose arrondissements have codes and postcodes of their own: extracts give either.
_WHOLE = {"75056": "75", "69123": "69", "13055": "13"}


class PlaceChecker:
    """Of one file.  ``named``: its rows say what the structure is, and do not only point to one.  ``faulty``: what
    those trip that were met, by their number (``rows.PlaceNumbers``)."""

    def __init__(self, *, named: bool = True) -> None:
        self.named = named
        self.faulty: dict[int, tuple[Fault, ...]] = {}
        self.met = NAMELESS  # the last number: they are given in order
        self.served: frozenset[str] = frozenset()  # once there is a structure to check
        self.towns: dict[tuple[object, ...], tuple[Fault, ...]] = {}

    def meet(self, number: int, values: tuple[str, ...]) -> None:
        """Checks a structure when its number is new."""
        if number > self.met:
            self.met = number
            if faults := self.check(values):
                self.faulty[number] = faults

    def check(self, values: tuple[str, ...]) -> tuple[Fault, ...]:
        """``values``: as ``Place``, the technical id as the row gives it."""
        postcode, city_code, department, cedex, city, country = _TOWN(values)
        self.served = self.served or communes().served
        found: tuple[Fault, ...] = ()
        if city_code + postcode not in self.served or not city_code.startswith(department):
            town = postcode, city_code, department, "CEDEX" in cedex or "CEDEX" in city, country
            if town not in self.towns:
                self.towns[town] = tuple(_town(Place._make(values)))
            found = self.towns[town]
        if _are_sound(*_NUMBERS(values)) and (values[_NAME] or postcode or not self.named):
            return found
        place = Place._make(values)
        numbers = _numbers(place)
        if self.named and not _is_told(place):
            numbers.append(Fault("name", "structure_unnamed", place.technical_id))
        if place.number and not _is_street_number(place.number):
            numbers.append(Fault("number", "street_number", place.number))
        return (*found, *numbers) if numbers else found


def _positions(*names: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    return cast("Callable[[tuple[str, ...]], tuple[str, ...]]", itemgetter(*map(Place._fields.index, names)))


_TOWN = _positions("postcode", "city_code", "department_code", "cedex", "city", "country_code")
_NUMBERS = _positions("technical_id", "finess", "finess_legal", "siret", "siren", "number")
_NAME = Place._fields.index("name")


def _are_sound(technical: str, finess: str, legal: str, siret: str, siren: str, number: str) -> bool:
    """Whether ``_numbers`` and the number of the street have nothing to say; how nearly every structure is."""
    return bool(
        (not number or number.isdigit() or _is_street_number(number))
        and (is_siret(siret) and siren in ("", siret[:9]) if siret else not siren)
        and (not finess or is_finess(finess))
        and (not legal or _is_legal(legal))
        and technical
        and (technical[1:] in (siret, finess) or _is_technical(technical))
    )


def _numbers(place: Place) -> list[Fault]:
    found: list[Fault] = []
    siret, siren, finess, legal = place.siret, place.siren, place.finess, place.finess_legal
    siret_ok = not siret or is_siret(siret)
    if not siret_ok:
        found.append(Fault("siret", "siret_key", siret))
    if siren and siren != siret[:9]:
        if siret:
            found.append(Fault("siren", "siren_siret", f"{siren} / {siret}"))
        if not is_siren(siren):
            found.append(Fault("siren", "siren_key", siren))
    finess_ok = not finess or is_finess(finess)
    if not finess_ok:
        found.append(Fault("finess", "finess_key", finess))
    if legal and not _is_legal(legal):  # one for many sites
        found.append(Fault("finess_legal", "finess_key", legal))
    technical = place.technical_id
    if not technical:
        found.append(Fault("technical_id", "structure_without_id", place.name or place.trade_name))
    elif technical[1:] not in (siret, finess) and not _is_technical(technical):  # those were told above
        found.append(Fault("technical_id", "structure_id", technical))
    return found


def _is_told(place: Place) -> bool:
    return bool(place.name or place.trade_name or place.street_name or place.postcode or place.city or place.cedex)


_is_legal = lru_cache(maxsize=50_000)(is_finess)


def _is_technical(text: str) -> bool:
    """``R`` and 14 digits, ``C`` and a SIRET, an ADELI-rang or an RPPS-rang, ``F`` and a FINESS; ``S`` and a SIREN is
    what we make of a mailbox's structure (formats.md §1)."""
    letter, number = text[:1], text[1:]
    if letter == "R":
        return len(number) == 14 and number.isdigit()
    if letter == "C":
        return is_siret(number) or is_adeli_rank(number) or is_rpps_rank(number)
    return is_finess(number) if letter == "F" else letter == "S" and is_siren(number)


@lru_cache(maxsize=50_000)
def _is_street_number(text: str) -> bool:
    return _STREET_NUMBER.fullmatch(text.strip()) is not None


def _is_cedex(place: Place) -> bool:
    return "CEDEX" in place.cedex or "CEDEX" in place.city


def _town(place: Place) -> list[Fault]:
    """Rules over postcode, commune and département of a place in France."""
    postcode, code = place.postcode.strip(), place.city_code.strip()
    abroad = place.country_code.strip().upper() not in _FRANCE or (code and not _CITY_CODE.fullmatch(code))
    if abroad:  # foreign places have codes like GL
        return []
    found = []
    known, cedex = communes(), _is_cedex(place)
    if postcode and not _POSTCODE.fullmatch(postcode):
        return [Fault("postcode", "postcode_form", postcode)]
    if postcode and not cedex and postcode not in known.postcodes:
        found.append(Fault("postcode", "postcode_unknown", postcode))
    if code and code not in known.codes and code not in _WHOLE:
        found.append(Fault("city_code", "city_code_unknown", code))
    elif code and postcode in known.postcodes and not cedex and not known.serves(postcode, code):
        found.append(Fault("postcode", "postcode_city", f"{postcode} / {code}"))
    department = place.department_code.strip()
    expected = department_of(postcode, code)
    if department and code and expected and department not in (expected, code[: len(department)]):
        found.append(Fault("department_code", "department_city", f"{department} / {code}"))
    return found


class Communes:
    """What the open list of postcodes says; ``served``: commune and postcode as one text, ``7510175001``."""

    def __init__(self, served: frozenset[str]) -> None:
        self.served = served

    @cached_property
    def codes(self) -> frozenset[str]:
        return frozenset([pair[:5] for pair in self.served])

    @cached_property
    def postcodes(self) -> frozenset[str]:
        return frozenset([pair[5:] for pair in self.served])

    def serves(self, postcode: str, code: str) -> bool:
        """Whether the postcode is one of the commune's; a town with arrondissements has those of its département."""
        whole = _WHOLE.get(code)
        return postcode.startswith(whole) if whole else code + postcode in self.served


@cache
def communes() -> Communes:
    """Read once a process, at the first structure."""
    data = resources.files("importers").joinpath("data", "communes.csv.gz").read_bytes()
    lines = gzip.decompress(data).decode().splitlines()[1:]
    return Communes(frozenset([line[:5] + line[-5:] for line in lines]))


__all__ = ["Communes", "Fault", "PlaceChecker", "communes"]
