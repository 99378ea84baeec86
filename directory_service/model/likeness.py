"""How a typed word is like a word of a name: grades, best first.  PURE.

``grade`` compares one folded word with one other, ``grade_whole`` one that was written to its end.  What finds the
candidates is another matter (``index.plan``): here is what is left to say when both are at hand, for ranking and for
telling why a result matched.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final

from directory_service.model.nicknames import is_nickname
from directory_service.model.phonetics import mistyped, sounds_alike


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
