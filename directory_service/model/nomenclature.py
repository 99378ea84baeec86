"""Labels of the codes that the sources use, from the national nomenclatures shipped in ``data``.  PURE.

A fallback: where a source writes a label beside its code, that label is what is shown.  Codes whose validity has
ended still occur, and keep their label here.  Nothing in this module decides whether a code is allowed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from directory_service.model.names import fold, squash

# System: its files; where two give one code, the first wins (TRE_G16 only adds what TRE_G15 lacks).
_FILES: Mapping[str, tuple[str, ...]] = {
    "profession": (
        "TRE_G15_ProfessionSante.csv",
        "TRE_R94_ProfessionSocial_partial.csv",
        "TRE_R95_UsagerTitre.csv",
        "JDV_J48_ProfessionNonPS_CISIS.csv",
        "TRE_G16_ProfessionFormation.csv",
    ),
    "student_profession": ("TRE_G16_ProfessionFormation.csv",),  # the same codes, in category E
    "category": ("TRE_R09_CategorieProfessionnelle.csv",),
    "title": ("TRE_R11_CiviliteExercice_from_J246.csv",),
    "civility": ("JDV_J113_Civilite_ENREG.csv",),
    "mode": ("TRE_R23_ModeExercice.csv",),
    "sector": ("TRE_R02_SecteurActivite_from_J02.csv",),
    "section": ("TRE_R06_SectionTableauCNOP.csv",),
    "role": ("TRE_R21_Fonction.csv",),
    "kind": ("TRE_R22_GenreActivite.csv",),
    "expertise": ("JDV_J107_EnsembleSavoirFaire_typed.csv",),
    "expertise_type": ("TRE_R04_TypeSavoirFaire.csv",),
    "mailbox_type": ("TRE_R257_TypeBAL.csv",),
    "person_id": ("TRE_G08_TypeIdentifiantPersonne.csv",),
    "structure_id": ("TRE_G07_TypeIdentifiantStructure.csv",),
}
_SUFFIX = re.compile(r" \([A-Z]+\)$")  # " (SM)", on savoir-faire only: the extracts do not write it
_TYPE = re.compile(r"[A-Z]+")


def label(system: str, code: str) -> str:
    """The national label of a code, or ``""``."""
    return codes(system).get(code, "") if system in _FILES else ""


@cache
def codes(system: str) -> Mapping[str, str]:
    """Every code of a system with its label, in the order of the nomenclature; KeyError for an unknown system."""
    found: dict[str, str] = {}
    for name in _FILES[system]:
        for row in _rows(name):
            found.setdefault(row["code"], row["label"])
    return MappingProxyType(found)


def systems() -> tuple[str, ...]:
    """The names that ``codes`` knows."""
    return tuple(_FILES)


def expertise_type(code: str) -> str:
    """The type of a savoir-faire (TRE_R04: S, C, CAPA…) for sources that give the code alone; ``""`` if unknown."""
    return _expertise_types().get(code, "")


@cache
def _expertise_types() -> Mapping[str, str]:
    return {row["code"]: row["type"] for row in _rows("JDV_J107_EnsembleSavoirFaire_typed.csv") if row["type"]}


def _rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of one shipped file under the names code, label and type, whatever its header calls them."""
    text = resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    typed = header[0] != "code"
    for row in rows:
        kind, code, shown = row[:3] if typed else ("", *row[:2])
        if "?" not in code:  # a type whose code nobody has read
            plain = _SUFFIX.sub("", shown) if typed else shown
            yield {"code": code, "label": plain, "type": kind if _TYPE.fullmatch(kind) else ""}


# Official geographic code (INSEE): départements, then the overseas territories that have postcodes of their own.
DEPARTMENTS: Mapping[str, str] = MappingProxyType(
    dict(
        line.split(" ", 1)
        for line in """\
01 Ain
02 Aisne
03 Allier
04 Alpes-de-Haute-Provence
05 Hautes-Alpes
06 Alpes-Maritimes
07 Ardèche
08 Ardennes
09 Ariège
10 Aube
11 Aude
12 Aveyron
13 Bouches-du-Rhône
14 Calvados
15 Cantal
16 Charente
17 Charente-Maritime
18 Cher
19 Corrèze
21 Côte-d'Or
22 Côtes-d'Armor
23 Creuse
24 Dordogne
25 Doubs
26 Drôme
27 Eure
28 Eure-et-Loir
29 Finistère
2A Corse-du-Sud
2B Haute-Corse
30 Gard
31 Haute-Garonne
32 Gers
33 Gironde
34 Hérault
35 Ille-et-Vilaine
36 Indre
37 Indre-et-Loire
38 Isère
39 Jura
40 Landes
41 Loir-et-Cher
42 Loire
43 Haute-Loire
44 Loire-Atlantique
45 Loiret
46 Lot
47 Lot-et-Garonne
48 Lozère
49 Maine-et-Loire
50 Manche
51 Marne
52 Haute-Marne
53 Mayenne
54 Meurthe-et-Moselle
55 Meuse
56 Morbihan
57 Moselle
58 Nièvre
59 Nord
60 Oise
61 Orne
62 Pas-de-Calais
63 Puy-de-Dôme
64 Pyrénées-Atlantiques
65 Hautes-Pyrénées
66 Pyrénées-Orientales
67 Bas-Rhin
68 Haut-Rhin
69 Rhône
70 Haute-Saône
71 Saône-et-Loire
72 Sarthe
73 Savoie
74 Haute-Savoie
75 Paris
76 Seine-Maritime
77 Seine-et-Marne
78 Yvelines
79 Deux-Sèvres
80 Somme
81 Tarn
82 Tarn-et-Garonne
83 Var
84 Vaucluse
85 Vendée
86 Vienne
87 Haute-Vienne
88 Vosges
89 Yonne
90 Territoire de Belfort
91 Essonne
92 Hauts-de-Seine
93 Seine-Saint-Denis
94 Val-de-Marne
95 Val-d'Oise
971 Guadeloupe
972 Martinique
973 Guyane
974 La Réunion
976 Mayotte
975 Saint-Pierre-et-Miquelon
977 Saint-Barthélemy
978 Saint-Martin
984 Terres australes et antarctiques françaises
986 Wallis-et-Futuna
987 Polynésie française
988 Nouvelle-Calédonie
989 Île de Clipperton""".splitlines()
    )
)

_CODES = {fold(label): (code.lower(),) for code, label in DEPARTMENTS.items()}


def code_of_department(label: str) -> tuple[str, ...]:
    """The folded code of the département of this name, if there is one."""
    return _CODES.get(fold(label), ())


def find_department(said: str) -> str:
    """Code of the département that is named so, by its code (``1`` is ``01``) or by its whole name; ``""`` for none."""
    code, name = said.strip().upper(), squash(said)
    found = (c for c, label in DEPARTMENTS.items() if code in (c, c.lstrip("0")) or squash(label) == name)
    return next(found, "")


_CITY_CODE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}", re.ASCII)
_POSTCODE = re.compile(r"[0-9]{5}", re.ASCII)
_CORSICA = {"200": "2A", "201": "2A", "202": "2B", "206": "2B"}
# Collectivities born in 2007 kept the postcodes of Guadeloupe.
_ANTILLES = {"97133": "977", "97150": "978"}


def department_of(postcode: str, city_code: str) -> str:
    """Code of the département of a place; ``""`` if unknown or abroad.  The INSEE code is surer than the postcode,
    which crosses borders; a city code of another form (``GL``) stands for a foreign place."""
    if city_code and not _CITY_CODE.fullmatch(city_code):
        return ""
    place = city_code or (postcode if _POSTCODE.fullmatch(postcode) else "")
    if not city_code and place.startswith("20"):
        return _CORSICA.get(place[:3], "")
    code = _ANTILLES.get(place) or (place[:3] if place[:2] in ("97", "98") else place[:2])
    return code if code in DEPARTMENTS else ""
