"""The slow and obvious twin of how the one box matches a name (``index.onebox``): a whole text with a family name and
given names, each typed word with the word that it fits best.  It knows no index, no tokens and no other fields."""

from __future__ import annotations

from collections.abc import Container, Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from directory_service.model.likeness import Likeness, grade
from directory_service.model.names import words
from directory_service.model.phonetics import heard, spelt, units


class Side(StrEnum):
    """Which part of a name a word is of."""

    FAMILY = "family"
    GIVEN = "given"


Word = tuple[Side | None, str]


class WordMatch(NamedTuple):
    """What a typed word is like.  ``side`` and ``word`` say of what, and are nothing where it is like nothing."""

    typed: str
    likeness: Likeness
    side: Side | None = None
    word: str = ""


class NameMatch(NamedTuple):
    """What each word of a text is like, in the order typed.  ``key`` orders matches, best first."""

    words: tuple[WordMatch, ...]

    @property
    def worst(self) -> Likeness:
        return max((w.likeness for w in self.words), default=Likeness.NONE)

    @property
    def key(self) -> tuple[int, ...]:
        """The worst word, then the best word of the family name, then all of them."""
        family = min((w.likeness for w in self.words if w.side is Side.FAMILY), default=Likeness.NONE)
        return (self.worst, family, sum(w.likeness for w in self.words))


def match_word(typed: str, family: str, given: str, taken: Container[Word] = ()) -> WordMatch:
    """One folded word with the word of the names, not one of ``taken``, that it is most like; the family name wins a
    tie.  Only given names have nicknames, and several initials in a row."""
    found = WordMatch(typed, Likeness.NONE)
    for side, parts in ((Side.FAMILY, heard(family)), (Side.GIVEN, _given_words(given))):
        for word in parts:
            likeness = Likeness.NONE if (side, word) in taken else grade(typed, word)
            if likeness < found.likeness and not (side is Side.FAMILY and likeness is Likeness.NICKNAME):
                found = WordMatch(typed, likeness, side, word)
    if found.likeness > Likeness.INITIAL and typed == _initials(given):
        return WordMatch(typed, Likeness.INITIAL, Side.GIVEN, typed)
    return found


def match_name(typed: str, family: str, given: str) -> NameMatch | None:
    """A whole text with a name, in any order, each word with another of the name; None where one is like nothing.
    Particles go with what follows."""
    asked = units(typed)
    found: dict[int, WordMatch] = {}
    taken: set[Word] = set()
    while len(found) < len(asked):  # the surest first
        left = ((n, _best(ways, family, given, taken)) for n, ways in enumerate(asked) if n not in found)
        n, best = min(left, key=lambda pair: pair[1].likeness)
        if best.likeness is Likeness.NONE:
            return None
        found[n] = best
        taken.add((best.side, best.word))
    return NameMatch(tuple(found[n] for n in range(len(asked)))) if found else None


def _best(ways: Iterable[str], family: str, given: str, taken: Container[Word]) -> WordMatch:
    return min((match_word(way, family, given, taken) for way in ways), key=lambda found: found.likeness)


@lru_cache(maxsize=20_000)
def _given_words(given: str) -> tuple[str, ...]:
    """The words of given names, as they are spelt and as ``units`` does, and compounds in one word: ``jean, pierre,
    jeanpierre``."""
    found = words(given)
    compound = ["".join(found)] if len(found) > 1 else []
    return tuple(dict.fromkeys((*found, *map(spelt, found), *compound)))


@lru_cache(maxsize=20_000)
def _initials(given: str) -> str:
    """``jp`` of Jean-Pierre; nothing of one given name."""
    found = words(given)
    return "".join(w[0] for w in found) if len(found) > 1 else ""
