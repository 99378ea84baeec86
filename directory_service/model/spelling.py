"""Where a word stands in a table, so that whoever mistypes it finds it without going through them all.  PURE.

A short word stands under its letters a to z: what one error makes of it is among what one error makes of what was
typed.  A long one, which may have two errors, stands under every six of its first eight letters, in their order: two
errors, wherever they are, leave six of them right (SymSpell's deletions, of a beginning).
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Final

from directory_service.model.phonetics import (
    TWO_EDITS,
    is_mistypable,
    is_short,
    mistyped,
    mistyped_short,
    one_edit,
)

_OTHERS: Final = re.compile(r"[^a-z]+")
_SIX: Final = TWO_EDITS - 2
_DEALT: Final = "+"  # before six of eight letters, which are no word
MOST_EDITS: Final = 2  # letters by which what was typed is longer or shorter


def places(word: str) -> tuple[str, ...]:
    """Of a folded word that is a name's, the first the same each time."""
    return (_letters(word),) if len(word) < TWO_EDITS else _sixes(word)


def places_of_mistyped(typed: str) -> list[str]:
    """Where every word stands that ``may_be`` true of; empty for what is too short or too long."""
    if not (is_mistypable(typed) or is_short(typed)):
        return []
    letters = _letters(typed)
    found = list(dict.fromkeys((letters, *one_edit(letters)))) if len(typed) <= TWO_EDITS else []
    return [*found, *_sixes(typed)] if len(typed) >= TWO_EDITS - 1 else found


def may_be(typed: str, word: str) -> bool:
    """Whether what was typed may be this word with typing errors, of which a short one has one."""
    return mistyped(typed, word) or mistyped_short(typed, word)


def _letters(word: str) -> str:
    return word if word.isascii() and word.isalpha() else _OTHERS.sub("", word)


def _sixes(word: str) -> tuple[str, ...]:
    """28 at most, of seven letters seven."""
    return tuple(dict.fromkeys(_DEALT + "".join(six) for six in combinations(word[:TWO_EDITS], _SIX)))
