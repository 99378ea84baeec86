"""Addresses that are taken for one another: one letter apart, letters that look the same, or another domain.  PURE.

Hot path, with ``homonyms``: every address is put under keys, a few cheap ones first, so that only those that share one
are compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

Holding = tuple[str, str]  # address in lower case, id of the holder


class How(StrEnum):
    """What two addresses differ by, the hardest to see first."""

    CHARACTERS = "characters"  # 0 and o, 1 and l, rn and m, a dot or none
    LETTER = "letter"  # one more, one less or another one before the @
    DOMAIN = "domain"  # nothing before the @


class Mistaken(NamedTuple):
    """``own``: the other address is of the same holder."""

    address: str
    how: How
    own: bool


_LOOKS: Final = str.maketrans({"0": "o", "1": "l", "5": "s", ".": "", "-": "", "_": ""})
_PAIRS: Final = re.compile("rn|vv|cl")
_AS_ONE: Final = {"rn": "m", "vv": "w", "cl": "d"}


def looks(local: str) -> str:
    """What stands before the @, as a hasty eye reads it."""
    return _PAIRS.sub(lambda pair: _AS_ONE[pair[0]], local.translate(_LOOKS))


def mistaken(held: Sequence[Holding]) -> dict[Holding, list[Mistaken]]:
    """For each address and holder that has any, the other addresses it may be taken for, in order."""
    holdings = dict.fromkeys(held)
    near = _sharing(holdings, _halves)
    near = _sharing({h: None for together in near for h in together}, _deletions) if near else near
    found: dict[Holding, dict[str, Mistaken]] = defaultdict(dict)
    for together in (*near, *_sharing(holdings, _looks)):
        _compare(together, found)
    return {holding: sorted(others.values()) for holding, others in found.items()}


def _sharing(holdings: Iterable[Holding], keys: Callable[[str], Iterable[Hashable]]) -> list[list[Holding]]:
    """Those that share a key."""
    by_key: dict[Hashable, list[Holding]] = {}
    for holding in holdings:
        for key in keys(holding[0]):
            if key in by_key:
                by_key[key].append(holding)
            else:
                by_key[key] = [holding]
    return [together for together in by_key.values() if len(together) > 1]


def _compare(together: Sequence[Holding], found: dict[Holding, dict[str, Mistaken]]) -> None:
    for one in together:
        for other in together:
            known = found[one].get(other[0]) if one in found else None
            if known is None or (known.own and one[1] != other[1]):
                how = differ_by(one[0], other[0])
                if how:
                    found[one][other[0]] = Mistaken(other[0], how, one[1] == other[1])


@lru_cache(maxsize=20_000)
def _looks(address: str) -> tuple[Hashable, ...]:
    """What two addresses share that differ by their domain, or by characters that look the same."""
    local, _, domain = address.partition("@")
    return local, (domain, looks(local))


@lru_cache(maxsize=20_000)
def _halves(address: str) -> tuple[Hashable, ...]:
    """Two addresses that are a letter apart share one: the first half of the shorter one, or its second half, is where
    it is in the other.  Few others do."""
    local, _, domain = address.partition("@")
    found: list[Hashable] = []
    for size in (len(local), len(local) - 1):  # of the shorter one
        half = size // 2
        found += [(domain, size, local[:half], True), (domain, size, local[len(local) - (size - half) :], False)]
    return tuple(found)


def _deletions(address: str) -> Iterable[Hashable]:
    """Two addresses that are a letter apart share one, and hardly any others do: the address, or the address less one
    letter."""
    end = address.index("@")
    return {address, *[address[:n] + address[n + 1 :] for n in range(end)]}


def differ_by(one: str, other: str) -> How | None:
    """None: nobody takes one for the other, or they are one."""
    if one == other:
        return None
    local, _, domain = one.partition("@")
    local2, _, domain2 = other.partition("@")
    if domain != domain2:
        return How.DOMAIN if local == local2 else None
    if looks(local) == looks(local2):
        return How.CHARACTERS
    return How.LETTER if _one_edit(local, local2) else None


def _one_edit(one: str, other: str) -> bool:
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    same = _common(one, other)
    skipped = len(other) == len(one) + 1
    return one[same if skipped else same + 1 :] == other[same + 1 :]


def _common(one: str, other: str) -> int:
    """How many letters they begin with together."""
    pairs: Iterable[tuple[str, str]] = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
