"""How well a mailbox fits the several words that were typed: what decides between those that have them all.  PURE.

Said twice, as SQLite sorts and as Python does; the twin of the tests holds them together.  Whose family name is one of
the words is before whose only starts so, whatever the given name: ``schmit martine`` is no *Schmitt*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from directory_service.index.plan.predicate import Layout, Row
from directory_service.index.plan.sieve import Order

_MOST: Final = 4  # words, of which neighbours may be one name: ``de la tour marie``
_WEIGHT: Final = {"sn": 4, "given": 1}  # of a step: several of the words, one of them, the start of one, neither


def fit_in_sql(words: Sequence[str]) -> Order:
    """What sorts rows of ``entry e``, the best first."""
    sought = _sought(words)
    return Order(_written(*map(len, sought)), tuple(chain(*sought)) * len(_WEIGHT))


def fit_in_python(words: Sequence[str], layout: Layout) -> Callable[[Row], int]:
    """The same number of a row."""
    sought = _sought(words)
    places = [(layout.place(column), weight) for column, weight in _WEIGHT.items()]

    def fit(row: Row) -> int:
        return sum(_steps(row[place], *sought) * weight for place, weight in places)

    return fit


def _steps(text: str, joined: Sequence[str], single: Sequence[str], starts: Sequence[str]) -> int:
    return 0 if text in joined else 1 if text in single else 2 if any(start in text for start in starts) else 3


@lru_cache(maxsize=64)
def _written(joined: int, single: int, starts: int) -> str:
    def of(column: str, weight: int) -> str:
        begun = " OR ".join([f"instr(e.{column}, ?)"] * starts)
        several, one = (f"e.{column} IN ({', '.join('?' * size)})" for size in (joined, single))
        return (
            f"CASE WHEN {several} THEN 0 WHEN {one} THEN {weight} WHEN {begun} THEN {2 * weight} ELSE {3 * weight} END"
        )

    return " + ".join(of(column, weight) for column, weight in _WEIGHT.items())


class _Sought(NamedTuple):
    """As texts have them: names that are several of the words, names that are one, and how names start."""

    joined: tuple[str, ...]
    single: tuple[str, ...]
    starts: tuple[str, ...]


def _sought(words: Sequence[str]) -> _Sought:
    words = words[:_MOST]
    runs = ["".join(words[first:end]) for first in range(len(words)) for end in range(first + 2, len(words) + 1)]
    return _Sought(tuple(f"^{run}$" for run in runs), tuple(f"^{w}$" for w in words), tuple(f"^{w}" for w in words))
