"""The names of towns, as people, the mail and INSEE write them.  PURE.

Paris, Lyon and Marseille are communes of several districts, which INSEE writes *Lyon 3e Arrondissement*, the mail
*LYON 03* and *LYON CEDEX 03*: whoever asks for Lyon means them all.  What the registry holds is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from directory_service.model.names import SAINTS, saints_spelt, words

CEDEX: Final = "cedex"
DISTRICTS: Final = MappingProxyType({"paris": 20, "lyon": 9, "marseille": 16})  # how many each has
_DISTRICT: Final = "arrondissement"
_NUMBER: Final = re.compile(r"0?([1-9][0-9]?)(?:er?|eme)?", re.ASCII)


def town_name(town: str) -> tuple[str, ...]:
    """The folded words of the name of a town, whatever the mail or INSEE adds to it, and without the postcode that
    people write before it or behind it; *St* is *Saint*."""
    found = _bare(_bare(words(town)))  # *Paris 10e Arrondissement (75010)*
    if len(found) > 2 and len(found[0]) == 1 and found[1][0].isdigit():
        del found[0]  # of the country: *F-69003 Lyon*
    while len(found) > 1 and found[0][0].isdigit():
        del found[0]
    return tuple(_saints(found))


@lru_cache(maxsize=50_000)
def other_towns(town: str) -> tuple[str, ...]:
    """What else ``fold`` might give of this town if others wrote it: the name alone, *Saint* short and in full, a
    district by its number."""
    found, bare, number = _parts(town)
    forms = [" ".join(bare), *saints_spelt(bare, " ")]
    if number:
        forms += _districts(bare[0], number)
    own = " ".join(found)
    return tuple(form for form in dict.fromkeys(forms) if form and form != own)


def town_of_post(town: str) -> str:
    """The town alone of one that is written with its post office (*METZ CEDEX 01*); nothing of others, nor of a
    district, which the number is of."""
    found, bare, number = _parts(town)
    return " ".join(bare) if CEDEX in found and bare and not number else ""


def district_of(town: str) -> int:
    """The number of the district that is named; 0 for none."""
    return _parts(town)[2]


def town_key(town: str) -> str:
    """One word for all that ``other_towns`` makes of a name, and one for all that it makes of a district."""
    found, bare, number = _parts(town)
    return f"{bare[0]}{number}" if number else "".join(_saints(found))


def _parts(town: str) -> tuple[list[str], list[str], int]:
    """The folded words, those of the name alone, and the number of the district, 0 for none."""
    found = words(town)
    bare = _bare(found)
    return found, bare, _district(found, bare)


def _bare(found: Sequence[str]) -> list[str]:
    """Without the district and the post office (*LYON CEDEX 03*, *Lyon 3e Arrondissement*)."""
    kept = list(found)
    if CEDEX in kept:
        del kept[kept.index(CEDEX) :]
    if kept and kept[-1].startswith(_DISTRICT):
        del kept[-1]
    while len(kept) > 1 and kept[-1][0].isdigit():
        del kept[-1]
    return kept


def _saints(found: Iterable[str]) -> list[str]:
    return [SAINTS.get(word, word) for word in found]


def _district(found: Sequence[str], bare: Sequence[str]) -> int:
    """The number of the district, 0 for none."""
    most = DISTRICTS.get(bare[0], 0) if len(bare) == 1 else 0
    written = [n for n in map(_NUMBER.fullmatch, found[1:]) if n] if most else []
    number = int(written[0][1]) if len(written) == 1 else 0
    return number if number <= most else 0


def _districts(town: str, number: int) -> list[str]:
    ordinal = "1er" if number == 1 else f"{number}e"
    said = (str(number), f"{number:02}", ordinal, f"{number}eme", f"{ordinal} {_DISTRICT}", f"{CEDEX} {number:02}")
    return [f"{town} {each}" for each in said]
