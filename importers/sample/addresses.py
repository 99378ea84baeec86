"""Mailbox addresses and their domains: prenom.nom@, numbered for homonyms, the same from day to day."""

from __future__ import annotations

import numpy as np

from importers.sample.boxes import COMMON_DOMAINS
from importers.sample.country import Country, People
from importers.sample.names import given_names, slug, surnames
from importers.sample.numbers import Ints, grouped_ranks
from importers.sample.places import KINDS, places

_AURA = {"01", "03", "07", "15", "26", "38", "42", "43", "63", "69", "73", "74"}
_STYLES = (0, 0, 0, 0, 0, 0, 0, 1, 2, 0)  # by domain: given.surname, initial + surname, surname.given
SERVICES = """secretariat|accueil|cardiologie|urgences|biologie|imagerie|pharmacie|admissions|chirurgie|medecine|dim|
geriatrie|maternite|pediatrie|oncologie|psychiatrie|ssr|hospitalisation|bloc|consultations|diabetologie|neurologie|
pneumologie|nephrologie|rhumatologie|ophtalmologie|orl|dermatologie|kinesitherapie|cadre.sante|direction|qualite|
medecin.coordonnateur|idec|smur|laboratoire|radiologie|archives|dossier.medical|hygiene""".replace("\n", "").split("|")
SERVICE_LABELS = tuple(s.replace(".", " ").upper() for s in SERVICES)


def domain_names(country: Country) -> list[str]:
    """Common domains, then one per institution that has its own."""
    names, taken = list(COMMON_DOMAINS), set(COMMON_DOMAINS)
    sites, where = country.institutions, places()
    for i in np.flatnonzero(sites.domain >= 0).tolist():
        kind, place = KINDS[int(sites.kinds[i])], int(sites.places[i])
        words = (kind.slug, sites.names[i].removeprefix(kind.label)) if i % 3 else (sites.names[i],)
        stem = "-".join(slug(w) for w in words)[:40].strip("-")
        suffix = ".aura.mssante.fr" if where.department(place)[0] in _AURA and i % 5 < 2 else ".mssante.fr"
        names.append(_free(stem, suffix, taken))
    return names


def _free(stem: str, suffix: str, taken: set[str]) -> str:
    name, n = stem + suffix, 1
    while name in taken:
        n += 1
        name = f"{stem}{n}{suffix}"
    taken.add(name)
    return name


def style(domain: int) -> int:
    return 0 if domain < len(COMMON_DOMAINS) else _STYLES[domain % 10]


def local_part(given: str, surname: str, shape: int, number: int) -> str:
    """``number``: 0 for the first of a name in a domain, then 1, 2… written 2, 3…"""
    name = (f"{given}.{surname}", f"{given[:1]}{surname}", f"{surname}.{given}")[shape]
    return f"{name}{number + 1}" if number else name


def homonym_numbers(people: People) -> Ints:
    """(n, 2): rank of each possible box among those of the same local part and domain.  Boxes of day 0 come first,
    then those that their people may open, then newcomers, so that numbers last."""
    surname_codes, given_codes, initials = _codes(people)
    names = np.repeat(surname_codes, 2), np.repeat(given_codes, 2), np.repeat(initials, 2)
    domain = people.box_domain.reshape(-1)
    domain = np.where(domain < 0, domain.max(initial=0) + 1, domain)  # none: kept apart
    shapes = np.array([style(d) for d in range(int(domain.max(initial=0)) + 1)])[domain]
    given = np.where(shapes == 1, names[2], names[1])
    keys = (domain * (int(given.max(initial=0)) + 1) + given) * (int(names[0].max(initial=0)) + 1) + names[0]
    first_opened = np.repeat(people.arrived == 0, 2) & (people.box_opened_first.reshape(-1) == 1)
    order = np.lexsort((np.arange(len(keys)), ~first_opened))
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = grouped_ranks(keys[order])
    return ranks.reshape(-1, 2)


def _codes(people: People) -> tuple[Ints, Ints, Ints]:
    """Names as numbers, equal when they give the same letters in an address."""
    found, inverse = np.unique(people.box_surname, return_inverse=True)
    pool = surnames().names
    surname = np.unique([slug(pool[i]) for i in found.tolist()], return_inverse=True)[1][inverse]
    found, inverse = np.unique(people.given * 2 + people.sex - 1, return_inverse=True)
    slugs = np.array([slug(given_names(1 + i % 2).names[i // 2]) for i in found.tolist()])
    return surname, np.unique(slugs, return_inverse=True)[1][inverse], np.array([ord(s[0]) for s in slugs])[inverse]
