"""Texts of a mailbox written as the terms that find them: every two, three and four letters.  PURE.

Two neighbouring letters become one character: ``dupont`` is ``[du][up][po][on][nt]``, and two or three of those in a
row are three or four letters of the text.  The lists of four letters are a tenth as long as those of three, and a word
that somebody types is a few of them: docs/decisions/0013-letters-in-fours.md has the figures.  All names are written
alike, addresses apart, given names once more apart (0041), and where a value starts is another character in each
column: names that start so are a list of their own, best first.  Nothing reads the writing back, and two pairs that
share a character only find more candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from operator import add
from typing import Final

NAMES: Final = ("sn", "name", "given", "mail")  # what an address book asks for
INDEXED: Final = (*NAMES, "shown")  # the texts whose terms are indexed
NAME_TEXTS: Final = frozenset(NAMES) - {"mail"}
START: Final = "^"
_WRITTEN: Final = {"shown": ("name", "shown")}  # a displayName has a name in it, which is not written again
_MOST: Final = 4  # letters of a term
# How each column writes that a value starts.
_STARTS: Final = {"sn": "\x02", "name": "\x03", "given": "\x04", "mail": "\x05", "shown": "\x06"}


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
_IN_GIVEN: Final = _Pairs(0x3400, 6_500).__getitem__
_IN_SHOWN: Final = _Pairs(0x0800, 11_000).__getitem__
_OWN: Final = {"mail": _IN_MAIL, "given": _IN_GIVEN, "shown": _IN_SHOWN}  # columns that are written apart


def term(letters: str, column: str) -> str:
    """That of two, three or four letters, as this column indexes them."""
    return "".join(map(_OWN.get(column, _IN_NAMES), pairwise(letters.replace(START, _STARTS[column]))))


def terms(letters: str, column: str) -> list[str]:
    """Those of which a mailbox has one if such a text of it has these letters."""
    return [term(letters, written) for written in _WRITTEN.get(column, (column,))]


def terms_in(texts: Sequence[str]) -> str:
    """What is indexed of the texts ``INDEXED``: their terms between spaces, a few of them twice."""
    sn, name, given, mail, shown = texts
    domain = mail.find("@")
    parts = (_terms(name, "name"), _part(sn, "sn", name), _terms(given, "given"), _around(shown, name))
    if domain < 0:
        return " ".join((*parts, _terms(mail, "mail")))
    return " ".join((*parts, _terms(mail[: domain + _MOST - 1], "mail"), _domain(mail[domain:])))


def _terms(text: str, column: str) -> str:
    pairs = term(text, column)
    threes = list(map(add, pairs, pairs[1:]))
    return " ".join({*pairs, *threes, *map(add, threes, pairs[2:])})


def _part(text: str, column: str, name: str) -> str:
    """Of a name of one value that ``name`` holds to its end, where it starts is all that is new."""
    if text.rfind(START) == 0 and text[1:] in name:
        return _start(text[:_MOST], column)
    return _terms(text, column)


def _around(shown: str, name: str) -> str:
    """Of a displayName what its ``cn`` does not have: the letters before it and after, and those that cross."""
    for value in name[1:-1].split("$^"):
        start = shown.find(value)
        if start >= 0:
            before, after = shown[: start + _MOST - 1], shown[max(start + len(value) - _MOST + 1, 0) :]
            return " ".join((_few(before), _few(after[: 2 * _MOST - 2]), _few(after[_MOST - 1 :])))
    return _terms(shown, "shown")


@lru_cache(maxsize=20_000)
def _few(text: str) -> str:
    """Of a part of a displayName: a title, a profession with a town."""
    return _terms(text, "shown")


@lru_cache(maxsize=20_000)
def _start(letters: str, column: str) -> str:
    pairs = term(letters, column)
    return " ".join((pairs[:1], pairs[:2], pairs[:3]))


@lru_cache(maxsize=2_000)
def _domain(text: str) -> str:
    """Of an address from its sign on: many have the same."""
    return _terms(text, "mail")


@lru_cache(maxsize=64)
def writings(columns: tuple[str, ...]) -> tuple[str, ...]:
    """One of those of the columns that write alike what is not the start of a value.  Given names are among the names,
    and have lists of their own for who asks for nothing else: Thunderbird, of the first word of several.  Who looks in
    displayNames finds what stands in names too."""
    if columns == ("given",):
        return columns
    shown = "shown" in columns
    names = ("name",) if not shown and any(c != "mail" for c in columns) else ()
    return (*names, *(c for c in ("mail", "shown") if c in columns))
