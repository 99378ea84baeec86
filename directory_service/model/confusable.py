"""Addresses that are taken for one another: characters that look the same, the same words in another order, a letter or
two, another domain.  PURE.

``mistaken`` compares addresses that all exist; hot path, with ``homonyms``.  ``meant_for`` compares an address that may
not exist with one that does, and allows more errors.  Which addresses exist is not known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from types import MappingProxyType
from typing import Final, NamedTuple

from directory_service.model.names import normalized
from directory_service.model.phonetics import within

Holding = tuple[str, str]  # address in lower case, id of the holder


class How(StrEnum):
    """What two addresses differ by, the hardest to see first."""

    CHARACTERS = "characters"  # 0 and o, 1 and l, rn and m, a dot or none, letters of other alphabets
    REORDERED = "reordered"  # the same words before the @, the other way round
    LETTER = "letter"  # one more, one less or another one before the @; of one that does not exist, perhaps two
    DOMAIN = "domain"  # nothing before the @


SAID: Final = MappingProxyType(
    {
        How.CHARACTERS: "caractères qui se ressemblent",
        How.REORDERED: "mêmes mots, autre ordre",
        How.LETTER: "faute de frappe",
        How.DOMAIN: "domaine voisin",
    }
)


class Mistaken(NamedTuple):
    """``own``: the other address is of the same holder."""

    address: str
    how: How
    own: bool


# Letters of other alphabets that are drawn as ours (Unicode Technical Standard 39 calls them confusables).
_FOREIGN: Final = str.maketrans("аеорсухіјѕԁһӏοανρι", "aeopcyxijsdhloavpi")
_LOOKS: Final = str.maketrans({"0": "o", "1": "l", "5": "s", "8": "b", ".": "", "-": "", "_": ""})
_PAIRS: Final = re.compile("rn|vv|cl")
_AS_ONE: Final = {"rn": "m", "vv": "w", "cl": "d"}
_STROKES: Final = str.maketrans("ij|", "lll")  # after the pairs: ``ci`` is no d
_SEPARATORS: Final = re.compile(r"[.\-_]+")


@lru_cache(maxsize=20_000)
def looks(text: str) -> str:
    """An address, or a part of one, as a hasty eye reads it."""
    text = text.lower()
    if not text.isascii():
        plain = normalized("NFKD", text)
        text = "".join(c for c in plain if not unicodedata.combining(c)).lower().translate(_FOREIGN)
    return _PAIRS.sub(lambda pair: _AS_ONE[pair[0]], text.translate(_LOOKS)).translate(_STROKES)


# --- one that may not exist ------------------------------------------------------------------------------------------

_TYPO_FROM: Final = 5  # letters of a local part: among shorter ones everything is a letter away from everything
_TWO_FROM: Final = 10


def meant_for(typed: str, known: str) -> How | None:
    """How ``typed`` may have been meant for ``known``; both in lower case."""
    if typed == known:
        return None
    if looks(typed) == looks(known):
        return How.CHARACTERS
    local, _, domain = typed.rpartition("@")
    other, _, where = known.rpartition("@")
    if domain == where:
        return How.REORDERED if local in _orders(other) or other in _orders(local) else _mistyped(local, other)
    return How.DOMAIN if local == other and near_domain(domain, where) else None


def _mistyped(local: str, other: str) -> How | None:
    short = min(len(local), len(other))
    if short < _TYPO_FROM:
        return None
    return How.LETTER if within(local, other, 2 if short >= _TWO_FROM else 1) else None


def near_domain(domain: str, known: str) -> bool:
    """Whether a domain may be this one mistyped, or made to look like it."""
    return domain != known and (looks(domain) == looks(known) or within(domain, known, 2))


def _orders(local: str) -> Iterator[str]:
    """The same words with other separators, and the other way round."""
    parts = [p for p in _SEPARATORS.split(local) if p]
    for order in (parts, parts[::-1]) if len(parts) > 1 else (parts,):
        yield from (separator.join(order) for separator in (".", "-", "_", ""))


def rewritten(address: str) -> Iterator[str]:
    """What it may have been in another order or with other separators: to be looked up by key."""
    local, _, domain = address.rpartition("@")
    yield from (f"{written}@{domain}" for written in _orders(local) if written != local)


# --- several that do -------------------------------------------------------------------------------------------------


def mistaken(held: Sequence[Holding], eyes: Sequence[str] | None = None) -> dict[Holding, list[Mistaken]]:
    """For each address and holder that has any, the other addresses it may be taken for, in order.  ``eyes``: what is
    before the @ of each as ``looks`` has it, where that is known.

    Everybody is compared with everybody of one domain, as far as the first or the last letters: for the few addresses
    that are shown together, that is sooner done than keys are made of them."""
    by_domain: dict[str, list[tuple[str, str, Holding]]] = {}
    by_local: dict[str, list[Holding]] = {}
    for holding, eye in zip(held, eyes, strict=True) if eyes else ((holding, "") for holding in held):
        local, _, domain = holding[0].partition("@")
        by_domain.setdefault(domain, []).append((local, eye or looks(local), holding))
        by_local.setdefault(local, []).append(holding)
    found: dict[Holding, dict[str, Mistaken]] = defaultdict(dict)
    for together in by_local.values():
        for one, other in combinations(together, 2):
            if one[0] != other[0]:
                _note(one, other, How.DOMAIN, found)
    for written in by_domain.values():
        for (local, eye, one), (local2, eye2, other) in combinations(written, 2):
            if eye == eye2:
                if local != local2:
                    _note(one, other, How.CHARACTERS, found)
            elif _may_be_near(local, local2) and _one_edit(local, local2):
                _note(one, other, How.LETTER, found)
    return {holding: sorted(others.values()) for holding, others in found.items()}


def _may_be_near(one: str, other: str) -> bool:
    """True for all that are a letter apart: the first half of the shorter one, or its second half, is where it is in
    the other."""
    half = min(len(one), len(other)) // 2
    if -2 < len(one) - len(other) < 2:
        return one[:half] == other[:half] or one[len(one) - half :] == other[len(other) - half :]
    return False


def _note(one: Holding, other: Holding, how: How, found: dict[Holding, dict[str, Mistaken]]) -> None:
    own = one[1] == other[1]
    for each, near in ((one, other), (other, one)):
        known = found[each].get(near[0])
        if known is None or (known.own and not own):
            found[each][near[0]] = Mistaken(near[0], how, own)


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
