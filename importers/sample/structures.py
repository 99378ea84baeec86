"""The structure columns of every file: 28 fields (SIRET … ancien identifiant) for a practice or an institution.

Hot: called once per activity row; what depends on the structure's number alone is plain arithmetic on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from directory_service.model import nomenclature
from importers.sample.boxes import NOWHERE
from importers.sample.country import Country
from importers.sample.numbers import Ints, grouped_ranks, keyed, mixed, siren_numbers, siret_numbers
from importers.sample.places import KINDS, places
from importers.sample.professions import PROFESSIONS

_STREET_TYPES = (("R", "Rue"), ("R", "Rue"), ("R", "Rue"), ("AV", "Avenue"), ("AV", "Avenue"), ("BD", "Boulevard"),
                 ("PL", "Place"), ("CHE", "Chemin"), ("RTE", "Route"), ("IMP", "Impasse"), ("ALL", "Allée"),
                 ("QU", "Quai"), ("CRS", "Cours"))  # fmt: skip
_STREETS = """DE LA REPUBLIQUE|VICTOR HUGO|DU GENERAL DE GAULLE|JEAN JAURES|DE LA GARE|DES LILAS|DES TILLEULS|PASTEUR|
DE L'EGLISE|DU MOULIN|DES ECOLES|DE LA FONTAINE|DU CHATEAU|DE L'HÔTEL DE VILLE|DU MARECHAL FOCH|DU 8 MAI 1945|
DU 11 NOVEMBRE|EMILE ZOLA|GAMBETTA|JULES FERRY|DE VERDUN|NATIONALE|DE LA LIBERATION|DES ACACIAS|SAINT MARTIN|
D'ALSACE LORRAINE|DU STADE|DE LA MAIRIE|DE L'EUROPE|ANATOLE FRANCE|LEON BLUM|DES ROSIERS|DU PORT|CARNOT|VOLTAIRE|
DE PARIS|DU LAVOIR|DES JARDINS|DE BRETAGNE|L'HERMITE|D'AUBIGNÉ|FRANZ-WALLRAFF|DE LA CROIX ROUGE|ST. 42|
DU DR ROUX|CLAUDE BERNARD|MARIE CURIE|SIMONE VEIL|DES QUATRE VENTS|DU BOIS|AMPERE|DES VIGNES|DE LA PAIX|MOZART|
DU PRE AUX CLERCS|DE LA POSTE|DU COMMERCE|GEORGES CLEMENCEAU|ARISTIDE BRIAND|DES CHENES|DU SOLEIL LEVANT|DE LA PLAGE|
DES HALLES|DU FAUBOURG SAINT JACQUES|DE STRASBOURG""".replace("\n", "").split("|")
_REPEATS = ("", "", "", "", "", "", "", "B", "T", "A", "", "")
_JUNK_NUMBERS = ("9999", "BAT A", "12-14", "S/N", "0", "RDC")  # seen in the real column
_FOREIGN = (
    ("BRUXELLES", "1000", "BE", "BELGIQUE"),
    ("GENEVE", "1201", "CH", "SUISSE"),
    ("NUUK", "3900", "GL", "GROENLAND"),
    ("LUXEMBOURG", "L-1025", "LU", "LUXEMBOURG"),
    ("KEHL", "77694", "DE", "ALLEMAGNE"),
)
_PRACTICE_NAMES = {
    "10": "CABINET MEDICAL",
    "40": "CABINET DENTAIRE",
    "50": "CABINET DE SAGE-FEMME",
    "60": "CABINET INFIRMIER",
    "70": "CABINET DE KINESITHERAPIE",
    "91": "CABINET D'ORTHOPHONIE",
}
_SECTORS = {code: f"{code}|{shown}" for code, shown in nomenclature.codes("sector").items()}
_SOLO, _GROUP, _NO_SECTOR = _SECTORS["SA07"], _SECTORS["SA08"], "|"


class Structure(NamedTuple):
    """28 fields as in ``Personne_activite`` (columns 20 to 47) and the sector (49, 50)."""

    fields: tuple[str, ...]
    sector: str
    number_type: str  # TRE_G07
    number: str


class Structures:
    """Makes the columns of any place of work of a country."""

    def __init__(self, country: Country, surnames: tuple[str, ...], former: Mapping[int, str]) -> None:
        """``former``: ADELI-rang of the practices that had one."""
        self._where = places()
        self._surnames = surnames
        self._seed = country.seed
        practices = country.practices
        self._place, self._profession = practices.place.data, practices.profession.data
        self._surname = practices.surname.data
        sirens = siren_numbers(np.arange(len(practices.place)) + 2_000_000)
        self._sirens, self._sirets = sirens.data, siret_numbers(sirens).data
        self._ranks = keyed(practices.owner * 100 + grouped_ranks(practices.owner) % 99 + 1).data
        self._country, self._former = country, former

    def at(self, work: int) -> Structure:
        """The structure of a place of work; practices are made anew each time, institutions once."""
        return self.practice(work) if work >= 0 else self.institutions[-2 - work] if work < NOWHERE else NO_STRUCTURE

    @cached_property
    def institutions(self) -> list[Structure]:
        sites = self._country.institutions
        departments = [self._where.department(p)[0] for p in sites.places.tolist()]
        finess, legal = (_finess(departments, sites.serials, shift) for shift in (0, 4000))
        sirens = siren_numbers(np.arange(len(sites.kinds)))
        sirets = siret_numbers(sirens)
        return [
            self._institution(i, KINDS[kind].sector, place, name, f, legal_f, str(siren), str(siret))
            for i, (kind, place, name, f, legal_f, siren, siret) in enumerate(
                zip(sites.kinds.tolist(), sites.places.tolist(), sites.names, finess, legal, sirens.tolist(),
                    sirets.tolist(), strict=True))
        ]  # fmt: skip

    def _institution(
        self, i: int, sector: str, place: int, name: str, finess: str, legal: str, siren: str, siret: str
    ) -> Structure:
        h = mixed(i * 2 + 1, self._seed)
        code, department = self._where.department(place)
        city, postcode = self._where.cities[place], self._where.postcodes[place]
        street = _STREET_TYPES[h % 13]
        cedex = f"{postcode} {city} CEDEX" if h % 3 == 0 else ""
        phone = _phone(postcode, h)
        fields = (
            siret, siren, finess, legal, f"F{finess}", name, "" if h % 5 else name.split(" ", 1)[-1],
            "" if h % 4 else f"SERVICE {h % 9}", "" if h % 6 else f"BATIMENT {'ABCDE'[h % 5]}",
            _number(h), _REPEATS[h % 12], *street, _STREETS[h // 13 % len(_STREETS)], "" if h % 7 else f"BP {h % 900}",
            cedex, postcode, self._where.city_codes[place], city, "FR", "FRANCE", phone, "",
            "" if h % 3 else phone[:-1] + "9", "" if h % 4 else f"contact@{finess}.example.org",
            code, department, f"1{finess}",
        )  # fmt: skip
        return Structure(fields, _SECTORS.get(sector, _NO_SECTOR), "1", finess)

    def practice(self, j: int) -> Structure:
        h = mixed(j * 2, self._seed)
        place, owner = self._place[j], PROFESSIONS[self._profession[j]].code
        street = _STREET_TYPES[h % 13]
        siret = str(self._sirets[j])
        known = h % 10
        rank = str(self._ranks[j])
        name = _practice_name(owner, self._surnames[self._surname[j]], h)
        phone = _phone(self._where.postcodes[place], h)
        fields = (
            siret if known < 7 else "", str(self._sirens[j]) if known < 5 else "", "", "",
            f"C{siret}" if known < 3 else f"R{rank}", name if h % 9 else "", "" if h % 8 else name,
            "" if h % 5 else f"DR {self._surnames[self._surname[j]]}", "" if h % 11 else f"ETAGE {h % 6}",
            _number(h), _REPEATS[h % 12], *street, _STREETS[h // 13 % len(_STREETS)], "" if h % 23 else f"BP {h % 900}",
            *self._town(place, h), phone, "" if h % 17 else "06" + phone[2:], "" if h % 3 else phone[:-1] + "9",
            "" if h % 6 else f"cabinet{j}@example.org", *self._department(place, h),
            self._former.get(j) or (f"4{rank}" if h % 2 else ""),
        )  # fmt: skip
        sector = (_SOLO, _SOLO, _GROUP, _NO_SECTOR)[h % 4] if known < 8 else _SOLO
        number = ("4", rank) if known >= 3 else ("3", siret)
        return Structure(fields, sector, *number)

    def _town(self, place: int, h: int) -> tuple[str, str, str, str, str, str]:
        """Bureau cedex, code postal, code commune, libellé commune, code pays, libellé pays."""
        if h % 1999 == 7:
            city, postcode, code, abroad = _FOREIGN[h % len(_FOREIGN)]
            return "", postcode, code, city, code, abroad
        city, postcode = self._where.cities[place], self._where.postcodes[place]
        country = ("FR", "FRANCE") if h % 2 else ("", "")
        return f"{postcode} {city}" if h % 4 == 0 else "", postcode, self._where.city_codes[place], city, *country

    def _department(self, place: int, h: int) -> tuple[str, str]:
        return ("", "") if h % 1999 == 7 else self._where.department(place)


NO_STRUCTURE = Structure(("",) * 28, _NO_SECTOR, "", "")


def _number(h: int) -> str:
    return _JUNK_NUMBERS[h // 7 % 6] if h % 311 == 5 else "" if h % 29 == 3 else str(1 + h // 97 % 140)


def _phone(postcode: str, h: int) -> str:
    area = "0596" if postcode.startswith("97") else "01" if postcode[:2] in ("75", "92", "93", "94") else "04"
    return f"{area}{h % 10**8:08d}"[:10] if h % 10 else ""


def _practice_name(owner: str, surname: str, h: int) -> str:
    if h % 1511 == 11:
        return 'CABINET "LES TILLEULS' if h % 2 else f'SELARL "{surname}" ET ASSOCIES'  # a stray quote is data
    if h % 3 == 0 and owner in ("10", "40"):
        return f"CABINET DU DR {surname}"
    return f"{_PRACTICE_NAMES.get(owner, 'CABINET')}{'' if h % 4 else ' ' + surname}"


def _finess(departments: list[str], serials: Ints, shift: int) -> list[str]:
    """Département (2A, 2B; ``97`` and its third digit), serial, key; letters of Corsica count 1 and 2."""
    head = [d.translate(str.maketrans("AB", "12"))[:2] for d in departments]
    tail = [int(d[2:] or 0) * 10_000 for d in departments]
    shifted = shift if shift == 0 else 780_000
    extra = np.array([shift if t else shifted for t in tail])
    values = np.array([int(h) for h in head]) * 10**6 + np.array(tail) + serials + extra
    return [f"{d[:2]}{v % 10**7:07d}" for d, v in zip(departments, keyed(values).tolist(), strict=True)]
