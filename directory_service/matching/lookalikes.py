"""Addresses that are easily taken for one another.  PURE.

Four ways: characters that look alike (``0`` and ``o``, ``rn`` and ``m``, letters of other alphabets), one or two wrong
letters, the same words in another order or with other separators, the same local part in a neighbouring domain.  An
address is never its own look-alike.  Which addresses exist is not known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from directory_service.model.phonetics import within

_TYPO_FROM: Final = 5  # letters of a local part: among shorter ones everything is a letter away from everything
_TWO_FROM: Final = 10
_SEPARATORS: Final = re.compile(r"[.\-_]+")

# Letters of other alphabets that are drawn as ours (Unicode Technical Standard 39 calls them confusables).
_FOREIGN: Final = str.maketrans("аеорсухіјѕԁһӏοανρι", "aeopcyxijsdhloavpi")
_DRAWN: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_DIGITS: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "j": "l", "|": "l", "5": "s", "8": "b"})


class Likeness(StrEnum):
    CONFUSABLE = "confusable"  # looks the same
    REORDERED = "reordered"  # the same words, in another order or with other separators
    TYPO = "typo"  # a letter or two
    DOMAIN = "domain"  # another domain, which is nearly the same


SAID: Final = {
    Likeness.CONFUSABLE: "caractères qui se ressemblent",
    Likeness.REORDERED: "mêmes mots, autre ordre ou autre séparateur",
    Likeness.TYPO: "faute de frappe",
    Likeness.DOMAIN: "domaine voisin",
}


def skeleton(text: str) -> str:
    """One form for all that looks alike; for comparing only."""
    plain = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_FOREIGN)
    for drawn, letter in _DRAWN:
        plain = plain.replace(drawn, letter)
    return plain.translate(_DIGITS)


def likeness(typed: str, known: str) -> Likeness | None:
    """How ``typed`` may be taken for ``known``; both in lower case."""
    if typed == known:
        return None
    if skeleton(typed) == skeleton(known):
        return Likeness.CONFUSABLE
    local, _, domain = typed.rpartition("@")
    other, _, where = known.rpartition("@")
    if domain == where:
        return _of_locals(local, other)
    return Likeness.DOMAIN if local == other and near_domain(domain, where) else None


def _of_locals(local: str, other: str) -> Likeness | None:
    if _orders(local) & _orders(other):
        return Likeness.REORDERED
    short = min(len(local), len(other))
    if short < _TYPO_FROM:
        return None
    return Likeness.TYPO if within(local, other, 2 if short >= _TWO_FROM else 1) else None


def near_domain(domain: str, known: str) -> bool:
    """Whether a domain may be this one mistyped, or made to look like it."""
    return domain != known and (skeleton(domain) == skeleton(known) or within(domain, known, 2))


def _orders(local: str) -> set[str]:
    """Its words in a row, from the first and from the last."""
    parts = _SEPARATORS.split(local)
    return {"".join(parts), "".join(reversed(parts))}


def rewritten(address: str) -> Iterator[str]:
    """The same words with other separators, and the other way round: what may be looked up by key."""
    local, _, domain = address.rpartition("@")
    parts = [p for p in _SEPARATORS.split(local) if p]
    orders = [parts] if len(parts) < 2 else [parts, parts[::-1]]
    for order in orders:
        for separator in (".", "-", "_", ""):
            written = f"{separator.join(order)}@{domain}"
            if written != address:
                yield written
