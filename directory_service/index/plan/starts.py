"""Beginnings of tokens, indexed as terms of their own.  PURE.

Whoever looks up how a token begins reads one list, in rank order, instead of those of all tokens that begin so.  Only
kinds that are asked for so have such terms, and only the lengths that are: a prefix index of FTS5 would write three
terms for each number, code and sound too, which nobody looks up by its beginning.
"""

from __future__ import annotations

import re
from typing import Final

from directory_service.entries.finding import Kind

_MARK: Final = "0"  # before the beginning; no token begins with it
_MOST: Final = 5  # characters: longer beginnings have few tokens each
# The first character of a token, and how short a beginning of it may be, that character included.
_LEAST: Final = {
    Kind.FAMILY.value: 3,
    Kind.GIVEN.value: 3,
    Kind.TOWN.value: 4,
    Kind.TOWN_PART.value: 4,
    Kind.STRUCTURE.value: 4,
    Kind.DOMAIN.value: 2,
    "q": 3,  # two words of a name (``entries.naming``)
    "w": 4,  # a word of a name, not the first one
    "z": 3,  # a postcode
}
_LOOKED_UP: Final = re.compile(f" [{''.join(_LEAST)}][^ ]+").findall  # twice as quick as to split and look


def with_starts(tags: str) -> str:
    """What is indexed of the tokens of an entry, separated by spaces: these and their beginnings."""
    return " ".join((tags, *map(_STARTS.__getitem__, _LOOKED_UP(" " + tags))))


def asked_start(token: str) -> str:
    """The FTS5 expression for whatever begins so."""
    if _LEAST.get(token[:1], _MOST + 1) <= len(token) <= _MOST:
        return quoted(_MARK + token)
    return quoted(token) + "*"


class _Starts(dict[str, str]):
    """By token, with the space before it: many entries have the same."""

    def __missing__(self, spaced: str) -> str:
        if len(self) >= 100_000:
            self.clear()
        token = spaced[1:]
        sizes = range(_LEAST[token[0]], min(len(token), _MOST) + 1)
        self[spaced] = made = " ".join(_MARK + token[:size] for size in sizes)
        return made


_STARTS: Final = _Starts()


def quoted(term: str) -> str:
    """As FTS5 takes one term."""
    return '"' + term.replace('"', '""') + '"'
