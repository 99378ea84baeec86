"""Questions that are about names and addresses of mailboxes alone, which is what people type: one expression on
``names``, and nothing else to weigh.  PURE.  Hot path: some 15 µs a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from directory_service.index.plan.access import fours_expression
from directory_service.index.plan.fours import NAMES
from directory_service.index.plan.pieces import Lexicon, fours_of, pattern_of
from directory_service.index.plan.predicate import OWN
from directory_service.index.query import And, Filter, InText, Or, Substrings


class Named(NamedTuple):
    """``expression`` finds all that is meant, "" when no list does; about ``estimate`` mailboxes are in it."""

    expression: str
    estimate: float


_ANYBODY: Final = Named("", float("inf"))


def named(asked: Filter, lexicon: Lexicon) -> Named | None:
    """None for what is, in part, about something else."""
    match asked:
        case InText(columns, piece) if all(c in NAMES for c in columns):
            return _pieces(columns, (piece,), lexicon)
        case Substrings(attribute) if attribute in OWN:
            pattern = pattern_of(asked)
            return _pieces((OWN[attribute],), pattern.pieces, lexicon) if pattern else None
        case And(items) if items:
            return _both([named(item, lexicon) for item in items])
        case Or(items) if items:
            return _either([named(item, lexicon) for item in items])
        case _:
            return None


def _pieces(columns: tuple[str, ...], pieces: tuple[str, ...], lexicon: Lexicon) -> Named:
    """One of the columns has all of the pieces.  Lists of names are one for all of them, those of addresses apart."""
    names, mail = tuple(c for c in columns if c != "mail"), tuple(c for c in columns if c == "mail")
    return _one_of([_listed(some, pieces, lexicon) for some in (names, mail) if some])


def _listed(columns: tuple[str, ...], pieces: tuple[str, ...], lexicon: Lexicon) -> Named:
    fours = fours_of(pieces, columns[0], lexicon)
    if not fours:
        return _ANYBODY
    return Named(fours_expression(columns, fours), min(lexicon.holding(text, columns[0]) for text in fours))


def _both(found: Sequence[Named | None]) -> Named | None:
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    listed = [one for one in known if one.expression]
    if not listed:
        return _ANYBODY
    return Named(_joined(" AND ", listed), min(one.estimate for one in listed))


def _either(found: Sequence[Named | None]) -> Named | None:
    known = [one for one in found if one is not None]
    return _one_of(known) if len(known) == len(found) else None


def _one_of(found: Sequence[Named]) -> Named:
    if not all(one.expression for one in found):
        return _ANYBODY
    distinct = tuple(dict.fromkeys(found))
    return Named(_joined(" OR ", distinct), sum(one.estimate for one in distinct))


def _joined(word: str, found: Sequence[Named]) -> str:
    return found[0].expression if len(found) == 1 else f"({word.join(one.expression for one in found)})"
