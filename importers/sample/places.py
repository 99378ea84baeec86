"""Where people practise: communes, and the institutions that employ many (hospitals, pharmacies, laboratories…).

Practices (*cabinets*) belong to their people and are made in ``country``.  Institutions are sorted by setting then
département, so that "one near here, the big ones more often" is one search in a running sum.
"""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from directory_service.model.nomenclature import DEPARTMENTS
from importers.sample.numbers import Ints, draw, grouped_ranks

# Thousands of inhabitants of towns whose name alone, with the département, finds them; arrondissements by prefix.
_TOWNS = {
    ("75", "PARIS"): 105, ("13", "MARSEILLE"): 54, ("69", "LYON"): 58, ("31", "TOULOUSE"): 500, ("06", "NICE"): 345,
    ("44", "NANTES"): 320, ("34", "MONTPELLIER"): 300, ("67", "STRASBOURG"): 290, ("33", "BORDEAUX"): 260,
    ("59", "LILLE"): 236, ("35", "RENNES"): 222, ("51", "REIMS"): 180, ("83", "TOULON"): 180,
    ("42", "ST ETIENNE"): 174, ("76", "LE HAVRE"): 166, ("38", "GRENOBLE"): 158, ("21", "DIJON"): 159,
    ("49", "ANGERS"): 157, ("69", "VILLEURBANNE"): 156, ("93", "ST DENIS"): 150, ("30", "NIMES"): 148,
    ("63", "CLERMONT FERRAND"): 147, ("13", "AIX EN PROVENCE"): 147, ("72", "LE MANS"): 145, ("29", "BREST"): 140,
    ("37", "TOURS"): 137, ("80", "AMIENS"): 134, ("87", "LIMOGES"): 130, ("74", "ANNECY"): 130,
    ("66", "PERPIGNAN"): 120, ("57", "METZ"): 120, ("25", "BESANCON"): 118, ("45", "ORLEANS"): 117,
    ("76", "ROUEN"): 114, ("68", "MULHOUSE"): 108, ("14", "CAEN"): 107, ("54", "NANCY"): 104, ("84", "AVIGNON"): 91,
    ("86", "POITIERS"): 89, ("78", "VERSAILLES"): 84, ("64", "PAU"): 77, ("17", "LA ROCHELLE"): 78,
    ("62", "CALAIS"): 68, ("2A", "AJACCIO"): 71, ("2B", "BASTIA"): 48, ("974", "ST DENIS"): 153,
    ("974", "ST PIERRE"): 84, ("972", "FORT DE FRANCE"): 76, ("971", "LES ABYMES"): 53, ("973", "CAYENNE"): 65,
    ("976", "MAMOUDZOU"): 71, ("988", "NOUMEA"): 94, ("987", "PAPEETE"): 27,
}  # fmt: skip
_OVERSEAS_FACTOR = 8  # few communes there, each with many people


@dataclass(frozen=True)
class Places:
    """Communes, one per postcode, sorted by département; ``cumulated`` inhabitants."""

    city_codes: tuple[str, ...]
    cities: tuple[str, ...]
    postcodes: tuple[str, ...]
    departments: Ints  # index into department_codes
    department_codes: tuple[str, ...]
    cumulated: NDArray[np.float64]
    starts: NDArray[np.float64]  # running sum at the beginning and the end of each département
    ends: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, size: int) -> Ints:
        return draw(rng, self.cumulated, size)

    def draw_near(self, rng: np.random.Generator, departments: Ints) -> Ints:
        """A commune of each given département."""
        low, high = self.starts[departments], self.ends[departments]
        targets = low + rng.random(len(departments)) * (high - low)
        return np.asarray(
            np.searchsorted(self.cumulated, targets, side="right").clip(max=len(self.cities) - 1), np.int64
        )

    def department(self, place: int) -> tuple[str, str]:
        code = self.department_codes[int(self.departments[place])]
        return code, DEPARTMENTS[code]


def _department(city_code: str) -> str:
    return city_code[:3] if city_code[:2] in ("97", "98") else city_code[:2]


@cache
def places() -> Places:
    data = resources.files("importers").joinpath("data", "communes.csv.gz").read_bytes()
    rows = [line.split(",") for line in gzip.decompress(data).decode().splitlines()[1:]]
    rows = sorted(row for row in rows if _department(row[0]) in DEPARTMENTS)
    codes = [_department(row[0]) for row in rows]
    known = sorted(set(codes))
    numbers = np.array([known.index(c) for c in codes])
    weights = _weights(rows, codes)
    cumulated = weights.cumsum()
    ends = cumulated[np.searchsorted(numbers, np.arange(len(known)), side="right") - 1]
    return Places(
        tuple(r[0] for r in rows), tuple(r[1] for r in rows), tuple(r[2] for r in rows),
        numbers, tuple(known), cumulated, np.r_[0, ends[:-1]], ends,
    )  # fmt: skip


def _weights(rows: list[list[str]], codes: list[str]) -> NDArray[np.float64]:
    """Inhabitants: known towns, shared among their postcodes; the others drawn, once for all samples."""
    rng = np.random.default_rng(1791)
    weights = rng.lognormal(np.log(0.55), 1.15, len(rows))
    weights[[c[0] == "9" and len(c) == 3 for c in codes]] *= _OVERSEAS_FACTOR
    names = [(c, r[1].rstrip(" 0123456789")) for c, r in zip(codes, rows, strict=True)]
    postcodes = Counter(row[0] for row in rows)
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        if name in _TOWNS:
            whole = row[1] == name[1]
            weights[i] = _TOWNS[name] / (postcodes[row[0]] if whole else 1)
    return weights


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of institution: how many per 1,000, mean staff (a weight), sector, how often it has a domain."""

    setting: int
    label: str
    share: float
    staff: float
    sector: str
    domain: float
    slug: str


KINDS: tuple[Kind, ...] = (
    Kind(0, "CHU", 0.8, 4500, "SA01", 1.0, "chu"),
    Kind(0, "CENTRE HOSPITALIER", 24, 330, "SA01", 0.95, "ch"),
    Kind(0, "HOPITAL LOCAL", 10, 60, "SA01", 0.8, "hl"),
    Kind(0, "CLINIQUE", 26, 110, "SA04", 0.85, "clinique"),
    Kind(0, "EHPAD", 190, 9, "SA17", 0.2, "ehpad"),
    Kind(0, "CENTRE DE SANTE", 50, 9, "SA05", 0.15, "cds"),
    Kind(0, "MAISON DE SANTE", 50, 10, "SA52", 0.08, "msp"),
    Kind(0, "IME", 40, 8, "SA16", 0.14, "ime"),
    Kind(0, "SSIAD", 40, 7, "SA12", 0.14, "ssiad"),
    Kind(0, "PMI", 20, 8, "SA15", 0.05, "pmi"),
    Kind(0, "CENTRE DE DIALYSE", 8, 14, "SA34", 0.3, "dialyse"),
    Kind(0, "HAD", 8, 22, "SA12", 0.5, "had"),
    Kind(0, "SERVICE DE SANTE AU TRAVAIL", 10, 25, "SA66", 0.3, "sst"),
    Kind(1, "PHARMACIE", 420, 6, "SA33", 0, "pharmacie"),
    Kind(2, "LABORATOIRE", 70, 14, "SA25", 0.16, "labo"),
    Kind(3, "OPTIQUE", 90, 4, "SA35", 0, "optique"),
)
_SAINTS = """SAINT JOSEPH|SAINTE MARIE|SAINT VINCENT|SAINT LUC|SAINT JEAN|SAINTE ANNE|PASTEUR|LES TILLEULS|LES LILAS|
BELLEVUE|LE PARC|DE LA FONTAINE|DU LAC|LES OLIVIERS|VICTOR HUGO|JEANNE D'ARC|DES QUATRE VENTS|LE CLOS FLEURI|
LES GLYCINES|DE L'EUROPE|DE LA GARE|DE L'HÔTEL DE VILLE|DU MARCHÉ|LES TERRASSES|LA ROSERAIE|BEAU SITE|LE VAL FLEURI|
DES ACACIAS|L'ESPÉRANCE|LA PROVIDENCE|NOTRE DAME|SAINT MARTIN|DES TROIS RIVIÈRES|DU CENTRE|LES CHÊNES|LA COLLINE|
"LES MIMOSAS"|DU BOIS JOLI|ROSA PARKS|SIMONE VEIL|MARIE CURIE|CLAUDE BERNARD|AMBROISE PARÉ""".replace("\n", "").split(
    "|"
)


@dataclass(frozen=True)
class Institutions:
    """Sorted by setting then département; ``domain`` is a rank among those that have one, else -1."""

    kinds: Ints
    places: Ints
    names: tuple[str, ...]
    serials: Ints  # rank in the département, for FINESS
    domain: Ints
    adoption: NDArray[np.float64]  # how much more than others its people have mailboxes
    cumulated: NDArray[np.float64]
    edges: NDArray[np.float64]  # running sum at the edges of each (setting, département)
    department_count: int

    def draw_near(self, rng: np.random.Generator, settings: Ints, departments: Ints) -> Ints:
        """One institution of each setting and département; anywhere in France if there is none there."""
        group = settings * self.department_count + departments
        low, high = self.edges[group], self.edges[group + 1]
        first = settings * self.department_count
        none_here = high <= low
        low = np.where(none_here, self.edges[first], low)
        high = np.where(none_here, self.edges[first + self.department_count], high)
        targets = low + rng.random(len(settings)) * (high - low)
        return np.asarray(
            np.searchsorted(self.cumulated, targets, side="right").clip(max=len(self.kinds) - 1), np.int64
        )


def make_institutions(rng: np.random.Generator, people: int) -> Institutions:
    """About one institution for 45 people; at least three of every kind of setting."""
    where, total = places(), max(60, people // 45)
    counts = [max(1 + (k.setting > 0) * 2, round(total * k.share / 1056.8)) for k in KINDS]
    kinds = np.repeat(np.arange(len(KINDS)), counts)
    big = np.array([k.staff for k in KINDS])[kinds] > 50
    towns = np.diff(where.cumulated, prepend=0) ** 1.7  # hospitals stand in towns
    sites = np.where(big, draw(rng, towns.cumsum(), len(kinds)), where.draw(rng, len(kinds)))
    staff = np.array([k.staff for k in KINDS])[kinds] * rng.lognormal(0, 1.0, len(kinds))
    has_domain = rng.random(len(kinds)) < np.array([k.domain for k in KINDS])[kinds]
    names = rng.integers(0, len(_SAINTS), len(kinds))
    group = np.array([k.setting for k in KINDS])[kinds] * len(where.department_codes) + where.departments[sites]
    order = np.argsort(group, kind="stable")
    kinds, sites, names, group = kinds[order], sites[order], names[order], group[order]
    staff, has_domain = staff[order], has_domain[order]
    has_domain[0] = True
    cumulated = staff.cumsum()
    adoption = rng.lognormal(-0.8, 1.5, len(kinds)) * (staff / 80).clip(max=1.5) ** 0.5
    groups = np.searchsorted(group, np.arange(5 * len(where.department_codes) + 1), side="left")
    shown = tuple(_name(KINDS[k], _SAINTS[n], where.cities[s]) for k, n, s in zip(kinds, names, sites, strict=True))
    return Institutions(
        kinds, sites, shown,
        grouped_ranks(where.departments[sites]) + 11, np.where(has_domain, has_domain.cumsum() - 1, -1), adoption,
        cumulated, np.r_[0, cumulated][groups], len(where.department_codes),
    )  # fmt: skip


def _name(kind: Kind, saint: str, city: str) -> str:
    if kind.slug in ("chu", "ch"):
        return f"{kind.label} DE {city}"
    return f"{kind.label} {saint}" if kind.setting else f"{kind.label} {saint} {city}"
