"""Check digits and scrambled serials, over whole columns of numbers at once.

Only makes numbers; ``directory_service.model.identifiers`` judges them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_RPPS_PRIME = 99_999_989  # largest prime below 10**8: serials are scrambled without collision
_SIREN_SPAN = 59_999_999
_STEP = 48_271


def luhn_keys(values: Ints) -> Ints:
    """The digit to append to each number for Luhn's sum to hold."""
    rest, total, doubled = values.copy(), np.zeros_like(values), True
    while rest.any():
        digit = rest % 10
        total += (2 * digit) // 10 + (2 * digit) % 10 if doubled else digit
        rest //= 10
        doubled = not doubled
    return -total % 10


def keyed(values: Ints) -> Ints:
    """Each number with its key appended."""
    return values * 10 + luhn_keys(values)


def rpps_numbers(person_ids: Ints, seed: int) -> Ints:
    """11 digits from ``10``: serials look drawn at random yet never repeat."""
    serial = (person_ids * _STEP + seed * 1_000_003) % _RPPS_PRIME
    return keyed(10 * 10**8 + serial)


def siren_numbers(ids: Ints) -> Ints:
    return keyed(30_000_000 + (ids * _STEP) % _SIREN_SPAN)


def siret_numbers(sirens: Ints) -> Ints:
    """Of the first site of each."""
    return keyed(sirens * 10_000 + 1)


def grouped_ranks(groups: Ints) -> Ints:
    """Rank (0, 1, 2…) of each element among its equals, in the order given."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(groups) else np.zeros(0, np.int64)
    lengths = np.diff(np.r_[starts, len(groups)])
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return ranks


def draw(rng: np.random.Generator, cumulated: NDArray[np.float64], size: int) -> Ints:
    """``size`` indexes drawn by weight, given the running sum of the weights."""
    found = np.searchsorted(cumulated, rng.random(size) * cumulated[-1], side="right")
    return np.asarray(found.clip(max=len(cumulated) - 1), np.int64)


def mixed(number: int, seed: int) -> int:
    """32 bits that look drawn at random, always the same for the same number and seed."""
    h = (number * 0x9E3779B1 + seed * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return h ^ (h >> 13)
