"""Texts of a mailbox written as the terms that find them: every two, three and four letters.  PURE.

Two neighbouring letters become one character: ``dupont`` is ``[du][up][po][on][nt]``, and two or three of those in a
row are three or four letters of the text.  The lists of four letters are a tenth as long as those of three, and a word
that somebody types is a few of them: docs/decisions/0013-letters-in-fours.md has the figures.  All names are written
alike, addresses apart, and where a value starts is another character in each column: names that start so are a list of
their own, best first.  Nothing reads the writing back, and two pairs that share a character only find more candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

NAMES: Final = ("sn", "name", "given", "mail")  # the texts whose terms are indexed
START: Final = "^"
_STARTS: Final = {"sn": "\x02", "name": "\x03", "given": "\x04", "mail": "\x05"}  # how each column writes it


class _Pairs(dict[tuple[str, str], str]):
    """Ideographs, or Hangul, since the tokenizer takes any such character for a letter."""

    def __init__(self, first: int, count: int) -> None:
        super().__init__()
        self.first, self.count = first, count

    def __missing__(self, pair: tuple[str, str]) -> str:
        made = chr(self.first + (ord(pair[0]) * 128 + ord(pair[1])) % self.count)
        if len(self) < self.count:  # texts of other scripts must not fill the memory
            self[pair] = made
        return made


_IN_NAMES: Final = _Pairs(0x4E00, 20_000).__getitem__
_IN_MAIL: Final = _Pairs(0xAC00, 11_000).__getitem__


def term(letters: str, column: str) -> str:
    """That of two, three or four letters, as this column indexes them."""
    pair = _IN_MAIL if column == "mail" else _IN_NAMES
    return "".join(map(pair, pairwise(letters.replace(START, _STARTS[column]))))


def terms_in(texts: Sequence[str]) -> str:
    """What is indexed of the texts ``NAMES``: their terms, each once, between spaces."""
    sn, name, given, mail = map(_terms, texts, NAMES)
    return " ".join(sn.union(name, given, mail))


def _terms(text: str, column: str) -> set[str]:
    pairs = term(text, column)
    fours = zip(pairs, pairs[1:], pairs[2:], strict=False)
    return {*pairs, *map("".join, pairwise(pairs)), *map("".join, fours)}


def writings(columns: Sequence[str], starts: bool) -> Iterator[str]:
    """The columns, one of those that write alike; ``starts``: as far as where a value starts matters."""
    if starts:
        yield from columns
        return
    yield from (["name"] if any(c != "mail" for c in columns) else [])
    yield from (["mail"] if "mail" in columns else [])
