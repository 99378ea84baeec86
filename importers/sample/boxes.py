"""Who has a mailbox, and in which domain: the long tail of the real file, drawn.

Measured on 25 Aug 2026 (formats.md §1): 535,357 rows, 85 % personal; 5,018 domains, median 4 boxes, p90 87, the
largest 12 %, the first ten 46 %; 169 addresses on several lines.  Day by day changes are in ``country``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from directory_service.model.nomenclature import DEPARTMENTS
from importers.sample import professions as pro
from importers.sample.numbers import Ints, draw, grouped_ranks
from importers.sample.places import KINDS, Institutions, places

NOWHERE = -1  # a place of work: a practice (0, 1…), nowhere, or an institution (-2, -3…)
PERSONAL_BOXES = 455_471 / pro.NATIONAL  # a person
ORGANIZATION_BOXES = 79_886 / pro.NATIONAL
_REPEATED = 169 / 535_188  # addresses that stand on two lines
_SECOND = 0.24  # of those who may have two

_PROFESSIONAL = sorted({p.domain for p in pro.PROFESSIONS})
_REGIONAL = ("oc", "aura", "grand-est", "hdf", "corse", "bfc")
COMMON_DOMAINS = (
    *_PROFESSIONAL,
    "mssante.apicrypt.org",
    "interop-mssante.apicrypt.org",
    *(f"{r}.mssante.fr" for r in _REGIONAL),
    *(f"ps{code.lower()}.mssante.fr" for code in DEPARTMENTS),
)
_APICRYPT = len(_PROFESSIONAL)
_FIRST_REGION = _APICRYPT + 2
_FIRST_DEPARTMENT = _FIRST_REGION + len(_REGIONAL)

_BOX = np.array([p.box for p in pro.PROFESSIONS])
_COMMON = np.array([p.common for p in pro.PROFESSIONS])
_DOMAIN = np.array([COMMON_DOMAINS.index(p.domain) for p in pro.PROFESSIONS])
_DOCTOR = np.array([p.code == "10" for p in pro.PROFESSIONS])
_WEIGHTS = np.array([p.weight for p in pro.PROFESSIONS])
# Holders are 1.09 times fewer than boxes; 1.045 for what the adoption of institutions takes away.
_SCALE = 1.045 * PERSONAL_BOXES * _WEIGHTS.sum() / (1.09 * (_WEIGHTS * _BOX).sum())
_STAFF = np.array([k.staff for k in KINDS])
_SETTING = np.array([k.setting for k in KINDS])


def make_domains(
    rng: np.random.Generator, profession: Ints, place: Ints, work: Ints, institutions: Institutions
) -> tuple[Ints, Ints]:
    """(n, 2) domains of the mailboxes that each person may have, and the institutions behind them."""
    n = len(profession)
    employer = _employers(work, institutions)
    employed = employer < NOWHERE
    theirs = len(COMMON_DOMAINS) + institutions.domain[np.where(employed, -2 - employer, 0)]
    common = rng.random(n) < _COMMON[profession]
    first = np.where(common, _DOMAIN[profession], np.where(employed, theirs, _elsewhere(rng, profession, place)))
    second = np.where(_DOCTOR[profession] & (rng.random(n) < 0.5), _APICRYPT, -1)
    second = np.where(employed & common, theirs, second)
    second = np.where(second == first, -1, second)
    sites = [np.where(employed & (d == theirs), employer, NOWHERE) for d in (first, second)]
    return np.column_stack([first, second]), np.column_stack(sites)


def _employers(work: Ints, institutions: Institutions) -> Ints:
    """The first place of work that has a domain."""
    employer = np.full(len(work), NOWHERE)
    for column in (2, 1, 0):
        here = work[:, column] < NOWHERE
        has = here & (institutions.domain[np.where(here, -2 - work[:, column], 0)] >= 0)
        employer = np.where(has, work[:, column], employer)
    return employer


def _elsewhere(rng: np.random.Generator, profession: Ints, place: Ints) -> Ints:
    """Those of no employer: Apicrypt (doctors), their region, their profession, else their département."""
    numbers = np.array([list(DEPARTMENTS).index(c) for c in places().department_codes])
    local = _FIRST_DEPARTMENT + numbers[places().departments[place]]
    regional = _FIRST_REGION + draw(rng, np.array([0.3, 0.6, 0.75, 0.88, 0.9, 1.0]), len(place))
    chance = rng.random(len(place))
    apicrypt = np.where(_DOCTOR[profession], _APICRYPT + (rng.random(len(place)) < 0.02), local)
    return np.select([chance < 0.25, chance < 0.3, chance < 0.55], [apicrypt, regional, _DOMAIN[profession]], local)


def open_boxes(
    rng: np.random.Generator,
    profession: Ints,
    domain: Ints,
    site: Ints,
    institutions: Institutions,
    forced: NDArray[np.bool_],
) -> Ints:
    """(n, 2) 1 where the box exists on arrival.  Institutions take to mailboxes very unequally."""
    n = len(profession)
    employed = site[:, 0] < NOWHERE
    adoption = np.where(employed, institutions.adoption[np.where(employed, -2 - site[:, 0], 0)], 1)
    opened = np.zeros((n, 2), np.int64)
    opened[:, 0] = (rng.random(n) < _BOX[profession] * _SCALE * adoption) | forced
    opened[:, 1] = (opened[:, 0] == 1) & (domain[:, 1] >= 0) & (rng.random(n) < _SECOND)
    return opened


def repeated(rng: np.random.Generator, holders: Ints, with_adeli: Ints) -> Ints:
    """Holders whose address stands on two lines: the national share, and at least one of each sort."""
    chosen = holders[rng.random(len(holders)) < _REPEATED * 1.2]
    return np.unique(np.r_[chosen, holders[:1], with_adeli[:1]])


@dataclass
class OrganizationBoxes:
    """Organizational mailboxes: ``rank`` numbers those of one institution."""

    site: Ints
    rank: Ints
    open: Ints


def make_organization_boxes(rng: np.random.Generator, institutions: Institutions, people: int) -> OrganizationBoxes:
    """One at least for each domain, the rest by a law with a long tail; one in ten is a pharmacy's."""
    count = round(people * ORGANIZATION_BOXES)
    owners = np.flatnonzero(institutions.domain >= 0)
    shops = np.flatnonzero(_SETTING[institutions.kinds] == pro.PHARMACY)
    pharmacies = rng.permutation(shops)[: count // 10]
    weights = rng.lognormal(0, 2.1, len(owners)) * _STAFF[institutions.kinds[owners]] ** 0.9
    drawn = owners[draw(rng, weights.cumsum(), max(0, count - len(owners) - len(pharmacies)))]
    site = np.r_[owners, pharmacies, drawn][: max(count, 1)]
    return OrganizationBoxes(site, grouped_ranks(site), np.ones(len(site), np.int64))
