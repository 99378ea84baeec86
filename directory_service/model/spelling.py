"""Where a word stands in a table, so that whoever mistypes it finds it without going through them all.  PURE.

A word stands under its letters a to z, and a long one under each of its halves: what one error makes of a word is
among what one error makes of what was typed, and of a long word with two errors a half is right (``phonetics``).
"""

from __future__ import annotations

import re
from typing import Final

from directory_service.model.phonetics import (
    HALF,
    TWO_EDITS,
    is_mistypable,
    is_short,
    mistyped,
    mistyped_short,
    one_edit,
)

_OTHERS: Final = re.compile(r"[^a-z]+")


def places(word: str) -> tuple[str, ...]:
    """Of a folded word that is a name's."""
    letters = _letters(word)
    return (letters,) if len(word) < TWO_EDITS else (letters, *_halves(word, len(word)))


def places_of_mistyped(typed: str) -> list[str]:
    """Where every word stands that ``may_be`` true of; empty for what is too short or too long."""
    if not (is_mistypable(typed) or is_short(typed)):
        return []
    letters = _letters(typed)
    found = list(dict.fromkeys((letters, *one_edit(letters))))
    if len(typed) >= TWO_EDITS - 1:
        sizes = range(max(TWO_EDITS, len(typed) - 2), len(typed) + 3)
        found += [half for size in sizes for half in _halves(typed, size)]
    return found


def may_be(typed: str, word: str) -> bool:
    """Whether what was typed may be this word with typing errors, of which a short one has one."""
    return mistyped(typed, word) or mistyped_short(typed, word)


def _letters(word: str) -> str:
    return word if word.isascii() and word.isalpha() else _OTHERS.sub("", word)


def _halves(word: str, size: int) -> tuple[str, str]:
    """Of words of ``size`` letters that begin, or end, like this one."""
    return f"{size}a{word[:HALF]}", f"{size}z{word[-HALF:]}"
