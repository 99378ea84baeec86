"""The last tier: words that stand inside other words, in any text of a person.  PURE.

What tokens do not find because it is neither a word nor how one begins (*ssai* of *D'Essai*), or is of a text that has
none (streets, telephone numbers, local parts of addresses).  ``index.inside`` finds candidates, and ``score.match``
wants each word found by a token or here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from directory_service.index.onebox import Box, Field, Word
from directory_service.index.onebox.score import Fit
from directory_service.model.likeness import LEAST_INSIDE, Likeness
from directory_service.model.streets import other_ways

COLUMNS: Final = ("sn", "name", "mail", "org", "work", "shown", "place")
_FIELDS: Final = (
    Field.FAMILY, Field.NAME, Field.MAILBOX, Field.STRUCTURE, Field.SPECIALTY, Field.SPECIALTY, Field.OTHER,
)  # fmt: skip


def piece_of(word: Word) -> str:
    """What is looked for; nothing for what is inside of everything."""
    piece = word.part or word.typed
    return piece if len(piece) >= LEAST_INSIDE else piece_of_street(piece)


def piece_of_street(short: str) -> str:
    """The type of a street that so few letters are; nothing for others."""
    return next(iter(other_ways(short, "")), "") if len(short) > 1 else ""


def quick_look(box: Box) -> Callable[[str, Sequence[str]], bool]:
    """Tells of tags (between spaces) and texts whether each word that must be found is a token of the person, or stands
    in her texts: a tenth of what ``match`` costs, and most candidates lack one.  Made for one search: boxes, which are
    remembered, would each keep thousands of tokens in sets."""
    wanted = [
        (
            frozenset((*(r.token for r in word.readings if not r.starts), *word.mistakes)),
            tuple(dict.fromkeys(f" {r.token}" for r in word.readings if r.starts)),
            piece_of(word),
        )
        for word in box.needed
    ]

    def may_fit(tags: str, texts: Sequence[str]) -> bool:
        held = tags.split()
        for n, (tokens, starts, piece) in enumerate(wanted):
            if not (
                not tokens.isdisjoint(held)
                or any(start in tags for start in starts)
                or (piece and any(piece in text for text in texts))
            ):
                wanted.insert(0, wanted.pop(n))  # what one lacks, most lack: candidates are those who have another
                return False
        return True

    return may_fit


def fits(box: Box, texts: Sequence[str]) -> tuple[Fit | None, ...]:
    """``texts`` are those of ``COLUMNS``."""
    return tuple(_fit(piece_of(word), texts) for word in box.words)


def _fit(piece: str, texts: Sequence[str]) -> Fit | None:
    if not piece:
        return None
    held = (field for field, text in zip(_FIELDS, texts, strict=True) if piece in text)
    return next((Fit(field, Likeness.INSIDE) for field in held), None)
