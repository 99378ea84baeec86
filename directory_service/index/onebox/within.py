"""The last tier: words that stand inside other words, in any text of a person.  PURE.

What tokens do not find because it is neither a word nor how one begins (*ssai* of *D'Essai*), or is of a text that has
none (streets, telephone numbers, local parts of addresses).  ``filters`` find candidates: those in whose texts all the
words stand, and for each word those in whose texts it does; ``score.match`` then wants the others found by tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from directory_service.index.onebox import Box, Field, Word
from directory_service.index.onebox.score import Fit
from directory_service.model.likeness import LEAST_INSIDE, Likeness

COLUMNS: Final = ("sn", "name", "mail", "org", "work", "place")
_FIELDS: Final = (Field.FAMILY, Field.NAME, Field.MAILBOX, Field.STRUCTURE, Field.SPECIALTY, Field.OTHER)


def pieces(box: Box) -> list[str]:
    """What is looked for."""
    return [piece for word in box.needed if (piece := piece_of(word))]


def piece_of(word: Word) -> str:
    """What is looked for; nothing for what is inside of everything."""
    piece = word.part or word.typed
    return piece if len(piece) >= LEAST_INSIDE else ""


def may_fit(box: Box, tags: str, texts: Sequence[str]) -> bool:
    """Whether each word that must be found is a token of the person, or stands in her texts: a tenth of what ``match``
    costs, and most candidates lack one.  ``tags`` stand between spaces."""
    held = tags.split()
    return all(
        not word.tokens.isdisjoint(held)
        or any(start in tags for start in word.starts)
        or _fit(piece_of(word), texts) is not None
        for word in box.needed
    )


def fits(box: Box, texts: Sequence[str]) -> tuple[Fit | None, ...]:
    """``texts`` are those of ``COLUMNS``."""
    return tuple(_fit(piece_of(word), texts) for word in box.words)


def _fit(piece: str, texts: Sequence[str]) -> Fit | None:
    if not piece:
        return None
    held = (field for field, text in zip(_FIELDS, texts, strict=True) if piece in text)
    return next((Fit(field, Likeness.INSIDE) for field in held), None)
