"""How a typed word is like a word of a name, and a typed text like a person's name: grades, best first.  PURE.

``grade`` compares one folded word with one other, ``grade_whole`` one that was written to its end; ``match_name`` a
whole text with a family and a given name, each typed word with the word it fits best.  What finds the candidates is
another matter (``index.plan``): here is what is left to say when both are at hand, for ranking and for telling why a
result matched.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.model.names import words
from directory_service.model.nicknames import is_nickname
from directory_service.model.phonetics import heard, mistyped, sounds_alike, units


class Likeness(IntEnum):
    """Best first: less is better, and ``NONE`` is no match."""

    EXACT = 0  # the same folded word
    PREFIX = 1  # the word begins so
    NICKNAME = 2  # Jacky, Jacques
    INITIAL = 3  # one letter typed, or one letter known
    SOUND = 4  # Lefeuvre, Lefèvre
    TYPO = 5  # Dupnot, Dupont
    INSIDE = 6  # the word holds it elsewhere
    NONE = 9


class Side(StrEnum):
    """Which part of a name a word is of."""

    FAMILY = "family"
    GIVEN = "given"


LEAST_INSIDE: Final = 3  # letters: less is inside of everything


@lru_cache(maxsize=50_000)
def grade(typed: str, word: str) -> Likeness:
    """Two folded words (``names.words``), the particles of the second glued or not.  Not symmetric: ``typed`` may be
    the beginning."""
    if not typed or not word:
        return Likeness.NONE
    if typed == word:
        return Likeness.EXACT
    if len(typed) == 1 or len(word) == 1:
        return Likeness.INITIAL if typed[0] == word[0] else Likeness.NONE
    return next((likeness for likeness, test in _TESTS if test(typed, word)), Likeness.NONE)


@lru_cache(maxsize=50_000)
def grade_whole(written: str, word: str) -> Likeness:
    """``grade`` of a word that nobody goes on typing: that the other begins with it, or holds it, says nothing
    (*Jean*, *Jeanne*).  A nickname comes after what sounds so."""
    if written == word and word:
        return Likeness.EXACT
    if not written or not word:
        return Likeness.NONE
    if len(written) == 1:
        return Likeness.INITIAL if written == word[0] else Likeness.NONE
    return next((likeness for likeness, test in _WHOLE if test(written, word)), Likeness.NONE)


def _starts(typed: str, word: str) -> bool:
    return word.startswith(typed)


def _inside(typed: str, word: str) -> bool:
    return len(typed) >= LEAST_INSIDE and typed in word


_TESTS: Final = (
    (Likeness.PREFIX, _starts),
    (Likeness.NICKNAME, is_nickname),
    (Likeness.SOUND, sounds_alike),
    (Likeness.TYPO, mistyped),
    (Likeness.INSIDE, _inside),
)
_WHOLE: Final = ((Likeness.SOUND, sounds_alike), (Likeness.TYPO, mistyped), (Likeness.NICKNAME, is_nickname))


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
    """The words of given names, and compounds in one word: ``jean, pierre, jeanpierre``."""
    found = words(given)
    return tuple(found) if len(found) < 2 else (*found, "".join(found))


@lru_cache(maxsize=20_000)
def _initials(given: str) -> str:
    """``jp`` of Jean-Pierre; nothing of one given name."""
    found = words(given)
    return "".join(w[0] for w in found) if len(found) > 1 else ""
