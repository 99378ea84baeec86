"""What SQLite can check of a candidate before Python sees it: that texts hold the pieces that are asked for.  PURE.

Terms find more entries than hold the whole piece; fetching one costs Python 8 µs, looking at its texts costs SQLite 1.
A sieve lets through every entry that matches, and most that do not are left behind; the predicate still decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.entries.attributes import ATTRIBUTES
from directory_service.entries.rules import plain
from directory_service.index.plan.pieces import Pattern, TextLeaf, pattern_of
from directory_service.index.plan.predicate import OWN, settles
from directory_service.index.query import And, Equal, Extensible, Filter, HasTag, InText, Or, Substrings

_FEW: Final = 8  # pieces: how to ask for as many is remembered


class Sieve(NamedTuple):
    """A condition on the columns of ``entry e``; everything from outside is in ``values``.  ``exact``: an entry passes
    if and only if it matches, so that nothing is left for Python to check."""

    sql: str
    values: tuple[str, ...]
    exact: bool


class Order(NamedTuple):
    """What sorts rows of ``entry e``, the best first; everything from outside is in ``values``."""

    sql: str
    values: tuple[str, ...]


def sieve_of(asked: Filter, *, tags: bool = False) -> Sieve | None:
    """None when texts say nothing.  ``tags``: tokens are looked for too, which finding candidates by them spares."""
    match asked:
        case And(items):
            known = [s for i in items if (s := sieve_of(i, tags=tags))]
            return _joined(" AND ", known, exact=len(known) == len(items))
        case Or(items):
            parts = [sieve_of(i, tags=tags) for i in items]
            if any(parts) and not all(parts):  # tokens or texts: no look-up spares both
                parts = [sieve_of(i, tags=True) for i in items]
            return _joined(" OR ", [p for p in parts if p]) if all(parts) else None
        case InText(columns, piece):
            return _holds(columns, [piece], exact=True)
        case HasTag(token, starts) if tags:
            if starts:
                return Sieve("instr(' ' || e.tags, ?)", (f" {token}",), exact=True)
            return Sieve("instr(' ' || e.tags || ' ', ?)", (f" {token} ",), exact=True)
        case Extensible(_, _, _, False):
            leaf = plain(asked)
            found = sieve_of(leaf) if leaf else None
            return found and found._replace(exact=False)
        case Equal() | Substrings():
            pattern = pattern_of(asked)
            if pattern is None:
                return None
            columns = ATTRIBUTES[asked.attribute.lower()].columns
            return _in_order(asked, pattern) or _holds(columns, pattern.pieces, exact=settles(asked, pattern))
        case _:
            return None


def order_of(tiers: Iterable[Filter], within: Callable[[Filter], Order | None]) -> Order | None:
    """What puts the entries of the first tier first, then those of the next, each as ``within`` says, if it does; None
    where Python must see to it."""
    tiers = list(tiers)
    known = [sieve_of(tier, tags=True) for tier in tiers]
    exact = [s for s in known if s and s.exact]
    if not exact or len(exact) < len(known):
        return None
    cases = " ".join(f"WHEN {s.sql} THEN {n}" for n, s in enumerate(exact))
    inner = [(s, order) for tier, s in zip(tiers, exact, strict=True) if (order := within(tier))]
    then = ", CASE " + " ".join(f"WHEN {s.sql} THEN {order.sql}" for s, order in inner) + " END" if inner else ""
    values = tuple(v for s in (*exact, *(part for pair in inner for part in pair)) for v in s.values)
    return Order(f"CASE {cases} ELSE {len(exact)} END{then}", values)


def _joined(word: str, parts: Sequence[Sieve], *, exact: bool = True) -> Sieve | None:
    if not parts:
        return None
    values = tuple(value for p in parts for value in p.values)
    return Sieve(f"({word.join(p.sql for p in parts)})", values, exact and all(p.exact for p in parts))


def _in_order(leaf: TextLeaf, pattern: Pattern) -> Sieve | None:
    """One value of a name has all of the pieces, one after the other: what is asked of several words.  None where
    ``LIKE`` would say something else."""
    column, pieces = OWN.get(leaf.attribute, "mail"), pattern.pieces
    if column == "mail" or not 1 < len(pieces) <= _FEW or not all(map(str.isalnum, pieces)):
        return None
    return Sieve(_ORDERED.format(column), (pieces[0], pieces[-1], f"{'%'.join(pieces)}%"), exact=True)


# Values as an array, looked at where the first piece and the last are somewhere in the text.  SQLite prepares the
# statement anew for each pattern that is a parameter alone.
_ORDERED: Final = (
    "(instr(e.{0}, ?) AND instr(e.{0}, ?) AND EXISTS "
    "(SELECT 1 FROM json_each('[' || replace(json_quote(e.{0}), '$^', '\",\"') || ']') WHERE value LIKE '%' || ?))"
)


def _holds(columns: Sequence[str], pieces: Sequence[str], *, exact: bool) -> Sieve | None:
    """One of the texts has all the pieces.  Texts hold no NUL (``render.row_of``), so that a piece with one says
    nothing."""
    usable = tuple([piece for piece in pieces if "\0" not in piece])
    whole = exact and len(usable) == len(pieces) == 1
    if not usable or not columns:
        return None
    sql = (_held if len(usable) <= _FEW else _held.__wrapped__)(tuple(columns), len(usable))
    return Sieve(sql, usable * len(columns), whole)


@lru_cache(maxsize=256)
def _held(columns: tuple[str, ...], pieces: int) -> str:
    """That one of the columns holds so many pieces."""
    found = (" AND ".join(f"instr(e.{column}, ?)" for _ in range(pieces)) for column in columns)
    return f"({' OR '.join(found)})"
