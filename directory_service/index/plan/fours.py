"""Texts written so that the ``trigram`` tokenizer indexes their letters in fours.  PURE.

Two neighbouring letters become one character: ``dupont`` is ``[du][up][po][on][nt]``, and three of those in a row are
four letters of the text.  Their lists are a tenth as long as those of three letters, and a word that somebody types is
a few of them: docs/decisions/0013-letters-in-fours.md has the figures.  Nothing reads the writing back, and two pairs
that share a character only find more candidates.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

# Ideographs: letters to the tokenizer, two to each pair of ASCII characters but for none.
_FIRST: Final = 0x4E00
_COUNT: Final = 20_000


class _Pairs(dict[tuple[str, str], str]):
    def __missing__(self, pair: tuple[str, str]) -> str:
        made = chr(_FIRST + (ord(pair[0]) * 128 + ord(pair[1])) % _COUNT)
        if len(self) < _COUNT:  # texts of other scripts must not fill the memory
            self[pair] = made
        return made


_pair = _Pairs().__getitem__


def paired(text: str) -> str:
    """One character less than ``text``; empty for a text of one letter or none."""
    return "".join(map(_pair, pairwise(text)))


def fours(piece: str) -> list[str]:
    """The terms of a piece: every four letters of it, as they are indexed."""
    written = paired(piece)
    return [written[i : i + 3] for i in range(len(written) - 2)]
