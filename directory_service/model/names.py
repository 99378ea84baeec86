"""French names made comparable: folding for search and for matching.  PURE.

Two forms serve the whole house.  ``fold`` keeps the words apart; ``squash`` does not, so that hyphen, space,
apostrophe and nothing are the same (``Jean-Pierre`` = ``JEAN PIERRE`` = ``jeanpierre``, ``d'Aubigné`` = ``DAUBIGNE``).
What is shown is always the source's text, never a folded one.
Phonetics and nicknames are not here yet; they belong here when they come.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that no Unicode decomposition takes apart, with what French users type for them.
_SPECIAL = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_NOT_WORD = re.compile(r"[^\w]+|_+")


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """Lower case, no accents, ligatures opened, every run of punctuation one space: ``D'AUBIGNÉ-L'HERMITE`` gives
    ``d aubigne l hermite``.  Letters of other scripts stay."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold().translate(_SPECIAL))
        text = "".join(c for c in text if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", text.casefold()).strip()


def squash(text: str) -> str:
    """``fold`` without its spaces: the prepared value of our name matching rule."""
    return fold(text).replace(" ", "")


def words(text: str) -> list[str]:
    """The folded words, in order."""
    return fold(text).split()
