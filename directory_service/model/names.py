"""French names made comparable: folding for search and for matching.  PURE.

Two forms serve the whole house.  ``fold`` keeps the words apart; ``squash`` does not, so that hyphen, space,
apostrophe and nothing are the same (``Jean-Pierre`` = ``JEAN PIERRE`` = ``jeanpierre``, ``d'Aubigné`` = ``DAUBIGNE``).
What is shown is always the source's text, never a folded one.
How names sound and what people are called for short is in ``phonetics`` and ``nicknames``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

# Letters that no Unicode decomposition takes apart, with what French users type for them.
_SPECIAL = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
# Words of names that people write short, and in full.
SAINTS = MappingProxyType({"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"})
_SHORT = {saint: short for short, saint in SAINTS.items()}
_SAINTLY = frozenset((*SAINTS, *_SHORT))
_NOT_WORD = re.compile(r"[^\w]+|_+")
_LONGEST = 256  # characters: no name of anybody or anything is longer
_FIRST_MARK = "\u0300"  # no character before it combines
_FIRST_PHRASE = "\u2000"  # no character before it is more than four; U+FDFA is eighteen
_MOST_MARKS = 30  # on one letter: no language has more (UAX 15, Stream-Safe Text Format)
# Of ASCII, what ``_NOT_WORD`` and ``casefold`` do, but for ``_``: three times as quick.
_PLAIN = str.maketrans({c: c.lower() if c.isalnum() else " " for c in map(chr, range(128))})


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """Lower case, no accents, ligatures opened, every run of punctuation one space: ``D'AUBIGNÉ-L'HERMITE`` gives
    ``d aubigne l hermite``.  Letters of other scripts stay."""
    return fold_once(text)


def fold_any(text: str) -> str:
    """``fold`` of what strangers send, remembered where it is short, and stays so: a hundred thousand messages are
    gigabytes."""
    short = len(text) <= _LONGEST and (text.isascii() or max(text) < _FIRST_PHRASE)
    return fold(text) if short else fold_once(text)


def fold_once(text: str) -> str:
    """``fold`` of what is hardly ever met again, and need not be remembered."""
    if not text.isascii():
        text = normalized("NFKD", text.casefold().translate(_SPECIAL))
        text = "".join([c for c in text if c < _FIRST_MARK or not unicodedata.combining(c)])
    if text.isascii() and "_" not in text:
        return text.lower() if text.isalnum() else " ".join(text.translate(_PLAIN).split())
    return _NOT_WORD.sub(" ", text.casefold()).strip()


def normalized(form: Literal["NFKC", "NFKD"], text: str) -> str:
    """``unicodedata.normalize`` in a time that grows as the text does.  It sorts the marks on a letter one by one, and
    keeps the interpreter meanwhile: on a megabyte of them, for minutes.  Those past the 30th are left out."""
    if len(text) > _LONGEST:
        apart = text.translate({ord(c): unicodedata.normalize("NFKD", c) for c in set(text)})
        marks, kept = 0, []
        for c in apart:
            marks = marks + 1 if unicodedata.combining(c) else 0
            if marks <= _MOST_MARKS:
                kept.append(c)
        text = "".join(kept)
    return unicodedata.normalize(form, text)


def squash(text: str) -> str:
    """``fold`` without its spaces: the prepared value of our name matching rule."""
    return fold_any(text).replace(" ", "")


def words(text: str) -> list[str]:
    """The folded words, in order."""
    return fold_any(text).split()


def is_saintly(text: str) -> bool:
    """Is Saint one of the words?"""
    return not _SAINTLY.isdisjoint(words(text))


def other_spellings(text: str) -> tuple[str, ...]:
    """What ``squash`` would give of a name if Saint before another word were written short, and in full; nothing of
    other names."""
    return saints_spelt(words(text), "")


def other_wordings(text: str) -> tuple[str, ...]:
    """The same of ``fold``."""
    return saints_spelt(words(text), " ")


def saints_spelt(found: list[str], between: str) -> tuple[str, ...]:
    """These words joined, if Saint before another one were written short, and in full."""
    if len(found) < 2 or _SAINTLY.isdisjoint(found[:-1]):
        return ()
    own, *before, last = between.join(found), *found
    made = (between.join((*(way.get(word, word) for word in before), last)) for way in (SAINTS, _SHORT))
    return tuple(dict.fromkeys(spelt for spelt in made if spelt != own))
