"""Names of structures, in which each kind (*CHU*, *centre hospitalier universitaire*) is one unit.  PURE.

Which ways of writing a kind are one is the table's (``data/search_words.csv``, by ``vocabulary``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from directory_service.model.vocabulary import ARTICLES, System, terms

Words = tuple[str, ...]


class Unit(NamedTuple):
    """Neighbours that say a kind, or one word that says none.  A name of this kind has all the words of one of the
    ``ways``; a word has none."""

    said: Words
    ways: tuple[Words, ...] = ()

    def is_like(self, other: Unit) -> bool:
        """Whether one may stand for the other (*hôpital* for *CHU*)."""
        return self == other or self.said in other.ways or other.said in self.ways

    def is_same(self, other: Unit) -> bool:
        """Whether each may stand for the other."""
        return self == other or (self.said in other.ways and other.said in self.ways)


def units_of(found: Sequence[str]) -> tuple[Unit, ...]:
    """The units of the folded words of a name, each once, the longest kinds first; articles only where there is
    nothing else."""
    kept = [word for word in found if word not in ARTICLES] or list(found)
    kinds, longest = _kinds(), max(map(len, _kinds()))
    units, at = list[Unit](), 0
    while at < len(kept):
        sizes = range(min(longest, len(kept) - at), 0, -1)
        size = next((n for n in sizes if frozenset(kept[at : at + n]) in kinds), 0)
        said = tuple(kept[at : at + (size or 1)])
        units.append(Unit(said, (said, *kinds[frozenset(said)]) if size else ()))
        at += size or 1
    return tuple(dict.fromkeys(units))


@cache
def _kinds() -> Mapping[frozenset[str], tuple[Words, ...]]:
    """The ways of each kind, by the words that say it: those of the table, and what an abbreviation is short for."""
    found = {term.said - ARTICLES: term.names for term in terms() if term.system is System.STRUCTURE}
    in_full = {frozenset(ways[0]): ways for said, ways in found.items() if len(said) == 1 < len(ways[0])}
    return MappingProxyType(in_full | found)
