"""ADELI numbers of a country: département (2), profession (2), serial (4), key.

One person may have had two, in two départements; the official crosswalk knows the last one only.
"""

from __future__ import annotations

import numpy as np

from importers.sample.country import Country, People
from importers.sample.numbers import Ints, grouped_ranks, keyed
from importers.sample.places import places
from importers.sample.professions import PROFESSIONS

_OVERSEAS = {"971": "9A", "972": "9B", "973": "9C", "974": "9D", "975": "9E", "976": "9F", "977": "9A", "978": "9A"}
_LETTERS = str.maketrans("ABCDEF", "123456")


def adeli_numbers(people: People) -> tuple[list[str], list[str]]:
    """Last and older ADELI number of each person, ``""`` when none."""
    heads = [_OVERSEAS.get(c, c[:2]) for c in places().department_codes]
    count = people.adeli_count
    owners = np.r_[np.flatnonzero(count >= 1), np.flatnonzero(count >= 2)]
    first = np.arange(len(owners)) < (count >= 1).sum()
    home = np.where(first, people.home[owners], people.old_place[owners])
    department = places().departments[home]
    profession = np.array([int(p.code) for p in PROFESSIONS])[people.profession[owners]]
    found: tuple[list[str], list[str]] = ([""] * len(count), [""] * len(count))
    numbers = _numbers(heads, department, profession)
    for owner, number, is_first in zip(owners.tolist(), numbers, first.tolist(), strict=True):
        found[0 if is_first else 1][owner] = number
    return found


def _numbers(heads: list[str], department: Ints, profession: Ints) -> list[str]:
    """Serials are given out per département and profession; nurses overflow from 60 into 61, 62…"""
    group = np.unique(np.array(heads), return_inverse=True)[1][department] * 100 + profession
    rank = grouped_ranks(group)
    serial = (rank * 7919 + group * 379) % 10_000
    tail = (profession + rank // 10_000) % 100 * 10_000 + serial
    digits = np.array([int(h.translate(_LETTERS)) for h in heads])[department]
    whole = keyed(digits * 10**6 + tail)
    return [f"{heads[d]}{w % 10**7:07d}" for d, w in zip(department.tolist(), whole.tolist(), strict=True)]


def former_ids(country: Country, numbers: list[str]) -> dict[int, str]:
    """ADELI-rang (type 0) of the practices whose owner had an ADELI number: what ties the two registries together."""
    people = country.people
    rows = np.flatnonzero((people.home_work >= 0) & (people.adeli_count > 0))
    rows = rows[country.practices.owner[people.home_work[rows]] == people.rpps[rows]]
    return {int(people.home_work[i]): f"0{numbers[i]}01" for i in rows.tolist()}
