"""Beginnings of tokens that very many entries have, looked up by the tokens themselves.

For ``"2marie"*`` FTS5 gathers whoever has any token that begins so before it gives the first: 30 ms for the 84,000 of a
country, whatever else is asked.  The tokens that many have are asked for one by one instead, which FTS5 reads as far as
it must, and the others by longer beginnings that few have.  I/O: one connection to one build.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, groupby, islice, takewhile
from typing import Final

from directory_service.index.answers import Held
from directory_service.index.plan.starts import quoted

# For the connection of a reader, as long as it may be written to: the tokens of a build, and how many have each.
TOKENS: Final = "CREATE VIRTUAL TABLE temp.tokens USING fts5vocab(main, tag, row)"
_BEGUN: Final = "SELECT term, doc FROM temp.tokens WHERE term >= ? ORDER BY term"
_TERM: Final = re.compile(r'"((?:[^"]|"")*)"(\*?)')
_BEGUN_ONLY: Final = re.compile(r'\(?"[^"]*"\*(?: OR "[^"]*"\*)*\)?').fullmatch
_FEW: Final = 1_000  # entries that are gathered at once: a third of a millisecond
_MANY: Final = 1_000  # tokens that begin so; of more, each has few
_TOGETHER: Final = 100  # tokens; of more, FTS5 takes longer than of as many in turn
_MOST_IN_TURN: Final = 2_000  # then all that are left at once
_MOST_PARTED: Final = 200  # beginnings of which that is kept: up to 30 kB each
_DEAR: Final = 40_000  # entries: 20 ms; one in so many of a country is sooner found by reading
_MOST: Final = 2_000  # beginnings of which is kept what is asked: some two megabytes

Counted = tuple[str, int]  # a token, and how many have it


class Beginnings:
    """Of one build, as it was when this was made or later."""

    def __init__(self, connection: sqlite3.Connection, build: str) -> None:
        self._connection = connection
        self._known = Held[str](build, _MOST)
        self._parts = Held[list[str]](build, _MOST_PARTED)
        self._dear = Held[bool](build, _MOST_PARTED)

    def opened(self, expression: str) -> str:
        """An expression on ``tag`` that finds the same.  Raises sqlite3.Error."""
        return _TERM.sub(self._asked, expression) if '"*' in expression else expression

    def in_turn(self, expression: str) -> Iterator[str] | None:
        """Expressions that together find the same, each a few tokens in their order, so that the first hundred entries
        are soon found; None for what asks for anything else than how tokens begin."""
        return self._in_turn(expression) if _BEGUN_ONLY(expression) else None

    def _in_turn(self, expression: str) -> Iterator[str]:
        parts = self._parts.known(expression)
        if parts is None:
            tokens = [quoted(token) for token, _ in islice(self._tokens(expression), _MOST_IN_TURN)]
            parts = [" OR ".join(tokens[n : n + _TOGETHER]) for n in range(0, len(tokens), _TOGETHER)]
            self._parts.keep(expression, parts)
        yield from parts
        if len(parts) * _TOGETHER >= _MOST_IN_TURN:
            yield self.opened(expression)

    def are_many(self, expression: str) -> bool:
        """Whether it asks for how tokens begin alone, and so many entries have these that their list is dear."""
        if not _BEGUN_ONLY(expression):
            return False
        known = self._dear.known(expression)
        if known is None:
            known = any(total > _DEAR for total in accumulate(count for _, count in self._tokens(expression)))
            self._dear.keep(expression, known)
        return known

    def _tokens(self, expression: str) -> Iterator[Counted]:
        return chain.from_iterable(
            map(self._begun_by, (start.replace('""', '"') for start, _ in _TERM.findall(expression)))
        )

    def _begun_by(self, start: str) -> Iterator[Counted]:
        return takewhile(lambda row: row[0].startswith(start), self._connection.execute(_BEGUN, (start,)))

    def _asked(self, term: re.Match[str]) -> str:
        if not term[2]:
            return term[0]
        known = self._known.known(term[0])
        if known is None:
            known = self._written(term[1].replace('""', '"'))
            self._known.keep(term[0], known)
        return known

    def _written(self, start: str) -> str:
        held: list[Counted] = list(islice(self._begun_by(start), _MANY + 1))
        found = list(covering(start, held)) if len(held) <= _MANY else [_begun(start)]
        return f"({' OR '.join(found)})" if len(found) > 1 else found[0]


def covering(start: str, held: Sequence[Counted]) -> Iterator[str]:
    """Terms of FTS5 that together find these tokens, in order, which are all that begin so: none gathers many."""
    if len(held) == 1:
        yield quoted(held[0][0])
    elif sum(count for _, count in held) <= _FEW:
        yield _begun(start)
    else:
        size = len(start)
        for _, group in groupby(held, lambda each: each[0][: size + 1]):
            longer = list(group)
            yield from covering(longer[0][0][: size + 1], longer)


def _begun(start: str) -> str:
    return quoted(start) + "*"
