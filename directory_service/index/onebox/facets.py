"""Facets: how many of the people found have each profession, specialty, department and type of mailbox.  PURE.

Counted from tokens, of which a person has each once: a facet's count is how many would be found if the criterion of the
same name were given its value (``finder`` does not widen for want of it).  Unlisted mailboxes leave no token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from directory_service.entries.attributes import BOX_TAG, DEPARTMENT_TAG
from directory_service.model import nomenclature


class _Facet(NamedTuple):
    letter: str  # of the tokens
    labels: str  # a system of the nomenclature; "" for departments


_TABLE: Final[Mapping[str, _Facet]] = {
    "profession": _Facet("p", "profession"),
    "specialty": _Facet("s", "expertise"),
    "department": _Facet(DEPARTMENT_TAG, ""),
    "type": _Facet(BOX_TAG, "mailbox_type"),
}
FACETS: Final = tuple(_TABLE)


def count(tags: Iterable[str]) -> Counter[str]:
    """How many have each token."""
    found: Counter[str] = Counter()
    for held in tags:
        found.update(set(held.split()))
    return found


def told(counts: Mapping[str, int], wanted: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The facets that are wanted, the most frequent value first."""
    return {name: _values(counts, _TABLE[name]) for name in FACETS if name in wanted}


def _values(counts: Mapping[str, int], facet: _Facet) -> list[dict[str, Any]]:
    found = [(token[1:], number) for token, number in counts.items() if token[0] == facet.letter]
    known = [(_value(text), number) for text, number in found]
    ordered = sorted(known, key=lambda pair: (-pair[1], pair[0]))
    return [{"value": value, "label": _label(facet, value) or value, "count": number} for value, number in ordered]


def _value(text: str) -> str:
    """The code that the token was made of (``entries.attributes.tag``)."""
    plain = bytes.fromhex(text[1:]).decode() if text.startswith("x") else text
    return plain.upper()


def _label(facet: _Facet, value: str) -> str:
    if not facet.labels:
        return nomenclature.DEPARTMENTS.get(value, "")
    return nomenclature.label(facet.labels, value)
